import * as vscode from "vscode";
import type { SavedPanel, Target } from "../../shared/reportMessages.ts";
import { worstLocation } from "../measurements/projects.ts";
import type { MeasurementStore } from "../measurements/store.ts";
import { ReportPanel } from "./panel.ts";

const VIEW_TYPE = "dagsterSnapsize.report";

/** The report panels of code locations. */
export interface Report {
  /** Opens or reveals the report of a code location; without a name of the project's worst. */
  show(folder: string, location?: string, to?: Target): void;
  /** The folder of the project whose report is in front. */
  readonly activeFolder: string | undefined;
  /** Another one is in front, or none. */
  readonly onDidChangeActive: vscode.Event<void>;
}

/** The report panels. */
export function registerReport(context: vscode.ExtensionContext, store: MeasurementStore): Report {
  const open = new Set<ReportPanel>();
  const changed = new vscode.EventEmitter<void>();

  const attach = (panel: vscode.WebviewPanel, folder: string, location: string) => {
    const report = new ReportPanel(panel, context.extensionUri, store, folder, location);
    open.add(report);
    panel.onDidDispose(() => {
      open.delete(report);
      changed.fire();
    });
    panel.onDidChangeViewState(() => {
      changed.fire();
    });
    return report;
  };

  context.subscriptions.push(
    changed,
    vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, {
      deserializeWebviewPanel: (panel, state: SavedPanel | undefined) => {
        if (state) attach(panel, state.folder, state.location);
        else panel.dispose();
        return Promise.resolve();
      },
    }),
    {
      dispose: () => {
        for (const panel of open) panel.dispose();
      },
    },
  );

  return {
    show: (folder, location, to) => {
      const project = store.project(folder);
      const worst = worstLocation(project?.locations ?? [])?.name;
      const name = location ?? worst ?? project?.status.locations[0] ?? "";
      const own = [...open].filter((panel) => panel.folder === folder);
      let report =
        own.find((panel) => panel.location === name) ??
        own.find((panel) => panel.location === "" || name === "");
      if (report) {
        report.reveal();
      } else {
        const panel = vscode.window.createWebviewPanel(
          VIEW_TYPE,
          "Snapsize",
          vscode.ViewColumn.Active,
        );
        report = attach(panel, folder, name);
      }
      if (to !== undefined) report.go(to);
    },
    onDidChangeActive: changed.event,
    get activeFolder() {
      return [...open].find((panel) => panel.isActive)?.folder;
    },
  };
}
