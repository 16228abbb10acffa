import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { AssetRow, OthersRow } from "../protocol.ts";

/** The lines of a file of rows, one after the other: assets, heaviest first, and then the rest. */
export async function* readRows(path: string): AsyncGenerator<AssetRow | OthersRow> {
  const lines = createInterface({ input: createReadStream(path, "utf8"), crlfDelay: Infinity });
  for await (const line of lines) {
    if (line !== "") yield JSON.parse(line) as AssetRow | OthersRow;
  }
}

export interface PlacedAsset {
  key: string;
  line: number;
  bytes: number;
}

/** The assets of a file of rows that are defined in this source file, in the order of its lines. */
export async function assetsIn(
  rowsFile: string,
  isSource: (path: string) => boolean,
): Promise<PlacedAsset[]> {
  const found: PlacedAsset[] = [];
  for await (const row of readRows(rowsFile)) {
    if ("key" in row && row.location !== null && isSource(row.location.path)) {
      found.push({ key: row.key, line: row.location.line, bytes: row.total_bytes });
    }
  }
  return found.sort((a, b) => a.line - b.line || b.bytes - a.bytes);
}

/** Those that the line belongs to: they begin at the same line, the nearest at or above it. */
export function assetsAt<A extends { line: number }>(assets: readonly A[], line: number): A[] {
  const begin = Math.max(...assets.filter((x) => x.line <= line).map((x) => x.line));
  return assets.filter((x) => x.line === begin);
}
