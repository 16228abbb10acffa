import assert from "node:assert/strict";
import { test } from "node:test";
import { shortPercent, shortSize } from "../../shared/format.ts";
import { escapeMarkdown } from "../../src/markdown.ts";
import { budgetBar } from "../../src/sizes/nodes.ts";

test("sizes and shares read as those of the language server", () => {
  assert.equal(shortSize(80_000_000), "80 MB");
  assert.equal(shortSize(10_312_345), "10.3 MB");
  assert.equal(shortSize(999), "999 B");
  assert.equal(shortPercent(2, 100), "2 %");
  assert.equal(shortPercent(1, 100_000), "<0.1 %");
  assert.equal(shortPercent(100_001, 100_000), ">100 %");
});

test("a budget bar is full only where nothing is left", () => {
  assert.equal(budgetBar(0, 100), "▱▱▱▱▱");
  assert.equal(budgetBar(13, 100), "▰▱▱▱▱");
  assert.equal(budgetBar(99, 100), "▰▰▰▰▱");
  assert.equal(budgetBar(100, 100), "▰▰▰▰▰");
  assert.equal(budgetBar(500, 100), "▰▰▰▰▰");
  assert.equal(budgetBar(0, 0), "▰▰▰▰▰");
});

test("nothing that Markdown reads is left in an escaped text", () => {
  assert.equal(escapeMarkdown("a|b`c"), "a&#124;b&#96;c");
});
