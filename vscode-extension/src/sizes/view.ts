import * as vscode from "vscode";
import { holdsProject } from "../measurements/workspace.ts";
import { snapshotLevel } from "../measurements/level.ts";
import type { MeasurementStore } from "../measurements/store.ts";
import type { Place } from "../protocol.ts";
import type { Report } from "../report/report.ts";
import { isEnabled, SECTION } from "../settings.ts";
import { counted, grouped } from "../../shared/format.ts";
import { GROUPINGS, type Grouping } from "./assetLists.ts";
import { SizesModel, viewState } from "./model.ts";
import type { Subject } from "./nodes.ts";
import { OPEN_SOURCE, SHOW_MORE, SizesTree } from "./tree.ts";

const VIEW = "dagsterSnapsize.sizes";
const GROUPING = "sizes.grouping";
const OFFERED = "sizes.offered";

type AssetSubject = Extract<Subject, { kind: "asset" }>;

/** The sizes view. */
export function registerSizes(
  context: vscode.ExtensionContext,
  store: MeasurementStore,
  report: Report,
): void {
  const model = new SizesModel(() => store.projects);
  const tree = new SizesTree(model);
  const view = vscode.window.createTreeView(VIEW, {
    treeDataProvider: tree,
    showCollapseAll: true,
  });
  const remembered = context.workspaceState.get<Grouping>(GROUPING);
  if (remembered !== undefined && GROUPINGS.includes(remembered)) model.grouping = remembered;
  let progress: (() => void) | undefined;

  async function update(): Promise<void> {
    const state = viewState(store.projects, isEnabledAnywhere());
    tree.setVisible(state === "shown");
    view.badge = badge();
    const measuring = store.projects.some((project) => project.status.phase === "measuring");
    showProgress(measuring);
    // A message would hide the welcome views.
    if (state !== "shown" || model.filter === "") view.message = "";
    if (store.projects.length > 0) await offer();
    await Promise.all([
      setContext("state", state),
      setContext("measuring", measuring),
      setContext("grouping", model.grouping),
      setContext("filtered", model.filter !== ""),
      tree.update(),
    ]);
    if (state !== "shown" || model.filter === "") return;
    const { filter } = model;
    const { shown, all } = await model.matches();
    if (filter !== model.filter) return; // typed on
    view.message = `filtered: "${filter}" · ${grouped(shown)} of ${counted(all, "asset")}`;
  }

  /** A workspace that never had a project has no container either; one that had keeps it. */
  async function offer(): Promise<void> {
    await setContext("offered", true);
    await context.workspaceState.update(OFFERED, true);
  }

  async function offerWhereWanted(): Promise<void> {
    const wasOffered = context.workspaceState.get<boolean>(OFFERED, false);
    if (wasOffered || (await holdsProject())) await offer();
  }

  function badge(): vscode.ViewBadge | undefined {
    const over = store.projects.flatMap(({ locations }) =>
      locations.flatMap((location) =>
        location.snapshots.filter((snapshot) => snapshotLevel(location, snapshot) === "over"),
      ),
    );
    if (over.length === 0) return undefined;
    return { value: over.length, tooltip: `${counted(over.length, "snapshot")} over budget` };
  }

  function showProgress(measuring: boolean): void {
    if (!measuring) {
      progress?.();
      progress = undefined;
    } else if (progress === undefined) {
      const done = new Promise<void>((resolve) => (progress = resolve));
      void vscode.window.withProgress({ location: { viewId: VIEW } }, () => done);
    }
  }

  async function group(grouping: Grouping): Promise<void> {
    model.grouping = grouping;
    await context.workspaceState.update(GROUPING, grouping);
    await update();
  }

  function askForFilter(): void {
    const input = vscode.window.createInputBox();
    input.title = "Filter assets";
    input.placeholder = "Part of an asset key, or of its group or file";
    input.value = model.filter;
    input.onDidChangeValue((text) => {
      model.filter = text.trim();
      void update();
    });
    input.onDidAccept(() => {
      input.hide();
    });
    input.onDidHide(() => {
      input.dispose();
    });
    input.show();
  }

  async function clearFilter(): Promise<void> {
    model.filter = "";
    await update();
  }

  /** The asset that a command is for: of the menu, or else the one that is selected. */
  function assetOf(id: string | undefined): AssetSubject | undefined {
    const subject = tree.node(id ?? view.selection[0] ?? "")?.subject;
    return subject?.kind === "asset" ? subject : undefined;
  }

  async function goToSource(id: string | undefined): Promise<void> {
    const click = tree.node(id ?? view.selection[0] ?? "")?.click;
    if (click?.does === "open") await open(click.place);
  }

  /** The line that keeps the definitions from being measured, or the problems where there is none. */
  async function showProblem(): Promise<void> {
    const locations = store.projects.flatMap((project) => project.locations);
    const place = locations.find((location) => location.failedLocation !== null)?.failedLocation;
    if (place) await open(place);
    else await vscode.commands.executeCommand("workbench.actions.view.problems");
  }

  const commands: Record<string, (id?: string) => unknown> = {
    [OPEN_SOURCE]: goToSource,
    [SHOW_MORE]: async (id) => {
      const subject = id === undefined ? undefined : tree.node(id)?.subject;
      if (subject?.kind !== "more") return;
      model.showMore(subject.of);
      await tree.update();
    },
    "dagsterSnapsize.sizes.explain": (id) => {
      const subject = assetOf(id);
      if (subject === undefined) return;
      const { folder, location, asset } = subject;
      report.show(folder, location, { asset });
    },
    "dagsterSnapsize.sizes.copyKey": async (id) => {
      const subject = assetOf(id);
      if (subject !== undefined) await vscode.env.clipboard.writeText(subject.asset.key);
    },
    "dagsterSnapsize.sizes.openReport": (id) => {
      const subject = id === undefined ? undefined : tree.node(id)?.subject;
      if (subject === undefined || !("location" in subject)) return;
      const { folder, location } = subject;
      report.show(folder, location, "asset" in subject ? { search: subject.asset.key } : {});
    },
    "dagsterSnapsize.sizes.showProblem": showProblem,
    "dagsterSnapsize.sizes.bySize": () => group("size"),
    "dagsterSnapsize.sizes.byGroup": () => group("group"),
    "dagsterSnapsize.sizes.byFile": () => group("file"),
    "dagsterSnapsize.sizes.filter": askForFilter,
    "dagsterSnapsize.sizes.clearFilter": clearFilter,
  };

  context.subscriptions.push(
    view,
    tree,
    store.onDidChange(() => void update()),
    view.onDidExpandElement(({ element }) => {
      tree.setFolding(element, true);
    }),
    view.onDidCollapseElement(({ element }) => {
      tree.setFolding(element, false);
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(`${SECTION}.enable`)) void update();
    }),
    {
      dispose: () => {
        showProgress(false);
      },
    },
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
  );
  void offerWhereWanted();
  void update();
}

/** Whether measuring is switched on in some folder. */
function isEnabledAnywhere(): boolean {
  const folders = vscode.workspace.workspaceFolders ?? [];
  return folders.some(({ uri }) => isEnabled(uri.fsPath));
}

async function open({ path, line }: Place): Promise<void> {
  const place = new vscode.Position(line - 1, 0);
  await vscode.window.showTextDocument(vscode.Uri.file(path), {
    selection: new vscode.Range(place, place),
    preview: true,
  });
}

async function setContext(name: string, value: unknown): Promise<void> {
  await vscode.commands.executeCommand("setContext", `${VIEW}.${name}`, value);
}
