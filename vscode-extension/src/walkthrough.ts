import * as vscode from "vscode";
import type { MeasurementStore } from "./measurements/store.ts";
import { SECTION } from "./settings.ts";

/**
 * Ticks the steps of the walkthrough that are done as soon as a project is measured.
 *
 * The editor looks at a context key only when it becomes true after the walkthrough was opened: what was
 * true before never ticks a step. So it becomes true again with every measurement, and when a tab opens.
 */
export function tickWalkthrough(store: MeasurementStore): vscode.Disposable {
  async function tick(): Promise<void> {
    if (store.projects.every(({ status }) => status.level === "none")) return;
    for (const value of [true, false]) {
      await vscode.commands.executeCommand("setContext", `${SECTION}.justMeasured`, value);
    }
  }
  return vscode.Disposable.from(
    store.onDidMeasure(() => void tick()),
    vscode.window.tabGroups.onDidChangeTabs(() => void tick()),
  );
}
