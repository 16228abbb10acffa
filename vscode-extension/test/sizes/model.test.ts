import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Project } from "../../src/measurements/store.ts";
import { SizesModel } from "../../src/sizes/model.ts";
import type { TreeNode } from "../../src/sizes/nodes.ts";
import {
  finding,
  JOB,
  location,
  project,
  REPOSITORY,
  ROOT,
  row,
  snapshot,
  temporaryFolder,
  unmeasured,
} from "../support/sizesData.ts";

const { path: folder, remove } = temporaryFolder();
after(remove);

function modelOf(...projects: Project[]): SizesModel {
  return new SizesModel(() => projects);
}

/** The node that is reached by these labels from a root. */
async function at(model: SizesModel, ...labels: string[]): Promise<TreeNode> {
  let nodes = model.roots();
  let found: TreeNode | undefined;
  for (const label of labels) {
    found = nodes.find((node) => node.label === label);
    assert.ok(found, `no ${label} among ${nodes.map((node) => node.label).join(", ")}`);
    nodes = await model.children(found);
  }
  assert.ok(found);
  return found;
}

async function below(model: SizesModel, ...labels: string[]): Promise<TreeNode[]> {
  return model.children(await at(model, ...labels));
}

/** Labels with their descriptions, as a row of the tree reads. */
function lines(nodes: readonly TreeNode[]): string[] {
  return nodes.map((node) => `${node.label}  ${node.description}`.trim());
}

const ORDERS = row("wh/orders", 6000, {
  group: "marts",
  location: { path: join(ROOT, "marts.py"), line: 8 },
  fields: { deps: 1000, "metadata: dagster/column_schema": 5000 },
});
const CUSTOMERS = row("wh/customers", 3000, {
  group: "marts",
  location: { path: join(ROOT, "marts.py"), line: 20 },
});
const RAW = row("raw_orders", 2000, { group: null, location: null });

test("a location has its snapshots with their budgets, the fullest first", async () => {
  const one = location(folder, [ORDERS, CUSTOMERS, RAW]);
  const snapshots = [
    { ...snapshot(JOB, 54_996, 100_000), used_bytes: 55_000 },
    { ...snapshot(REPOSITORY, 79_996, 80_000), used_bytes: 80_100 },
  ];
  const findings = [finding("snapshot-near-budget", { snapshot: JOB })];
  const model = modelOf(project([{ ...one, snapshots, findings }]));
  const nodes = await below(model, "shop", "Snapshots");
  assert.deepEqual(lines(nodes), ["repository  >100 % of 80 kB", "__ASSET_JOB  55 % of 100 kB"]);
  assert.deepEqual(
    nodes.map((node) => node.icon?.name),
    ["error", "warning"],
  );
  assert.deepEqual(nodes[0]?.click, { does: "open", place: one.definitionsLocation });
  assert.equal(nodes[0].spoken, "repository, 80.1 kB of 80 kB, >100 %, over its budget");
  assert.equal((await at(model, "shop", "Snapshots")).description, "2 · 1 over budget");
});

test("repositories are named where a location has several", async () => {
  const one = location(folder, [ORDERS]);
  const [first] = one.snapshots;
  assert.ok(first);
  const snapshots = [
    first,
    { ...first, id: "shop/second/repository", repository: "second", used_bytes: 1 },
    { ...first, id: "shop/second/job/n", kind: "job" as const, name: "n", repository: "second" },
  ];
  const nodes = await below(modelOf(project([{ ...one, snapshots }])), "shop", "Snapshots");
  assert.deepEqual(nodes.map((node) => node.label).sort(), [
    "__repository__ repository",
    "n job of second",
    "second repository",
  ]);
});

test("assets are listed by heaviness and lead to their source", async () => {
  const model = modelOf(project([location(folder, [RAW, CUSTOMERS, ORDERS])]));
  const nodes = await below(model, "shop", "Assets");
  assert.deepEqual(lines(nodes), ["orders  6 kB  wh", "customers  3 kB  wh", "raw_orders  2 kB"]);
  assert.deepEqual(nodes[0]?.click, { does: "open", place: ORDERS.location });
  assert.equal(nodes[2]?.click, null);
});

