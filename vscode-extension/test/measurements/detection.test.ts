import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { areOfProject } from "../../src/measurements/detection.ts";

const made: string[] = [];
after(() => Promise.all(made.map((folder) => rm(folder, { recursive: true }))));

async function pathsOf(files: Record<string, string>): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "detection-"));
  made.push(folder);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return Object.keys(files).map((name) => join(folder, name));
}

const PROJECTS: Record<string, Record<string, string>> = {
  "dg.toml": { "dg.toml": "" },
  "[tool.dagster]": { "pyproject.toml": '[tool.dagster]\nmodule_name = "a"\n' },
  "[tool.dg.project]": { "pyproject.toml": "[tool.dg.project]\n" },
  "[tool.dagster-snapsize]": { "pyproject.toml": "[tool.dagster-snapsize.budget]\n" },
  "a broken pyproject.toml that speaks of Dagster": { "pyproject.toml": "[tool.dagster\n" },
  "workspace.yaml": { "workspace.yaml": "load_from:\n  - python_file: a.py\n" },
  "definitions.py": { "definitions.py": "import dagster as dg\n" },
  "one that is not the first": {
    "pyproject.toml": "[tool.ruff]\n",
    "teams/data/projects/shop/pyproject.toml": "[tool.dagster]\n",
  },
};
for (const [name, files] of Object.entries(PROJECTS)) {
  test(`a project: ${name}`, async () => {
    assert.equal(await areOfProject(await pathsOf(files)), true);
  });
}

const OTHERS: Record<string, Record<string, string>> = {
  "no file at all": {},
  "another Python project": { "pyproject.toml": '[project]\nname = "a"\n[tool.ruff]\n' },
  "another workspace.yaml": { "workspace.yaml": "packages: []\n" },
  "another definitions.py": { "definitions.py": "COLOURS = {}\n" },
};
for (const [name, files] of Object.entries(OTHERS)) {
  test(`no project: ${name}`, async () => {
    assert.equal(await areOfProject(await pathsOf(files)), false);
  });
}

test("a file that is gone makes no project", async () => {
  assert.equal(await areOfProject([join(tmpdir(), "nothing", "definitions.py")]), false);
});
