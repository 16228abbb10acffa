/** Draws the boxes, and lets pointer and keyboard go into them. */

import { select } from "d3-selection";
import { type PlacedBox, place } from "../model/treemapLayout.ts";
import { type LocationModel } from "../model/locationModel.ts";
import { isZoomable, kindWords, type Part } from "../model/parts.ts";
import type { Found, Search } from "../model/search.ts";
import { formatSize } from "../../shared/format.ts";
import { isOverBudget, lines } from "../model/text.ts";

export interface TreemapActions {
  zoom(part: Part): void;
  up(): void;
}

const CHARACTER_WIDTH = 6.6;
/** A name of which less than this can be seen says nothing. */
const LEAST_NAME = 60;

export class Treemap {
  readonly element: HTMLElement;
  readonly #actions: TreemapActions;
  readonly #tooltip: Tooltip;
  readonly #empty: HTMLElement;
  #model: LocationModel | undefined;
  #search: Search | undefined;
  #found: Found | undefined;
  #root: Part | undefined;
  #boxes: readonly PlacedBox[] = [];
  /** The box that Tab leads to. */
  #current = "";

  constructor(parent: HTMLElement, actions: TreemapActions) {
    this.#actions = actions;
    this.element = document.createElement("div");
    this.element.className = "treemap";
    this.element.setAttribute("role", "tree");
    // Holds the focus while there are no boxes yet.
    this.element.tabIndex = -1;
    this.#empty = document.createElement("p");
    this.#empty.className = "treemap-empty";
    this.#empty.hidden = true;
    parent.append(this.element, this.#empty);
    this.#tooltip = new Tooltip(parent);
    this.#listen();
  }

  /** Draws what is inside of `root`. */
  show(model: LocationModel, search: Search, root: Part): void {
    this.#model = model;
    this.#search = search;
    this.#root = root;
    this.draw();
  }

  /** Leaves lit what was found, all where nothing is asked. */
  light(found: Found | undefined): void {
    this.#found = found;
    this.#dim();
  }

  /** Lays out and draws again, as after a change of size. */
  draw(): void {
    const model = this.#model;
    const root = this.#root;
    if (!model || !root) {
      return;
    }
    this.#tooltip.hide();
    const { clientWidth, clientHeight } = this.element;
    this.#boxes = place(model, root, clientWidth, clientHeight);
    if (!this.#boxes.some((box) => box.id === this.#current && box.depth === 1)) {
      this.#current = this.#boxes.find(isReachable)?.id ?? "";
    }
    this.#empty.hidden = this.#boxes.length > 0;
    this.#empty.textContent = model.missingDetail(root)
      ? "Reading the fields…"
      : "Nothing to draw.";
    this.element.setAttribute("aria-label", `Treemap of ${root.name}`);
    const hadFocus = this.element.contains(document.activeElement);
    select(this.element)
      .selectAll<HTMLElement, PlacedBox>("div.box")
      .data(this.#boxes, (box) => box.id)
      .join((enter) => {
        const box = enter.append("div");
        box.append("span").attr("class", "name");
        box.append("span").attr("class", "size");
        // Not one word for those who speak to what they see.
        box.each(function () {
          this.insertBefore(document.createTextNode(" "), this.lastChild);
        });
        return box;
      })
      .order()
      .each(function (box) {
        drawBox(this, model, box);
      });
    this.#dim();
    this.#markCurrent();
    if (hadFocus) {
      this.focus();
    }
  }

  /** Puts the focus on the box of that part, or on the first. */
  focus(part?: Part): void {
    if (part) {
      this.#current =
        this.#boxes.find((box) => box.depth === 1 && box.part.segment === part.segment)?.id ??
        this.#current;
      this.#markCurrent();
    }
    (this.#elementOf(this.#current) ?? this.element).focus({ preventScroll: true });
  }

  /** Grows out of the box that was gone into, so that one sees where one is. */
  animateFrom(box: DOMRect | undefined): void {
    const { width, height, x, y } = this.element.getBoundingClientRect();
    const still =
      matchMedia("(prefers-reduced-motion: reduce)").matches ||
      document.body.classList.contains("vscode-reduce-motion");
    if (!box || still || width === 0 || height === 0) {
      return;
    }
    const from =
      `translate(${box.x - x}px, ${box.y - y}px)` +
      ` scale(${box.width / width}, ${box.height / height})`;
    this.element.animate(
      [
        { transform: from, opacity: 0.5 },
        { transform: "none", opacity: 1 },
      ],
      {
        duration: 140,
        easing: "ease-out",
      },
    );
  }

  /** Where a part is drawn now. */
  rectangle(part: Part): DOMRect | undefined {
    const box = this.#boxes.find((candidate) => candidate.part === part);
    return box && this.#elementOf(box.id)?.getBoundingClientRect();
  }

  #dim(): void {
    const found = this.#found;
    const search = this.#search;
    const inside = (this.#root?.asset ?? -1) >= 0 || (this.#root?.other ?? -1) >= 0;
    select(this.element)
      .selectAll<HTMLElement, PlacedBox>("div.box")
      .classed("dim", (box) => !!found && !!search && !inside && !search.holds(found, box.part));
  }

  #markCurrent(): void {
    const current = this.#current;
    select(this.element)
      .selectAll<HTMLElement, PlacedBox>("div.box")
      .attr("tabindex", (box) => (box.depth > 1 ? null : box.id === current ? "0" : "-1"));
  }

  #listen(): void {
    this.element.addEventListener("click", (event) => {
      const box = boxAt(event.target);
      if (box) {
        this.#enter(box);
      }
    });
    this.element.addEventListener("keydown", (event) => {
      this.#key(event);
    });
    this.element.addEventListener("pointermove", (event) => {
      const box = boxAt(event.target);
      if (box) {
        this.#tell(box, event.clientX, event.clientY);
      } else {
        this.#tooltip.hide();
      }
    });
    this.element.addEventListener("pointerleave", () => {
      this.#tooltip.hide();
    });
    this.element.addEventListener("focusin", (event) => {
      const box = boxAt(event.target);
      if (box && event.target instanceof HTMLElement) {
        this.#current = box.id;
        this.#markCurrent();
        if (event.target.matches(":focus-visible")) {
          const { left, bottom, width } = event.target.getBoundingClientRect();
          this.#tell(box, left + Math.min(width / 2, 40), bottom - 14);
        }
      }
    });
    this.element.addEventListener("focusout", () => {
      this.#tooltip.hide();
    });
  }

  #tell(box: PlacedBox, x: number, y: number): void {
    if (this.#model) {
      this.#tooltip.show(fullName(this.#model, box.part), lines(this.#model, box.part), x, y);
    }
  }

