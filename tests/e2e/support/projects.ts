/** Projects as a user has them: copies of real ones, each with the environment that runs it. */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  mkdirSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { REPOSITORY } from "./paths.ts";

const environments = new Map<string, string>();

/**
 * The folder of a virtual environment that tests/support/environments.py keeps: one with the newest Dagster,
 * or one with none. Built where it is not there yet, which takes a while.
 */
export function environment(name: "dagster" | "bare"): string {
  const known = environments.get(name);
  if (known !== undefined) return known;
  const wanted = name === "dagster" ? "environments.NEWEST" : JSON.stringify(name);
  const python = execFileSync(
    path.join(REPOSITORY, ".venv/bin/python"),
    ["-c", `from support import environments; print(environments.environment(${wanted}))`],
    { cwd: path.join(REPOSITORY, "tests"), encoding: "utf8" },
  );
  const folder = path.dirname(path.dirname(python.trim()));
  environments.set(name, folder);
  return folder;
}

export class Project {
  readonly folder: string;
  private readonly parent = mkdtempSync(path.join(tmpdir(), "snapsize-project-"));

  /** A folder of that name, empty but for what is written into it. */
  constructor(name: string) {
    this.folder = path.join(this.parent, name);
    mkdirSync(this.folder);
  }

  /** The bundled example, and `.venv` beside it. */
  static shop(): Project {
    const project = new Project("shop");
    cpSync(path.join(REPOSITORY, "examples/shop"), project.folder, {
      recursive: true,
      filter: (file) => !file.includes("__pycache__") && !file.endsWith("/.venv"),
    });
    symlinkSync(environment("dagster"), project.path(".venv"));
    return project;
  }

  path(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  read(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  write(name: string, text: string): void {
    mkdirSync(path.dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  /** Replace a text that must be there once. */
  replace(name: string, before: string, after: string): void {
    const text = this.read(name);
    if (text.split(before).length !== 2) throw new Error(`not once in ${name}: ${before}`);
    this.write(
      name,
      text.replace(before, () => after),
    );
  }

  /** Settings of the folder, for the editor. */
  settings(settings: Record<string, unknown>): void {
    this.write(".vscode/settings.json", JSON.stringify(settings, undefined, 2));
  }

  /** From now on its definitions do not come to an end, until they are let go. */
  holdUp(): void {
    rmSync(this.path("..", "go"), { force: true });
    const definitions = "shop_analytics/definitions.py";
    const wait = [
      "import pathlib, time",
      `while not pathlib.Path(${JSON.stringify(this.path("..", "go"))}).exists():`,
      "    time.sleep(0.02)",
    ];
    this.write(definitions, `${this.read(definitions)}\n${wait.join("\n")}\n`);
  }

  letGo(): void {
    writeFileSync(this.path("..", "go"), "");
  }

  remove(): void {
    rmSync(this.parent, { recursive: true, force: true, maxRetries: 5 });
  }
}
