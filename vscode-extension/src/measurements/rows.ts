// The file of rows that the language server writes for each measurement: one asset on each line,
// heaviest first, then one line for everything that belongs to no asset. It never changes once written.

import { open } from "node:fs/promises";
import type { AssetRow, OthersRow, Place } from "../protocol.ts";

/** What is said where a measurement has no such file. */
export const NO_ROWS =
  "The details of assets could not be written to the cache folder: the log says why.";

/** The file does not hold what the measurement says, such as half of a newer one. */
export class RowsError extends Error {}

/** Where a line is in its file, in bytes, without the end of the line. */
export interface LineSpan {
  readonly offset: number;
  readonly length: number;
}

/** An asset without its fields, and where the line that has them is. */
export interface AssetHead extends LineSpan {
  key: string;
  repository: string;
  group: string | null;
  location: Place | null;
  total_bytes: number;
}

const FIELDS = Buffer.from(',"fields":{');
const OTHERS = Buffer.from('{"others":');
const LINE_END = 10;
const CHUNK = 1 << 18;

/** Read every row whole, one after the other. */
export async function* readRows(
  path: string,
  signal: AbortSignal,
): AsyncGenerator<LineSpan & { row: AssetRow | OthersRow }> {
  for await (const { bytes, offset } of linesOf(path, signal)) {
    const row = JSON.parse(bytes.toString("utf8")) as AssetRow | OthersRow;
    yield { row, offset, length: bytes.length };
  }
}

/**
 * Read the beginning of every asset's line, heaviest first: the fields of 10,000 assets in many jobs
 * are hundreds of megabytes. Throws where the rows do not add up to `totalBytes`.
 */
export async function readHeads(path: string, totalBytes: number): Promise<AssetHead[]> {
  const heads: AssetHead[] = [];
  let sum = 0;
  for await (const { bytes, offset } of linesOf(path)) {
    if (bytes.subarray(0, OTHERS.length).equals(OTHERS)) {
      const { others } = JSON.parse(bytes.toString("utf8")) as OthersRow;
      sum += sumOf(others.flatMap((owner) => Object.values(owner.fields)));
    } else {
      const head = { ...parseHead(bytes), offset, length: bytes.length };
      sum += head.total_bytes;
      heads.push(head);
    }
  }
  if (sum !== totalBytes) {
    throw new RowsError(`the rows add up to ${sum} bytes, the snapshots to ${totalBytes}`);
  }
  return heads;
}

/** Read one asset whole. Throws where it is another one, or its parts do not add up to its bytes. */
export async function readRow(path: string, key: string, span: LineSpan): Promise<AssetRow> {
  const file = await open(path);
  try {
    const { length, offset } = span;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
    const row = JSON.parse(buffer.toString("utf8", 0, bytesRead)) as AssetRow;
    if (row.key !== key) throw new RowsError(`the rows of ${key} were replaced`);
    for (const parts of [row.fields, row.by_snapshot]) {
      if (sumOf(Object.values(parts)) !== row.total_bytes) {
        throw new RowsError(`the parts of ${key} do not add up to ${row.total_bytes} bytes`);
      }
    }
    return row;
  } finally {
    await file.close();
  }
}

/** The assets at a line: those that begin there, or else at the nearest line above. */
export function assetsAt<A extends { line: number }>(assets: readonly A[], line: number): A[] {
  const begin = Math.max(...assets.filter((x) => x.line <= line).map((x) => x.line));
  return assets.filter((x) => x.line === begin);
}

/**
 * Split a file into lines; only the longest line is ever held whole.
 *
 * node's readline knows no offsets, and takes characters for ends of lines that JSON may hold.
 */
export async function* linesOf(
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<{ readonly bytes: Buffer; readonly offset: number }> {
  const file = await open(path);
  try {
    let rest: Buffer[] = [];
    let offset = 0;
    for await (const chunk of file.createReadStream({ highWaterMark: CHUNK, autoClose: false })) {
      signal?.throwIfAborted();
      const read = chunk as Buffer;
      let from = 0;
      for (let end = read.indexOf(LINE_END); end >= 0; end = read.indexOf(LINE_END, from)) {
        const bytes = Buffer.concat([...rest, read.subarray(from, end)]);
        yield { bytes, offset };
        offset += bytes.length + 1;
        from = end + 1;
        rest = [];
      }
      if (from < read.length) rest.push(read.subarray(from));
    }
    if (rest.length > 0) yield { bytes: Buffer.concat(rest), offset };
  } finally {
    await file.close();
  }
}

function parseHead(line: Buffer): Omit<AssetHead, keyof LineSpan> {
  // A quote within a string is escaped, so this is never part of a name.
  const fields = line.indexOf(FIELDS);
  const text = fields === -1 ? line.toString("utf8") : `${line.toString("utf8", 0, fields)}}`;
  const row = JSON.parse(text) as AssetRow;
  const { key, repository, group, location, total_bytes } = row;
  return { key, repository, group, location, total_bytes };
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
