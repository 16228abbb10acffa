// What the view shows where it has no sizes to show.

import type { Project } from "../measurements/store.ts";

/** Of the projects; where there are none, the state of the language server says why. */
export type ViewState =
  "shown" | "disabled" | "empty" | "measuring" | "no-interpreter" | "failed" | "not-measured";

/** Whether the tree is to be seen, or which of the welcome views. */
export function viewState(projects: readonly Project[], enabled: boolean): ViewState {
  if (!enabled) return "disabled";
  if (projects.length === 0) return "empty";
  const locations = projects.flatMap((project) => project.locations);
  if (locations.some((location) => location.snapshots.length > 0)) return "shown";
  const phases = new Set(projects.map((project) => project.status.phase));
  if (phases.has("measuring")) return "measuring";
  if (phases.has("no-interpreter")) return "no-interpreter";
  const wrong = locations.some((location) => location.error !== null || location.mistake !== null);
  if (phases.has("failed") || wrong) return "failed";
  return "not-measured";
}
