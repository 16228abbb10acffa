// The file of rows that the language server writes for each measurement: one asset a line, heaviest
// first, then one line of all others. A file never changes once it is there.

import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { AssetRow, OthersRow, Place } from "../protocol.ts";

/** An asset without its fields, and where the line with them is in the file. */
export interface AssetHead {
  key: string;
  repository: string;
  group: string | null;
  location: Place | null;
  total_bytes: number;
  offset: number;
  length: number;
}

const FIELDS = Buffer.from(',"fields":{');
const LINE_END = 10;
const CHUNK = 1 << 20;

/**
 * All assets of a file of rows, heaviest first. Throws where they and the others do not add up to
 * `totalBytes`.
 *
 * Of each line only the beginning is parsed: the fields of 10,000 assets in many jobs are hundreds
 * of megabytes.
 */
export async function readHeads(path: string, totalBytes: number): Promise<AssetHead[]> {
  const heads: AssetHead[] = [];
  let sum = 0;
  let offset = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK })) {
    const data = Buffer.concat([rest, chunk as Buffer]);
    let from = 0;
    for (let end; (end = data.indexOf(LINE_END, from)) !== -1; from = end + 1) {
      const line = data.subarray(from, end);
      const length = line.length + 1;
      const row = headOf(line);
      if ("others" in row) {
        sum += bytesOf(row);
      } else {
        sum += row.total_bytes;
        heads.push({ ...row, offset, length });
      }
      offset += length;
    }
    rest = data.subarray(from);
  }
  if (sum !== totalBytes) {
    throw new Error(`the rows add up to ${sum} bytes, the snapshots to ${totalBytes}`);
  }
  return heads;
}

/** The fields of an asset. Throws where they do not add up to its bytes. */
export async function readRow(path: string, head: AssetHead): Promise<AssetRow> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(head.length), 0, head.length, head.offset);
    const row = JSON.parse(buffer.toString("utf8")) as AssetRow;
    for (const parts of [row.fields, row.by_snapshot]) {
      if (sumOf(Object.values(parts)) !== row.total_bytes) {
        throw new Error(`the parts of ${row.key} do not add up to ${row.total_bytes} bytes`);
      }
    }
    return row;
  } finally {
    await file.close();
  }
}

type Head = Omit<AssetHead, "offset" | "length">;

function headOf(line: Buffer): Head | OthersRow {
  // A quote within a string is escaped, so this is never part of a name.
  const fields = line.indexOf(FIELDS);
  const isOthers = line.subarray(0, 11).toString("latin1").startsWith('{"others":');
  const text =
    isOthers || fields === -1
      ? line.toString("utf8")
      : `${line.subarray(0, fields).toString("utf8")}}`;
  const row = JSON.parse(text) as Head | OthersRow;
  if ("others" in row) return row;
  const { key, repository, group, location, total_bytes } = row;
  return { key, repository, group, location, total_bytes };
}

function bytesOf({ others }: OthersRow): number {
  return sumOf(others.flatMap((owner) => Object.values(owner.fields)));
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
