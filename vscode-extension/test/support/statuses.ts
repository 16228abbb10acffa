import type { Project } from "../../src/measurements/store.ts";
import type { LocationMeasurement, ProjectStatus, Snapshot } from "../../src/protocol.ts";

export function status(given: Partial<ProjectStatus> = {}): ProjectStatus {
  return {
    folder: "/work/shop",
    phase: "idle",
    level: "within",
    message: null,
    text: "",
    done: 0,
    of: 0,
    locations: ["shop"],
    stale: false,
    totalBytes: 10_300_000,
    nearest: null,
    over: [],
    ...given,
  };
}

export function snapshot(given: Partial<Snapshot> = {}): Snapshot {
  return {
    id: "shop/__repository__/repository",
    kind: "repository",
    name: "__repository__",
    repository: "__repository__",
    stored_bytes: 9_000_000,
    wire_bytes: 9_000_004,
    used_bytes: 9_000_004,
    budget_bytes: 10_000_000,
    budget_name: "budget.repository",
    budget_source: "pyproject.toml",
    growth_bytes: null,
    heaviest: [],
    ...given,
  };
}

export function project(
  given: Partial<ProjectStatus> = {},
  snapshots: Snapshot[] = [snapshot()],
): Project {
  const location: LocationMeasurement = {
    name: "shop",
    root: "/work/shop",
    stale: false,
    error: null,
    mistake: null,
    python: "/work/shop/.venv/bin/python",
    dagsterVersion: "1.13.28",
    totalBytes: 10_300_000,
    assets: 12,
    snapshots,
    level: "within",
    assetBudgetBytes: 64_000,
    rowsFile: null,
    limits: [],
    definitionsLocation: null,
    failedLocation: null,
    load: null,
    findings: [],
  };
  const own = status(given);
  return { folder: own.folder, status: own, locations: snapshots.length > 0 ? [location] : [] };
}
