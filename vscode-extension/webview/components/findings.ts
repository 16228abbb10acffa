/** Findings, errors first, on a page without an editor's list of problems. */

import type { FindingRow } from "../../shared/reportData.ts";
import { element } from "../dom.ts";
import { flatLines } from "../../shared/format.ts";
import { type OpenPlace, placeElement } from "./places.ts";

export class FindingList {
  readonly #element: HTMLElement;
  readonly #open: OpenPlace | undefined;

  constructor(parent: HTMLElement, open: OpenPlace | undefined) {
    this.#open = open;
    this.#element = element("main", "findings");
    this.#element.setAttribute("aria-label", "Findings");
    parent.append(this.#element);
  }

  show(rows: readonly FindingRow[]): void {
    if (rows.length === 0) {
      this.#element.replaceChildren(element("p", "about", "Everything is within its budget."));
      return;
    }
    const list = document.createElement("ul");
    list.append(...rows.map((row) => this.#row(row)));
    this.#element.replaceChildren(list);
  }

  #row(row: FindingRow): HTMLElement {
    const item = element("li", `finding ${row.severity}`);
    item.append(
      element("strong", "", row.severity),
      " ",
      element("span", "", flatLines(sentences(row))),
      " ",
    );
    item.append(element("span", "rule", `[${row.rule}]`));
    if (row.location) {
      const where = document.createElement("div");
      where.append(placeElement(row.location, this.#open));
      item.append(where);
    }
    return item;
  }
}

/** The message, and what is said about it. */
function sentences({ message, details, advice }: FindingRow): string {
  const rest = [details, advice].filter(Boolean);
  return rest.length > 0 ? [`${message}.`, ...rest].join(" ") : message;
}
