import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Project } from "../../src/measurements/store.ts";
import { SizesModel } from "../../src/sizes/model.ts";
import { ShownTree } from "../../src/sizes/shownTree.ts";
import { location, project, row, temporaryFolder } from "../support/sizesData.ts";

const { path: folder, remove } = temporaryFolder();
after(remove);

const ROWS = [row("orders", 6000), row("customers", 3000)];

/** A tree with everything unfolded, and a way to measure again. */
async function unfolded(first: Project) {
  let projects = [first];
  const model = new SizesModel(() => projects);
  const tree = new ShownTree({
    roots: () => model.roots(),
    children: (node) => model.children(node),
  });
  async function unfold(id: string | null): Promise<string[]> {
    const below = await tree.children(id);
    return [...below, ...(await Promise.all(below.map(unfold))).flat()];
  }
  return {
    tree,
    model,
    ids: await unfold(null),
    unfold,
    measured(...next: Project[]) {
      projects = next;
    },
    labels: (ids: readonly string[]) => ids.map((id) => tree.node(id)?.label),
  };
}

test("a measurement with the same sizes changes nothing", async () => {
  const shown = await unfolded(project([location(folder, ROWS)]));
  shown.measured(project([location(folder, ROWS)]));
  assert.deepEqual(await shown.tree.update(), []);
});

test("ids outlast a measurement with other sizes", async () => {
  const shown = await unfolded(project([location(folder, ROWS)]));
  shown.measured(project([location(folder, [row("orders", 50_000), row("customers", 3000)])]));
  const change = await shown.tree.update();
  assert.deepEqual(change === "all" ? change : shown.labels(change), ["shop"]);
  assert.deepEqual(await shown.unfold(null), shown.ids);
});

test("only the asset whose fields are others is drawn again", async () => {
  const before = row("orders", 6000, { fields: { deps: 1000, description: 5000 } });
  const after = row("orders", 6000, { fields: { deps: 2000, description: 4000 } });
  const shown = await unfolded(project([location(folder, [before, row("customers", 3000)])]));
  shown.measured(project([location(folder, [after, row("customers", 3000)])]));
  const change = await shown.tree.update();
  assert.ok(change !== "all");
  assert.deepEqual(shown.labels(change), ["description", "deps"]);
});

test("a location that comes or goes changes the roots", async () => {
  const one = location(folder, ROWS);
  const shown = await unfolded(project([one]));
  shown.measured(project([one, { ...one, name: "second" }]));
  assert.equal(await shown.tree.update(), "all");
});

test("typing on in the filter draws the list of assets again and nothing else", async () => {
  const shown = await unfolded(project([location(folder, ROWS)]));
  shown.model.filter = "o";
  await shown.tree.update();
  await shown.unfold(null);
  shown.model.filter = "or";
  const change = await shown.tree.update();
  assert.ok(change !== "all");
  assert.deepEqual(shown.labels(change), ["Assets"]);
});

test("every node knows its parent", async () => {
  const shown = await unfolded(project([location(folder, ROWS)]));
  for (const id of shown.ids) {
    const node = shown.tree.node(id);
    assert.ok(node);
    if (node.parent === null) continue;
    assert.ok((await shown.tree.children(node.parent)).includes(id), id);
  }
});
