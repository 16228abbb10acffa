/** Positions of the steps of the load time: each below what calls it, as wide as it takes long. */

import { hierarchy, partition } from "d3-hierarchy";
import type { TimeNodeData } from "../../shared/reportData.ts";

export interface PlacedStep {
  readonly node: TimeNodeData;
  /** The step that calls it; undefined for the one that is zoomed into. */
  readonly parent: TimeNodeData | undefined;
  readonly level: number;
  /** Parts of the whole width. */
  readonly x: number;
  readonly width: number;
}

/** About as many rows as fit above a table. */
const DEPTH = 14;
/** Pixels; less cannot be pointed at. */
const NARROWEST = 3;

/** The steps from `root` on, each before those that it calls, the longest first. */
export function placeSteps(root: TimeNodeData, width: number): PlacedStep[] {
  const tree = hierarchy(root, (node) => node.children).sum((node) =>
    node.children.reduce((left, child) => left - child.microseconds, node.microseconds),
  );
  return partition<TimeNodeData>()(tree)
    .descendants()
    .filter((at) => at.depth <= DEPTH && (at.x1 - at.x0) * width >= NARROWEST)
    .map((at) => ({
      node: at.data,
      parent: at.parent?.data,
      level: at.depth + 1,
      x: at.x0,
      width: at.x1 - at.x0,
    }));
}
