/** The line below the treemap of one asset. */

import { button, element } from "../dom.ts";
import { type LocationModel } from "../model/locationModel.ts";
import { at, type Part } from "../model/parts.ts";
import { placeElement } from "./places.ts";
import { formatSize } from "../../shared/format.ts";

export class Caption {
  readonly #element = element("p", "caption");
  readonly #text = element("span");
  readonly #place = element("span");
  readonly #open: HTMLElement;
  #asset = -1;

  constructor(parent: HTMLElement, open: (asset: number) => void) {
    this.#element.hidden = true;
    this.#open = button("link", "Open its source", () => {
      open(this.#asset);
    });
    this.#element.append(this.#text, " ", this.#open, this.#place);
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
    const size = (column: ArrayLike<number>) => at(column, part.asset);
    const shared = size(assets.shared);
    const ofIt = shared > 0 ? `, ${formatSize(shared)} of it shared with other assets` : "";
    const freed = [
      [size(assets.dangling), "of references to it"] as const,
      [size(assets.check), "of its checks"] as const,
    ].filter(([bytes]) => bytes > 0);
    const also = freed.map(([bytes, what]) => `${formatSize(bytes)} ${what}`).join(" and ");
    this.#text.textContent =
      `${formatSize(size(assets.total))} in all snapshots${ofIt}.` +
      (also ? ` Removing it also frees ${also}.` : "");
    const { places } = model.data;
    const path = places?.paths[at(places.path, part.asset)];
    this.#place.replaceChildren();
    if (places && path !== undefined) {
      const line = at(places.line, part.asset);
      this.#place.append("Defined at ", placeElement({ path, line }, undefined));
    }
    this.#open.hidden = at(assets.hasSource, part.asset) !== 1;
  }
}
