/** What a treemap of a code location is made of. */

import type { Cell, OwnerRef } from "../../shared/reportData.ts";
import { flat } from "../../shared/format.ts";

export type Level =
  "location" | "snapshot" | "group" | "kind" | "asset" | "other" | "field" | "rest";

export interface Part {
  readonly level: Level;
  /** What finds it among the children of its parent, also in the next measurement. */
  readonly segment: string;
  readonly name: string;
  readonly bytes: number;
  readonly parent: Part | null;
  /** Rows of the data that it stands for; -1 where there is none. */
  readonly snapshot: number;
  readonly group: number;
  readonly kind: number;
  readonly asset: number;
  readonly other: number;
  readonly share: number;
  /** A field that several assets hold together. */
  readonly isShared: boolean;
  /** How many parts a "rest" stands for. */
  readonly count: number;
}

/** A part of nothing, to begin with. */
export const BLANK = {
  segment: "",
  parent: null,
  snapshot: -1,
  group: -1,
  kind: -1,
  asset: -1,
  other: -1,
  share: -1,
  isShared: false,
  count: 0,
} as const;

const KIND_WORDS: Readonly<Record<string, string>> = {
  check: "checks",
  job: "jobs",
  schedule: "schedules",
  sensor: "sensors",
  resource: "resources",
  op: "ops",
  partition_set: "partition sets",
  component: "components",
  definitions_metadata: "definitions metadata",
};

/** `checks`, `partition sets`; kinds of a later server stay as they are. */
export function kindWords(kind: string): string {
  return KIND_WORDS[kind] ?? kind.replaceAll("_", " ");
}

/** Segments from the root down to this part. */
export function pathOf(part: Part): string[] {
  return part.parent ? [...pathOf(part.parent), part.segment] : [];
}

/** The part and all that hold it, the root first. */
export function lineage(part: Part): Part[] {
  return part.parent ? [...lineage(part.parent), part] : [part];
}

/** Whether there is something to see inside. */
export function isZoomable(part: Part): boolean {
  return part.level !== "field" && part.level !== "rest";
}

/** Whose fields make up this part; undefined for snapshots, groups and kinds. */
export function ownerOf(part: Part): OwnerRef | undefined {
  if (part.asset >= 0) {
    return { asset: part.asset };
  }
  return part.other >= 0 ? { other: part.other } : undefined;
}

export function ownerId(owner: OwnerRef): string {
  return "asset" in owner ? `asset ${owner.asset}` : `other ${owner.other}`;
}

/** What is an asset's own of a field, and its part of what it shares. */
export function fieldParts(parent: Part, cell: Cell): Part[] {
  const part = (bytes: number, isShared: boolean): Part => ({
    ...BLANK,
    level: "field",
    segment: `${isShared ? "shared" : "field"} ${cell.field}`,
    name: isShared ? `${flat(cell.field)} (shared)` : flat(cell.field),
    bytes,
    parent,
    snapshot: parent.snapshot,
    isShared,
  });
  return [part(cell.exclusive, false), part(cell.shared, true)].filter((p) => p.bytes > 0);
}

/** A column's number; every row that we ask for is there. */
export function at(column: ArrayLike<number>, row: number): number {
  return column[row] ?? 0;
}
