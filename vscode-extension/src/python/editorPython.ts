// What the editor's own Python tooling chose, where it is installed: the Python Environments
// extension, or else the Python extension. Both are optional, and asked by their published API.

import type { PythonEnvironment, PythonEnvironmentApi } from "@vscode/python-environments";
import type { PythonExtension } from "@vscode/python-extension";
import * as vscode from "vscode";
import type { Log } from "../server/log.ts";

const WITHIN_MILLISECONDS = 10_000;

/** An interpreter that the editor knows. */
export interface KnownPython {
  path: string;
  name: string;
}

interface Tooling {
  chosen(folder: vscode.Uri | undefined): Promise<string | null>;
  known(): Promise<KnownPython[]>;
  onDidChange(listener: () => void): vscode.Disposable;
}

export class EditorPython implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #extensionsChanged: vscode.Disposable;
  readonly #log: Log;
  /** Of the tooling that is asked now. */
  #listening: vscode.Disposable | undefined;
  #tooling: Promise<Tooling | undefined> | undefined;

  /** Another interpreter was chosen, for some folder. */
  readonly onDidChange = this.#changed.event;

  constructor(log: Log) {
    this.#log = log;
    this.#extensionsChanged = vscode.extensions.onDidChange(() => {
      this.#tooling = undefined;
      this.#changed.fire();
    });
  }

  /** The interpreter chosen for a folder; null where nobody chose one. */
  async chosen(folder: vscode.Uri | undefined): Promise<string | null> {
    return (await this.#within((tooling) => tooling.chosen(folder))) ?? null;
  }

  /** All interpreters that the editor found. */
  async known(): Promise<KnownPython[]> {
    return (await this.#within((tooling) => tooling.known())) ?? [];
  }

  /** Wait for the other extension, but not forever: a late answer counts as a change. */
  async #within<T>(work: (tooling: Tooling) => Promise<T>): Promise<T | undefined> {
    this.#tooling ??= this.#find();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => {
        this.#log.warn(
          "The editor's Python extension did not answer in time; continuing without it.",
        );
        resolve(undefined);
        void this.#tooling?.then((found) => {
          if (found !== undefined) this.#changed.fire();
        });
      }, WITHIN_MILLISECONDS);
    });
    try {
      const found = this.#tooling.then((tooling) => tooling && work(tooling));
      return await Promise.race([found, late]);
    } catch (error) {
      this.#log.warn(`The editor's Python extension failed: ${String(error)}`);
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  async #find(): Promise<Tooling | undefined> {
    try {
      const tooling = (await environmentsExtension()) ?? (await pythonExtension());
      this.#listening?.dispose();
      this.#listening = tooling?.onDidChange(() => {
        this.#changed.fire();
      });
      return tooling;
    } catch (error) {
      this.#log.warn(`The editor's Python extension could not be asked: ${String(error)}`);
      return undefined;
    }
  }

  dispose(): void {
    this.#listening?.dispose();
    this.#extensionsChanged.dispose();
    this.#changed.dispose();
  }
}

async function environmentsExtension(): Promise<Tooling | undefined> {
  const extension = vscode.extensions.getExtension<PythonEnvironmentApi | undefined>(
    "ms-python.vscode-python-envs",
  );
  const used = vscode.workspace.getConfiguration("python").get("useEnvironmentsExtension");
  if (extension === undefined || used === false) return undefined;
  const api = await extension.activate();
  if (api === undefined) return undefined;
  return {
    chosen: async (folder) => executable(await api.getEnvironment(folder)),
    known: async () =>
      (await api.getEnvironments("all")).map((environment) => ({
        path: executable(environment) ?? "",
        name: environment.displayName,
      })),
    onDidChange: (listener) => api.onDidChangeEnvironment(listener),
  };
}

function executable(environment: PythonEnvironment | undefined): string | null {
  return environment?.execInfo.run.executable ?? null;
}

async function pythonExtension(): Promise<Tooling | undefined> {
  const extension = vscode.extensions.getExtension<PythonExtension>("ms-python.python");
  if (extension === undefined) return undefined;
  const { ready, environments } = await extension.activate();
  await ready;
  return {
    chosen: async (folder) => {
      const path = environments.getActiveEnvironmentPath(folder);
      // This id says that nothing was chosen or found.
      if (path.id === "DEFAULT_PYTHON") return null;
      const environment = await environments.resolveEnvironment(path);
      return environment?.executable.uri?.fsPath ?? path.path;
    },
    known: () =>
      Promise.resolve(
        environments.known.map((known) => ({
          path: known.executable.uri?.fsPath ?? "",
          name: known.environment?.name ?? "Python",
        })),
      ),
    onDidChange: (listener) => environments.onDidChangeActiveEnvironmentPath(listener),
  };
}
