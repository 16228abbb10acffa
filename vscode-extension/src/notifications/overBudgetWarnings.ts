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

/** Opens the quick fixes where the finding is shown; they write the budget into the project. */
async function offerToRaise(finding: Finding | undefined): Promise<void> {
  const location = finding?.location;
  if (!location) {
    await vscode.commands.executeCommand("workbench.actions.view.problems");
    return;
  }
  const { path, line } = location;
  const start = new vscode.Position(Math.max(0, line - 1), 0);
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(path));
  const end = document.lineAt(Math.min(start.line, document.lineCount - 1)).range.end;
  await vscode.window.showTextDocument(document, { selection: new vscode.Range(start, end) });
  await vscode.commands.executeCommand("editor.action.quickFix");
}
