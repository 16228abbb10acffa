// What the view shows where it has no sizes to show.

import type { Project } from "../measurements.ts";

export type ViewState =
  | "shown"
  | "disabled"
  | "no-project"
  | "starting"
  | "measuring"
  | "no-interpreter"
  | "failed"
  | "not-measured";

export interface Surroundings {
  /** Whether measuring is switched on in some folder. */
  enabled: boolean;
  /** Whether the server said that there is no project. */
  noProject: boolean;
  projects: readonly Project[];
}

/** Which of the views is to be seen: the tree, or one of the welcome views. */
export function viewState({ enabled, noProject, projects }: Surroundings): ViewState {
  if (!enabled) return "disabled";
  if (projects.length === 0) return noProject ? "no-project" : "starting";
  const locations = projects.flatMap((project) => project.locations);
  if (locations.some((location) => location.snapshots.length > 0)) return "shown";
  const phases = new Set(projects.map((project) => project.status.phase));
  if (phases.has("measuring")) return "measuring";
  if (phases.has("no-interpreter")) return "no-interpreter";
  const wrong = locations.some((location) => location.error !== null || location.mistake !== null);
  if (phases.has("failed") || wrong) return "failed";
  return "not-measured";
}
