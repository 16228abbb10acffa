// The tree of sizes: which node has which children.

import { basename } from "node:path";
import type { Project } from "../measurements/store.ts";
import type { AssetRow, LocationMeasurement } from "../protocol.ts";
import { filtered, grouped, PAGE, type Grouping } from "./assetLists.ts";
import {
  assetNode,
  assetsNode,
  assetTooltip,
  fieldNodes,
  groupNode,
  locationNode,
  moreNode,
  noteNode,
  problemNode,
  projectNode,
  share,
  snapshotNode,
  snapshotsNode,
  type TreeNode,
} from "./nodes.ts";
import { NO_ROWS, readHeads, readRow, type AssetHead } from "../measurements/rows.ts";

const UNFOLDED_LOCATIONS = 3;

/** Reads what the language server measured, and arranges it as the user wants it. */
export class SizesModel {
  grouping: Grouping = "size";
  filter = "";
  readonly #projects: () => readonly Project[];
  readonly #limits = new Map<string, number>();
  /** Of each file of rows that is in use. */
  readonly #heads = new Map<string, Promise<AssetHead[]>>();

  constructor(projects: () => readonly Project[]) {
    this.#projects = projects;
  }

  roots(): TreeNode[] {
    const projects = this.#projects();
    this.#forgetOldRows(projects);
    const locations = projects.flatMap((project) => project.locations);
    const setting = {
      unfolded: locations.length <= UNFOLDED_LOCATIONS,
      withFolder: projects.length > 1,
    };
    return projects.flatMap((project) => {
      // What keeps a project from having locations must not be lost among its neighbours.
      if (project.locations.length === 0) {
        return project.status.message === null ? [] : [projectNode(project)];
      }
      return project.locations.map((location) => locationNode(project, location, setting));
    });
  }

