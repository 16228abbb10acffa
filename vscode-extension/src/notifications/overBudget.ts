import type { ProjectStatus } from "../protocol.ts";

/** Finds the snapshots that went over budget in this session, each of them once. */
export class OverBudget {
  readonly #known = new Map<string, { measured: boolean; reported: Set<string> }>();

  /**
   * The snapshots to warn of: over budget now, and within it when this project was first measured.
   * One that was over from the start is not new, and stale sizes are not of this session.
   */
  newIn(status: ProjectStatus): string[] {
    const known = this.#known.get(status.folder) ?? {
      measured: false,
      reported: new Set<string>(),
    };
    this.#known.set(status.folder, known);
    if (status.level === "none" || status.stale || status.phase === "measuring") return [];
    const found = status.over.filter((id) => !known.reported.has(id));
    for (const id of found) known.reported.add(id);
    if (known.measured) return found;
    known.measured = true;
    return [];
  }
}
