/** Where the load time goes: a picture of what calls what, and tables by line and by distribution. */

import type { LoadTimeData, TimeNodeData } from "../../shared/reportData.ts";
import { flat, formatGrowth, formatMicroseconds, formatPercent } from "../../shared/format.ts";
import { element, table } from "../dom.ts";
import { type PlacedStep, placeSteps } from "../model/icicleLayout.ts";
import { type OpenPlace, placeElement } from "./places.ts";

const ROW_HEIGHT = 22;
const HINT =
  "Each step is below what calls it, and as wide as it takes long. Arrow keys move among steps," +
  " Enter shows one alone, Escape goes back.";

export class LoadTimeView {
  readonly #element = element("main", "load-time");
  readonly #open: OpenPlace | undefined;
  readonly #picture = element("div", "icicle");
  #data: LoadTimeData | undefined;
  /** From the whole to what is shown alone. */
  #path: TimeNodeData[] = [];
  #steps: PlacedStep[] = [];
  #current = 0;

  constructor(parent: HTMLElement, open: OpenPlace | undefined) {
    this.#open = open;
    this.#element.setAttribute("aria-label", "Load time");
    this.#picture.setAttribute("role", "tree");
    this.#picture.setAttribute("aria-label", "Load time by what calls what");
    this.#picture.addEventListener("click", (event) => {
      const index = this.#indexOf(event.target);
      if (index >= 0) {
        this.#zoom(index);
      }
    });
    this.#picture.addEventListener("keydown", (event) => {
      if (this.#press(event.key)) {
        event.preventDefault();
      }
    });
    new ResizeObserver(() => {
      this.#draw();
    }).observe(this.#picture);
    parent.append(this.#element);
  }

  show(data: LoadTimeData): void {
    this.#data = data;
    this.#path = [data.tree];
    const way = data.isPlain ? "as by a code server" : "in the faster way of dagster-snapsize";
    const when =
      data.measuredAt === undefined
        ? ""
        : `; measured at ${new Date(1000 * data.measuredAt).toLocaleString()}, when it was last` +
          " loaded from nothing";
    const about = `${formatMicroseconds(data.microseconds)} to load and serialize, ${way}${when}`;
    const cells = (time: number, grownBytes: number) => [
      element("td", "number", formatMicroseconds(time)),
      element("td", "number", formatPercent(time, data.microseconds)),
      ...(data.knowsMemory ? [element("td", "number", formatGrowth(grownBytes))] : []),
    ];
    const heads = ["Seconds", "Of all", ...(data.knowsMemory ? ["Memory"] : [])];
    const owners = data.owners.map(({ what, location, distribution, microseconds, grownBytes }) => {
      const where = element("th", "", location ? "" : flat(what));
      if (location) {
        where.append(placeElement(location, this.#open));
      }
      const calls = location ? (distribution ?? "") : "";
      return [
        where,
        ...cells(microseconds, grownBytes),
        element("td", "", location ? flat(what) : ""),
        element("td", "", flat(calls)),
      ];
    });
    const distributions = data.distributions.map(({ name, through, microseconds, grownBytes }) => [
      element("th", "", flat(name)),
      ...cells(microseconds, grownBytes),
      element("td", "", flat(through ?? "")),
    ]);
    this.#element.replaceChildren(
      element("p", "about", about),
      element("p", "about", HINT),
      this.#picture,
      element("h2", "", "By line"),
      table(["Where the time goes", ...heads, "What", "Calls"], owners),
      element("h2", "", "By distribution"),
      table(["Distribution", ...heads, "Called through"], distributions),
    );
    this.#draw();
  }

  #draw(): void {
    const root = this.#path.at(-1);
    if (!root || !this.#data) {
      return;
    }
    const hadFocus = this.#picture.contains(document.activeElement);
    const whole = this.#data.microseconds;
    this.#steps = placeSteps(root, this.#picture.clientWidth);
    this.#current = Math.min(this.#current, Math.max(0, this.#steps.length - 1));
    const rows = Math.max(1, ...this.#steps.map((step) => step.level));
    this.#picture.style.height = `${rows * ROW_HEIGHT}px`;
    this.#picture.replaceChildren(
      ...this.#steps.map((step, index) => {
        const { name, location, microseconds } = step.node;
        const where = location ? `${flat(location.path)}:${location.line} ` : "";
        const kind = location
          ? "line"
          : name.startsWith("[") || step.level === 1
            ? ""
            : "distribution";
        const box = element("div", `step ${kind}`, `${where}${flat(name)}`);
        const time = formatMicroseconds(microseconds);
        box.title = `${where}${flat(name)}, ${time}, ${formatPercent(microseconds, whole)}`;
        box.setAttribute("role", "treeitem");
        box.setAttribute("aria-level", String(step.level));
        box.setAttribute("aria-label", box.title);
        box.tabIndex = index === this.#current ? 0 : -1;
        box.style.left = `${100 * step.x}%`;
        box.style.width = `${100 * step.width}%`;
        box.style.top = `${(step.level - 1) * ROW_HEIGHT}px`;
        box.style.height = `${ROW_HEIGHT}px`;
        return box;
      }),
    );
    if (hadFocus) {
      this.#focus(this.#current);
    }
  }

  #indexOf(target: EventTarget | null): number {
    return [...this.#picture.children].findIndex((child) => child === target);
  }

  #focus(index: number): void {
    const boxes = [...this.#picture.children] as HTMLElement[];
    boxes[this.#current]?.setAttribute("tabindex", "-1");
    this.#current = index;
    boxes[index]?.setAttribute("tabindex", "0");
    boxes[index]?.focus();
  }

  /** Shows a step alone with what it calls; the one that is shown alone already gives way. */
  #zoom(index: number): void {
    const step = this.#steps[index];
    if (!step) {
      return;
    }
    if (index === 0) {
      this.#up();
      return;
    }
    const chain: TimeNodeData[] = [];
    for (let at: PlacedStep | undefined = step; at?.parent;) {
      chain.unshift(at.node);
      const above: TimeNodeData = at.parent;
      at = this.#steps.find(({ node }) => node === above);
    }
    this.#path.push(...chain);
    this.#current = 0;
    this.#draw();
    this.#focus(0);
  }

  #up(): void {
    if (this.#path.length > 1) {
      const left = this.#path.pop();
      this.#draw();
      this.#focus(
        Math.max(
          0,
          this.#steps.findIndex(({ node }) => node === left),
        ),
      );
    }
  }

  #press(key: string): boolean {
    const step = this.#steps[this.#current];
    if (!step) {
      return false;
    }
    const siblings = this.#steps.filter(({ parent }) => parent === step.parent);
    const at = siblings.indexOf(step);
    const to = (other: PlacedStep | undefined) => {
      if (other) {
        this.#focus(this.#steps.indexOf(other));
      }
    };
    switch (key) {
      case "ArrowRight":
        to(siblings[at + 1]);
        return true;
      case "ArrowLeft":
        to(siblings[at - 1]);
        return true;
      case "ArrowDown":
        to(this.#steps.find(({ parent }) => parent === step.node));
        return true;
      case "ArrowUp":
        to(this.#steps.find(({ node }) => node === step.parent));
        return true;
      case "Enter":
        this.#zoom(this.#current);
        return true;
      case "Escape":
        this.#up();
        return true;
      default:
        return false;
    }
  }
}
