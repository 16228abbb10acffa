// Whether a workspace looks like it holds a Dagster project, from a few small files. The language server
// decides; this only avoids starting one where it would have nothing to do.

import { readFile } from "node:fs/promises";
import { basename } from "node:path";

type Check = (text: string) => boolean;

const anything: Check = () => true;
const hasTables: Check = (text) => /^\s*\[+\s*tool\s*\.\s*["']?(dagster|dg)\b/m.test(text);
const definesThings: Check = (text) => /\bdagster|\bdefs\b|\bDefinitions\b/.test(text);

const CHECKS: Readonly<Record<string, Check>> = {
  "dg.toml": anything,
  "snapsize.toml": anything,
  "workspace.yaml": (text) => /^\s*load_from\s*:/m.test(text),
  "workspace.yml": (text) => /^\s*load_from\s*:/m.test(text),
  "dagster_cloud.yaml": anything,
  "pyproject.toml": hasTables,
  "definitions.py": definesThings,
};

/** The names of the files that make a Dagster project. */
export const PROJECT_FILES: readonly string[] = Object.keys(CHECKS);

/** These files at any depth, and the folders in which none is a project's, as globs. */
export const PROJECT_GLOB = `**/{${PROJECT_FILES.join(",")}}`;
export const SKIPPED_GLOB =
  "**/{.*,node_modules,__pycache__,site-packages,target,dbt_packages,venv}/**";

/** Whether one of these files makes a Dagster project. */
export async function areOfProject(paths: readonly string[]): Promise<boolean> {
  for (const path of paths) {
    if (CHECKS[basename(path)]?.(await textOf(path))) return true;
  }
  return false;
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return "";
  }
}
