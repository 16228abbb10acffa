import * as vscode from "vscode";
import { formatSize } from "../../shared/format.ts";
import type { Project } from "../measurements/store.ts";
import { projectOf } from "../measurements/projects.ts";
import { assetsAt, NO_ROWS, readHeads } from "../measurements/rows.ts";
import type { Report } from "./report.ts";

interface Choice extends vscode.QuickPickItem {
  location: string;
  repository: string;
  line: number;
}

/** Shows the asset at the cursor in the report; asks which one where it is not clear. */
export async function explainAtCursor(projects: readonly Project[], report: Report): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const path = editor?.document.uri.fsPath;
  const project = path === undefined ? undefined : projectOf(path, projects);
  if (editor === undefined || path === undefined || project === undefined) {
    await say("Open a file of a Dagster project and put the cursor on an asset.");
    return;
  }
  const here = await choicesIn(project, path);
  if (here.length === 0) {
    await say(
      project.locations.some((location) => location.rowsFile !== null)
        ? "No asset is defined in this file."
        : project.locations.some((location) => location.snapshots.length > 0)
          ? NO_ROWS
          : "Nothing has been measured yet.",
    );
    return;
  }
  const line = editor.selection.active.line + 1;
  const near = assetsAt(here, line);
  const picked = near.length === 1 ? near[0] : await choose(near.length > 0 ? near : here);
  if (picked === undefined) return;
  const asset = { key: picked.label, repository: picked.repository };
  report.show(project.folder, picked.location, { asset });
}

/** The assets that are defined in a file, in the order of its lines. */
async function choicesIn(project: Project, path: string): Promise<Choice[]> {
  const own = vscode.Uri.file(path).fsPath;
  const found: Choice[] = [];
  for (const { name, rowsFile, totalBytes } of project.locations) {
    if (rowsFile === null) continue;
    const heads = await readHeads(rowsFile, totalBytes);
    const several = new Set(heads.map((head) => head.repository)).size > 1;
    for (const { key, repository, location: place, total_bytes } of heads) {
      if (place === null || vscode.Uri.file(place.path).fsPath !== own) continue;
      const of = several ? `, in ${repository}` : "";
      const description = `${formatSize(total_bytes)}, line ${place.line}${of}`;
      found.push({ label: key, description, location: name, repository, line: place.line });
    }
  }
  return found.sort((a, b) => a.line - b.line); // and heaviest first, as they are read
}

async function choose(choices: Choice[]): Promise<Choice | undefined> {
  return vscode.window.showQuickPick(choices, { title: "Explain which asset?" });
}

async function say(text: string): Promise<void> {
  await vscode.window.showInformationMessage(text);
}
