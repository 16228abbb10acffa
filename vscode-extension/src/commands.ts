import * as vscode from "vscode";
import { bugReport } from "./bugReport/bugReport.ts";
import type { EditorPython } from "./python/editorPython.ts";
import { explainAtCursor } from "./report/explain.ts";
import type { Log } from "./server/log.ts";
import type { MeasurementStore, Project } from "./measurements/store.ts";
import type { Report } from "./report/report.ts";
import { selectInterpreter } from "./python/selectInterpreter.ts";
import type { Server } from "./server/server.ts";
import { SECTION } from "./settings.ts";

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

export interface Commands {
  dispose(): void;
  /** Says why nothing can be shown, and offers what would help. */
  sayWhy(): Promise<void>;
}

const LENSES = "codeLens.enable";

/** The commands of the palette, the status bar and the walkthrough. */
export function registerCommands(parts: Parts): Commands {
  const { context, log, store, server, report, editorPython, currentProject } = parts;

  async function openReport(folder?: string, location?: string): Promise<void> {
    const project = folder === undefined ? currentProject() : store.project(folder);
    if (project === undefined) await sayWhy();
    else report.show(project.folder, location);
  }

  async function openTab(tab: "limits" | "time"): Promise<void> {
    const project = currentProject();
    if (project === undefined) await sayWhy();
    else report.show(project.folder, undefined, { tab });
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

  /** Where it is set already, else for the user. */
  async function toggleLenses(): Promise<void> {
    const project = currentProject();
    const settings = vscode.workspace.getConfiguration(
      SECTION,
      project && vscode.Uri.file(project.folder),
    );
    const set = settings.inspect(LENSES);
    const target =
      set?.workspaceFolderValue !== undefined
        ? vscode.ConfigurationTarget.WorkspaceFolder
        : set?.workspaceValue !== undefined
          ? vscode.ConfigurationTarget.Workspace
          : vscode.ConfigurationTarget.Global;
    await settings.update(LENSES, !settings.get<boolean>(LENSES, true), target);
  }

  async function copyDiagnostics(): Promise<void> {
    await vscode.env.clipboard.writeText(bugReport(context, server, store, log));
    const text = "Copied. Check it for private data before you share it.";
    await vscode.window.showInformationMessage(text);
  }

  /** Runs a command of the server, and says so where there is none. */
  async function onServer(command: string): Promise<void> {
    if (server.state.name === "running") await vscode.commands.executeCommand(command);
    else await sayWhy();
  }

  async function sayWhy(): Promise<void> {
    const { state } = server;
    const message = "message" in state ? state.message : "Nothing has been measured yet.";
    const isWrong = state.name === "stopped" || state.name === "no-python";
    const say = isWrong ? vscode.window.showErrorMessage : vscode.window.showInformationMessage;
    const actions = new Map<string, [string, ...string[]]>();
    if (state.name === "no-python") {
      const setting = `${SECTION}.serverPython`;
      actions.set("Open Settings", ["workbench.action.openSettings", setting]);
    } else {
      actions.set("Show Logs", [`${SECTION}.showLogs`]);
    }
    if (isWrong) actions.set("Restart Server", [`${SECTION}.restartServer`]);
    const picked = await say(message, ...actions.keys());
    const [command, ...args] = actions.get(picked ?? "") ?? [];
    if (command !== undefined) await vscode.commands.executeCommand(command, ...args);
  }

  const commands: Record<string, (...args: never[]) => unknown> = {
    measureNow: () => onServer("dagsterSnapsize.measure"),
    cancelMeasuring: () => onServer("dagsterSnapsize.cancel"),
    updateSizeBaseline: () => onServer("dagsterSnapsize.updateBaseline"),
    openReport,
    explainAsset: () => explainAtCursor(store.projects, report),
    openLimits: () => openTab("limits"),
    openLoadTime: () => openTab("time"),
    selectInterpreter: chooseInterpreter,
    toggleCodeLens: toggleLenses,
    openEnableSetting: () =>
      vscode.commands.executeCommand("workbench.action.openSettings", `${SECTION}.enable`),
    restartServer: () => server.restart(),
    showLogs: () => {
      log.channel.show();
    },
    copyDiagnostics,
  };
  const registered = Object.entries(commands).map(([name, run]) =>
    vscode.commands.registerCommand(`${SECTION}.${name}`, run),
  );
  return {
    sayWhy,
    dispose: () => {
      vscode.Disposable.from(...registered).dispose();
    },
  };
}
