import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import * as vscode from "vscode";
import type { EditorPython } from "./editorPython.ts";
import { isWithin } from "../measurements/projects.ts";
import { interpreterIn } from "./serverPython.ts";
import { SECTION } from "../settings.ts";

const WITHIN_MILLISECONDS = 10_000;
const PROBE =
  "import sys, importlib.metadata as m\n" +
  "try: d = 'Dagster ' + m.version('dagster')\n" +
  "except m.PackageNotFoundError: d = 'no Dagster'\n" +
  "print('Python %d.%d.%d, ' % sys.version_info[:3] + d)";

interface Choice extends vscode.QuickPickItem {
  /** What to write: a path, null for none, undefined to browse for one. */
  value?: string | null | undefined;
}

/** Lets the user choose the Python that runs a project's code, and writes it to the folder's settings. */
export async function selectInterpreter(
  folder: vscode.WorkspaceFolder,
  project: string,
  editorPython: EditorPython,
): Promise<void> {
  const settings = vscode.workspace.getConfiguration(SECTION, folder);
  const current = settings.get<string | null>("interpreter") ?? null;
  const picked = await vscode.window.showQuickPick(
    choices(folder, project, current, editorPython),
    {
      title: `The Python that runs the code of ${folder.name}`,
      placeHolder: current === null ? "Current: the project's own choice" : `Current: ${current}`,
      matchOnDescription: true,
      matchOnDetail: true,
    },
  );
  if (picked === undefined) return;
  const value = picked.value === undefined ? await browse(folder) : picked.value;
  if (value === undefined) return;
  const target = vscode.ConfigurationTarget.WorkspaceFolder;
  await settings.update(
    "interpreter",
    value === null ? undefined : portable(value, folder),
    target,
  );
}

async function choices(
  folder: vscode.WorkspaceFolder,
  project: string,
  current: string | null,
  editorPython: EditorPython,
): Promise<Choice[]> {
  const [chosen, known] = await Promise.all([
    editorPython.chosen(folder.uri),
    editorPython.known(),
  ]);
  const found = new Map<string, string>();
  if (chosen !== null) found.set(chosen, "chosen in the Python extension");
  for (const place of new Set([project, folder.uri.fsPath])) {
    for (const name of [".venv", "venv"]) {
      const path = interpreterIn(join(place, name), process.platform);
      if (!found.has(path)) found.set(path, "in the project");
    }
  }
  for (const { path, name } of known) if (path !== "" && !found.has(path)) found.set(path, name);
  const described = await Promise.all(
    [...found].map(async ([path, source]): Promise<Choice | undefined> => {
      const description = await describe(path);
      return description === undefined
        ? undefined
        : { label: portable(path, folder), description, detail: source, value: path };
    }),
  );
  return [
    {
      label: "$(discard) Let the project decide",
      detail: "its configuration, the Python extension's choice, .venv and so on",
      value: null,
      picked: current === null,
    },
    { label: "$(folder-opened) Browse…", value: undefined },
    { label: "Found", kind: vscode.QuickPickItemKind.Separator },
    ...described.filter((choice) => choice !== undefined),
  ];
}

/** Versions of Python and Dagster; undefined where there is no interpreter. */
async function describe(path: string): Promise<string | undefined> {
  try {
    await access(path);
  } catch {
    return undefined;
  }
  return new Promise((resolve) => {
    const options = { timeout: WITHIN_MILLISECONDS, windowsHide: true };
    execFile(path, ["-I", "-c", PROBE], options, (error, stdout) => {
      resolve(error === null ? stdout.trim() : "does not run");
    });
  });
}

async function browse(folder: vscode.WorkspaceFolder): Promise<string | undefined> {
  const picked = await vscode.window.showOpenDialog({
    title: "The Python interpreter of the project",
    openLabel: "Select Interpreter",
    defaultUri: folder.uri,
    canSelectMany: false,
  });
  return picked?.[0]?.fsPath;
}

/** A path in the folder as others who have that folder can use it too. */
function portable(path: string, folder: vscode.WorkspaceFolder): string {
  const root = folder.uri.fsPath;
  if (!isWithin(root, path)) return path;
  return `\${workspaceFolder}/${relative(root, path).split(sep).join("/")}`;
}
