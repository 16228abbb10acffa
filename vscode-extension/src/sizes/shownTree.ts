// What of the tree is on the screen, and which parts of it change.

import { isDeepStrictEqual } from "node:util";
import type { TreeNode } from "./nodes.ts";

export interface Source {
  roots(): TreeNode[];
  children(node: TreeNode): Promise<TreeNode[]>;
}

/** A change: of everything, or of the nodes with these ids and what is below them. */
export type Change = "all" | string[];

/** Keeps the nodes that were asked for, by id, and finds those that look otherwise now. */
export class ShownTree {
  readonly #source: Source;
  readonly #nodes = new Map<string, TreeNode>();
  readonly #children = new Map<string | null, string[]>();

  constructor(source: Source) {
    this.#source = source;
  }

  node(id: string): TreeNode | undefined {
    return this.#nodes.get(id);
  }

  /** The children of a node, or the roots. */
  async children(id: string | null): Promise<string[]> {
    const nodes = await this.#read(id);
    return this.#keep(id, nodes);
  }

  /** Takes in what changed since, and tells the topmost nodes that look otherwise. */
  async update(): Promise<Change> {
    if (!this.#children.has(null)) return "all";
    const roots = this.#source.roots();
    if (!this.#sameIds(null, roots)) {
      this.#keep(null, roots);
      return "all";
    }
    const changed: string[] = [];
    await this.#compare(null, roots, changed);
    return changed;
  }

  async #compare(parent: string | null, nodes: TreeNode[], changed: string[]): Promise<void> {
    const before = new Map(nodes.map((node) => [node.id, this.#nodes.get(node.id)]));
    this.#keep(parent, nodes);
    for (const node of nodes) {
      if (!sameLooks(before.get(node.id), node)) {
        changed.push(node.id);
        continue;
      }
      if (!this.#children.has(node.id)) continue;
      const children = await this.#source.children(node);
      if (this.#sameIds(node.id, children)) await this.#compare(node.id, children, changed);
      else {
        this.#keep(node.id, children);
        changed.push(node.id);
      }
    }
  }

  async #read(id: string | null): Promise<TreeNode[]> {
    if (id === null) return this.#source.roots();
    const node = this.#nodes.get(id);
    return node === undefined ? [] : this.#source.children(node);
  }

  #sameIds(parent: string | null, nodes: readonly TreeNode[]): boolean {
    const known = this.#children.get(parent) ?? [];
    return known.length === nodes.length && nodes.every((node, i) => node.id === known[i]);
  }

  #keep(parent: string | null, nodes: readonly TreeNode[]): string[] {
    const ids = nodes.map((node) => node.id);
    const gone = new Set(this.#children.get(parent));
    for (const id of ids) gone.delete(id);
    for (const id of gone) this.#forget(id);
    for (const node of nodes) this.#nodes.set(node.id, node);
    this.#children.set(parent, ids);
    return ids;
  }

  #forget(id: string): void {
    for (const child of this.#children.get(id) ?? []) this.#forget(child);
    this.#children.delete(id);
    this.#nodes.delete(id);
  }
}

/** Whether they look alike; what a node stands for may move in its file without being seen. */
function sameLooks(a: TreeNode | undefined, b: TreeNode): boolean {
  if (a === undefined) return false;
  return isDeepStrictEqual({ ...a, subject: null }, { ...b, subject: null });
}