test("assets are listed by group, the heaviest group first", async () => {
  const model = modelOf(project([location(folder, [RAW, CUSTOMERS, ORDERS])]));
  model.grouping = "group";
  assert.deepEqual(lines(await below(model, "shop", "Assets")), [
    "marts  9 kB, 2 assets",
    "no group  2 kB, 1 asset",
  ]);
  assert.deepEqual(
    (await below(model, "shop", "Assets", "marts")).map((node) => node.label),
    ["orders", "customers"],
  );
});

test("assets are listed by file, with its folder where two files have one name", async () => {
  const elsewhere = row("other", 9500, { location: { path: "/opt/lib/other.py", line: 1 } });
  const model = modelOf(project([location(folder, [RAW, CUSTOMERS, ORDERS, elsewhere])]));
  model.grouping = "file";
  assert.deepEqual(lines(await below(model, "shop", "Assets")), [
    "other.py  9.5 kB, 1 asset",
    "marts.py  9 kB, 2 assets",
    "no known source  2 kB, 1 asset",
  ]);
  const alike = row("alike", 10, { location: { path: "/opt/lib/marts.py", line: 1 } });
  const both = modelOf(project([location(folder, [ORDERS, alike])]));
  both.grouping = "file";
  const [own, other] = await below(both, "shop", "Assets");
  assert.match(own?.description ?? "", /1 asset/);
  assert.equal(other?.description, "10 B, 1 asset  /opt/lib");
});

test("a group that is named like the row for none is another one", async () => {
  const named = row("named", 10, { group: "" });
  const model = modelOf(project([location(folder, [RAW, named])]));
  model.grouping = "group";
  const nodes = await below(model, "shop", "Assets");
  assert.equal(new Set(nodes.map((node) => node.id)).size, 2);
});

