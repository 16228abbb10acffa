/** What each snapshot is judged by, and every limit and timeout that affects loading. */

import type { LimitData, SnapshotData } from "../../shared/reportData.ts";
import { budgetShare, flat, formatExact, formatPercent, formatSize } from "../../shared/format.ts";
import { element, table } from "../dom.ts";
import type { LocationModel } from "../model/locationModel.ts";

export class LimitList {
  readonly #element = element("main", "limits");

  constructor(parent: HTMLElement) {
    this.#element.setAttribute("aria-label", "Limits");
    parent.append(this.#element);
  }

  show(model: LocationModel): void {
    const { snapshots, limits } = model.data;
    const budgets = snapshots
      .map((snapshot, n) => ({ snapshot, name: model.snapshotName(n) }))
      .sort((a, b) => share(b.snapshot) - share(a.snapshot));
    this.#element.replaceChildren(
      element("h2", "", "Budgets"),
      table(
        ["Snapshot", "Size", "Budget", "Used", "Set by"],
        budgets.map(({ name, snapshot }) => budget(name, snapshot)),
      ),
      element("h2", "", "Limits and timeouts"),
      table(["Name", "Value", "From"], limits.map(limit)),
    );
  }
}

function share({ usedBytes, budgetBytes }: SnapshotData): number {
  return budgetShare(usedBytes, budgetBytes);
}

function budget(name: string, snapshot: SnapshotData): HTMLElement[] {
  const { usedBytes, budgetBytes, budgetName, budgetSource, level, wireBytes } = snapshot;
  const size = element("td", "number", formatSize(usedBytes));
  const judged = usedBytes === wireBytes ? "on the wire" : "stored";
  size.title = `${formatExact(usedBytes)} ${judged}`;
  const most = element("td", "number", formatSize(budgetBytes));
  most.title = formatExact(budgetBytes);
  const used = element("td", `number ${level}`, formatPercent(usedBytes, budgetBytes));
  return [
    element("th", "", name),
    size,
    most,
    used,
    element("td", "", `${flat(budgetName)}, ${flat(budgetSource)}`),
  ];
}

function limit({ name, value, source, description, problem }: LimitData): HTMLElement[] {
  const named = element("th", "", flat(name));
  const about = element("div", problem === null ? "about" : "problem");
  about.textContent = flat(problem ?? description);
  named.append(about);
  return [named, element("td", "number", flat(value)), element("td", "", flat(source))];
}