  /** Goes into a box; what stands for many small ones is looked at by going where they are. */
  #enter({ part }: PlacedBox): void {
    const target = part.level === "rest" ? part.parent : part;
    if (target && isZoomable(target) && target !== this.#root) {
      this.#actions.zoom(target);
    }
  }

  #key(event: KeyboardEvent): void {
    const box = this.#boxes.find((candidate) => candidate.id === this.#current);
    if (event.key === "Escape" || event.key === "Backspace") {
      event.preventDefault();
      this.#actions.up();
      return;
    }
    if (!box || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const reachable = this.#boxes.filter(isReachable);
    const next: Record<string, () => PlacedBox | undefined> = {
      ArrowLeft: () => neighbour(reachable, box, -1, 0),
      ArrowRight: () => neighbour(reachable, box, 1, 0),
      ArrowUp: () => neighbour(reachable, box, 0, -1),
      ArrowDown: () => neighbour(reachable, box, 0, 1),
      Home: () => reachable[0],
      End: () => reachable.at(-1),
    };
    const move = next[event.key];
    if (move) {
      event.preventDefault();
      const to = move();
      if (to) {
        this.#elementOf(to.id)?.focus({ preventScroll: true });
      }
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#enter(box);
    }
  }

  #elementOf(id: string): HTMLElement | undefined {
    return select(this.element)
      .selectAll<HTMLElement, PlacedBox>("div.box")
      .nodes()
      .find((node) => select<HTMLElement, PlacedBox>(node).datum().id === id);
  }
}

function isReachable(box: PlacedBox): boolean {
  return box.depth === 1;
}

function boxAt(target: EventTarget | null): PlacedBox | undefined {
  const element = target instanceof Element ? target.closest("div.box") : null;
  return element ? select<Element, PlacedBox>(element).datum() : undefined;
}

function drawBox(element: HTMLElement, model: LocationModel, box: PlacedBox): void {
  const { part, depth, width, height } = box;
  element.className = classes(model, box);
  element.style.transform = `translate(${box.x}px, ${box.y}px)`;
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
  // Deeper boxes are reached by going in; a screen reader is told of one level at a time.
  element.setAttribute("role", depth === 1 ? "treeitem" : "none");
  element.setAttribute("aria-hidden", String(depth > 1));
  if (depth === 1) {
    const about = [fullName(model, part), ...lines(model, part)].join(", ");
    element.setAttribute("aria-label", about);
  } else {
    element.removeAttribute("aria-label");
  }
  const [name, size] = element.children;
  const text = shownName(part, width);
  const hasName = height >= 16 && width >= Math.min(LEAST_NAME, textWidth(text) + 12);
  const isTall = height >= 34 && !box.isOpen;
  element.classList.toggle("tall", isTall);
  if (name && size) {
    name.textContent = hasName ? text : "";
    const hasSize = hasName && (isTall ? width >= 56 : width >= textWidth(text) + 70);
    size.textContent = hasSize ? formatSize(part.bytes) : "";
  }
}

