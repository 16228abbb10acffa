/** What was found, errors first, on a page without an editor's list of problems. */

import type { FindingRow } from "../../shared/reportData.ts";
import { flatLines } from "../../shared/format.ts";
import { type OpenPlace, placeElement } from "./places.ts";

export class FindingList {
  readonly #element: HTMLElement;
  readonly #open: OpenPlace | undefined;

  constructor(parent: HTMLElement, open: OpenPlace | undefined) {
    this.#open = open;
    this.#element = document.createElement("main");
    this.#element.className = "findings";
    this.#element.setAttribute("aria-label", "Findings");
    parent.append(this.#element);
  }

  show(rows: readonly FindingRow[]): void {
    if (rows.length === 0) {
      const none = document.createElement("p");
      none.className = "about";
      none.textContent = "Everything is within its budget.";
      this.#element.replaceChildren(none);
      return;
    }
    const list = document.createElement("ul");
    list.append(...rows.map((row) => this.#row(row)));
    this.#element.replaceChildren(list);
  }

  #row(row: FindingRow): HTMLElement {
    const item = document.createElement("li");
    item.className = `finding ${row.severity}`;
    item.append(text("strong", row.severity), " ", text("span", flatLines(row.message)), " ");
    item.append(text("span", `[${row.rule}]`, "rule"));
    if (row.location) {
      const where = document.createElement("div");
      where.append(placeElement(row.location, this.#open));
      item.append(where);
    }
    return item;
  }
}

function text(tag: string, content: string, className = ""): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = content;
  element.className = className;
  return element;
}
