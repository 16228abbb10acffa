import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readMeasurement } from "../../src/report/columns.ts";
import { place, type PlacedBox } from "../../webview/model/treemapLayout.ts";
import { LocationModel } from "../../webview/model/locationModel.ts";
import { writeRows } from "../support/reportRows.ts";

let folder = "";
let model: LocationModel;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "snapsize-layout-"));
  const rows = join(folder, "rows.jsonl");
  const location = await writeRows(rows, { assets: 3000, jobs: 4 });
  model = new LocationModel(
    (await readMeasurement(location, rows, new AbortController().signal)).data,
  );
});

after(() => rm(folder, { recursive: true }));

const repository = () => model.find(["snapshot warehouse/__repository__/repository"]);

/** The boxes directly within each box. */
function families(boxes: readonly PlacedBox[]): PlacedBox[][] {
  const found = new Map<string, PlacedBox[]>();
  for (const box of boxes) {
    const parent = box.id.slice(0, box.id.lastIndexOf("\n"));
    found.set(parent, [...(found.get(parent) ?? []), box]);
  }
  return [...found.values()];
}

test("boxes lie within what holds them, and beside each other", () => {
  const boxes = place(model, model.root, 900, 600);
  const byId = new Map(boxes.map((box) => [box.id, box]));
  for (const family of families(boxes)) {
    for (const [n, box] of family.entries()) {
      const parent = byId.get(box.id.slice(0, box.id.lastIndexOf("\n")));
      const outer = parent ?? { x: 0, y: 0, width: 900, height: 600 };
      assert.ok(box.x >= outer.x && box.x + box.width <= outer.x + outer.width, box.id);
      assert.ok(box.y >= outer.y && box.y + box.height <= outer.y + outer.height, box.id);
      for (const other of family.slice(n + 1)) assert.ok(!overlap(box, other), other.id);
    }
  }
});

test("the area of a box is its part of the bytes", () => {
  const boxes = place(model, repository(), 900, 600).filter(({ depth }) => depth === 1);
  for (const { part, width, height } of boxes) {
    const wanted = (part.bytes / repository().bytes) * 900 * 600;
    const rounding = width + height + 1; // whole pixels
    assert.ok(Math.abs(width * height - wanted) <= rounding, part.name);
  }
});

test("what is too small to see is one box with the bytes of all of it", () => {
  const boxes = place(model, repository(), 900, 600);
  const drawn = boxes.filter(({ depth }) => depth === 1);
  assert.equal(
    drawn.reduce((bytes, { part }) => bytes + part.bytes, 0),
    repository().bytes,
  );
  const rests = boxes.filter(({ part }) => part.level === "rest");
  assert.ok(rests.length > 0);
  for (const { part } of rests) assert.match(part.name, /^[\d,]+ smaller$/);
});

test("no more boxes are drawn than can be told apart, however large the location", () => {
  for (const part of [model.root, repository(), ...model.children(repository()).parts]) {
    assert.ok(place(model, part, 1600, 1200).length < 3000, part.name);
  }
});

test("an element of no size has no boxes", () => {
  assert.deepEqual(place(model, model.root, 0, 0), []);
});

function overlap(a: PlacedBox, b: PlacedBox): boolean {
  const beside = a.x + a.width <= b.x || b.x + b.width <= a.x;
  return !beside && !(a.y + a.height <= b.y || b.y + b.height <= a.y);
}