function classes(model: LocationModel, box: PlacedBox): string {
  const { part } = box;
  return [
    "box",
    part.level,
    box.isOpen ? "open" : "leaf",
    part.isShared ? "shared" : "",
    part.kind >= 0 ? colourOf(model.data.names.kinds[part.kind] ?? "") : "",
    isOverBudget(model, part) ? "over" : "",
  ]
    .filter(Boolean)
    .join(" ");
}

/** Kinds by what people tell apart at a glance; the rest are one colour. */
function colourOf(kind: string): string {
  return kind === "check" || kind === "structure" ? `of-${kind}` : "of-definition";
}

/** The end of a long key says more than its beginning. */
function shownName(part: Part, width: number): string {
  if (part.level !== "asset" || textWidth(part.name) <= width - 8) {
    return part.name;
  }
  return part.name.slice(part.name.lastIndexOf("/") + 1);
}

/** About; measuring each would take longer than drawing it. */
function textWidth(text: string): number {
  return text.length * CHARACTER_WIDTH;
}

/** `asset wh/orders`, `check orders:not_null`, `12 smaller assets`. */
function fullName(model: LocationModel, part: Part): string {
  switch (part.level) {
    case "asset":
    case "group":
      return `${part.level} ${part.name}`;
    case "other": {
      const kind = model.data.names.kinds[part.kind] ?? "";
      return kind === "structure" ? part.name : `${kind.replaceAll("_", " ")} ${part.name}`;
    }
    case "kind":
      return kindWords(model.data.names.kinds[part.kind] ?? "");
    default:
      return part.name;
  }
}

/** The nearest box in that direction; one beside is nearer than one askew. */
function neighbour(
  boxes: readonly PlacedBox[],
  from: PlacedBox,
  dx: number,
  dy: number,
): PlacedBox | undefined {
  const centre = (box: PlacedBox) => [box.x + box.width / 2, box.y + box.height / 2] as const;
  const [x, y] = centre(from);
  const startX = x + (dx * from.width) / 2;
  const startY = y + (dy * from.height) / 2;
  let best: PlacedBox | undefined;
  let least = Infinity;
  for (const box of boxes) {
    // The nearest point of the box to where one steps off.
    const nearX = Math.min(Math.max(startX, box.x), box.x + box.width);
    const nearY = Math.min(Math.max(startY, box.y), box.y + box.height);
    const [cx, cy] = centre(box);
    const ahead = dx * (cx - startX) + dy * (cy - startY);
    if (box === from || ahead <= 0) {
      continue;
    }
    const along = Math.abs(dx * (nearX - startX) + dy * (nearY - startY));
    const aside = Math.abs(dy * (nearX - startX)) + Math.abs(dx * (nearY - startY));
    const distance = along + 3 * aside + ahead / 1000;
    if (distance < least) {
      least = distance;
      best = box;
    }
  }
  return best;
}

/** Details of a box, beside the pointer or the focus; for screen readers they are in its label. */
class Tooltip {
  readonly #element: HTMLElement;

  constructor(parent: HTMLElement) {
    this.#element = document.createElement("div");
    this.#element.className = "tooltip";
    this.#element.setAttribute("aria-hidden", "true");
    this.#element.hidden = true;
    parent.append(this.#element);
  }

  /** Shows a title and lines as text, as near to the point as the window allows. */
  show(title: string, lines: readonly string[], x: number, y: number): void {
    const heading = document.createElement("strong");
    heading.textContent = title;
    const texts = lines.map((line) => {
      const element = document.createElement("div");
      element.textContent = line;
      return element;
    });
    this.#element.replaceChildren(heading, ...texts);
    this.#element.hidden = false;
    this.move(x, y);
  }

  move(x: number, y: number): void {
    const { offsetWidth, offsetHeight } = this.#element;
    const left = x + 14 + offsetWidth > window.innerWidth ? x - offsetWidth - 10 : x + 14;
    const top = y + 18 + offsetHeight > window.innerHeight ? y - offsetHeight - 10 : y + 18;
    this.#element.style.left = `${Math.max(4, left)}px`;
    this.#element.style.top = `${Math.max(4, top)}px`;
  }

  hide(): void {
    this.#element.hidden = true;
  }
}