  async children(node: TreeNode): Promise<TreeNode[]> {
    const { subject } = node;
    if (subject.kind === "project") {
      const message = this.#project(subject.folder)?.status.message ?? null;
      return message === null ? [] : [problemNode(node, message, null)];
    }
    if (!("location" in subject)) return [];
    const { folder } = subject;
    const location = this.#location(folder, subject.location);
    if (location === undefined) return [];
    switch (subject.kind) {
      case "location":
        return this.#partsOf(node, folder, location);
      case "snapshots": {
        const snapshots = heaviestFirst(location);
        return this.#paged(node, snapshots, (s) => snapshotNode(node, folder, location, s));
      }
      case "assets":
        return this.#readable(node, () => this.#assets(node, folder, location));
      case "group":
        return this.#readable(node, async () => {
          const groups = grouped(await this.#wanted(location), this.grouping, location.root);
          const assets = groups.find((group) => group.name === subject.name)?.assets ?? [];
          return this.#paged(node, assets, (a) => assetNode(node, folder, location, a));
        });
      case "asset":
        return this.#readable(node, async () =>
          fieldNodes(node, location, await this.#row(location, subject.asset)),
        );
      case "snapshot":
        return [];
    }
  }

  /** The tooltip of a node; an asset's is read from the file of rows. */
  async tooltip(node: TreeNode): Promise<string> {
    const { subject } = node;
    if (subject.kind !== "asset") return node.tooltip;
    const location = this.#location(subject.folder, subject.location);
    if (location === undefined) return "";
    try {
      return assetTooltip(location, await this.#row(location, subject.asset));
    } catch {
      return ""; // its rows were replaced a moment ago
    }
  }

  /** Lets a list show its next page. */
  showMore(list: string): void {
    this.#limits.set(list, this.#limit(list) + PAGE);
  }

  /** How many assets the filter leaves, of all. */
  async matches(): Promise<{ shown: number; all: number }> {
    let shown = 0;
    let all = 0;
    for (const { locations } of this.#projects()) {
      for (const location of locations) {
        all += location.assets;
        try {
          shown += (await this.#wanted(location)).length;
        } catch {
          // The tree says that they cannot be read.
        }
      }
    }
    return { shown, all };
  }

  #project(folder: string): Project | undefined {
    return this.#projects().find((project) => project.folder === folder);
  }

  #location(folder: string, name: string): LocationMeasurement | undefined {
    return this.#project(folder)?.locations.find((location) => location.name === name);
  }

  #partsOf(node: TreeNode, folder: string, location: LocationMeasurement): TreeNode[] {
    const parts: TreeNode[] = [];
    const problem = location.mistake ?? location.error;
    if (problem !== null) {
      const place = location.mistake === null ? location.failedLocation : null;
      parts.push(problemNode(node, problem, place));
    }
    if (location.snapshots.length > 0) {
      parts.push(snapshotsNode(node, folder, location));
      parts.push(assetsNode(node, folder, location, this.grouping, this.filter));
    }
    return parts;
  }

  async #assets(
    node: TreeNode,
    folder: string,
    location: LocationMeasurement,
  ): Promise<TreeNode[]> {
    if (location.rowsFile === null) return [noteNode(node, NO_ROWS)];
    const assets = await this.#wanted(location);
    if (assets.length === 0) return [noteNode(node, "no asset matches the filter")];
    if (this.grouping === "size") {
      return this.#paged(node, assets, (asset) => assetNode(node, folder, location, asset));
    }
    const groups = grouped(assets, this.grouping, location.root);
    const setting = {
      folder,
      location,
      grouping: this.grouping,
      filtered: this.filter !== "",
      names: groups.map(({ name }) => basename(name ?? "")),
    };
    return this.#paged(node, groups, (group) => groupNode(node, group, setting));
  }

  /** The assets that the filter leaves. */
  async #wanted(location: LocationMeasurement): Promise<readonly AssetHead[]> {
    return filtered(await this.#headsOf(location), this.filter, this.grouping, location.root);
  }

  #headsOf(location: LocationMeasurement): Promise<AssetHead[]> {
    if (location.rowsFile === null) return Promise.resolve([]);
    let heads = this.#heads.get(location.rowsFile);
    if (heads === undefined) {
      const path = location.rowsFile;
      heads = readHeads(path, location.totalBytes);
      this.#heads.set(path, heads);
      heads.catch(() => this.#heads.delete(path)); // the next one who asks tries again
    }
    return heads;
  }

  #forgetOldRows(projects: readonly Project[]): void {
    const used = new Set(projects.flatMap((p) => p.locations.map((x) => x.rowsFile)));
    for (const path of this.#heads.keys()) if (!used.has(path)) this.#heads.delete(path);
  }

  async #row(location: LocationMeasurement, asset: AssetHead): Promise<AssetRow> {
    // The node may be of the measurement before: look the asset up in the newest.
    const heads = await this.#headsOf(location);
    const head = heads.find((h) => h.key === asset.key && h.repository === asset.repository);
    if (head === undefined || location.rowsFile === null) throw new Error("it is gone");
    return readRow(location.rowsFile, head.key, head);
  }

  async #readable(node: TreeNode, read: () => Promise<TreeNode[]>): Promise<TreeNode[]> {
    try {
      return await read();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return [noteNode(node, `The sizes could not be read: ${reason}`)];
    }
  }

  #limit(list: string): number {
    return this.#limits.get(list) ?? PAGE;
  }

  #paged<T>(node: TreeNode, all: readonly T[], make: (one: T) => TreeNode): TreeNode[] {
    const nodes = all.slice(0, this.#limit(node.id)).map(make);
    if (nodes.length < all.length) nodes.push(moreNode(node, nodes.length, all.length));
    return nodes;
  }
}

/** The snapshots that fill their budgets most come first. */
function heaviestFirst(location: LocationMeasurement): LocationMeasurement["snapshots"] {
  return [...location.snapshots].sort((a, b) => share(b) - share(a));
}

/** What the view shows; where it is empty, the state of the language server says why. */
export type ViewState =
  "shown" | "disabled" | "empty" | "measuring" | "no-interpreter" | "failed" | "not-measured";

/** Whether the view shows the tree, or which of the welcome views. */
export function viewState(projects: readonly Project[], enabled: boolean): ViewState {
  if (!enabled) return "disabled";
  if (projects.length === 0) return "empty";
  const locations = projects.flatMap((project) => project.locations);
  if (locations.some((location) => location.snapshots.length > 0)) return "shown";
  const phases = new Set(projects.map((project) => project.status.phase));
  if (phases.has("measuring")) return "measuring";
  if (phases.has("no-interpreter")) return "no-interpreter";
  const wrong = locations.some((location) => location.error !== null || location.mistake !== null);
  if (phases.has("failed") || wrong) return "failed";
  return "not-measured";
}
