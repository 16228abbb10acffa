import { relative, isAbsolute } from "node:path";
import { LEVELS } from "./level.ts";
import type { Project } from "./store.ts";
import type { ProjectStatus } from "../protocol.ts";

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

/** The project whose state is the worst, the first of those that are equally bad. */
export function worst(projects: readonly Project[]): Project | undefined {
  return [...projects].sort((a, b) => badness(b.status) - badness(a.status))[0];
}

function badness({ phase, level }: ProjectStatus): number {
  if (phase === "failed" || phase === "no-interpreter") return 4;
  return LEVELS.indexOf(level);
}
