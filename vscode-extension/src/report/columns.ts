import { isAbsolute, relative, sep } from "node:path";
import type {
  LoadTimeData,
  OwnerDetail,
  OwnerRef,
  ReportData,
  TimeNodeData,
} from "../../shared/reportData.ts";
import type {
  Advice,
  AssetRow,
  LocationMeasurement,
  OthersRow,
  OtherOwner,
  Place,
} from "../protocol.ts";
import { snapshotLevel } from "../measurements/level.ts";
import { notesOf } from "./notes.ts";
import { readRow, readRows, RowsError, type LineSpan } from "../measurements/rows.ts";

/** A measurement as the report needs it; what is seldom looked at stays in its file. */
export interface ReadMeasurement {
  readonly data: ReportData;
  /** Where an asset is defined. */
  place(asset: number): Place | null;
  /** Where in a file a place of the advice is; undefined for any other. */
  placeOf(shown: Place): Place | undefined;
  /** The fields of one owner. Rejects where the file is gone or was replaced. */
  detail(owner: OwnerRef): Promise<OwnerDetail>;
}

const NO_GROUP = "(no group)";

/** Reads a measurement's file of rows as a stream. */
export async function readMeasurement(
  location: LocationMeasurement,
  rowsFile: string,
  signal: AbortSignal,
): Promise<ReadMeasurement> {
  const reader = new Reader(location, rowsFile);
  for await (const { row, ...span } of readRows(rowsFile, signal)) {
    if ("others" in row) reader.addOthers(row);
    else reader.addAsset(row, span);
  }
  return reader.finish();
}

/** One snapshot's shares while they are read. */
class Shares {
  readonly asset: number[] = [];
  readonly bytes: number[] = [];
  readonly shared: number[] = [];
  readonly field: number[] = [];
  readonly fieldBytes: number[] = [];
}

