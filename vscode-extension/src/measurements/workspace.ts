import * as vscode from "vscode";
import { areOfProject, PROJECT_GLOB, SKIPPED_GLOB } from "./detection.ts";

/** Whether the workspace looks like it holds a Dagster project, at any depth. */
export async function holdsProject(): Promise<boolean> {
  const found = await vscode.workspace.findFiles(PROJECT_GLOB, SKIPPED_GLOB);
  return areOfProject(found.map(({ fsPath }) => fsPath));
}

/** The file that the user looks at: the one in front, or one beside what is in front. */
export function visibleFile(): vscode.Uri | undefined {
  const { activeTextEditor, visibleTextEditors } = vscode.window;
  const editors = [...(activeTextEditor ? [activeTextEditor] : []), ...visibleTextEditors];
  return editors.map(({ document }) => document.uri).find(({ scheme }) => scheme === "file");
}
