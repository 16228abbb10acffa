import * as vscode from "vscode";
import type { SizesModel } from "./model.ts";
import type { Click, TreeNode } from "./nodes.ts";
import { ShownTree } from "./shownTree.ts";

/** Commands of nodes; their argument is the id of the node, which is also the tree's element. */
export const SHOW_MORE = "dagsterSnapsize.sizes.showMore";
export const OPEN_SOURCE = "dagsterSnapsize.sizes.goToSource";

/** Gives the editor the nodes by their ids, which stay the same from measurement to measurement. */
export class SizesTree implements vscode.TreeDataProvider<string>, vscode.Disposable {
  readonly #model: SizesModel;
  readonly #shown: ShownTree;
  readonly #changed = new vscode.EventEmitter<string[] | undefined>();
  /** What the user unfolded or folded: it outlasts a restart of the server. */
  readonly #folding = new Map<string, boolean>();
  #updating: Promise<void> | undefined;
  #again = false;
  #visible = false;

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(model: SizesModel) {
    this.#model = model;
    this.#shown = new ShownTree({
      roots: () => (this.#visible ? model.roots() : []),
      children: (node) => model.children(node),
    });
  }

  /** Whether there is a tree at all, or a welcome view in its place. */
  setVisible(visible: boolean): void {
    this.#visible = visible;
  }

  node(id: string): TreeNode | undefined {
    return this.#shown.node(id);
  }

  setFolding(id: string, unfolded: boolean): void {
    this.#folding.set(id, unfolded);
  }

  /** Shows what changed. Changes that come meanwhile are shown together, after it. */
  async update(): Promise<void> {
    this.#again = true;
    this.#updating ??= this.#updateAll().finally(() => (this.#updating = undefined));
    return this.#updating;
  }

  async #updateAll(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      const change = await this.#shown.update();
      if (change === "all") this.#changed.fire(undefined);
      else if (change.length > 0) this.#changed.fire(change);
    }
  }

  async getChildren(id?: string): Promise<string[]> {
    return this.#shown.children(id ?? null);
  }

  getParent(id: string): string | undefined {
    return this.#shown.node(id)?.parent ?? undefined;
  }

  getTreeItem(id: string): vscode.TreeItem {
    const node = this.#shown.node(id);
    if (node === undefined) return new vscode.TreeItem(""); // gone a moment ago
    const item = new vscode.TreeItem(node.label, this.#foldingOf(node));
    item.id = id;
    item.description = node.description;
    item.contextValue = contextOf(node);
    item.accessibilityInformation = { label: node.spoken };
    if (node.tooltip !== "") item.tooltip = new vscode.MarkdownString(node.tooltip);
    if (node.icon !== null) {
      const { name, color } = node.icon;
      item.iconPath = new vscode.ThemeIcon(name, color && new vscode.ThemeColor(color));
    }
    if (node.click !== null) item.command = commandOf(node.click, id);
    return item;
  }

  async resolveTreeItem(item: vscode.TreeItem, id: string): Promise<vscode.TreeItem> {
    const node = this.#shown.node(id);
    if (node?.subject.kind === "asset") {
      item.tooltip = new vscode.MarkdownString(await this.#model.tooltip(node));
    }
    return item;
  }

  #foldingOf(node: TreeNode): vscode.TreeItemCollapsibleState {
    if (node.folding === "leaf") return vscode.TreeItemCollapsibleState.None;
    return (this.#folding.get(node.id) ?? node.folding === "unfolded")
      ? vscode.TreeItemCollapsibleState.Expanded
      : vscode.TreeItemCollapsibleState.Collapsed;
  }

  dispose(): void {
    this.#changed.dispose();
  }
}

/** What `viewItem` is in `when` clauses of menus. */
function contextOf({ subject, click }: TreeNode): string {
  return click?.does === "open" ? `${subject.kind} withSource` : subject.kind;
}

function commandOf(click: Click, id: string): vscode.Command {
  switch (click.does) {
    case "open":
      return { command: OPEN_SOURCE, title: "Go to Source", arguments: [id] };
    case "show-more":
      return { command: SHOW_MORE, title: "Show More", arguments: [id] };
    case "show-problems":
      return { command: "workbench.actions.view.problems", title: "Show Problems" };
  }
}
