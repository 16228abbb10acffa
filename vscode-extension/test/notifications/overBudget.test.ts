import assert from "node:assert/strict";
import { test } from "node:test";
import { OverBudget } from "../../src/notifications/overBudget.ts";
import { status } from "../support/statuses.ts";

const over = (...ids: string[]) => status({ level: "over", over: ids });

test("what goes over budget is reported once", () => {
  const overBudget = new OverBudget();
  assert.deepEqual(overBudget.newIn(status()), []);
  assert.deepEqual(overBudget.newIn(over("a")), ["a"]);
  assert.deepEqual(overBudget.newIn(over("a")), []);
  assert.deepEqual(overBudget.newIn(status()), []);
  assert.deepEqual(overBudget.newIn(over("a", "b")), ["b"]);
});

test("what was over from the start is no news", () => {
  const overBudget = new OverBudget();
  assert.deepEqual(overBudget.newIn(over("a")), []);
  assert.deepEqual(overBudget.newIn(status()), []);
  assert.deepEqual(overBudget.newIn(over("a")), []);
});

test("nothing is reported before the first measurement has ended", () => {
  const overBudget = new OverBudget();
  assert.deepEqual(overBudget.newIn(status({ phase: "measuring", level: "none" })), []);
  assert.deepEqual(overBudget.newIn(status({ phase: "failed", level: "none" })), []);
  assert.deepEqual(overBudget.newIn(over("a")), []);
});

test("projects do not know of each other", () => {
  const overBudget = new OverBudget();
  overBudget.newIn(status({ folder: "/one" }));
  assert.deepEqual(overBudget.newIn({ ...over("a"), folder: "/two" }), []);
  assert.deepEqual(overBudget.newIn({ ...over("a"), folder: "/one" }), ["a"]);
});

test("sizes kept from an earlier session are no beginning of this one", () => {
  const overBudget = new OverBudget();
  assert.deepEqual(overBudget.newIn(status({ stale: true })), []);
  assert.deepEqual(overBudget.newIn(over("a")), []);
});
