/** The words that go with a part, the same in the tooltip and for a screen reader. */

import type { BudgetLevel, SnapshotData } from "../../shared/reportData.ts";
import { type LocationModel } from "./locationModel.ts";
import { at, type Part } from "./parts.ts";
import { counted, formatBoth, formatPercent, formatSize } from "../../shared/format.ts";

const NAMED = 3;

/** Lines about a part: what it is, how big, and what else is worth knowing. */
export function lines(model: LocationModel, part: Part): string[] {
  const { data } = model;
  const found = [formatBoth(part.bytes).replace(".0 ", " ")];
  if (part.parent) {
    const whole = part.parent;
    found.push(`${formatPercent(part.bytes, whole.bytes)} of ${whole.name}`);
  }
  if (part.level === "asset" && part.snapshot >= 0) {
    found.push(`${formatPercent(part.bytes, storedBytes(model, part))} of the snapshot`);
  }
  if (part.level === "snapshot" || part.level === "group") {
    if (part.asset < 0) {
      found.push(counted(model.assetCount(part), "asset"));
    }
  }
  const field = model.heaviestField(part);
  if (field) {
    found.push(`heaviest: ${field.name}, ${formatSize(field.bytes)}`);
  }
  const shared = part.share < 0 ? 0 : at(data.shares.shared, part.share);
  if (shared > 0) {
    found.push(`${formatSize(shared)} of it shared with other assets`);
  }
  if (part.level === "field" && part.isShared) {
    found.push("its share of a value that several assets use");
    found.push(...sharingLines(model, part));
  }
  if (isOverBudget(model, part)) {
    found.push(`over the asset budget of ${formatSize(data.assetBudgetBytes ?? 0)}`);
  }
  return found;
}

/** `op with orders, customers and 3 others`, of a field that is shared. */
export function sharingLines(model: LocationModel, part: Part): string[] {
  const owner = part.parent;
  const sharing = owner ? (model.detail(owner)?.sharing ?? []) : [];
  return sharing
    .filter((shared) => shared.snapshot === part.snapshot)
    .map((shared) => {
      const named = shared.keys.slice(0, NAMED);
      const more = shared.count - 1 - named.length;
      return `${shared.name} with ${named.join(", ")}${more > 0 ? ` and ${counted(more, "other")}` : ""}`;
    });
}

function storedBytes(model: LocationModel, part: Part): number {
  return model.data.snapshots[part.snapshot]?.storedBytes ?? 0;
}

/** Whether the asset is larger than what one asset may take of a snapshot. */
export function isOverBudget(model: LocationModel, part: Part): boolean {
  const budget = model.data.assetBudgetBytes;
  return budget !== null && part.level === "asset" && part.snapshot >= 0 && part.bytes > budget;
}

export const LEVEL_WORDS: Readonly<Record<BudgetLevel, string>> = {
  within: "within budget",
  near: "near budget",
  over: "over budget",
};

/** Whether a running server refused to send it: then only its bytes on the wire are known. */
export function isRefused({ storedBytes }: SnapshotData): boolean {
  return storedBytes === 0;
}

/** What the budget bar of a snapshot says. */
export function budgetLines(snapshot: SnapshotData): string[] {
  return [
    isRefused(snapshot)
      ? "not sent by the server, so its owners are unknown"
      : `stored ${formatBoth(snapshot.storedBytes)}`,
    `on the wire ${formatBoth(snapshot.wireBytes)}`,
    `${LEVEL_WORDS[snapshot.level]}: ${formatPercent(snapshot.usedBytes, snapshot.budgetBytes)}` +
      ` of ${formatBoth(snapshot.budgetBytes)}`,
    `${snapshot.budgetName} (${snapshot.budgetSource})`,
  ];
}