test("an asset has its fields, heaviest first, and its snapshots in the tooltip", async () => {
  const model = modelOf(project([location(folder, [ORDERS, RAW])]));
  assert.deepEqual(lines(await below(model, "shop", "Assets", "orders")), [
    "dagster/column_schema  5 kB",
    "deps  1 kB",
  ]);
  const tooltip = await model.tooltip(await at(model, "shop", "Assets", "orders"));
  assert.match(tooltip, /6 kB/);
  assert.match(tooltip, /\| repository \| 3,000 bytes \|/);
  assert.match(tooltip, /marts&#46;py:8/);
});

test("names from user code cannot become markup or links of a tooltip", async () => {
  const nasty = row("[x](command:evil)|`", 500);
  const model = modelOf(project([location(folder, [nasty])]));
  const tooltip = await model.tooltip(await at(model, "shop", "Assets", nasty.key));
  assert.doesNotMatch(tooltip, /\]\(|`/);
});

test("an asset over its budget is marked, in its own repository only", async () => {
  const one = location(folder, [ORDERS, RAW]);
  const over = finding("asset-over-budget", { asset: "wh/orders", snapshot: REPOSITORY });
  const model = modelOf(project([{ ...one, findings: [over] }]));
  const [orders, raw] = await below(model, "shop", "Assets");
  assert.equal(orders?.icon?.name, "warning");
  assert.match(orders.spoken, /over its budget/);
  assert.notEqual(raw?.icon?.name, "warning");
});

test("of 10,000 assets 200 are shown, and 200 more when asked", async () => {
  const rows = Array.from({ length: 10_000 }, (_, i) => row(`asset_${i}`, 20_000 - i));
  const model = modelOf(project([location(folder, rows)]));
  const parent = await at(model, "shop", "Assets");
  assert.equal(parent.description, "10,000");
  const first = await model.children(parent);
  assert.equal(first.length, 201);
  assert.deepEqual(lines(first.slice(-1)), ["Show 200 more  200 of 10,000"]);
  model.showMore(parent.id);
  const second = await model.children(parent);
  assert.equal(second.length, 401);
  assert.deepEqual(
    second.slice(0, 200).map((node) => node.id),
    first.slice(0, 200).map((node) => node.id),
  );
});

test("the last page says how many are left", async () => {
  const rows = Array.from({ length: 203 }, (_, i) => row(`asset_${i}`, 1000 - i));
  const model = modelOf(project([location(folder, rows)]));
  const nodes = await below(model, "shop", "Assets");
  assert.equal(nodes.at(-1)?.label, "Show 3 more");
});

test("the filter takes words of keys, in upper or lower case", async () => {
  const model = modelOf(project([location(folder, [RAW, CUSTOMERS, ORDERS])]));
  model.filter = "ORDERS wh";
  assert.deepEqual(
    (await below(model, "shop", "Assets")).map((node) => node.label),
    ["orders"],
  );
  assert.deepEqual(await model.matches(), { shown: 1, all: 3 });
  model.filter = "nothing";
  assert.deepEqual(
    (await below(model, "shop", "Assets")).map((node) => node.label),
    ["no asset matches the filter"],
  );
});

test("the filter finds groups where assets are listed by group, and unfolds them", async () => {
  const model = modelOf(project([location(folder, [RAW, CUSTOMERS, ORDERS])]));
  model.filter = "mart";
  assert.deepEqual(await model.matches(), { shown: 0, all: 3 });
  model.grouping = "group";
  const [marts, ...others] = await below(model, "shop", "Assets");
  assert.deepEqual(others, []);
  assert.equal(marts?.folding, "unfolded");
  assert.equal((await model.children(marts)).length, 2);
});

test("a stale location says so", () => {
  const [node] = modelOf(project([location(folder, [ORDERS], { stale: true })])).roots();
  assert.match(node?.description ?? "", /stale/);
  assert.match(node?.spoken ?? "", /stale/);
});

test("a location that fails shows why, above the sizes from before", async () => {
  const place = { path: join(ROOT, "definitions.py"), line: 5 };
  const error = "ImportError: cannot import name 'sauces'\nTraceback";
  const failed = location(folder, [ORDERS], { error, failedLocation: place });
  const model = modelOf(project([failed]));
  const nodes = await below(model, "shop");
  assert.deepEqual(
    nodes.map((node) => node.label),
    ["ImportError: cannot import name 'sauces'", "Snapshots", "Assets"],
  );
  assert.deepEqual(nodes[0]?.click, { does: "open", place });
  assert.equal(nodes[0].description, "definitions.py:5");
});

test("a failure without a place leads to the problems", async () => {
  const model = modelOf(project([unmeasured({ error: "out of memory" }), location(folder, [RAW])]));
  const [problem] = await below(model, "shop");
  assert.deepEqual(problem?.click, { does: "show-problems" });
});

test("assets whose details could not be written say so, instead of being none", async () => {
  const model = modelOf(project([location(folder, [ORDERS], { rowsFile: null })]));
  const [note] = await below(model, "shop", "Assets");
  assert.match(note?.label ?? "", /could not be written to the cache folder/);
});

test("a project without locations is shown with what is wrong with it", async () => {
  const broken = project([], { phase: "failed", message: "pyproject.toml is not TOML" });
  const model = modelOf({ ...broken, folder: "/elsewhere" }, project([location(folder, [RAW])]));
  assert.equal((await below(model, "elsewhere"))[0]?.label, "pyproject.toml is not TOML");
});

test("projects are told apart where there are several", () => {
  const one = project([location(folder, [RAW])]);
  const model = modelOf(one, { ...one, folder: "/home/me/second" });
  const roots = model.roots();
  assert.equal(new Set(roots.map((node) => node.id)).size, 2);
  assert.match(roots[1]?.description ?? "", /second/);
});

test("rows that do not add up are not shown as sizes", async () => {
  const one = location(folder, [ORDERS]);
  const model = modelOf(project([{ ...one, totalBytes: one.totalBytes + 1 }]));
  const nodes = await below(model, "shop", "Assets");
  assert.match(nodes[0]?.label ?? "", /could not be read: the rows add up to/);
});

test("fields that do not add up are not shown as sizes", async () => {
  const wrong = { ...ORDERS, fields: { description: 5999 } };
  const model = modelOf(project([location(folder, [wrong])]));
  const nodes = await below(model, "shop", "Assets", "orders");
  assert.match(nodes[0]?.label ?? "", /could not be read/);
});

test("a file of rows that is gone is said, and read again after the next measurement", async () => {
  const gone = location(folder, [ORDERS], { rowsFile: join(folder, "gone.rows") });
  let projects = [project([gone])];
  const model = new SizesModel(() => projects);
  assert.match((await below(model, "shop", "Assets"))[0]?.label ?? "", /could not be read/);
  projects = [project([location(folder, [ORDERS])])];
  assert.equal((await below(model, "shop", "Assets"))[0]?.label, "orders");
});
