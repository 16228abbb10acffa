import type { ProjectStatus } from "../protocol.ts";

/** Finds the snapshots that went over budget in this session; each of them once. */
export class Notices {
  readonly #known = new Map<string, { measured: boolean; told: Set<string> }>();

  /**
   * The snapshots to tell of: over budget now, and within it when this project was first measured.
   * What was over from the start is no news, and sizes older than the code are none of this session.
   */
  news(status: ProjectStatus): string[] {
    const known = this.#known.get(status.folder) ?? { measured: false, told: new Set<string>() };
    this.#known.set(status.folder, known);
    if (status.level === "none" || status.stale || status.phase === "measuring") return [];
    const fresh = status.over.filter((id) => !known.told.has(id));
    for (const id of fresh) known.told.add(id);
    if (known.measured) return fresh;
    known.measured = true;
    return [];
  }
}
