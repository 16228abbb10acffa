import * as vscode from "vscode";
import type { SavedPanel } from "../../shared/reportMessages.ts";
import { LEVELS } from "../measurements/level.ts";
import type { MeasurementStore } from "../measurements/store.ts";
import type { LocationMeasurement } from "../protocol.ts";
import { ReportPanel } from "./panel.ts";

const VIEW_TYPE = "dagsterSnapsize.report";

/** The report panel of code locations. */
export interface Report {
  /**
   * Opens or reveals the report of a code location; without a name of the project's worst. With
   * `search` it searches for that.
   */
  show(folder: string, location?: string, search?: string): Promise<void>;
}

/** The report panel. */
export function registerReport(context: vscode.ExtensionContext, store: MeasurementStore): Report {
  const open = new Map<string, ReportPanel>();
  const id = (folder: string, location: string) => JSON.stringify([folder, location]);

  const attach = (panel: vscode.WebviewPanel, folder: string, location: string) => {
    const key = id(folder, location);
    const report = new ReportPanel(panel, context.extensionUri, store, folder, location);
    open.set(key, report);
    panel.onDidDispose(() => open.delete(key));
    return report;
  };

  context.subscriptions.push(
    vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, {
      deserializeWebviewPanel: (panel, state: SavedPanel | undefined) => {
        if (state) attach(panel, state.folder, state.location);
        else panel.dispose();
        return Promise.resolve();
      },
    }),
    {
      dispose: () => {
        for (const panel of open.values()) panel.dispose();
      },
    },
  );

  return {
    show: (folder, location, search) => {
      const project = store.project(folder);
      const name =
        location ?? worst(project?.locations ?? [])?.name ?? project?.status.locations[0];
      if (name === undefined) {
        void vscode.window.showInformationMessage("There is no code location to report on yet.");
        return Promise.resolve();
      }
      let report = open.get(id(folder, name));
      if (report) {
        report.reveal();
      } else {
        const panel = vscode.window.createWebviewPanel(VIEW_TYPE, name, vscode.ViewColumn.Active);
        report = attach(panel, folder, name);
      }
      if (search !== undefined) report.search(search);
      return Promise.resolve();
    },
  };
}

/** The one nearest to its limits; of several the largest. */
function worst(locations: readonly LocationMeasurement[]): LocationMeasurement | undefined {
  return [...locations].sort(
    (a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level) || b.totalBytes - a.totalBytes,
  )[0];
}
