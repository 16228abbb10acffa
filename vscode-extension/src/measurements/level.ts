import type { BudgetLevel } from "../../shared/reportData.ts";
import type { Level, LocationMeasurement, Snapshot } from "../protocol.ts";

/** From the best to the worst. */
export const LEVELS: readonly Level[] = ["none", "within", "near", "over"];

/** How large a snapshot is for its budget. The server decides what is near, and says so in a finding. */
export function snapshotLevel(
  { findings }: Pick<LocationMeasurement, "findings">,
  { id, used_bytes, budget_bytes }: Pick<Snapshot, "id" | "used_bytes" | "budget_bytes">,
): BudgetLevel {
  if (used_bytes > budget_bytes) return "over";
  const near = findings.some((x) => x.rule === "snapshot-near-budget" && x.snapshot === id);
  return near ? "near" : "within";
}
