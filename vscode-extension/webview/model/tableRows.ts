/** The rows of the table: who owns the bytes of what is zoomed into. */

import { type LocationModel } from "./locationModel.ts";
import { at, isZoomable, type Part } from "./parts.ts";
import type { Found } from "./search.ts";
import { flat } from "../../shared/format.ts";
import { sharingLines } from "./text.ts";

export type SortKey = "name" | "bytes" | "field";

export interface Sort {
  readonly key: SortKey;
  readonly descending: boolean;
}

export interface Row {
  readonly name: string;
  /** What it is, where it is no asset. */
  readonly kind: string;
  readonly bytes: number;
  readonly field: string;
  readonly fieldBytes: number;
  /** Its asset where one can go to the source; -1 otherwise. */
  readonly source: number;
  /** Whether an asset may not be as big as this. */
  readonly isOver: boolean;
  /** What to zoom into; undefined where there is nothing inside. */
  readonly target: (() => Part | undefined) | undefined;
}

/** All owners within a part; within an owner its fields. */
export function rowsOf(model: LocationModel, part: Part, found: Found | undefined): Row[] {
  if (part.asset >= 0 && part.snapshot < 0) {
    return fieldTotals(model, part);
  }
  if (part.asset >= 0 || part.other >= 0) {
    return model.children(part).parts.map((child) => fieldRow(model, child));
  }
  const assets = part.level === "location" ? totals(model, found) : ofSnapshot(model, part, found);
  const others =
    part.level === "location" ? otherTotals(model, found) : othersOf(model, part, found);
  return [...assets, ...others];
}

export function sorted(rows: Row[], sort: Sort): Row[] {
  const direction = sort.descending ? -1 : 1;
  const by: Record<SortKey, (a: Row, b: Row) => number> = {
    name: (a, b) => COLLATOR.compare(a.name, b.name),
    bytes: (a, b) => a.bytes - b.bytes,
    field: (a, b) => COLLATOR.compare(a.field, b.field) || a.fieldBytes - b.fieldBytes,
  };
  const compare = by[sort.key];
  return rows.sort((a, b) => direction * compare(a, b) || b.bytes - a.bytes);
}

const COLLATOR = new Intl.Collator(undefined, { numeric: true });

function totals(model: LocationModel, found: Found | undefined): Row[] {
  const { assets } = model.data;
  const rows: Row[] = [];
  for (let asset = 0; asset < assets.key.length; asset++) {
    if (!found || found.assets[asset] === 1) {
      rows.push({
        name: flat(assets.key[asset] ?? ""),
        kind: "",
        bytes: at(assets.total, asset),
        field: fieldName(model, at(assets.field, asset)),
        fieldBytes: at(assets.fieldBytes, asset),
        source: at(assets.hasSource, asset) === 1 ? asset : -1,
        isOver: false,
        target: () => model.assetPart(asset, -1),
      });
    }
  }
  return rows;
}

function ofSnapshot(model: LocationModel, part: Part, found: Found | undefined): Row[] {
  if (part.level === "kind") {
    return [];
  }
  const { assets, shares, assetBudgetBytes } = model.data;
  const rows: Row[] = [];
  for (const share of model.shareRows(part)) {
    const asset = at(shares.asset, share);
    if (!found || found.assets[asset] === 1) {
      const bytes = at(shares.bytes, share);
      rows.push({
        name: flat(assets.key[asset] ?? ""),
        kind: "",
        bytes,
        field: fieldName(model, at(shares.field, share)),
        fieldBytes: at(shares.fieldBytes, share),
        source: at(assets.hasSource, asset) === 1 ? asset : -1,
        isOver: assetBudgetBytes !== null && bytes > assetBudgetBytes,
        target: () => model.assetPart(asset, part.snapshot),
      });
    }
  }
  return rows;
}

function othersOf(model: LocationModel, part: Part, found: Found | undefined): Row[] {
  return model
    .otherRows(part)
    .filter((other) => !found || found.others[other] === 1)
    .map((other) => otherRow(model, other));
}

/** The same owner in several snapshots is one row; going in leads to where it is heaviest. */
function otherTotals(model: LocationModel, found: Found | undefined): Row[] {
  const { others } = model.data;
  const together = new Map<string, { bytes: number; heaviest: number }>();
  for (let other = 0; other < others.name.length; other++) {
    if (found && found.others[other] !== 1) {
      continue;
    }
    const id = `${at(others.kind, other)} ${others.name[other] ?? ""}`;
    const bytes = at(others.bytes, other);
    const known = together.get(id);
    if (!known) {
      together.set(id, { bytes, heaviest: other });
    } else {
      known.bytes += bytes;
      if (bytes > at(others.bytes, known.heaviest)) {
        known.heaviest = other;
      }
    }
  }
  return Array.from(together.values(), ({ bytes, heaviest }) => ({
    ...otherRow(model, heaviest),
    bytes,
  }));
}

function otherRow(model: LocationModel, other: number): Row {
  const { others, names } = model.data;
  return {
    name: flat(others.name[other] ?? ""),
    kind: (names.kinds[at(others.kind, other)] ?? "").replaceAll("_", " "),
    bytes: at(others.bytes, other),
    field: fieldName(model, at(others.field, other)),
    fieldBytes: at(others.fieldBytes, other),
    source: -1,
    isOver: false,
    target: () => model.otherPart(other),
  };
}

/** The fields of an asset in all snapshots together; going in leads to where one is heaviest. */
function fieldTotals(model: LocationModel, part: Part): Row[] {
  const cells = model.detail(part)?.cells ?? [];
  const several = new Set(cells.map((cell) => cell.snapshot)).size > 1;
  const source = at(model.data.assets.hasSource, part.asset) === 1 ? part.asset : -1;
  const together = new Map<string, { bytes: number; most: number; snapshot: number }>();
  for (const { field, snapshot, exclusive, shared } of cells) {
    const size = exclusive + shared;
    const known = together.get(field) ?? { bytes: 0, most: -1, snapshot };
    const isMost = size > known.most;
    together.set(field, {
      bytes: known.bytes + size,
      most: isMost ? size : known.most,
      snapshot: isMost ? snapshot : known.snapshot,
    });
  }
  return Array.from(together, ([field, { bytes, most, snapshot }]) => ({
    ...named(flat(field)),
    bytes,
    field: several ? model.snapshotName(snapshot) : "",
    fieldBytes: several ? most : 0,
    source,
    isOver: false,
    target: () => model.children(part).parts.find((inside) => inside.snapshot === snapshot),
  }));
}

function fieldRow(model: LocationModel, part: Part): Row {
  const field = part.level === "snapshot" ? model.heaviestField(part) : undefined;
  const { hasSource } = model.data.assets;
  return {
    ...named(part.name),
    bytes: part.bytes,
    field: field
      ? named(field.name).name
      : part.isShared
        ? sharingLines(model, part).join("; ")
        : "",
    fieldBytes: field?.bytes ?? 0,
    source:
      part.parent && part.parent.asset >= 0 && at(hasSource, part.parent.asset) === 1
        ? part.parent.asset
        : -1,
    isOver: false,
    target: isZoomable(part) ? () => part : undefined,
  };
}

function fieldName(model: LocationModel, field: number): string {
  return named(model.data.names.fields[field] ?? "").name;
}

/** Of metadata the label is what tells it apart. */
function named(field: string): { name: string; kind: string } {
  const name = field.replace(/^metadata: (?=.)/, "");
  return { name, kind: name === field ? "" : "metadata" };
}
