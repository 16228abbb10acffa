import * as vscode from "vscode";
import { warnOverBudget } from "./status/overBudgetWarnings.ts";
import type { Show } from "./server/client.ts";
import { registerCommands } from "./commands.ts";
import { PROJECT_FILES, holdsProject } from "./measurements/detection.ts";
import { MarkdownDocuments } from "./documents/documents.ts";
import { EditorPython } from "./python/editorPython.ts";
import { Log } from "./server/log.ts";
import { MeasurementStore, type Project } from "./measurements/store.ts";
import { isWithin, projectOf, worst } from "./measurements/projects.ts";
import { registerReport } from "./report/report.ts";
import { Server } from "./server/server.ts";
import { SECTION } from "./settings.ts";
import { registerSizes } from "./sizes/view.ts";
import { StatusBar } from "./status/statusBar.ts";
import { stateOf, statusView, type ServerState } from "./status/statusView.ts";

let server: Server | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const log = new Log();
  const store = new MeasurementStore();
  const editorPython = new EditorPython(log);
  const documents = new MarkdownDocuments();
  const statusBar = new StatusBar();
  registerSizes(context, store);
  const report = registerReport(context, store);

  const show: Show = async (command, args, text) => {
    const [first, second] = args.map(String);
    if (command === "dagsterSnapsize.showReport") {
      await report.show(second ?? "", first); // the location, and its project's folder
      return;
    }
    const found = await text();
    if (found === null) return;
    const name = command === "dagsterSnapsize.showLimits" ? "limits" : (second ?? "asset");
    await documents.show(`${name}.md`, found);
  };
  const ownServer = new Server(context.extensionPath, log, store, editorPython, show);
  server = ownServer;

  function currentProject(): Project | undefined {
    const path = vscode.window.activeTextEditor?.document.uri.fsPath;
    const own = path === undefined ? undefined : projectOf(path, store.projects);
    return own ?? worst(store.projects);
  }

  function render(): void {
    const project = currentProject();
    statusBar.show(statusView(ownServer.state, project));
    void setContext("state", stateOf(ownServer.state, project));
  }

  /** Only where there may be a Dagster project is there a server; it has the last word. */
  async function startWhereNeeded(): Promise<void> {
    const folders = vscode.workspace.workspaceFolders ?? [];
    const found = await Promise.all(folders.map(({ uri }) => holdsProject(uri.fsPath)));
    if (found.includes(true)) await ownServer.start();
    else if (ownServer.state.name !== "off") await ownServer.stop();
    else log.info("No Dagster project was found in this workspace.");
  }

  async function settingsChanged(event: vscode.ConfigurationChangeEvent): Promise<void> {
    if (event.affectsConfiguration(`${SECTION}.serverPython`)) await ownServer.restart();
    else if (event.affectsConfiguration(SECTION)) await ownServer.settingsChanged();
  }

  const projectFiles = vscode.workspace.createFileSystemWatcher(
    `**/{${PROJECT_FILES.join(",")}}`,
    false,
    false,
    true,
  );
  const guarded = (work: Promise<void>) => {
    work.catch((error: unknown) => {
      log.error(String(error));
    });
  };
  context.subscriptions.push(
    log,
    store,
    editorPython,
    documents,
    statusBar,
    ownServer,
    projectFiles,
    registerCommands({
      context,
      log,
      store,
      server: ownServer,
      report,
      editorPython,
      currentProject,
    }),
    warnOverBudget(store),
    store.onDidChange(render),
    ownServer.onDidChangeState((state) => {
      render();
      if (state.name === "stopped" || state.name === "no-python") guarded(sayWhy(state));
    }),
    vscode.window.onDidChangeActiveTextEditor(render),
    vscode.workspace.onDidChangeConfiguration((event) => {
      guarded(settingsChanged(event));
    }),
    vscode.workspace.onDidChangeWorkspaceFolders(() => {
      const folders = vscode.workspace.workspaceFolders ?? [];
      store.keep((project) => folders.some(({ uri }) => isWithin(uri.fsPath, project)));
      guarded(startWhereNeeded());
    }),
    projectFiles.onDidCreate(() => {
      if (ownServer.state.name === "off") guarded(startWhereNeeded());
    }),
    projectFiles.onDidChange(() => {
      if (ownServer.state.name === "off") guarded(startWhereNeeded());
    }),
    editorPython.onDidChange(() => {
      guarded(ownServer.settingsChanged());
    }),
    vscode.window.onDidChangeWindowState(({ focused }) => {
      guarded(ownServer.focusChanged(focused));
    }),
  );
  render();
  guarded(startWhereNeeded());
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}

/** The server does not run, and will not by itself. */
async function sayWhy({ name, message }: ServerState & { message: string }): Promise<void> {
  const actions = new Map([
    name === "no-python"
      ? ["Open Settings", ["workbench.action.openSettings", `${SECTION}.serverPython`]]
      : ["Show Logs", ["dagsterSnapsize.showLogs"]],
    ["Try Again", ["dagsterSnapsize.restartServer"]],
  ]);
  const picked = await vscode.window.showErrorMessage(message, ...actions.keys());
  const [command, ...args] = actions.get(picked ?? "") ?? [];
  if (command !== undefined) await vscode.commands.executeCommand(command, ...args);
}

async function setContext(name: string, value: unknown): Promise<void> {
  await vscode.commands.executeCommand("setContext", `${SECTION}.${name}`, value);
}
