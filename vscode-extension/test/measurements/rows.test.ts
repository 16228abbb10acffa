import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { assetsAt, linesOf } from "../../src/measurements/rows.ts";
import { temporaryFolder } from "../support/sizesData.ts";

const { path: folder, remove } = temporaryFolder();
after(remove);

test("lines longer than what is read at once stay whole, with their places in bytes", async () => {
  const path = join(folder, "long.txt");
  const texts = ["ä".repeat(700_000), "", "b", "c".repeat(300_000)];
  await writeFile(path, texts.join("\n"));
  const lines: { text: string; offset: number }[] = [];
  for await (const { bytes, offset } of linesOf(path)) {
    lines.push({ text: bytes.toString("utf8"), offset });
  }
  assert.deepEqual(
    lines.map(({ text }) => text),
    texts,
  );
  assert.deepEqual(
    lines.map(({ offset }) => offset),
    [0, 1_400_001, 1_400_002, 1_400_004],
  );
});

test("the assets at a line are those that begin there or nearest above", () => {
  const assets = [
    { key: "a", line: 3 },
    { key: "b", line: 10 },
    { key: "c", line: 10 },
    { key: "d", line: 30 },
  ];
  const keys = (line: number) => assetsAt(assets, line).map(({ key }) => key);
  assert.deepEqual(keys(2), []);
  assert.deepEqual(keys(3), ["a"]);
  assert.deepEqual(keys(9), ["a"]);
  assert.deepEqual(keys(15), ["b", "c"]);
  assert.deepEqual(keys(300), ["d"]);
});
