import * as vscode from "vscode";
import type { MeasurementStore, Project } from "../measurements/store.ts";
import { OverBudget } from "./overBudget.ts";
import type { Finding } from "../protocol.ts";
import { mayNotify } from "./level.ts";
import { overBudgetText } from "../status/statusView.ts";

const REPORT = "Show Report";
const RAISE = "Raise Budget…";

/** Warns of snapshots that went over budget in this session, each of them once. */
export function warnOverBudget(store: MeasurementStore): vscode.Disposable {
  const overBudget = new OverBudget();
  return store.onDidMeasure(() => {
    for (const project of store.projects) {
      const found = overBudget.newIn(project.status);
      if (mayNotify("budget")) for (const id of found) void warn(project, id);
    }
  });
}

async function warn(project: Project, id: string): Promise<void> {
  for (const location of project.locations) {
    const snapshot = location.snapshots.find((candidate) => candidate.id === id);
    if (snapshot === undefined) continue;
    const picked = await vscode.window.showWarningMessage(overBudgetText(snapshot), REPORT, RAISE);
    if (picked === REPORT) {
      const command = "dagsterSnapsize.openReport";
      await vscode.commands.executeCommand(command, project.folder, location.name);
    } else if (picked === RAISE) {
      const finding = location.findings.find(
        (candidate) => candidate.rule === "snapshot-over-budget" && candidate.snapshot === id,
      );
      await offerToRaise(finding);
    }
  }
}

/** Lets the user pick one of the larger budgets that code actions write into the project. */
async function offerToRaise(finding: Finding | undefined): Promise<void> {
  const location = finding?.location;
  if (!location) {
    await vscode.commands.executeCommand("workbench.actions.view.problems");
    return;
  }
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(location.path));
  const line = Math.min(Math.max(0, location.line - 1), document.lineCount - 1);
  const { range } = document.lineAt(line);
  await vscode.window.showTextDocument(document, { selection: range });
  const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
    "vscode.executeCodeActionProvider",
    document.uri,
    range,
  );
  const larger = actions.filter(({ title, edit }) => edit && title.startsWith("Allow "));
  if (larger.length === 0) {
    await vscode.commands.executeCommand("workbench.actions.view.problems");
    return;
  }
  const titles = larger.map(({ title }) => title);
  const placeHolder = "Write a larger budget into the project's settings";
  const picked = await vscode.window.showQuickPick(titles, { placeHolder });
  const edit = larger.find(({ title }) => title === picked)?.edit;
  if (edit === undefined || !(await vscode.workspace.applyEdit(edit))) return;
  for (const [uri] of edit.entries()) await vscode.window.showTextDocument(uri);
}
