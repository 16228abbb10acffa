import type { ReportStatus } from "../../shared/reportData.ts";
import type { LocationMeasurement, ProjectStatus } from "../protocol.ts";

const NONE = { canMeasure: false, canOpenFailure: false } as const;

/** How current the report's numbers are; `hasData` once something is drawn. */
export function reportStatus(
  project: ProjectStatus | undefined,
  location: LocationMeasurement | undefined,
  hasData: boolean,
): ReportStatus {
  if (project === undefined) {
    const text = hasData ? "These are the last known sizes." : "Waiting for the language server.";
    return { ...NONE, kind: hasData ? "stale" : "empty", text };
  }
  if (project.phase === "measuring") {
    const count = project.of > 0 ? `, ${project.done} of ${project.of} snapshots` : "";
    const doing = project.text === "" ? "" : `: ${project.text}`;
    return { ...NONE, kind: "measuring", text: `Measuring${doing}${count}…` };
  }
  const error = location?.error ?? location?.mistake ?? failure(project);
  if (error !== null) {
    const last = hasData ? "\nThese are the last measured sizes." : "";
    return {
      kind: "failed",
      text: `${firstLines(error)}${last}`,
      canMeasure: true,
      canOpenFailure: Boolean(location?.failedLocation),
    };
  }
  if (!hasData) {
    const gone = location === undefined && project.level !== "none";
    const text = gone
      ? "This code location is no longer in the project."
      : "Nothing has been measured yet.";
    return { kind: "empty", text, canMeasure: true, canOpenFailure: false };
  }
  if (location === undefined || location.stale) {
    const text = location
      ? "These sizes are from before the last change."
      : "This code location is no longer in the project: these are its last sizes.";
    return { kind: "stale", text, canMeasure: true, canOpenFailure: false };
  }
  return { ...NONE, kind: "current", text: "" };
}

function failure(project: ProjectStatus): string | null {
  if (project.phase !== "failed" && project.phase !== "no-interpreter") return null;
  return project.message ?? "The code location could not be measured.";
}

/** A failure may carry a traceback; the logs have all of it. */
function firstLines(text: string): string {
  return text.trim().split("\n").slice(0, 3).join("\n");
}
