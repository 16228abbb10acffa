// A file of rows as the language server writes it, of as many assets and jobs as wanted.
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import type { LocationMeasurement, OtherOwner, Snapshot } from "../../src/protocol.ts";

export interface Wanted {
  readonly assets: number;
  readonly jobs: number;
  readonly groups?: number;
}

const BUDGET = 100_000_000;
const ASSET_BUDGET = 64_000;
const FIELDS = ["description", "deps", "partitions", "tags", "metadata: dagster/column_schema"];
const JOB_FIELDS = ["op", "deps", "config", "structure"];

/** Writes the rows; always the same for the same numbers. */
export async function writeRows(path: string, wanted: Wanted): Promise<LocationMeasurement> {
  const next = random(wanted.assets * 31 + wanted.jobs);
  const ids = ["warehouse/__repository__/repository"];
  for (let job = 0; job < wanted.jobs; job++) {
    const name = job === 0 ? "__ASSET_JOB" : `nightly_${job}`;
    ids.push(`warehouse/__repository__/job/${name}`);
  }
  const sums = ids.map(() => 0);
  const file = createWriteStream(path);
  const groups = wanted.groups ?? 10;
  for (let asset = 0; asset < wanted.assets; asset++) {
    const heavy = Math.round(400 / (1 + asset / 20)) + 1;
    const cells = [];
    for (let snapshot = 0; snapshot < ids.length; snapshot++) {
      for (const field of snapshot === 0 ? FIELDS : JOB_FIELDS) {
        const exclusive = 20 + Math.floor(next() * 200) * (snapshot === 0 ? heavy : 1);
        const shared = field === "op" && asset % 7 === 0 ? 90 : 0;
        cells.push({ snapshot: ids[snapshot], field, exclusive, shared });
        sums[snapshot] = (sums[snapshot] ?? 0) + exclusive + shared;
      }
    }
    const fields: Record<string, number> = {};
    const bySnapshot: Record<string, number> = {};
    for (const { snapshot = "", field, exclusive, shared } of cells) {
      fields[field] = (fields[field] ?? 0) + exclusive + shared;
      bySnapshot[snapshot] = (bySnapshot[snapshot] ?? 0) + exclusive + shared;
    }
    const exclusive = cells.reduce((sum, cell) => sum + cell.exclusive, 0);
    const shared = cells.reduce((sum, cell) => sum + cell.shared, 0);
    const row = {
      key: keyOf(asset),
      repository: "__repository__",
      group: asset % groups === 9 ? null : `group_${asset % groups}`,
      location:
        asset % 5 === 4 ? null : { path: `/project/assets_${asset % 40}.py`, line: 1 + asset },
      total_bytes: exclusive + shared,
      exclusive_bytes: exclusive,
      shared_bytes: shared,
      dangling_bytes: 0,
      check_bytes: 0,
      fields,
      by_snapshot: bySnapshot,
      cells,
      shared_with:
        shared > 0 ? [{ snapshot: ids[1], name: "op", count: 2, others: [keyOf(asset + 1)] }] : [],
      growth: null,
      repeats: [],
    };
    if (!file.write(`${JSON.stringify(row)}\n`)) await once(file, "drain");
  }
  const others = ids.flatMap((id, n) => othersOf(id, n === 0, wanted, next));
  for (const { snapshot, fields } of others) {
    const n = ids.indexOf(snapshot);
    sums[n] = Object.values(fields).reduce((sum, bytes) => sum + bytes, sums[n] ?? 0);
  }
  file.end(`${JSON.stringify({ others, advice: [] })}\n`);
  await once(file, "close");
  return measurement(path, ids, sums, wanted.assets);
}

export function keyOf(asset: number): string {
  return `warehouse/layer_${asset % 4}/table_${String(asset).padStart(5, "0")}`;
}

function othersOf(
  snapshot: string,
  isRepository: boolean,
  { assets, jobs }: Wanted,
  next: () => number,
): OtherOwner[] {
  const other = (kind: OtherOwner["kind"], name: string, most: number): OtherOwner => ({
    snapshot,
    kind,
    name,
    fields: { structure: 60 + Math.floor(next() * most), description: 20 },
  });
  const found = [
    other("structure", "[structure]", 4000),
    other("structure", "[Dagster types]", 9000),
  ];
  if (!isRepository) {
    return [
      ...found,
      other("resource", "warehouse", 900),
      other("structure", "[shared config types]", 200 * assets),
    ];
  }
  for (let job = 1; job < jobs; job++) found.push(other("job", `nightly_${job}`, 500));
  for (let n = 0; n < assets / 10; n++) found.push(other("check", `${keyOf(n)}:not_null`, 900));
  return [...found, other("sensor", "on_failure", 400), other("schedule", "every_morning", 400)];
}

function measurement(
  rowsFile: string,
  ids: readonly string[],
  sums: readonly number[],
  assets: number,
): LocationMeasurement {
  const snapshots = ids.map((id, n): Snapshot => {
    const bytes = sums[n] ?? 0;
    return {
      id,
      kind: n === 0 ? "repository" : "job",
      name: id.slice(id.lastIndexOf("/") + 1),
      repository: "__repository__",
      stored_bytes: bytes,
      wire_bytes: bytes + 150,
      used_bytes: bytes + 150,
      budget_bytes: n === 1 ? Math.round(bytes * 0.95) : n === 2 ? Math.round(bytes * 1.1) : BUDGET,
      budget_name: "budget.job",
      budget_source: "pyproject.toml",
      growth_bytes: null,
      heaviest: [],
    };
  });
  const finding = (rule: string, n: number) => ({
    rule,
    severity: "warning" as const,
    message: rule,
    details: null,
    advice: null,
    snapshot: ids[n] ?? null,
    asset: null,
    bytes: null,
    budget_bytes: null,
    location: null,
  });
  return {
    name: "warehouse.definitions",
    root: "/project",
    stale: false,
    error: null,
    mistake: null,
    python: "/usr/bin/python3",
    dagsterVersion: "1.13.28",
    totalBytes: sums.reduce((a, b) => a + b, 0),
    assets,
    snapshots,
    level: "over",
    assetBudgetBytes: ASSET_BUDGET,
    rowsFile,
    limits: [],
    definitionsLocation: null,
    failedLocation: null,
    load: null,
    findings: [finding("snapshot-over-budget", 1), finding("snapshot-near-budget", 2)],
  };
}

/** The same numbers in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}
