// Whether a folder looks like a Dagster project, from a few small files. The language server decides;
// this only avoids starting one where it would have nothing to do.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

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

const SKIPPED = new Set(["node_modules", "__pycache__", "site-packages", "target", "dbt_packages"]);
const LEVELS = 2;

/** The names of the files that make a Dagster project. */
export const PROJECT_FILES: readonly string[] = Object.keys(CHECKS);

/** Whether there is a Dagster project in this folder, or in those below it (two levels). */
export async function holdsProject(folder: string, levels = LEVELS): Promise<boolean> {
  let entries;
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch {
    return false;
  }
  for (const { name } of entries) {
    const check = CHECKS[name];
    if (check?.(await textOf(join(folder, name)))) return true;
  }
  if (levels === 0 || entries.some(({ name }) => name === "pyvenv.cfg")) return false;
  for (const entry of entries) {
    const skipped = entry.name.startsWith(".") || SKIPPED.has(entry.name);
    if (entry.isDirectory() && !skipped) {
      if (await holdsProject(join(folder, entry.name), levels - 1)) return true;
    }
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
