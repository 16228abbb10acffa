/** Positions of the boxes of the treemap. Boxes too small to see are combined into one. */

import { type HierarchyRectangularNode, treemapSquarify } from "d3-hierarchy";
import { type LocationModel, restPart } from "./locationModel.ts";
import { type Part } from "./parts.ts";

export interface PlacedBox {
  readonly part: Part;
  /** 1 for the children of what is zoomed into. */
  readonly depth: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Holds boxes of its own, below a line with its name. */
  readonly isOpen: boolean;
  readonly id: string;
}

/** Snapshot, group, asset: deeper is seen by going in. */
const DEPTH = 3;
/** Square pixels; a box of 10 by 12 can be seen and pointed at. */
const SMALLEST = 120;
/** About as many boxes as one can tell apart, and as are drawn without waiting. */
const MOST = 2500;
const TITLE_HEIGHT = 18;
const PADDING = 2;

interface Tile {
  value: number;
  part: Part;
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** All boxes below `root`, each before those that it holds. */
export function place(
  model: LocationModel,
  root: Part,
  width: number,
  height: number,
): PlacedBox[] {
  const placed: PlacedBox[] = [];
  const smallest = Math.max(SMALLEST, (width * height) / MOST);
  const open = (
    part: Part,
    id: string,
    depth: number,
    x0: number,
    y0: number,
    x1: number,
    y1: number,
  ) => {
    for (const tile of tiles(model, part, x0, y0, x1, y1, smallest, depth === 1)) {
      const box = rounded(tile);
      if (box.width < 1 || box.height < 1) {
        continue;
      }
      const index = placed.length;
      const childId = `${id}\n${tile.part.segment}`;
      placed.push({ ...box, part: tile.part, depth, isOpen: false, id: childId });
      if (depth < DEPTH && box.width >= 48 && box.height >= TITLE_HEIGHT + 16) {
        open(
          tile.part,
          childId,
          depth + 1,
          box.x + PADDING,
          box.y + TITLE_HEIGHT,
          box.x + box.width - PADDING,
          box.y + box.height - PADDING,
        );
        if (placed.length > index + 1) {
          placed[index] = { ...box, part: tile.part, depth, isOpen: true, id: childId };
        }
      }
    }
  };
  open(root, "", 1, 0, 0, width, height);
  return placed;
}

function tiles(
  model: LocationModel,
  part: Part,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  smallest: number,
  isRoot: boolean,
): Tile[] {
  const area = (x1 - x0) * (y1 - y0);
  if (area < smallest * 2 || part.bytes <= 0) {
    return [];
  }
  const children = model.children(part, Math.max(1, (smallest * part.bytes) / area));
  if (children.parts.length === 0 && !isRoot) {
    return [];
  }
  const parts = [...children.parts];
  if (children.restBytes > 0) {
    parts.push(restPart(part, children));
  }
  const made = parts.map((child) => ({ value: child.bytes, part: child, x0, y0, x1, y1 }));
  const whole = { value: part.bytes, children: made, x0, y0, x1, y1 };
  // d3's tiling reads `value` and `children` alone: a hierarchy of all 200,000 shares, most of them
  // too small to draw, is never made.
  treemapSquarify(whole as unknown as HierarchyRectangularNode<unknown>, x0, y0, x1, y1);
  return made;
}

function rounded(tile: Tile) {
  const x = Math.round(tile.x0);
  const y = Math.round(tile.y0);
  return { x, y, width: Math.round(tile.x1) - x, height: Math.round(tile.y1) - y };
}
