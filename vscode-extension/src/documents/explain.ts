import * as vscode from "vscode";
import { formatSize } from "../../shared/format.ts";
import type { Project } from "../measurements/store.ts";
import { projectOf } from "../measurements/projects.ts";
import { assetsAt, assetsIn, type PlacedAsset } from "../measurements/rows.ts";

interface Choice extends vscode.QuickPickItem {
  location: string;
  asset: PlacedAsset;
}

/** Shows the report of the asset at the cursor; asks which one where it is not clear. */
export async function explainAtCursor(projects: readonly Project[]): Promise<void> {
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
        : "Nothing has been measured yet.",
    );
    return;
  }
  const line = editor.selection.active.line + 1;
  const lines = here.map((choice) => ({ line: choice.asset.line, choice }));
  const near = assetsAt(lines, line).map(({ choice }) => choice);
  const picked = near.length === 1 ? near[0] : await choose(near.length > 0 ? near : here);
  if (picked === undefined) return;
  const { location, asset } = picked;
  await vscode.commands.executeCommand(
    "dagsterSnapsize.showAsset",
    location,
    asset.key,
    project.folder,
  );
}

async function choicesIn(project: Project, path: string): Promise<Choice[]> {
  const own = vscode.Uri.file(path).fsPath;
  const found: Choice[] = [];
  for (const { name, rowsFile } of project.locations) {
    if (rowsFile === null) continue;
    const assets = await assetsIn(rowsFile, (source) => vscode.Uri.file(source).fsPath === own);
    for (const asset of assets) {
      const description = `${formatSize(asset.bytes)}, line ${asset.line}`;
      found.push({ label: asset.key, description, location: name, asset });
    }
  }
  return found;
}

async function choose(choices: Choice[]): Promise<Choice | undefined> {
  return vscode.window.showQuickPick(choices, { title: "Explain which asset?" });
}

async function say(text: string): Promise<void> {
  await vscode.window.showInformationMessage(text);
}
