import type { BannerAction, ReportStatus } from "../../shared/reportData.ts";
import type { LocationMeasurement, ProjectStatus } from "../protocol.ts";

/** What a report shows, and of what. */
export interface Shown {
  project: ProjectStatus | undefined;
  location: LocationMeasurement | undefined;
  /** Whether sizes are drawn. */
  hasData: boolean;
  /** Whether measuring is switched on for this folder. */
  isEnabled: boolean;
  /** Why the newest sizes cannot be drawn; empty where they can. */
  problem: string;
}

/** How current the report's numbers are. */
export function reportStatus({
  project,
  location,
  hasData,
  isEnabled,
  problem,
}: Shown): ReportStatus {
  const last = hasData ? "\nThese are the last measured sizes." : "";
  if (!isEnabled) {
    const text = `Measuring is turned off for this folder.${last}`;
    return { kind: hasData ? "stale" : "empty", text, actions: ["openEnableSetting"] };
  }
  if (project === undefined) {
    const text = hasData ? "These are the last known sizes." : "Waiting for the language server.";
    return { kind: hasData ? "stale" : "empty", text, actions: [] };
  }
  if (project.phase === "measuring") {
    const count = project.of > 0 ? `, ${project.done} of ${project.of} snapshots` : "";
    const doing = project.text === "" ? "" : `: ${project.text}`;
    return { kind: "measuring", text: `Measuring${doing}${count}…`, actions: [] };
  }
  const error = location?.error ?? location?.mistake ?? failure(project);
  if (error !== null) {
    const way: BannerAction[] = location?.failedLocation ? ["openFailure"] : [];
    if (project.phase === "no-interpreter") way.push("selectInterpreter");
    return { kind: "failed", text: `${firstLines(error)}${last}`, actions: [...way, "measure"] };
  }
  if (problem !== "") {
    return { kind: "failed", text: `${problem}${last}`, actions: ["showLogs", "measure"] };
  }
  if (!hasData) {
    const gone = location === undefined && project.level !== "none";
    const text = gone
      ? "This code location is no longer in the project."
      : "Nothing has been measured yet.";
    return { kind: "empty", text, actions: ["measure"] };
  }
  if (location === undefined || location.stale) {
    const text = location
      ? "These sizes are from before the last change."
      : "This code location is no longer in the project: these are its last sizes.";
    return { kind: "stale", text, actions: ["measure"] };
  }
  return { kind: "current", text: "", actions: [] };
}

function failure(project: ProjectStatus): string | null {
  if (project.phase !== "failed" && project.phase !== "no-interpreter") return null;
  return project.message ?? "The code location could not be measured.";
}

/** A failure may carry a traceback; the logs have all of it. */
function firstLines(text: string): string {
  return text.trim().split("\n").slice(0, 3).join("\n");
}
