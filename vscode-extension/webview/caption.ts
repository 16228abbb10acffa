/** What is said below the treemap of one asset. */

import { at, type LocationModel, type Part } from "./model.ts";
import { shortSize } from "./sizes.ts";

export class Caption {
  readonly #element = document.createElement("p");
  readonly #text = document.createElement("span");
  readonly #open = document.createElement("button");
  #asset = -1;

  constructor(parent: HTMLElement, open: (asset: number) => void) {
    this.#element.className = "caption";
    this.#element.hidden = true;
    this.#open.type = "button";
    this.#open.className = "link";
    this.#open.textContent = "Open its source";
    this.#open.addEventListener("click", () => {
      open(this.#asset);
    });
    this.#element.append(this.#text, " ", this.#open);
    parent.append(this.#element);
  }

  /** Of an asset what it costs in all, and nothing of anything else. */
  show(model: LocationModel, part: Part): void {
    const { assets } = model.data;
    this.#asset = part.asset;
    this.#element.hidden = part.asset < 0;
    if (part.asset < 0) {
      return;
    }
    const size = (column: ArrayLike<number>) => shortSize(at(column, part.asset));
    this.#text.textContent =
      `In all snapshots ${size(assets.total)}: ${size(assets.exclusive)} its own,` +
      ` ${size(assets.shared)} its part of what it shares. Removing it also frees` +
      ` ${size(assets.dangling)} of references to it and ${size(assets.check)} of its checks.`;
    this.#open.hidden = at(assets.hasSource, part.asset) !== 1;
  }
}
