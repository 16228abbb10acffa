import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Advice, AssetRow, LocationMeasurement, OthersRow } from "../../src/protocol.ts";
import { readMeasurement, type ReadMeasurement } from "../../src/report/columns.ts";
import { LocationModel } from "../../webview/model/locationModel.ts";
import { ownerOf, type Part, pathOf } from "../../webview/model/parts.ts";
import { rowsOf, sorted } from "../../webview/model/tableRows.ts";
import { Search } from "../../webview/model/search.ts";
import { keyOf, writeRows } from "../support/reportRows.ts";

const calm = new AbortController().signal;
let folder = "";
let rows = "";
let location: LocationMeasurement;
let read: ReadMeasurement;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "snapsize-report-"));
  rows = join(folder, "rows.jsonl");
  location = await writeRows(rows, { assets: 60, jobs: 3 });
  read = await readMeasurement(location, rows, calm);
});

after(() => rm(folder, { recursive: true }));

/** Rows in which one asset is changed. */
async function changed(change: (row: AssetRow) => void): Promise<string> {
  const [first = "", ...rest] = (await readFile(rows, "utf8")).split("\n");
  const row = JSON.parse(first) as AssetRow;
  change(row);
  const path = join(folder, "changed.jsonl");
  await writeFile(path, [JSON.stringify(row), ...rest].join("\n"));
  return path;
}

test("every level adds up to the level above, down to the fields", async () => {
  const model = new LocationModel(read.data);
  const visit = async (part: Part): Promise<void> => {
    const owner = ownerOf(part);
    if (owner && model.missingDetail(part)) model.learn(owner, await read.detail(owner));
    const { parts, restCount } = model.children(part);
    assert.equal(restCount, 0);
    if (part.level === "field") return;
    assert.equal(total(parts), part.bytes, pathOf(part).join(" / "));
    for (const child of parts) await visit(child);
  };
  await visit(model.root);
  assert.equal(model.root.bytes, location.totalBytes);
});

test("an asset's snapshots and their fields add up to all that it takes", async () => {
  const model = new LocationModel(read.data);
  model.learn({ asset: 7 }, await read.detail({ asset: 7 }));
  const part = model.assetPart(7, -1);
  assert.ok(part);
  const snapshots = model.children(part).parts;
  assert.equal(snapshots.length, 4);
  assert.equal(total(snapshots), part.bytes);
  for (const snapshot of snapshots) {
    assert.equal(total(model.children(snapshot).parts), snapshot.bytes);
  }
});

test("parts below a size are counted, and no byte is lost", () => {
  const model = new LocationModel(read.data);
  const [group] = model.children(
    model.find(["snapshot warehouse/__repository__/repository"]),
  ).parts;
  assert.ok(group);
  const all = model.children(group);
  const floor = all.parts[2]?.bytes ?? 0;
  const some = model.children(group, floor);
  assert.equal(some.parts.length, 3);
  assert.equal(some.restCount, all.parts.length - 3);
  assert.equal(total(some.parts) + some.restBytes, group.bytes);
});

test("rows that do not add up to the snapshots are refused", async () => {
  const path = await changed((row) => row.cells[0] && (row.cells[0].exclusive += 1));
  await assert.rejects(
    readMeasurement(location, path, calm),
    /the rows of .*repository are \d+ bytes/,
  );
});

test("rows of a snapshot that is not in the measurement are refused", async () => {
  const path = await changed((row) => row.cells[0] && (row.cells[0].snapshot = "gone"));
  await assert.rejects(readMeasurement(location, path, calm), /unknown snapshot gone/);
});

test("a file without its end is refused", async () => {
  const path = join(folder, "half.jsonl");
  await writeFile(path, (await readFile(rows, "utf8")).slice(0, -500));
  await assert.rejects(readMeasurement(location, path, calm));
});

test("reading ends when a newer measurement is there", async () => {
  const newer = new AbortController();
  const reading = readMeasurement(location, rows, newer.signal);
  newer.abort();
  await assert.rejects(reading, { name: "AbortError" });
});

test("fields are not read from a file that holds another asset there", async () => {
  const path = await changed((row) => row);
  const other = await readMeasurement(location, path, calm);
  const lines = (await readFile(path, "utf8")).split("\n");
  await writeFile(path, lines.map((line) => line.replace(keyOf(0), keyOf(9))).join("\n"));
  await assert.rejects(other.detail({ asset: 0 }), /were replaced/);
});

test("any text may be a key", async () => {
  const key = 'a\u2028b\u0085c "<img src=x onerror=alert(1)>" 漢字 \ud83d\ude00';
  const path = await changed((row) => (row.key = key));
  const changedRead = await readMeasurement(location, path, calm);
  const { data } = changedRead;
  assert.equal(data.assets.key[0], key);
  assert.ok((await changedRead.detail({ asset: 0 })).cells.length > 0);
  const model = new LocationModel(data);
  assert.equal(model.assetPart(0, -1)?.name.includes("\u2028"), false);
});

test("snapshots are as near to their budgets as the findings say", () => {
  const levels = read.data.snapshots.map(({ level }) => level);
  assert.deepEqual(levels, ["within", "over", "near", "within"]);
});

