import * as vscode from "vscode";
import { warnOverBudget } from "./notifications/overBudgetWarnings.ts";
import type { Show } from "./server/client.ts";
import { registerCommands } from "./commands.ts";
import { PROJECT_GLOB } from "./measurements/detection.ts";
import { EditorPython } from "./python/editorPython.ts";
import { Log } from "./server/log.ts";
import { MeasurementStore, type Project } from "./measurements/store.ts";
import { isWithin, projectOf, worst } from "./measurements/projects.ts";
import { holdsProject, visibleFile } from "./measurements/workspace.ts";
import { registerReport } from "./report/report.ts";
import { Server } from "./server/server.ts";
import { isEnabled, SECTION } from "./settings.ts";
import { registerSizes } from "./sizes/view.ts";
import { StatusBar } from "./status/statusBar.ts";
import { stateOf, statusView } from "./status/statusView.ts";
import { mayNotify } from "./notifications/level.ts";
import { tickWalkthrough } from "./walkthrough.ts";

let server: Server | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const log = new Log();
  const store = new MeasurementStore();
  const editorPython = new EditorPython(log);
  const statusBar = new StatusBar();
  const report = registerReport(context, store);
  registerSizes(context, store, report);

  const show: Show = (command, args) => {
    const [first, second, third, fourth] = args.map(String);
    if (command === "dagsterSnapsize.showAsset") {
      const asset = { key: second ?? "", repository: fourth ?? null };
      report.show(third ?? "", first, { asset });
    } else if (command === "dagsterSnapsize.showReport") {
      report.show(second ?? "", first);
    } else if (command === "dagsterSnapsize.showLoadTime") {
      report.show(second ?? "", first, { tab: "time" });
    } else {
      void vscode.commands.executeCommand("dagsterSnapsize.openLimits");
    }
  };
  const ownServer = new Server(context.extensionPath, log, store, editorPython, show);
  server = ownServer;

  /** The project of what the user looks at, else the worst of those that are measured. */
  function currentProject(): Project | undefined {
    const shown = report.activeFolder ?? visibleFile()?.fsPath;
    const own = shown === undefined ? undefined : projectOf(shown, store.projects);
    const measured = store.projects.filter(({ folder }) => isEnabled(folder));
    return own ?? worst(measured) ?? store.projects[0];
  }

  function render(): void {
    const project = currentProject();
    const enabled = project === undefined || isEnabled(project.folder);
    statusBar.show(statusView(ownServer.state, project, enabled));
    void setContext("state", stateOf(ownServer.state, project));
  }

  /** Only where there may be a Dagster project is there a server; it has the last word. */
  async function startWhereNeeded(): Promise<void> {
    if (await holdsProject()) await ownServer.start();
    else if (ownServer.state.name !== "off") await ownServer.stop();
    else log.info("No Dagster project was found in this workspace.");
  }

  async function settingsChanged(event: vscode.ConfigurationChangeEvent): Promise<void> {
    if (event.affectsConfiguration(`${SECTION}.serverPython`)) {
      await ownServer.stop();
      await startWhereNeeded();
    } else if (event.affectsConfiguration(SECTION)) {
      render();
      await ownServer.settingsChanged();
    }
  }

  const projectFiles = vscode.workspace.createFileSystemWatcher(PROJECT_GLOB, false, false, true);
  const guarded = (work: Promise<void>) => {
    work.catch((error: unknown) => {
      log.error(String(error));
    });
  };
  const looked = () => {
    render();
    guarded(ownServer.fileVisible(visibleFile()));
  };
  const commands = registerCommands({
    context,
    log,
    store,
    server: ownServer,
    report,
    editorPython,
    currentProject,
  });
  context.subscriptions.push(
    log,
    store,
    editorPython,
    statusBar,
    ownServer,
    projectFiles,
    commands,
    warnOverBudget(store),
    tickWalkthrough(store),
    store.onDidChange(render),
    ownServer.onDidChangeState((state) => {
      render();
      if (state.name === "running") {
        guarded(ownServer.fileVisible(visibleFile()));
        guarded(ownServer.focusChanged(vscode.window.state.focused));
      }
      const isFinal = state.name === "stopped" || state.name === "no-python";
      if (isFinal && mayNotify("other")) guarded(commands.sayWhy());
    }),
    report.onDidChangeActive(render),
    vscode.window.onDidChangeActiveTextEditor(looked),
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
  looked();
  guarded(startWhereNeeded());
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}

async function setContext(name: string, value: unknown): Promise<void> {
  await vscode.commands.executeCommand("setContext", `${SECTION}.${name}`, value);
}
