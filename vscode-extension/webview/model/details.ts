/** The fields of every owner in columns, for a page that has no file to read them from. */

import type {
  Cell,
  Column,
  OwnerDetail,
  OwnerRef,
  ReportData,
  Sharing,
} from "../../shared/reportData.ts";
import { at } from "./parts.ts";

/** Cells of one owner after another; `count` says how many each has. */
export interface PackedCells {
  readonly count: Column;
  /** Into the names of fields. */
  readonly field: Column;
  readonly exclusive: Column;
  readonly shared: Column;
}

export interface PackedDetails {
  /** In the order of the rows of `shares`. */
  readonly shares: PackedCells;
  /** In the order of the rows of `others`. */
  readonly others: PackedCells;
  /** What several assets of a snapshot hold together. */
  readonly groups: readonly {
    readonly snapshot: number;
    readonly name: string;
    readonly assets: readonly number[];
  }[];
}

/** Of thousands the first few say enough. */
const NAMED = 5;

export class DetailReader {
  readonly #data: ReportData;
  readonly #packed: PackedDetails;
  readonly #shareStarts: readonly number[];
  readonly #otherStarts: readonly number[];

  constructor(data: ReportData, packed: PackedDetails) {
    this.#data = data;
    this.#packed = packed;
    this.#shareStarts = starts(packed.shares.count);
    this.#otherStarts = starts(packed.others.count);
  }

  detail(owner: OwnerRef): OwnerDetail {
    if ("other" in owner) {
      const snapshot = at(this.#data.others.snapshot, owner.other);
      const cells = this.#cells(this.#packed.others, this.#otherStarts, owner.other, snapshot);
      return { cells, sharing: [], notes: [] };
    }
    return { cells: this.#ofAsset(owner.asset), sharing: this.#sharing(owner.asset), notes: [] };
  }

  #ofAsset(asset: number): Cell[] {
    const { start, asset: assets } = this.#data.shares;
    const cells: Cell[] = [];
    for (let snapshot = 0; snapshot < this.#data.snapshots.length; snapshot++) {
      const end = at(start, snapshot + 1);
      for (let row = at(start, snapshot); row < end; row++) {
        if (at(assets, row) === asset) {
          cells.push(...this.#cells(this.#packed.shares, this.#shareStarts, row, snapshot));
        }
      }
    }
    return cells;
  }

  #cells(packed: PackedCells, from: readonly number[], row: number, snapshot: number): Cell[] {
    const first = from[row] ?? 0;
    return Array.from({ length: at(packed.count, row) }, (_, n) => ({
      snapshot,
      field: this.#data.names.fields[at(packed.field, first + n)] ?? "",
      exclusive: at(packed.exclusive, first + n),
      shared: at(packed.shared, first + n),
    }));
  }

  #sharing(asset: number): Sharing[] {
    const { key } = this.#data.assets;
    return this.#packed.groups
      .filter(({ assets }) => assets.includes(asset))
      .map(({ snapshot, name, assets }) => ({
        snapshot,
        name,
        count: assets.length,
        keys: assets
          .slice(0, NAMED + 1)
          .filter((other) => other !== asset)
          .slice(0, NAMED)
          .map((other) => key[other] ?? ""),
      }));
  }
}

/** Where the cells of each row begin. */
function starts(count: Column): number[] {
  const found: number[] = [];
  let next = 0;
  for (let row = 0; row < count.length; row++) {
    found.push(next);
    next += at(count, row);
  }
  return found;
}
