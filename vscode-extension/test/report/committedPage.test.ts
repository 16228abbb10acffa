import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { buildPage, FOLDER } from "../../scripts/page.mjs";

test("the page in the Python package is what the sources build", async () => {
  for (const [name, text] of Object.entries(await buildPage())) {
    const committed = readFileSync(join(FOLDER, name), "utf8");
    assert.ok(
      committed === text,
      `${join(FOLDER, name)} is not what webview/ builds: run make page, and commit it`,
    );
    // It stands between <script> and </script>, or <style> and </style>.
    assert.doesNotMatch(text, /<\/script|<\/style|<!--/i);
    assert.match(text, /^[\n\x20-\x7e]*$/, "it is not plain ASCII");
  }
});
