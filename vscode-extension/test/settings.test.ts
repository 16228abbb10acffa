import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readme, settings } from "../scripts/settings-table.ts";

test("the table of the README is that of package.json (node scripts/settings-table.ts)", () => {
  const { is, shouldBe } = readme();
  assert.equal(is, shouldBe);
  assert.equal(is.match(/^\| `dagsterSnapsize\./gm)?.length, settings().length);
});

test("there is every setting that the language server reads, with the same default", () => {
  const docs = readFileSync(join(import.meta.dirname, "../../docs/editors.md"), "utf8");
  const section = docs.split("\n## Settings")[1]?.split("\n## ")[0] ?? "";
  const rows = [...section.matchAll(/^\| `([\w.]+)` \| `(.+?)` \|/gm)];
  const server = rows.map(([, name, value]) => [name, JSON.parse(value ?? "") as unknown]);
  const extensionOnly = ["serverPython", "notifications", "trace.server"];
  const given = "editorInterpreter"; // by the extension, from the editor's Python tooling
  const own = settings()
    .map(([name, setting]) => [name.replace("dagsterSnapsize.", ""), setting.default])
    .filter(([name]) => !extensionOnly.includes(name as string));
  assert.deepEqual(
    new Map(own as [string, unknown][]),
    new Map(server.filter(([name]) => name !== given) as [string, unknown][]),
  );
});
