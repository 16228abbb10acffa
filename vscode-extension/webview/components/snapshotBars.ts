/** Every snapshot with its budget as a bar; choosing one goes into it. */

import type { LocationModel } from "../model/locationModel.ts";
import { formatPercent, formatSize } from "../../shared/format.ts";
import { button, element } from "../dom.ts";
import { budgetLines, LEVEL_WORDS } from "../model/text.ts";

export class SnapshotBars {
  readonly #list: HTMLElement;
  readonly #choose: (snapshot: number) => void;

  constructor(parent: HTMLElement, choose: (snapshot: number) => void) {
    this.#choose = choose;
    this.#list = element("ul", "snapshots");
    this.#list.setAttribute("aria-label", "Snapshots and their budgets");
    parent.append(this.#list);
  }

  /** The fullest first: what is over its budget must not have to be looked for. */
  show(model: LocationModel): void {
    const { snapshots } = model.data;
    const used = (s: number) => {
      const snapshot = snapshots[s];
      return snapshot ? snapshot.usedBytes / Math.max(1, snapshot.budgetBytes) : 0;
    };
    const order = snapshots.map((_, s) => s).sort((a, b) => used(b) - used(a));
    const focused = document.activeElement;
    const had = focused instanceof HTMLElement ? focused.dataset.snapshot : undefined;
    this.#list.replaceChildren(...order.map((snapshot) => this.#item(model, snapshot)));
    if (had !== undefined) {
      [...this.#list.querySelectorAll<HTMLElement>("button")]
        .find((button) => button.dataset.snapshot === had)
        ?.focus();
    }
  }

  /** Marks the one that is zoomed into; -1 for none. */
  mark(model: LocationModel, current: number): void {
    const id = model.data.snapshots[current]?.id;
    for (const button of this.#list.querySelectorAll<HTMLElement>("button")) {
      button.setAttribute("aria-current", String(button.dataset.snapshot === id));
    }
  }

  #item(model: LocationModel, index: number): HTMLElement {
    const item = element("li");
    const snapshot = model.data.snapshots[index];
    if (!snapshot) {
      return item;
    }
    const bar = button(`snapshot-bar ${snapshot.level}`, "", () => {
      this.#choose(index);
    });
    bar.dataset.snapshot = snapshot.id;
    const percent = formatPercent(snapshot.usedBytes, snapshot.budgetBytes);
    const size = formatSize(snapshot.usedBytes);
    const words = snapshot.level === "within" ? percent : `${percent} · ${snapshot.level}`;
    const name = model.snapshotName(index);
    bar.title = [name, ...budgetLines(snapshot)].join("\n");
    // What is seen comes first, for those who speak to what they see.
    const budget = `budget ${formatSize(snapshot.budgetBytes)}, ${LEVEL_WORDS[snapshot.level]}`;
    bar.setAttribute("aria-label", `${name} ${size} ${words}, ${budget}`);
    const track = element("span", "track");
    const used = element("span", "bar");
    const part = Math.min(1, snapshot.usedBytes / Math.max(1, snapshot.budgetBytes));
    used.style.width = `${100 * part}%`;
    track.append(used);
    bar.append(
      element("span", "name", name),
      " ",
      element("span", "size", size),
      " ",
      element("span", "used", words),
      track,
    );
    item.append(bar);
    return item;
  }
}
