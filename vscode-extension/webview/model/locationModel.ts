/**
 * A code location as a tree: snapshot, group, asset, field; what belongs to no asset by its kind.
 *
 * Parts are made when they are asked for and only as small as asked for: of 200,000 shares a picture
 * shows a thousand.
 */

import type { OwnerDetail, OwnerRef, ReportData, SnapshotData } from "../../shared/reportData.ts";
import { BLANK, type Part, at, fieldParts, kindWords, ownerId, ownerOf } from "./parts.ts";
import { flat, grouped } from "../../shared/format.ts";
import { hasSeveralRepositories, shortSnapshotName, snapshotName } from "../../shared/names.ts";

export interface Children {
  readonly parts: readonly Part[];
  /** Those that are smaller than was asked for. */
  readonly restCount: number;
  readonly restBytes: number;
}

const NOTHING: Children = { parts: [], restCount: 0, restBytes: 0 };

export class LocationModel {
  readonly data: ReportData;
  readonly root: Part;
  readonly #details = new Map<string, OwnerDetail>();
  /** For each snapshot the rows of its shares by group, and of its others by kind. */
  readonly #groups: Map<number, number[]>[] = [];
  readonly #kinds: Map<number, number[]>[] = [];
  readonly #severalRepositories: boolean;

  constructor(data: ReportData) {
    this.data = data;
    this.#severalRepositories = hasSeveralRepositories(data.snapshots);
    this.root = {
      ...BLANK,
      level: "location",
      name: data.location,
      bytes: data.snapshots.reduce((sum, s) => sum + s.storedBytes, 0),
    };
    for (let snapshot = 0; snapshot < data.snapshots.length; snapshot++) {
      const groups = new Map<number, number[]>();
      const end = at(data.shares.start, snapshot + 1);
      for (let row = at(data.shares.start, snapshot); row < end; row++) {
        push(groups, at(data.assets.group, at(data.shares.asset, row)), row);
      }
      this.#groups.push(groups);
      this.#kinds.push(new Map());
    }
    for (let row = 0; row < data.others.name.length; row++) {
      const kinds = this.#kinds[at(data.others.snapshot, row)];
      if (kinds) {
        push(kinds, at(data.others.kind, row), row);
      }
    }
  }

