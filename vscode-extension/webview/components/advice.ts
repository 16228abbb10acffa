/** Advice on reducing the size, largest saving first. */

import type { AdviceRow, ReportData } from "../../shared/reportData.ts";
import { button, element } from "../dom.ts";
import { type OpenPlace, placeElement } from "./places.ts";
import {
  counted,
  flat,
  flatLines,
  formatExact,
  formatPercent,
  formatSize,
} from "../../shared/format.ts";

/** More places are seen only when they are asked for. */
const FIRST = 3;

export interface AdviceActions {
  readonly openPlace: OpenPlace | undefined;
  /** Shows an asset among the sizes. */
  find(asset: string): void;
}

export class AdviceList {
  readonly #element: HTMLElement;
  readonly #actions: AdviceActions;

  constructor(parent: HTMLElement, actions: AdviceActions) {
    this.#actions = actions;
    this.#element = document.createElement("main");
    this.#element.className = "advice";
    this.#element.setAttribute("aria-label", "Advice");
    parent.append(this.#element);
  }

  show(data: ReportData, wholeBytes: number): void {
    const rows = data.advice ?? [];
    const said =
      rows.length === 0
        ? "Nothing to advise: no value of 1 kB or more is repeated, and no job is part of another."
        : "Each saving is for that item alone, over all snapshots. Items that change the same bytes save less together than their sum.";
    const byHow = new Map<string, AdviceRow[]>();
    for (const row of rows) {
      byHow.set(row.how, [...(byHow.get(row.how) ?? []), row]);
    }
    this.#element.replaceChildren(
      element("p", "about", said),
      ...[...byHow.values()].flatMap((alike) =>
        alike.map((row, n) => this.#row(data, row, wholeBytes, n === 0)),
      ),
    );
  }

  /** `explained`: the first of those that are done in the same way, which says how. */
  #row(data: ReportData, row: AdviceRow, wholeBytes: number, explained: boolean): HTMLElement {
    const article = element("article", "advice-row");
    const head = element("h2");
    const saved = element("span", "saved", formatSize(row.saved_bytes));
    saved.title = formatExact(row.saved_bytes);
    const share = formatPercent(row.saved_bytes, wholeBytes);
    head.append(saved, " ", element("span", "", flat(row.title)));
    const facts = element("p", "facts", `${share} of all snapshots`);
    if (row.asset_count > 0) {
      facts.append(`, in ${counted(row.asset_count, "asset")}`);
    }
    article.append(head, facts);
    if (row.preview) {
      article.append(element("pre", "preview", flatLines(row.preview)));
    }
    if (explained) {
      article.append(how(row.how));
    }
    if (row.places.length > 0) {
      article.append(this.#places(row));
    }
    article.append(this.#more(data, row));
    return article;
  }

  #places({ places, place_count }: AdviceRow): HTMLElement {
    const list = element("ul", "places");
    const add = (from: number, to: number) => {
      for (const place of places.slice(from, to)) {
        const item = element("li");
        item.append(placeElement(place, this.#actions.openPlace));
        list.append(item);
      }
    };
    add(0, FIRST);
    if (place_count > FIRST) {
      const item = element("li");
      const more = button("link", counted(place_count - FIRST, "more place"));
      more.addEventListener("click", () => {
        item.remove();
        add(FIRST, places.length);
        if (place_count > places.length) {
          list.append(
            element("li", "", `and ${counted(place_count - places.length, "more place")}`),
          );
        }
        list.children[FIRST]?.querySelector("button")?.focus();
      });
      item.append(more);
      list.append(item);
    }
    return list;
  }

  /** Filled when it is opened: by snapshot, and which assets. */
  #more(data: ReportData, row: AdviceRow): HTMLElement {
    const details = document.createElement("details");
    details.append(element("summary", "", "Which snapshots and assets"));
    details.addEventListener(
      "toggle",
      () => {
        const names = new Map(data.snapshots.map((s) => [s.id, `${s.kind} ${flat(s.name)}`]));
        const saved = Object.entries(row.by_snapshot).sort((a, b) => b[1] - a[1]);
        const list = element("ul");
        for (const [id, bytes] of saved) {
          const item = element("li", "", `${formatSize(bytes)} of ${names.get(id) ?? flat(id)}`);
          item.title = formatExact(bytes);
          list.append(item);
        }
        details.append(list);
        if (row.assets.length > 0) {
          details.append(this.#assets(row));
        }
      },
      { once: true },
    );
    return details;
  }

  #assets(row: AdviceRow): HTMLElement {
    const list = element("ul", "assets");
    for (const asset of row.assets) {
      const item = element("li");
      const find = button("link", flat(asset));
      find.title = "Search for it among the sizes";
      find.addEventListener("click", () => {
        this.#actions.find(asset);
      });
      item.append(find);
      list.append(item);
    }
    const rest = row.asset_count - row.assets.length;
    if (rest > 0) {
      list.append(element("li", "", `and ${counted(rest, "more asset")}`));
    }
    return list;
  }
}

/** Text between backticks is code. */
function how(text: string): HTMLElement {
  const paragraph = element("p", "how");
  paragraph.append(
    ...flatLines(text)
      .split("`")
      .map((part, n) => (n % 2 === 1 ? element("code", "", part) : part)),
  );
  return paragraph;
}
