// A measurement as the language server tells it, its file of rows included.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Project } from "../../src/measurements/store.ts";
import type {
  AssetRow,
  Finding,
  LocationMeasurement,
  OtherOwner,
  ProjectStatus,
  Snapshot,
} from "../../src/protocol.ts";

export const ROOT = join("/", "home", "me", "shop");
export const REPOSITORY = "shop/__repository__/repository";
export const JOB = "shop/__repository__/job/__ASSET_JOB";

export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "snapsize-sizes-"));
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true });
    },
  };
}

/** An asset whose bytes stand in its description, half of them in each snapshot. */
export function row(key: string, bytes: number, more: Partial<AssetRow> = {}): AssetRow {
  const first = Math.ceil(bytes / 2);
  return {
    key,
    repository: "__repository__",
    group: "default",
    location: { path: join(ROOT, "assets.py"), line: 3 },
    total_bytes: bytes,
    exclusive_bytes: bytes,
    shared_bytes: 0,
    dangling_bytes: 0,
    check_bytes: 0,
    fields: { description: bytes },
    by_snapshot: { [REPOSITORY]: first, [JOB]: bytes - first },
    cells: [
      { snapshot: REPOSITORY, field: "description", exclusive: first, shared: 0 },
      { snapshot: JOB, field: "description", exclusive: bytes - first, shared: 0 },
    ],
    shared_with: [],
    growth: null,
    repeats: [],
    ...more,
  };
}

const OTHERS: OtherOwner[] = [
  { snapshot: REPOSITORY, kind: "structure", name: "[structure]", fields: { structure: 100 } },
  { snapshot: JOB, kind: "structure", name: "[structure]", fields: { structure: 50 } },
];

export function snapshot(id: string, stored: number, budget: number): Snapshot {
  const isJob = id.includes("/job/");
  return {
    id,
    kind: isJob ? "job" : "repository",
    name: isJob ? (id.split("/").at(-1) ?? "") : "__repository__",
    repository: "__repository__",
    stored_bytes: stored,
    wire_bytes: stored + 4,
    used_bytes: stored + 4,
    budget_bytes: budget,
    budget_name: "budget.repository",
    budget_source: "the configuration",
    growth_bytes: null,
    heaviest: [],
  };
}

/** A measured location whose rows are written into the folder. */
export function location(
  folder: string,
  rows: readonly AssetRow[],
  more: Partial<LocationMeasurement> = {},
): LocationMeasurement {
  const ordered = [...rows].sort((a, b) => b.total_bytes - a.total_bytes);
  const rowsFile = join(folder, `${Math.random().toString(36).slice(2)}.rows`);
  const lines = [...ordered, { others: OTHERS }].map((line) => `${JSON.stringify(line)}\n`);
  writeFileSync(rowsFile, lines.join(""));
  const sum = (id: string) => ordered.reduce((all, one) => all + (one.by_snapshot[id] ?? 0), 0);
  const snapshots = [
    snapshot(REPOSITORY, sum(REPOSITORY) + 100, 1_000_000),
    snapshot(JOB, sum(JOB) + 50, 1_000_000),
  ];
  return {
    name: "shop",
    root: ROOT,
    stale: false,
    error: null,
    mistake: null,
    python: "/usr/bin/python3",
    dagsterVersion: "1.13.28",
    totalBytes: snapshots.reduce((all, one) => all + one.stored_bytes, 0),
    assets: rows.length,
    snapshots,
    level: "within",
    assetBudgetBytes: 64_000,
    rowsFile,
    limits: [],
    definitionsLocation: { path: join(ROOT, "definitions.py"), line: 9 },
    failedLocation: null,
    load: null,
    findings: [],
    ...more,
  };
}

/** A location that was never measured. */
export function unmeasured(more: Partial<LocationMeasurement> = {}): LocationMeasurement {
  return {
    name: "shop",
    root: ROOT,
    stale: false,
    error: null,
    mistake: null,
    python: null,
    dagsterVersion: null,
    totalBytes: 0,
    assets: 0,
    snapshots: [],
    level: "none",
    assetBudgetBytes: null,
    rowsFile: null,
    limits: [],
    definitionsLocation: null,
    failedLocation: null,
    load: null,
    findings: [],
    ...more,
  };
}

export function finding(rule: string, more: Partial<Finding> = {}): Finding {
  return {
    rule,
    severity: "warning",
    message: "",
    details: null,
    advice: null,
    snapshot: null,
    asset: null,
    bytes: null,
    budget_bytes: null,
    location: null,
    ...more,
  };
}

export function project(
  locations: readonly LocationMeasurement[],
  status: Partial<ProjectStatus> = {},
): Project {
  return {
    folder: ROOT,
    locations,
    status: {
      folder: ROOT,
      phase: "idle",
      level: "within",
      message: null,
      text: "",
      done: 0,
      of: 0,
      locations: locations.map((one) => one.name),
      stale: false,
      totalBytes: 0,
      nearest: null,
      over: [],
      ...status,
    },
  };
}