test("shared fields stand apart from an asset's own, with the names of those that share", async () => {
  const model = new LocationModel(read.data);
  model.learn({ asset: 0 }, await read.detail({ asset: 0 }));
  const part = model.assetPart(0, 1);
  assert.ok(part);
  const [shared] = rowsOf(model, part, undefined).filter(({ name }) => name === "op (shared)");
  assert.ok(shared);
  assert.equal(shared.bytes, 90);
  assert.equal(shared.field, `op with ${keyOf(1)}`);
});

test("a search finds by words in key, group and kind", () => {
  const model = new LocationModel(read.data);
  const search = new Search(model);
  assert.equal(search.find("  "), undefined);
  assert.equal(search.find("TABLE_00007")?.assetCount, 1);
  assert.equal(search.find("group_3 layer_1")?.assetCount, 3);
  assert.equal(search.find("nothing like it")?.assetCount, 0);
  const found = search.find("sensor");
  assert.ok(found);
  assert.deepEqual(
    rowsOf(model, model.root, found).map(({ name }) => name),
    ["on_failure"],
  );
  const lit = model.children(model.root).parts.filter((part) => search.holds(found, part));
  assert.deepEqual(
    lit.map(({ name }) => name),
    ["repository"],
  );
});

test("the table has all bytes of what the picture shows", () => {
  const model = new LocationModel(read.data);
  const repository = model.find(["snapshot warehouse/__repository__/repository"]);
  for (const part of [model.root, repository, ...model.children(repository).parts]) {
    assert.equal(total(rowsOf(model, part, undefined)), part.bytes, part.name);
  }
});

test("rows are sorted by name as people count, and by bytes", () => {
  const model = new LocationModel(read.data);
  const by = (key: "name" | "bytes", descending: boolean) =>
    sorted(rowsOf(model, model.root, undefined), { key, descending });
  const sizes = by("bytes", true).map(({ bytes }) => bytes);
  assert.deepEqual(
    sizes,
    sizes.toSorted((a, b) => b - a),
  );
  const names = by("name", false).map(({ name }) => name);
  assert.ok(names.indexOf(keyOf(4)) < names.indexOf(keyOf(48)));
});

test("one finds back to a place that still exists, or as near as possible", () => {
  const model = new LocationModel(read.data);
  const part = model.assetPart(5, 0);
  assert.ok(part);
  assert.equal(model.find(pathOf(part)).name, part.name);
  assert.equal(model.find([...pathOf(part).slice(0, -1), "asset gone"]).level, "group");
  assert.equal(model.find(["snapshot gone", "group x"]), model.root);
});

function total(parts: readonly { readonly bytes: number }[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

test("places of the advice are read from the project's folder, and no others are opened", async () => {
  const lines = (await readFile(rows, "utf8")).trimEnd().split("\n");
  const last = JSON.parse(lines.at(-1) ?? "") as OthersRow;
  const places = [
    { path: join(location.root, "models", "orders.py"), line: 7 },
    { path: "/elsewhere/shared.py", line: 3 },
  ];
  const advice: Advice = {
    kind: "repeat",
    title: "the same description on 2 assets",
    saved_bytes: 1_800,
    by_snapshot: {},
    field: "description",
    assets: [keyOf(0), keyOf(1)],
    asset_count: 2,
    places,
    place_count: 2,
    how: "Keep one sentence.",
    preview: "text",
  };
  const path = join(folder, "advised.jsonl");
  const text = [...lines.slice(0, -1), JSON.stringify({ ...last, advice: [advice] })].join("\n");
  await writeFile(path, text);

  const advised = await readMeasurement(location, path, calm);

  const shown = advised.data.advice?.[0]?.places ?? [];
  assert.deepEqual(shown, [
    { path: "models/orders.py", line: 7 },
    { path: "/elsewhere/shared.py", line: 3 },
  ]);
  assert.deepEqual(
    shown.map((place) => advised.placeOf(place)),
    places,
  );
  assert.equal(advised.placeOf({ path: "/etc/passwd", line: 1 }), undefined);
  assert.equal(advised.placeOf({ path: "../models/orders.py", line: 7 }), undefined);
});

test("the load time has the places of the project's folder too, in the picture as well", async () => {
  const place = { path: "/project/defs.py", line: 3 };
  const leaf = { name: "top-level code", location: place, microseconds: 5, children: [] };
  const report = {
    microseconds: 5,
    isPlain: false,
    knowsMemory: true,
    owners: [
      { what: "import x", location: place, distribution: "x", microseconds: 5, grownBytes: 7 },
    ],
    distributions: [{ name: "x 1", through: null, microseconds: 5, grownBytes: 7 }],
    tree: { ...leaf, name: "all", location: null, children: [leaf] },
  };
  const load = { measuredAt: 1_700_000_000, report };
  const timed = await readMeasurement({ ...location, load }, rows, calm);
  const { loadTime } = timed.data;
  const shown = { path: "defs.py", line: 3 };
  assert.deepEqual(loadTime?.owners[0]?.location, shown);
  assert.deepEqual(loadTime.tree.children[0]?.location, shown);
  assert.equal(loadTime.measuredAt, 1_700_000_000);
  assert.deepEqual(timed.placeOf(shown), place);
});