class Reader {
  readonly #location: LocationMeasurement;
  readonly #rowsFile: string;
  readonly #snapshots: ReadonlyMap<string, number>;
  readonly #shares: readonly Shares[];
  readonly #sums: number[];
  readonly #repositories = new Names();
  readonly #groups = new Names();
  readonly #kinds = new Names();
  readonly #fields = new Names();
  readonly #keys: string[] = [];
  readonly #places: (Place | null)[] = [];
  readonly #paths = new Map<string, string>();
  readonly #spans: LineSpan[] = [];
  readonly #columns = {
    repository: [] as number[],
    group: [] as number[],
    total: [] as number[],
    exclusive: [] as number[],
    shared: [] as number[],
    dangling: [] as number[],
    check: [] as number[],
    field: [] as number[],
    fieldBytes: [] as number[],
    hasSource: [] as number[],
  };
  #others: readonly OtherOwner[] = [];
  #advice: readonly Advice[] = [];
  readonly #advised = new Map<string, Place>();

  constructor(location: LocationMeasurement, rowsFile: string) {
    this.#location = location;
    this.#rowsFile = rowsFile;
    this.#snapshots = new Map(location.snapshots.map(({ id }, n) => [id, n]));
    this.#shares = location.snapshots.map(() => new Shares());
    this.#sums = location.snapshots.map(() => 0);
  }

  addAsset(row: AssetRow, span: LineSpan): void {
    const asset = this.#keys.length;
    const columns = this.#columns;
    const [field, fieldBytes] = heaviest(Object.entries(row.fields));
    this.#keys.push(row.key);
    this.#places.push(row.location && this.#place(row.location));
    this.#spans.push(span);
    columns.repository.push(this.#repositories.number(row.repository));
    columns.group.push(this.#groups.number(row.group ?? NO_GROUP));
    columns.total.push(row.total_bytes);
    columns.exclusive.push(row.exclusive_bytes);
    columns.shared.push(row.shared_bytes);
    columns.dangling.push(row.dangling_bytes);
    columns.check.push(row.check_bytes);
    columns.field.push(this.#fields.number(field));
    columns.fieldBytes.push(fieldBytes);
    columns.hasSource.push(Number(row.location !== null));
    for (const cell of row.cells) {
      const snapshot = this.#snapshot(cell.snapshot);
      const shares = this.#shares[snapshot];
      if (!shares) continue;
      let last = shares.asset.length - 1;
      if (shares.asset[last] !== asset) {
        last = shares.asset.push(asset) - 1;
        shares.bytes.push(0);
        shares.shared.push(0);
        shares.field.push(0);
        shares.fieldBytes.push(-1);
      }
      const bytes = cell.exclusive + cell.shared;
      add(shares.bytes, last, bytes);
      add(shares.shared, last, cell.shared);
      add(this.#sums, snapshot, bytes);
      if (bytes > (shares.fieldBytes[last] ?? 0)) {
        shares.field[last] = this.#fields.number(cell.field);
        shares.fieldBytes[last] = bytes;
      }
    }
  }

  addOthers({ others, advice }: OthersRow): void {
    this.#others = others;
    this.#advice = advice.map((row) => ({
      ...row,
      places: row.places.map((place) => this.#shown(place)),
    }));
    for (const other of others) {
      const bytes = total(other);
      add(this.#sums, this.#snapshot(other.snapshot), bytes);
    }
  }

  finish(): ReadMeasurement {
    this.#assertSums();
    const names = {
      repositories: this.#repositories.list,
      groups: this.#groups.list,
      kinds: this.#kinds.list,
      fields: this.#fields.list,
    };
    const { snapshots, assetBudgetBytes, name } = this.#location;
    const data: ReportData = {
      location: name,
      assetBudgetBytes,
      snapshots: snapshots.map((snapshot) => ({
        id: snapshot.id,
        kind: snapshot.kind,
        name: snapshot.name,
        repository: snapshot.repository,
        storedBytes: snapshot.stored_bytes,
        wireBytes: snapshot.wire_bytes,
        usedBytes: snapshot.used_bytes,
        budgetBytes: snapshot.budget_bytes,
        budgetName: snapshot.budget_name,
        budgetSource: snapshot.budget_source,
        level: snapshotLevel(this.#location, snapshot),
      })),
      others: this.#otherColumns(),
      shares: this.#shareColumns(),
      assets: {
        key: this.#keys,
        repository: Uint32Array.from(this.#columns.repository),
        group: Uint32Array.from(this.#columns.group),
        total: Float64Array.from(this.#columns.total),
        exclusive: Float64Array.from(this.#columns.exclusive),
        shared: Float64Array.from(this.#columns.shared),
        dangling: Float64Array.from(this.#columns.dangling),
        check: Float64Array.from(this.#columns.check),
        field: Uint32Array.from(this.#columns.field),
        fieldBytes: Float64Array.from(this.#columns.fieldBytes),
        hasSource: Uint8Array.from(this.#columns.hasSource),
      },
      names,
      advice: this.#advice,
      findings: null,
      loadTime: this.#loadTime(),
      limits: this.#location.limits,
      places: null,
    };
    return {
      data,
      place: (asset) => this.#places[asset] ?? null,
      placeOf: (shown) => this.#advised.get(placeKey(shown)),
      detail: (owner) =>
        "asset" in owner
          ? this.#assetDetail(owner.asset)
          : Promise.resolve(this.#otherDetail(owner.other)),
    };
  }

  /** What is drawn are these numbers: they must be the whole snapshot. */
  #assertSums(): void {
    this.#location.snapshots.forEach((snapshot, n) => {
      const sum = this.#sums[n] ?? 0;
      if (sum !== snapshot.stored_bytes) {
        throw new RowsError(
          `the rows of ${snapshot.id} are ${sum} bytes, and the snapshot has ${snapshot.stored_bytes}`,
        );
      }
    });
  }

  #shareColumns(): ReportData["shares"] {
    const start = [0];
    for (const shares of this.#shares) start.push((start.at(-1) ?? 0) + shares.asset.length);
    const column = (of: (shares: Shares) => number[]) => Uint32Array.from(this.#shares.flatMap(of));
    return {
      start: Uint32Array.from(start),
      asset: column((shares) => shares.asset),
      bytes: column((shares) => shares.bytes),
      shared: column((shares) => shares.shared),
      field: column((shares) => shares.field),
      fieldBytes: column((shares) => shares.fieldBytes.map((bytes) => Math.max(0, bytes))),
    };
  }

  #otherColumns(): ReportData["others"] {
    const heaviestFields = this.#others.map((other) => heaviest(Object.entries(other.fields)));
    return {
      snapshot: Uint32Array.from(this.#others, (other) => this.#snapshot(other.snapshot)),
      kind: Uint32Array.from(this.#others, (other) => this.#kinds.number(other.kind)),
      name: this.#others.map((other) => other.name),
      bytes: Float64Array.from(this.#others, total),
      field: Uint32Array.from(heaviestFields, ([field]) => this.#fields.number(field)),
      fieldBytes: Float64Array.from(heaviestFields, ([, bytes]) => bytes),
    };
  }

  async #assetDetail(asset: number): Promise<OwnerDetail> {
    const [key, span] = [this.#keys[asset], this.#spans[asset]];
    if (key === undefined || span === undefined) throw new RangeError(`no asset ${asset}`);
    const row = await readRow(this.#rowsFile, key, span);
    return {
      cells: row.cells.map((cell) => ({ ...cell, snapshot: this.#snapshot(cell.snapshot) })),
      sharing: row.shared_with.map(({ snapshot, name, count, others }) => ({
        snapshot: this.#snapshot(snapshot),
        name,
        count,
        keys: others,
      })),
      notes: notesOf(row),
    };
  }

  #otherDetail(row: number): OwnerDetail {
    const other = this.#others[row];
    if (!other) throw new RangeError(`no owner ${row}`);
    const snapshot = this.#snapshot(other.snapshot);
    const cells = Object.entries(other.fields).map(([field, exclusive]) => ({
      snapshot,
      field,
      exclusive,
      shared: 0,
    }));
    return { cells, sharing: [], notes: [] };
  }

  #snapshot(id: string): number {
    const snapshot = this.#snapshots.get(id);
    if (snapshot === undefined) throw new RowsError(`the rows name the unknown snapshot ${id}`);
    return snapshot;
  }

  /** A place of the advice as people read it: from the project's folder where it lies below it. */
  #shown(place: Place): Place {
    const inside = relative(this.#location.root, place.path);
    const isBelow = inside !== "" && !inside.startsWith("..") && !isAbsolute(inside);
    const shown = { path: isBelow ? inside.replaceAll(sep, "/") : place.path, line: place.line };
    this.#advised.set(placeKey(shown), place);
    return shown;
  }

  #loadTime(): LoadTimeData | null {
    const { load } = this.#location;
    if (load === null) return null;
    const shown = (place: Place | null) => place && this.#shown(place);
    const shownNode = (node: TimeNodeData): TimeNodeData => ({
      ...node,
      location: shown(node.location),
      children: node.children.map(shownNode),
    });
    const { owners, tree } = load.report;
    return {
      ...load.report,
      owners: owners.map((owner) => ({ ...owner, location: shown(owner.location) })),
      tree: shownNode(tree),
      measuredAt: load.measuredAt,
    };
  }

  /** Thousands of assets share a file: its path is kept once. */
  #place({ path, line }: Place): Place {
    const known = this.#paths.get(path) ?? path;
    this.#paths.set(known, known);
    return { path: known, line };
  }
}

function placeKey({ path, line }: Place): string {
  return JSON.stringify([path, line]);
}

/** Names by number, in the order in which they came. */
class Names {
  readonly list: string[] = [];
  readonly #numbers = new Map<string, number>();

  number(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.list.length);
    return this.list.push(name) - 1;
  }
}

function heaviest(fields: readonly (readonly [string, number])[]): readonly [string, number] {
  return fields.reduce((best, field) => (field[1] > best[1] ? field : best), ["", 0]);
}

function total(other: OtherOwner): number {
  return Object.values(other.fields).reduce((sum, bytes) => sum + bytes, 0);
}

function add(column: number[], row: number, amount: number): void {
  column[row] = (column[row] ?? 0) + amount;
}
