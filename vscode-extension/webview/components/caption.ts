/** What is worth knowing of one asset, below its treemap. */

import { button, element } from "../dom.ts";
import { type LocationModel } from "../model/locationModel.ts";
import { at, type Part } from "../model/parts.ts";
import { placeElement } from "./places.ts";
import { counted, flat, formatPercent, formatSize } from "../../shared/format.ts";

/** Of many snapshots or assets the first few say enough: the treemap has all. */
const FIRST = 5;

export interface CaptionActions {
  open(asset: number): void;
  zoom(part: Part): void;
}

export class Caption {
  readonly #element = element("div", "caption");
  readonly #actions: CaptionActions;

  constructor(parent: HTMLElement, actions: CaptionActions) {
    this.#element.hidden = true;
    this.#actions = actions;
    parent.append(this.#element);
  }

  /** Of an asset what it costs in all, and nothing of anything else. */
  show(model: LocationModel, part: Part): void {
    this.#element.hidden = part.asset < 0;
    if (part.asset < 0) {
      return;
    }
    const notes = model.detail(part)?.notes ?? [];
    const lines = [
      this.#costs(model, part),
      ...this.#snapshots(model, part),
      ...shared(model, part),
      ...notes.map((note) => element("p", "", flat(note))),
    ];
    this.#element.replaceChildren(...lines);
  }

  #costs(model: LocationModel, { asset }: Part): HTMLElement {
    const { assets } = model.data;
    const size = (column: ArrayLike<number>) => at(column, asset);
    const freed = [
      [size(assets.dangling), "of references to it"] as const,
      [size(assets.check), "of its checks"] as const,
    ].filter(([bytes]) => bytes > 0);
    const also = freed.map(([bytes, what]) => `${formatSize(bytes)} ${what}`).join(" and ");
    const share = formatPercent(size(assets.total), model.root.bytes);
    const line = element(
      "p",
      "",
      `${formatSize(size(assets.total))} in all snapshots, ${share} of the code location.` +
        (also ? ` Removing it also frees ${also}.` : "") +
        " ",
    );
    const source = this.#source(model, asset);
    if (source) {
      line.append(source);
    }
    return line;
  }

  #source(model: LocationModel, asset: number): HTMLElement | undefined {
    const { assets, places } = model.data;
    if (at(assets.hasSource, asset) === 1) {
      return button("link", "Open its source", () => {
        this.#actions.open(asset);
      });
    }
    const path = places?.paths[at(places.path, asset)];
    if (!places || path === undefined) {
      return undefined;
    }
    const defined = element("span", "", "Defined at ");
    defined.append(placeElement({ path, line: at(places.line, asset) }, undefined));
    return defined;
  }

  /** Where it is, heaviest first; each leads there. */
  #snapshots(model: LocationModel, part: Part): HTMLElement[] {
    if (part.snapshot >= 0) {
      return [];
    }
    const { parts } = model.children(part);
    const line = element("p", "", "In ");
    parts.slice(0, FIRST).forEach((inside, n) => {
      line.append(
        n > 0 ? ", " : "",
        button("link", inside.name, () => {
          this.#actions.zoom(inside);
        }),
        ` ${formatSize(inside.bytes)}`,
      );
    });
    const more = parts.length - FIRST;
    line.append(more > 0 ? ` and ${counted(more, "other snapshot")}.` : ".");
    return [line];
  }
}

/** A line for each thing that it shares, however many snapshots hold that. */
function shared(model: LocationModel, part: Part): HTMLElement[] {
  const bytes = at(model.data.assets.shared, part.asset);
  if (bytes === 0) {
    return [];
  }
  const said = new Set(
    model.detail(part)?.sharing.map(({ name, keys, count }) => {
      const more = count - 1 - keys.length;
      const others = keys.map(flat).join(", ");
      return `${flat(name)} with ${others}${more > 0 ? ` and ${counted(more, "other")}` : ""}`;
    }),
  );
  const whom = [...said].slice(0, FIRST);
  const text = `${formatSize(bytes)} of it shared with other assets`;
  return [element("p", "", `${text}${whom.length > 0 ? `: ${whom.join("; ")}` : ""}.`)];
}
