// What is worth saying of one asset besides its bytes.

import { counted, formatSize } from "../../shared/format.ts";
import type { AssetRow } from "../protocol.ts";

const FIELDS = 3;

/** Sentences on its growth since the baseline, and on values that other assets repeat. */
export function notesOf({ growth, repeats, total_bytes }: AssetRow): string[] {
  return [
    ...(growth ? grown(growth, total_bytes) : []),
    ...repeats.map(({ field, others, saved_bytes }) => {
      const all = others === 1 ? "both" : `all ${others + 1}`;
      return (
        `${field} is the same on ${counted(others, "other asset")}:` +
        ` removing it from ${all} saves ${formatSize(saved_bytes)}.`
      );
    }),
  ];
}

function grown({ before, fields }: NonNullable<AssetRow["growth"]>, total: number): string[] {
  if (before === null) return ["New since the baseline."];
  const changed = Object.entries(fields);
  if (changed.length === 0) return [];
  const named = changed.slice(0, FIELDS).map(([field, by]) => `${field} ${signed(by)}`);
  const rest = changed.slice(FIELDS);
  if (rest.length > 0) {
    const by = rest.reduce((sum, [, bytes]) => sum + bytes, 0);
    named.push(`${counted(rest.length, "other field")} ${signed(by)}`);
  }
  return [`Since the baseline ${signed(total - before)}: ${named.join(", ")}.`];
}

function signed(bytes: number): string {
  return `${bytes < 0 ? "-" : "+"}${formatSize(Math.abs(bytes))}`;
}
