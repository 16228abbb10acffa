/**
 * What the report draws: one code location as columns of numbers.
 *
 * Columns and not one object for each asset, because 10,000 assets in 20 jobs are 200,000 shares:
 * typed arrays cross from the extension to the webview as they are. A page of its own may hold plain
 * arrays instead.
 */

export type Column = ArrayLike<number>;

export type BudgetLevel = "within" | "near" | "over";

export interface SnapshotData {
  readonly id: string;
  readonly kind: "repository" | "job";
  readonly name: string;
  readonly repository: string;
  readonly storedBytes: number;
  readonly wireBytes: number;
  /** The size that the budget judges. */
  readonly usedBytes: number;
  readonly budgetBytes: number;
  readonly budgetName: string;
  readonly budgetSource: string;
  readonly level: BudgetLevel;
}

/** One row for each asset, heaviest first. `group`, `repository` and `field` point into `names`. */
export interface AssetColumns {
  readonly key: readonly string[];
  readonly repository: Column;
  readonly group: Column;
  readonly total: Column;
  readonly exclusive: Column;
  readonly shared: Column;
  readonly dangling: Column;
  readonly check: Column;
  /** The field that takes most of all its snapshots together. */
  readonly field: Column;
  readonly fieldBytes: Column;
  /** 1 where its line in the source is known. */
  readonly hasSource: Column;
}

/** What each asset takes of each snapshot; those of snapshot `s` are rows `start[s]` to `start[s + 1]`. */
export interface ShareColumns {
  readonly start: Column;
  readonly asset: Column;
  readonly bytes: Column;
  /** How much of `bytes` is its part of what it shares. */
  readonly shared: Column;
  readonly field: Column;
  readonly fieldBytes: Column;
}

/** What belongs to no asset: checks, jobs, resources, structure. */
export interface OtherColumns {
  readonly snapshot: Column;
  readonly kind: Column;
  readonly name: readonly string[];
  readonly bytes: Column;
  readonly field: Column;
  readonly fieldBytes: Column;
}

/** A place in a file; lines count from 1. */
export interface PlaceData {
  readonly path: string;
  readonly line: number;
}

/** One way to make the snapshots smaller, as the command line's JSON has it. */
export interface AdviceRow {
  readonly kind: string;
  readonly title: string;
  readonly saved_bytes: number;
  /** By snapshot id. */
  readonly by_snapshot: Readonly<Record<string, number>>;
  readonly field: string | null;
  /** The first of them. */
  readonly assets: readonly string[];
  readonly asset_count: number;
  /** The first of them. */
  readonly places: readonly PlaceData[];
  readonly place_count: number;
  readonly how: string;
  readonly preview: string;
}

/** One thing that was found, as the command line's JSON has it. */
export interface FindingRow {
  readonly rule: string;
  readonly severity: "error" | "warning" | "information";
  readonly message: string;
  readonly details: string | null;
  readonly advice: string | null;
  readonly location: PlaceData | null;
}

/** A limit or timeout that affects whether the location loads; `value` is text. */
export interface LimitData {
  readonly name: string;
  readonly value: string;
  readonly source: string;
  readonly description: string;
  /** Why it cannot be used. */
  readonly problem: string | null;
}

/** Where each asset is defined, on a page that has no editor which could go there. */
export interface PlaceColumns {
  readonly paths: readonly string[];
  /** Into `paths`; -1 where it is not known. */
  readonly path: Column;
  readonly line: Column;
}

/** A part of the load time: a line, a distribution or a phase, with what it calls. */
export interface TimeNodeData {
  readonly name: string;
  readonly location: PlaceData | null;
  readonly microseconds: number;
  readonly children: readonly TimeNodeData[];
}

/** Where the load time goes; owners add up to `microseconds`, and so do distributions. */
export interface LoadTimeData {
  readonly microseconds: number;
  /** Whether it was loaded as a code server does, and not in the faster way of `measure`. */
  readonly isPlain: boolean;
  readonly knowsMemory: boolean;
  readonly owners: readonly {
    readonly what: string;
    readonly location: PlaceData | null;
    readonly distribution: string | null;
    readonly microseconds: number;
    /** By how many bytes memory grew meanwhile. */
    readonly grownBytes: number;
  }[];
  readonly distributions: readonly {
    readonly name: string;
    readonly through: string | null;
    readonly microseconds: number;
    /** By how many bytes memory grew meanwhile. */
    readonly grownBytes: number;
  }[];
  readonly tree: TimeNodeData;
  /** Seconds since the epoch; not there where it is of the same measurement as the sizes. */
  readonly measuredAt?: number;
}

export interface ReportData {
  readonly location: string;
  /** From here on an asset is too big in one snapshot; null where nothing is said. */
  readonly assetBudgetBytes: number | null;
  readonly snapshots: readonly SnapshotData[];
  readonly names: {
    readonly repositories: readonly string[];
    readonly groups: readonly string[];
    readonly kinds: readonly string[];
    readonly fields: readonly string[];
  };
  readonly assets: AssetColumns;
  readonly shares: ShareColumns;
  readonly others: OtherColumns;
  /** Most bytes first; null where nobody has looked for any. */
  readonly advice: readonly AdviceRow[] | null;
  /** Null where they are shown elsewhere: an editor has its own list of problems. */
  readonly findings: readonly FindingRow[] | null;
  readonly limits: readonly LimitData[];
  readonly places: PlaceColumns | null;
  /** Null where it was not looked at. */
  readonly loadTime: LoadTimeData | null;
}

/** An asset or another owner, by its row. */
export type OwnerRef = { readonly asset: number } | { readonly other: number };

/** One field of one owner in one snapshot. */
export interface Cell {
  readonly snapshot: number;
  readonly field: string;
  readonly exclusive: number;
  readonly shared: number;
}

/** What an asset shares in one snapshot, and how many assets share it, itself included. */
export interface Sharing {
  readonly snapshot: number;
  readonly name: string;
  readonly count: number;
  /** Some of the others. */
  readonly keys: readonly string[];
}

/** What is asked for only once somebody looks into an owner. */
export interface OwnerDetail {
  readonly cells: readonly Cell[];
  readonly sharing: readonly Sharing[];
  /** Sentences: growth since the baseline, values that others repeat. */
  readonly notes: readonly string[];
}

/** What a button of the banner does. */
export type BannerAction =
  "measure" | "openFailure" | "selectInterpreter" | "openEnableSetting" | "showLogs";

/** How current the numbers are, in words that are shown as they stand. */
export interface ReportStatus {
  readonly kind: "current" | "measuring" | "stale" | "failed" | "empty";
  /** One or two lines; empty where there is nothing to say. */
  readonly text: string;
  /** What would help. */
  readonly actions: readonly BannerAction[];
}
