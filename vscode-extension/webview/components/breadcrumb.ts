/** The way from the location to what is zoomed into. */

import type { Part } from "../model/parts.ts";
import { shortSize } from "../../shared/format.ts";

export class Breadcrumb {
  readonly #list: HTMLElement;
  readonly #go: (part: Part) => void;

  constructor(parent: HTMLElement, go: (part: Part) => void) {
    this.#go = go;
    const nav = document.createElement("nav");
    nav.setAttribute("aria-label", "Where the treemap is");
    this.#list = document.createElement("ol");
    this.#list.className = "breadcrumb";
    nav.append(this.#list);
    parent.append(nav);
  }

  show(parts: readonly Part[]): void {
    this.#list.replaceChildren(
      ...parts.map((part, n) => {
        const item = document.createElement("li");
        const isLast = n === parts.length - 1;
        const place = document.createElement(isLast ? "span" : "button");
        const name = part.level === "location" ? "All snapshots" : part.name;
        place.textContent = isLast ? `${name}, ${shortSize(part.bytes)}` : name;
        place.title = part.name;
        if (isLast) {
          place.setAttribute("aria-current", "location");
        } else {
          place.addEventListener("click", () => {
            this.#go(part);
          });
        }
        item.append(place);
        return item;
      }),
    );
  }
}