  snapshotName(snapshot: number): string {
    return snapshotName(this.#snapshot(snapshot), this.#severalRepositories);
  }

  shortSnapshotName(snapshot: number): string {
    return shortSnapshotName(this.#snapshot(snapshot), this.#severalRepositories);
  }

  /** Heaviest first; those below `floor` bytes are only counted. */
  children(part: Part, floor = 0): Children {
    switch (part.level) {
      case "location":
        return cut(
          this.data.snapshots.map((_, snapshot) => this.#snapshotPart(part, snapshot)),
          floor,
        );
      case "snapshot":
        return part.asset < 0 ? this.#ofSnapshot(part, floor) : this.#fields(part, floor);
      case "group":
        return this.#ofGroup(part, floor);
      case "kind":
        return this.#ofKind(part, floor);
      case "asset":
        return part.snapshot < 0 ? this.#snapshotsOfAsset(part, floor) : this.#fields(part, floor);
      case "other":
        return this.#fields(part, floor);
      default:
        return NOTHING;
    }
  }

  /** How many parts of the next level there are; for a snapshot, how many assets. */
  assetCount(part: Part): number {
    const { start } = this.data.shares;
    switch (part.level) {
      case "location":
        return this.data.assets.key.length;
      case "snapshot":
        return at(start, part.snapshot + 1) - at(start, part.snapshot);
      case "group":
        return this.shareRows(part).length;
      default:
        return part.asset < 0 ? 0 : 1;
    }
  }

  /** Rows of the shares in a snapshot or a group of one. */
  shareRows(part: Part): readonly number[] {
    const groups = this.#groups[part.snapshot];
    if (!groups) {
      return [];
    }
    return part.level === "group" ? (groups.get(part.group) ?? []) : [...groups.values()].flat();
  }

  /** Rows of what belongs to no asset, in a snapshot or of one kind of it. */
  otherRows(part: Part): readonly number[] {
    const kinds = this.#kinds[part.snapshot];
    if (!kinds || part.level === "group") {
      return [];
    }
    return part.level === "kind" ? (kinds.get(part.kind) ?? []) : [...kinds.values()].flat();
  }

  /** The part that those segments lead to from the root, or the last that still exists. */
  find(path: readonly string[]): Part {
    let part = this.root;
    for (const segment of path) {
      const next = this.#child(part, segment);
      if (!next) {
        break;
      }
      part = next;
    }
    return part;
  }

  /** An asset in one snapshot, in all of them, or the field's owner of another kind. */
  assetPart(asset: number, snapshot: number): Part | undefined {
    if (snapshot < 0) {
      return this.#child(this.root, assetSegment(this.data, asset));
    }
    const groups = this.#groups[snapshot];
    const group = at(this.data.assets.group, asset);
    const row = groups?.get(group)?.find((r) => at(this.data.shares.asset, r) === asset);
    return row === undefined
      ? undefined
      : this.#sharePart(this.#groupPart(this.#snapshotPart(this.root, snapshot), group), row);
  }

  /** An asset in all snapshots, by its key; of the heaviest one where no repository is named. */
  assetNamed(key: string, repository: string | null): Part | undefined {
    const { assets, names } = this.data;
    const found = assets.key.findIndex(
      (other, row) =>
        other === key &&
        (repository === null || names.repositories[at(assets.repository, row)] === repository),
    );
    return found < 0 ? undefined : this.#assetPart(found);
  }

  /** Another owner, in its snapshot. */
  otherPart(other: number): Part {
    const { snapshot, kind } = this.data.others;
    const parent = this.#snapshotPart(this.root, at(snapshot, other));
    return this.#otherPart(this.#kindPart(parent, at(kind, other)), other);
  }

  /** Whose fields are needed to draw this part; undefined where none are or they are here. */
  missingDetail(part: Part): OwnerRef | undefined {
    const owner = ownerOf(part);
    return owner && !this.#details.has(ownerId(owner)) ? owner : undefined;
  }

  learn(owner: OwnerRef, detail: OwnerDetail): void {
    this.#details.set(ownerId(owner), detail);
  }

  detail(part: Part): OwnerDetail | undefined {
    const owner = ownerOf(part);
    return owner && this.#details.get(ownerId(owner));
  }

  /** `metadata: dagster/column_schema` and its bytes, in this asset or other owner. */
  heaviestField(part: Part): { readonly name: string; readonly bytes: number } | undefined {
    const { shares, assets, others } = this.data;
    if (part.share >= 0) {
      return this.#field(at(shares.field, part.share), at(shares.fieldBytes, part.share));
    }
    if (part.level === "asset") {
      return this.#field(at(assets.field, part.asset), at(assets.fieldBytes, part.asset));
    }
    return part.level === "other"
      ? this.#field(at(others.field, part.other), at(others.fieldBytes, part.other))
      : undefined;
  }

  #field(field: number, bytes: number) {
    const name = this.data.names.fields[field];
    return name === undefined ? undefined : { name, bytes };
  }

  #snapshot(snapshot: number): SnapshotData {
    const found = this.data.snapshots[snapshot];
    if (!found) {
      throw new RangeError(`no snapshot ${snapshot}`);
    }
    return found;
  }

  #child(part: Part, segment: string): Part | undefined {
    if (part.level === "location" && segment.startsWith("asset ")) {
      const asset = this.data.assets.key.findIndex(
        (_, a) => assetSegment(this.data, a) === segment,
      );
      return asset < 0 ? undefined : this.#assetPart(asset);
    }
    return this.children(part).parts.find((child) => child.segment === segment);
  }

