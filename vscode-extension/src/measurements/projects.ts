import { budgetShare } from "../../shared/format.ts";
import { relative, isAbsolute } from "node:path";
import { LEVELS } from "./level.ts";
import type { Project } from "./store.ts";
import type { LocationMeasurement, ProjectStatus } from "../protocol.ts";

/** Whether a file is in a folder, or is that folder. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return !isAbsolute(way) && way !== ".." && !/^\.\.[\\/]/.test(way);
}

/** The project that a file belongs to: the innermost one around it. */
export function projectOf<P extends Pick<Project, "folder">>(
  path: string,
  projects: readonly P[],
): P | undefined {
  return projects
    .filter((project) => isWithin(project.folder, path))
    .sort((a, b) => b.folder.length - a.folder.length)[0];
}

/** The project whose state is the worst; of those that are equally bad, the nearest to a budget. */
export function worst(projects: readonly Project[]): Project | undefined {
  return [...projects].sort(
    (a, b) => badness(b.status) - badness(a.status) || share(b.status) - share(a.status),
  )[0];
}

/** The code location nearest to its limits; of several the largest. */
export function worstLocation(
  locations: readonly LocationMeasurement[],
): LocationMeasurement | undefined {
  return [...locations].sort(
    (a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level) || b.totalBytes - a.totalBytes,
  )[0];
}

function badness({ phase, level }: ProjectStatus): number {
  if (phase === "failed" || phase === "no-interpreter") return LEVELS.length;
  return LEVELS.indexOf(level);
}

/** How much of its budget the snapshot uses that is nearest to it. */
function share({ nearest }: ProjectStatus): number {
  return nearest ? budgetShare(nearest.usedBytes, nearest.budgetBytes) : 0;
}
