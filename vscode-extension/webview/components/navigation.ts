/** The two navigation bars of the report: its views, and the path to what is zoomed into. */

import { formatSize } from "../../shared/format.ts";
import { button, element } from "../dom.ts";
import type { Part } from "../model/parts.ts";

/** What a report can show. */
export type Shown = "sizes" | "advice" | "findings" | "limits" | "time";

export interface ViewEntry {
  readonly id: Shown;
  readonly text: string;
}

export class Views {
  readonly #nav = element("nav", "views");
  readonly #choose: (shown: Shown) => void;

  constructor(parent: HTMLElement, choose: (shown: Shown) => void) {
    this.#choose = choose;
    this.#nav.setAttribute("aria-label", "Views");
    parent.append(this.#nav);
  }

  /** Hidden where there is one view only. */
  show(entries: readonly ViewEntry[], current: Shown): void {
    this.#nav.hidden = entries.length < 2;
    this.#nav.replaceChildren(
      ...entries.map(({ id, text }) => {
        const entry = button("", text, () => {
          this.#choose(id);
        });
        entry.dataset.view = id;
        return entry;
      }),
    );
    this.mark(current);
  }

  mark(current: Shown): void {
    for (const entry of this.#nav.querySelectorAll("button")) {
      const isCurrent = entry.dataset.view === current;
      if (isCurrent) {
        entry.setAttribute("aria-current", "page");
      } else {
        entry.removeAttribute("aria-current");
      }
    }
  }
}

export class Breadcrumb {
  readonly #list = element("ol", "breadcrumb");
  readonly #go: (part: Part) => void;

  constructor(parent: HTMLElement, go: (part: Part) => void) {
    this.#go = go;
    const nav = element("nav");
    nav.setAttribute("aria-label", "Path in the treemap");
    nav.append(this.#list);
    parent.append(nav);
  }

  /** The parts from the whole location down to what is zoomed into. */
  show(parts: readonly Part[]): void {
    this.#list.replaceChildren(...parts.map((part, n) => this.#item(part, n === parts.length - 1)));
  }

  #item(part: Part, isLast: boolean): HTMLElement {
    const item = element("li");
    const name = part.level === "location" ? "All snapshots" : part.name;
    const place = isLast
      ? element("span", "", `${name}, ${formatSize(part.bytes)}`)
      : button("", name, () => {
          this.#go(part);
        });
    place.title = part.name;
    if (isLast) {
      place.setAttribute("aria-current", "location");
    }
    item.append(place);
    return item;
  }
}
