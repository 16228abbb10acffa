import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { formatBoth, formatPercent, formatSize } from "../../shared/format.ts";
import { escapeMarkdown } from "../../src/markdown.ts";

// tests/unit/core/test_sizes.py reads the same file.
const WRITTEN = JSON.parse(
  readFileSync(new URL("../../../tests/support/written_sizes.json", import.meta.url), "utf8"),
) as { size: [number, string][]; both: [number, string][]; percent: [number, number, string][] };

test("sizes and shares are written as on the command line", () => {
  for (const [size, text] of WRITTEN.size) {
    assert.equal(formatSize(size), text);
  }
  for (const [size, text] of WRITTEN.both) {
    assert.equal(formatBoth(size), text);
  }
  for (const [part, whole, text] of WRITTEN.percent) {
    assert.equal(formatPercent(part, whole), text);
  }
});

test("nothing that Markdown reads is left in an escaped text", () => {
  assert.equal(escapeMarkdown("a|b`c"), "a&#124;b&#96;c");
});
