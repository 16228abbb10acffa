// What the language server says beyond the Language Server Protocol, exactly as it is on the wire.

import type { LoadTimeData } from "../shared/reportData.ts";

export type Phase = "idle" | "measuring" | "failed" | "no-location" | "no-interpreter";

/** "none": nothing measured yet; "near" and "over" are said of budgets. */
export type Level = "none" | "within" | "near" | "over";

/** A place in a file; `line` counts from 1. */
export interface Place {
  path: string;
  line: number;
}

export interface Nearest {
  location: string;
  /** Its id. */
  snapshot: string;
  usedBytes: number;
  budgetBytes: number;
}

/** Notification `dagsterSnapsize/status` of one project. */
export interface ProjectStatus {
  folder: string;
  phase: Phase;
  level: Level;
  /** Why it failed or what is wrong; the first line is for people. */
  message: string | null;
  /** What is being done, while measuring. */
  text: string;
  done: number;
  of: number;
  locations: string[];
  stale: boolean;
  totalBytes: number;
  /** The snapshot that uses the largest share of its budget; null before the first measurement. */
  nearest: Nearest | null;
  /** Ids of the snapshots over budget. */
  over: string[];
}

/** Notification `dagsterSnapsize/status` where there is no project at all. */
export interface NoProjectStatus {
  folder: null;
  phase: "no-location";
}

export type Status = ProjectStatus | NoProjectStatus;

export interface Snapshot {
  id: string;
  kind: "repository" | "job";
  name: string;
  repository: string;
  stored_bytes: number;
  wire_bytes: number;
  /** What the budget judges: one of the two above. */
  used_bytes: number;
  budget_bytes: number;
  budget_name: string;
  budget_source: string;
  /** By how much it is larger than in the baseline; null where that does not have it. */
  growth_bytes: number | null;
  heaviest: { key: string; bytes: number }[];
}

export type Severity = "error" | "warning" | "information";

export interface Finding {
  rule: string;
  severity: Severity;
  message: string;
  /** Exact numbers, and what else is heavy. */
  details: string | null;
  /** What to do at a command line; editors have links and actions instead. */
  advice: string | null;
  snapshot: string | null;
  asset: string | null;
  bytes: number | null;
  budget_bytes: number | null;
  location: Place | null;
}

/** A limit or timeout that affects whether a code location loads; `value` is text. */
export interface Limit {
  name: string;
  value: string;
  source: string;
  description: string;
  /** Why it cannot be used. */
  problem: string | null;
}

export interface LocationMeasurement {
  name: string;
  root: string;
  stale: boolean;
  error: string | null;
  mistake: string | null;
  python: string | null;
  dagsterVersion: string | null;
  totalBytes: number;
  assets: number;
  snapshots: Snapshot[];
  level: Level;
  assetBudgetBytes: number | null;
  /** JSON lines: one `AssetRow` each, and one `OthersRow` at the end. */
  rowsFile: string | null;
  limits: Limit[];
  definitionsLocation: Place | null;
  failedLocation: Place | null;
  findings: Finding[];
  /** Where the load time went when it was last loaded from nothing; null before. */
  load: Load | null;
}

export interface Load {
  /** Seconds since the epoch. */
  measuredAt: number;
  /** Its paths are absolute. */
  report: LoadTimeData;
}

export interface ProjectMeasurement {
  folder: string;
  phase: Phase;
  locations: LocationMeasurement[];
}

/** Answer to the request `dagsterSnapsize/measurement` with `{}`. */
export interface Measurement {
  projects: ProjectMeasurement[];
}

export interface Cell {
  snapshot: string;
  field: string;
  exclusive: number;
  shared: number;
}

/** A line of `rowsFile`: one asset, heaviest first. */
export interface AssetRow {
  key: string;
  repository: string;
  group: string | null;
  location: Place | null;
  total_bytes: number;
  exclusive_bytes: number;
  shared_bytes: number;
  dangling_bytes: number;
  check_bytes: number;
  fields: Record<string, number>;
  by_snapshot: Record<string, number>;
  cells: Cell[];
  /** What it shares, how many assets share that, and the first few of the others. */
  shared_with: { snapshot: string; name: string; count: number; others: string[] }[];
  /** Since the baseline; null where there is none, and `before` where the asset is new. */
  growth: { before: number | null; fields: Record<string, number> } | null;
  /** Which of its values so many others carry too. */
  repeats: { field: string; preview: string; others: number; saved_bytes: number }[];
}

export interface OtherOwner {
  snapshot: string;
  kind:
    | "check"
    | "job"
    | "schedule"
    | "sensor"
    | "resource"
    | "op"
    | "partition_set"
    | "component"
    | "definitions_metadata"
    | "structure";
  name: string;
  fields: Record<string, number>;
}

/** One way to make the snapshots smaller; the first of its assets and places. */
export interface Advice {
  kind: string;
  title: string;
  saved_bytes: number;
  by_snapshot: Record<string, number>;
  field: string | null;
  assets: string[];
  asset_count: number;
  places: Place[];
  place_count: number;
  how: string;
  preview: string;
}

/** The last line of `rowsFile`: what belongs to no asset, and what could be done about all of it. */
export interface OthersRow {
  others: OtherOwner[];
  advice: Advice[];
}
