// Which assets are listed, and under what.

import { relative, sep } from "node:path";
import type { AssetHead } from "../measurements/rows.ts";

export const GROUPINGS = ["size", "group", "file"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export const PAGE = 200;

/** Assets under one heading, heaviest first. `name` is null where there is no group, or no file. */
export interface AssetGroup {
  name: string | null;
  bytes: number;
  assets: AssetHead[];
}

/** What an asset is listed under; null where it has none. Without a grouping there is nothing. */
function headingOf(asset: AssetHead, grouping: Grouping, root: string): string | null {
  switch (grouping) {
    case "size":
      return null;
    case "group":
      return asset.group;
    case "file":
      return asset.location === null ? null : shortPath(asset.location.path, root);
  }
}

/** The groups, heaviest first. `assets` are heaviest first. */
export function grouped(
  assets: readonly AssetHead[],
  grouping: Grouping,
  root: string,
): AssetGroup[] {
  const groups = new Map<string | null, AssetGroup>();
  for (const asset of assets) {
    const name = headingOf(asset, grouping, root);
    let group = groups.get(name);
    if (group === undefined) {
      group = { name, bytes: 0, assets: [] };
      groups.set(name, group);
    }
    group.bytes += asset.total_bytes;
    group.assets.push(asset);
  }
  return [...groups.values()].sort((a, b) => b.bytes - a.bytes);
}

/**
 * The assets that hold every word of the filter in their key or in what they are listed under, in
 * upper or lower case.
 */
export function filtered(
  assets: readonly AssetHead[],
  filter: string,
  grouping: Grouping,
  root: string,
): readonly AssetHead[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return assets;
  return assets.filter((asset) => {
    const text = `${asset.key}\n${headingOf(asset, grouping, root) ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The path below the root; the whole path where it is elsewhere. */
export function shortPath(path: string, root: string): string {
  const below = relative(root, path);
  return below === "" || below === ".." || below.startsWith(`..${sep}`) ? path : below;
}
