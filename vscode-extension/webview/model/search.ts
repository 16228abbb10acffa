/** Which assets and other owners a search finds. */

import { type LocationModel } from "./locationModel.ts";
import { at, type Part } from "./parts.ts";

export interface Found {
  readonly assets: Uint8Array;
  readonly others: Uint8Array;
  readonly assetCount: number;
  readonly otherCount: number;
}

export class Search {
  readonly #model: LocationModel;
  readonly #assets: readonly string[];
  readonly #others: readonly string[];

  constructor(model: LocationModel) {
    this.#model = model;
    const { assets, others, names } = model.data;
    this.#assets = assets.key.map((key, row) =>
      `${key}\n${names.groups[at(assets.group, row)] ?? ""}`.toLowerCase(),
    );
    this.#others = others.name.map((name, row) =>
      `${name}\n${names.kinds[at(others.kind, row)] ?? ""}`.toLowerCase(),
    );
  }

  /** Those whose key, name, group or kind contains every word; undefined without words. */
  find(text: string): Found | undefined {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) {
      return undefined;
    }
    const mark = (texts: readonly string[]) =>
      Uint8Array.from(texts, (candidate) =>
        Number(words.every((word) => candidate.includes(word))),
      );
    const assets = mark(this.#assets);
    const others = mark(this.#others);
    const count = (marks: Uint8Array) => marks.reduce((sum, mark) => sum + mark, 0);
    return { assets, others, assetCount: count(assets), otherCount: count(others) };
  }

  /** Whether a part is found, or holds something that is. */
  holds(found: Found, part: Part): boolean {
    if (part.asset >= 0) {
      return found.assets[part.asset] === 1;
    }
    if (part.other >= 0) {
      return found.others[part.other] === 1;
    }
    if (part.level === "rest") {
      return part.parent !== null && this.holds(found, part.parent);
    }
    const { asset } = this.#model.data.shares;
    return (
      (part.level !== "kind" &&
        this.#model.shareRows(part).some((row) => found.assets[at(asset, row)] === 1)) ||
      this.#model.otherRows(part).some((row) => found.others[row] === 1)
    );
  }
}
