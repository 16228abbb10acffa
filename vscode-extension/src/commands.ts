import * as vscode from "vscode";
import { bugReport } from "./bugReport/bugReport.ts";
import type { EditorPython } from "./python/editorPython.ts";
import { explainAtCursor } from "./documents/explain.ts";
import type { Log } from "./server/log.ts";
import type { MeasurementStore, Project } from "./measurements/store.ts";
import type { Report } from "./report/report.ts";
import { selectInterpreter } from "./python/selectInterpreter.ts";
import type { Server } from "./server/server.ts";

export interface Parts {
  context: vscode.ExtensionContext;
  log: Log;
  store: MeasurementStore;
  server: Server;
  report: Report;
  editorPython: EditorPython;
  /** The project that a command without arguments is about. */
  currentProject: () => Project | undefined;
}

/** The commands of the palette, the status bar and the walkthrough. */
export function registerCommands(parts: Parts): vscode.Disposable {
  const { context, log, store, server, report, editorPython, currentProject } = parts;

  async function openReport(folder?: string, location?: string, search?: string): Promise<void> {
    const project = folder === undefined ? currentProject() : store.project(folder);
    if (project === undefined) await nothingYet();
    else await report.show(project.folder, location, search);
  }

  async function chooseInterpreter(): Promise<void> {
    const project = currentProject();
    const folders = vscode.workspace.workspaceFolders ?? [];
    const own = project && vscode.workspace.getWorkspaceFolder(vscode.Uri.file(project.folder));
    const folder =
      own ?? (folders.length === 1 ? folders[0] : await vscode.window.showWorkspaceFolderPick());
    if (folder === undefined) return;
    await selectInterpreter(folder, project?.folder ?? folder.uri.fsPath, editorPython);
  }

  async function copyDiagnostics(): Promise<void> {
    await vscode.env.clipboard.writeText(bugReport(context, server, store, log));
    const text = "Copied. Check it for private data before you share it.";
    await vscode.window.showInformationMessage(text);
  }

  /** Runs a command of the server, and says so where there is none. */
  async function onServer(command: string): Promise<void> {
    if (server.state.name === "running") await vscode.commands.executeCommand(command);
    else await nothingYet();
  }

  async function nothingYet(): Promise<void> {
    const { state } = server;
    const message = "message" in state ? state.message : "Nothing has been measured yet.";
    const picked = await vscode.window.showInformationMessage(message, "Show Logs");
    if (picked !== undefined) log.channel.show();
  }

  const commands: Record<string, (...args: never[]) => unknown> = {
    measureNow: () => onServer("dagsterSnapsize.measure"),
    cancelMeasuring: () => onServer("dagsterSnapsize.cancel"),
    updateSizeBaseline: () => onServer("dagsterSnapsize.updateBaseline"),
    openReport,
    explainAsset: () => explainAtCursor(store.projects),
    openLimits: () => onServer("dagsterSnapsize.showLimits"),
    selectInterpreter: chooseInterpreter,
    restartServer: () => server.restart(),
    showLogs: () => {
      log.channel.show();
    },
    copyDiagnostics,
  };
  return vscode.Disposable.from(
    ...Object.entries(commands).map(([name, run]) =>
      vscode.commands.registerCommand(`dagsterSnapsize.${name}`, run),
    ),
  );
}
