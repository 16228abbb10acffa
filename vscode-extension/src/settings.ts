import { homedir } from "node:os";
import * as vscode from "vscode";
import { expand } from "./expand.ts";

export const SECTION = "dagsterSnapsize";

/** A path from the settings, with its variables written out; undefined where there is none. */
export function pathSetting(name: string, scope: vscode.Uri | undefined): string | undefined {
  const value = vscode.workspace.getConfiguration(SECTION, scope).get<string | null>(name);
  if (typeof value !== "string" || value.trim() === "") return undefined;
  return expandFor(value.trim(), scope);
}

/** Whether measuring is switched on in a folder. */
export function isEnabled(folder: string): boolean {
  const settings = vscode.workspace.getConfiguration(SECTION, vscode.Uri.file(folder));
  return settings.get<boolean>("enable", true);
}

export function expandFor(value: string, scope: vscode.Uri | undefined): string {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const own = scope === undefined ? folders[0] : vscode.workspace.getWorkspaceFolder(scope);
  return expand(value, {
    folder: (own ?? folders[0])?.uri.fsPath,
    folders: new Map(folders.map((folder) => [folder.name, folder.uri.fsPath])),
    home: homedir(),
    env: process.env,
  });
}