  #snapshotPart(parent: Part, snapshot: number): Part {
    const { id, storedBytes } = this.#snapshot(snapshot);
    return {
      ...BLANK,
      level: "snapshot",
      segment: `snapshot ${id}`,
      name: this.snapshotName(snapshot),
      bytes: storedBytes,
      parent,
      snapshot,
    };
  }

  #groupPart(parent: Part, group: number, bytes?: number): Part {
    const { names, shares } = this.data;
    const rows = this.#groups[parent.snapshot]?.get(group) ?? [];
    return {
      ...BLANK,
      level: "group",
      segment: `group ${names.groups[group] ?? ""}`,
      name: flat(names.groups[group] ?? ""),
      bytes: bytes ?? sum(rows, shares.bytes),
      parent,
      snapshot: parent.snapshot,
      group,
    };
  }

  #kindPart(parent: Part, kind: number): Part {
    const { names, others } = this.data;
    const rows = this.#kinds[parent.snapshot]?.get(kind) ?? [];
    return {
      ...BLANK,
      level: "kind",
      segment: `kind ${names.kinds[kind] ?? ""}`,
      name: kindWords(names.kinds[kind] ?? ""),
      bytes: sum(rows, others.bytes),
      parent,
      snapshot: parent.snapshot,
      kind,
    };
  }

  #sharePart(parent: Part, share: number): Part {
    const { assets, shares } = this.data;
    const asset = at(shares.asset, share);
    return {
      ...BLANK,
      level: "asset",
      segment: assetSegment(this.data, asset),
      name: flat(assets.key[asset] ?? ""),
      bytes: at(shares.bytes, share),
      parent,
      snapshot: parent.snapshot,
      group: at(assets.group, asset),
      asset,
      share,
    };
  }

  #otherPart(parent: Part, other: number): Part {
    const { others } = this.data;
    return {
      ...BLANK,
      level: "other",
      segment: `other ${others.name[other] ?? ""}`,
      name: flat(others.name[other] ?? ""),
      bytes: at(others.bytes, other),
      parent,
      snapshot: parent.snapshot,
      kind: at(others.kind, other),
      other,
    };
  }

  #assetPart(asset: number): Part {
    const { assets } = this.data;
    return {
      ...BLANK,
      level: "asset",
      segment: assetSegment(this.data, asset),
      name: flat(assets.key[asset] ?? ""),
      bytes: at(assets.total, asset),
      parent: this.root,
      group: at(assets.group, asset),
      asset,
    };
  }

  #ofSnapshot(part: Part, floor: number): Children {
    const groups = this.#groups[part.snapshot]?.keys() ?? [];
    const kinds = this.#kinds[part.snapshot]?.keys() ?? [];
    return cut(
      [
        ...Array.from(groups, (group) => this.#groupPart(part, group)),
        ...Array.from(kinds, (kind) => this.#kindPart(part, kind)),
      ],
      floor,
    );
  }

  #ofGroup(part: Part, floor: number): Children {
    const rows = this.shareRows(part);
    return pick(rows, this.data.shares.bytes, floor, (row) => this.#sharePart(part, row));
  }

  #ofKind(part: Part, floor: number): Children {
    const rows = this.otherRows(part);
    return pick(rows, this.data.others.bytes, floor, (row) => this.#otherPart(part, row));
  }

  #snapshotsOfAsset(part: Part, floor: number): Children {
    const { start, asset, bytes } = this.data.shares;
    const parts: Part[] = [];
    for (let snapshot = 0; snapshot < this.data.snapshots.length; snapshot++) {
      const end = at(start, snapshot + 1);
      for (let row = at(start, snapshot); row < end; row++) {
        if (at(asset, row) === part.asset) {
          parts.push({
            ...this.#snapshotPart(part, snapshot),
            bytes: at(bytes, row),
            asset: part.asset,
            share: row,
          });
          break;
        }
      }
    }
    return cut(parts, floor);
  }

  #fields(part: Part, floor: number): Children {
    const cells = this.detail(part)?.cells.filter((cell) => cell.snapshot === part.snapshot) ?? [];
    return cut(
      cells.flatMap((cell) => fieldParts(part, cell)),
      floor,
    );
  }
}

/** What stands for many parts that are too small to draw. */
export function restPart(parent: Part, children: Children): Part {
  return {
    ...BLANK,
    level: "rest",
    segment: "rest",
    name: `${grouped(children.restCount)} smaller`,
    bytes: children.restBytes,
    parent,
    snapshot: parent.snapshot,
    count: children.restCount,
  };
}

/** An asset's key is its own within one repository only. */
function assetSegment(data: ReportData, asset: number): string {
  const repository = data.names.repositories[at(data.assets.repository, asset)] ?? "";
  return `asset ${repository} ${data.assets.key[asset] ?? ""}`;
}

function pick(
  rows: readonly number[],
  bytes: ArrayLike<number>,
  floor: number,
  make: (row: number) => Part,
): Children {
  const seen = rows.filter((row) => at(bytes, row) >= floor);
  const restBytes = seen.length < rows.length ? sum(rows, bytes) - sum(seen, bytes) : 0;
  seen.sort((a, b) => at(bytes, b) - at(bytes, a) || a - b);
  return { parts: seen.map(make), restCount: rows.length - seen.length, restBytes };
}

function cut(parts: readonly Part[], floor: number): Children {
  const seen = parts.filter((part) => part.bytes >= floor).sort((a, b) => b.bytes - a.bytes);
  const total = (of: readonly Part[]) => of.reduce((bytes, part) => bytes + part.bytes, 0);
  return {
    parts: seen,
    restCount: parts.length - seen.length,
    restBytes: total(parts) - total(seen),
  };
}

function push(map: Map<number, number[]>, key: number, row: number): void {
  const rows = map.get(key);
  if (rows) {
    rows.push(row);
  } else {
    map.set(key, [row]);
  }
}

function sum(rows: readonly number[], column: ArrayLike<number>): number {
  return rows.reduce((total, row) => total + at(column, row), 0);
}
