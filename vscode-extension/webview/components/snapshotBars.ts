/** Every snapshot with its budget as a bar; choosing one goes into it. */

import type { LocationModel } from "../model/locationModel.ts";
import { budgetShare, formatPercent, formatSize } from "../../shared/format.ts";
import { button, element } from "../dom.ts";
import { budgetLines, LEVEL_WORDS } from "../model/text.ts";

export class SnapshotBars {
  readonly #element = element("div", "snapshots");
  readonly #repositories = element("ul");
  /** Scrolls where there are many; the repositories stay in sight. */
  readonly #jobs = element("ul", "jobs");
  readonly #choose: (snapshot: number) => void;

  constructor(parent: HTMLElement, choose: (snapshot: number) => void) {
    this.#choose = choose;
    this.#repositories.setAttribute("aria-label", "Repository snapshots and their budgets");
    this.#jobs.setAttribute("aria-label", "Job snapshots and their budgets");
    this.#element.append(this.#repositories, this.#jobs);
    parent.append(this.#element);
  }

  /** The fullest first: what is over its budget must not have to be looked for. */
  show(model: LocationModel): void {
    const { snapshots } = model.data;
    const used = (s: number) => {
      const snapshot = snapshots[s];
      return snapshot ? budgetShare(snapshot.usedBytes, snapshot.budgetBytes) : 0;
    };
    const order = snapshots.map((_, s) => s).sort((a, b) => used(b) - used(a));
    const focused = document.activeElement;
    const had = focused instanceof HTMLElement ? focused.dataset.snapshot : undefined;
    const isJob = (s: number) => snapshots[s]?.kind === "job";
    const items = (wanted: number[]) => wanted.map((snapshot) => this.#item(model, snapshot));
    this.#repositories.replaceChildren(...items(order.filter((s) => !isJob(s))));
    this.#jobs.replaceChildren(...items(order.filter(isJob)));
    this.#jobs.hidden = this.#jobs.childElementCount === 0;
    if (had !== undefined) {
      [...this.#element.querySelectorAll<HTMLElement>("button")]
        .find((button) => button.dataset.snapshot === had)
        ?.focus();
    }
  }

  /** Marks the one that is zoomed into; -1 for none. */
  mark(model: LocationModel, current: number): void {
    const id = model.data.snapshots[current]?.id;
    for (const button of this.#element.querySelectorAll<HTMLElement>("button")) {
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
    const name = model.shortSnapshotName(index);
    bar.title = [model.snapshotName(index), ...budgetLines(snapshot)].join("\n");
    // What is seen comes first, for those who speak to what they see.
    const budget = `budget ${formatSize(snapshot.budgetBytes)}, ${LEVEL_WORDS[snapshot.level]}`;
    const label = `${name} ${size} ${words}, ${snapshot.kind} snapshot, ${budget}`;
    bar.setAttribute("aria-label", label);
    const track = element("span", "track");
    const used = element("span", "bar");
    const part = Math.min(1, budgetShare(snapshot.usedBytes, snapshot.budgetBytes));
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
