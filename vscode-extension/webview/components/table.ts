/**
 * The table beside the picture, its equal for those who do not see it.
 *
 * Only rows in sight are in the document; all are of one height, so that where a row stands is
 * arithmetic.
 */

import { element } from "../dom.ts";
import type { Part } from "../model/parts.ts";
import { type Row, type Sort, type SortKey, sorted } from "../model/tableRows.ts";
import { formatExact, formatPercent, formatSize, grouped } from "../../shared/format.ts";

export interface TableActions {
  open(asset: number): void;
  zoom(part: Part): void;
  up(): void;
  sort(sort: Sort): void;
  scrolled(): void;
}

export interface ShownRows {
  readonly label: string;
  readonly rows: Row[];
  /** What their shares are of. */
  readonly whole: number;
  /** Of the column that is for the heaviest field where rows have fields. */
  readonly fieldHead: string;
  /** What is said where there are no rows. */
  readonly none: string;
}

const ROW_HEIGHT = 22;
const HEAD_HEIGHT = 26;
/** Rows above and below those in sight, for scrolling without gaps. */
const SPARE = 8;

const COLUMNS: readonly (readonly [SortKey | undefined, string])[] = [
  ["name", "Name"],
  ["bytes", "Bytes"],
  [undefined, "Share"],
  ["field", "Heaviest field"],
];

export class Table {
  readonly element: HTMLElement;
  readonly #rowsElement: HTMLElement;
  readonly #none: HTMLElement;
  readonly #heads = new Map<SortKey, HTMLElement>();
  readonly #actions: TableActions;
  #rows: readonly Row[] = [];
  #whole = 0;
  #sort: Sort = { key: "bytes", descending: true };
  #active = 0;

  constructor(parent: HTMLElement, hintId: string, actions: TableActions) {
    this.#actions = actions;
    this.element = document.createElement("div");
    this.element.className = "table";
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "grid");
    this.element.setAttribute("aria-colcount", String(COLUMNS.length));
    this.element.setAttribute("aria-describedby", hintId);
    this.#rowsElement = document.createElement("div");
    this.#rowsElement.className = "rows";
    this.#rowsElement.setAttribute("role", "rowgroup");
    this.#none = document.createElement("p");
    this.#none.className = "no-rows";
    this.element.append(this.#head(), this.#rowsElement, this.#none);
    parent.append(this.element);
    this.#listen();
  }

  get scrollTop(): number {
    return this.element.scrollTop;
  }

  set scrollTop(top: number) {
    this.element.scrollTop = top;
    this.#draw();
  }

  show(shown: ShownRows, sort: Sort): void {
    const { label, rows, whole, none } = shown;
    this.#rows = sorted(rows, sort);
    this.#whole = whole;
    this.#sort = sort;
    this.#active = Math.min(this.#active, Math.max(0, rows.length - 1));
    this.element.setAttribute("aria-label", label);
    this.element.setAttribute("aria-rowcount", String(rows.length + 1));
    this.#none.textContent = rows.length === 0 ? none : "";
    this.#rowsElement.style.height = `${rows.length * ROW_HEIGHT}px`;
    this.element.classList.toggle("without-field", !rows.some((row) => row.field !== ""));
    const field = this.#heads.get("field")?.firstElementChild;
    if (field) {
      field.textContent = shown.fieldHead;
    }
    for (const [key, head] of this.#heads) {
      const order = sort.descending ? "descending" : "ascending";
      head.setAttribute("aria-sort", key === sort.key ? order : "none");
    }
    this.#draw();
  }

  /** Begins at the top again, for rows of something else. */
  rewind(): void {
    this.#active = 0;
    this.element.scrollTop = 0;
  }

  /** Draws again, as after a change of size. */
  draw(): void {
    this.#draw();
  }

  #head(): HTMLElement {
    const head = document.createElement("div");
    head.className = "row head";
    head.setAttribute("role", "row");
    head.setAttribute("aria-rowindex", "1");
    for (const [key, text] of COLUMNS) {
      const cell = document.createElement("div");
      cell.className = `cell ${text.toLowerCase().replaceAll(" ", "-")}`;
      cell.setAttribute("role", "columnheader");
      if (key) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = text;
        button.addEventListener("click", () => {
          const descending = key === this.#sort.key ? !this.#sort.descending : key === "bytes";
          this.#actions.sort({ key, descending });
        });
        cell.append(button);
        this.#heads.set(key, cell);
      } else {
        cell.textContent = text;
      }
      head.append(cell);
    }
    return head;
  }

  #draw(): void {
    const first = Math.max(0, Math.floor(this.element.scrollTop / ROW_HEIGHT) - SPARE);
    const seen = Math.ceil(this.element.clientHeight / ROW_HEIGHT) + 2 * SPARE;
    const drawn = this.#rows.slice(first, first + seen).map((row, n) => this.#row(row, first + n));
    this.#rowsElement.replaceChildren(...drawn);
    this.#markActive();
  }

  #row(row: Row, index: number): HTMLElement {
    const made = element("div", "row");
    made.id = `row-${index}`;
    made.dataset.index = String(index);
    made.setAttribute("role", "row");
    made.setAttribute("aria-rowindex", String(index + 2));
    made.style.transform = `translateY(${index * ROW_HEIGHT}px)`;
    const name = keyCell("name", row.name);
    if (row.source >= 0) {
      name.classList.add("link");
    }
    if (row.kind) {
      name.append(element("span", "kind", row.kind));
    }
    name.title = row.source >= 0 ? `${row.name}\nClick to open its source` : row.name;
    const bytes = cell("bytes", formatSize(row.bytes));
    bytes.title = formatExact(row.bytes);
    if (row.isOver) {
      bytes.classList.add("over");
      bytes.title += ", over what one asset may take";
      bytes.setAttribute("aria-label", `${formatSize(row.bytes)}, over the asset budget`);
    }
    // Of a field the end is enough: there is not much room, and the title has all of it.
    const end = row.fieldBytes > 0 ? row.field.slice(row.field.lastIndexOf("/") + 1) : row.field;
    const field = cell("heaviest-field", end);
    field.title = row.field;
    if (row.fieldBytes > 0) {
      field.title = `${row.field}: ${formatExact(row.fieldBytes)}`;
      field.append(element("span", "kind", formatSize(row.fieldBytes)));
    }
    made.append(name, bytes, cell("share", formatPercent(row.bytes, this.#whole)), field);
    if (row.target) {
      const zoom = document.createElement("button");
      zoom.type = "button";
      zoom.className = "zoom";
      zoom.tabIndex = -1;
      zoom.title = "Show in the treemap";
      zoom.setAttribute("aria-hidden", "true");
      zoom.textContent = "›";
      made.append(zoom);
    }
    return made;
  }

  #listen(): void {
    this.element.addEventListener("scroll", () => {
      this.#draw();
      this.#actions.scrolled();
    });
    this.#rowsElement.addEventListener("click", (event) => {
      const target = event.target instanceof Element ? event.target : null;
      const index = target?.closest<HTMLElement>(".row")?.dataset.index;
      if (index === undefined) {
        return;
      }
      this.#active = Number(index);
      this.#markActive();
      if (target?.closest(".zoom")) {
        this.#zoom();
      } else {
        this.#open();
      }
    });
    this.element.addEventListener("keydown", (event) => {
      this.#key(event);
    });
  }

  #key(event: KeyboardEvent): void {
    if (event.target !== this.element || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const page = Math.max(
      1,
      Math.floor((this.element.clientHeight - HEAD_HEIGHT) / ROW_HEIGHT) - 1,
    );
    const moves: Record<string, number> = {
      ArrowUp: this.#active - 1,
      ArrowDown: this.#active + 1,
      PageUp: this.#active - page,
      PageDown: this.#active + page,
      Home: 0,
      End: this.#rows.length - 1,
    };
    const to = moves[event.key];
    if (to !== undefined) {
      this.#active = Math.min(Math.max(0, to), Math.max(0, this.#rows.length - 1));
      this.#reveal();
    } else if (event.key === "Enter") {
      this.#open();
    } else if (event.key === "ArrowRight" || event.key === " ") {
      this.#zoom();
    } else if (event.key === "ArrowLeft" || event.key === "Escape" || event.key === "Backspace") {
      this.#actions.up();
    } else {
      return;
    }
    event.preventDefault();
  }

  #reveal(): void {
    const top = this.#active * ROW_HEIGHT;
    const height = this.element.clientHeight - HEAD_HEIGHT;
    if (top < this.element.scrollTop) {
      this.element.scrollTop = top;
    } else if (top + ROW_HEIGHT > this.element.scrollTop + height) {
      this.element.scrollTop = top + ROW_HEIGHT - height;
    }
    this.#draw();
  }

  #markActive(): void {
    for (const row of this.#rowsElement.children) {
      row.setAttribute("aria-selected", String(row.id === `row-${this.#active}`));
    }
    if (this.#rows.length > 0) {
      this.element.setAttribute("aria-activedescendant", `row-${this.#active}`);
    } else {
      this.element.removeAttribute("aria-activedescendant");
    }
  }

  /** To the source, or into what has none. */
  #open(): void {
    const row = this.#rows[this.#active];
    if (row && row.source >= 0) {
      this.#actions.open(row.source);
    } else {
      this.#zoom();
    }
  }

  #zoom(): void {
    const target = this.#rows[this.#active]?.target?.();
    if (target) {
      this.#actions.zoom(target);
    }
  }
}

function cell(column: string, text: string): HTMLElement {
  const made = element("div", `cell ${column}`);
  made.setAttribute("role", "gridcell");
  made.append(element("span", "text", text));
  return made;
}

/** The end of a long key says more than its beginning: that is cut first. */
function keyCell(column: string, key: string): HTMLElement {
  const end = key.lastIndexOf("/", key.length - 2) + 1;
  const found = cell(column, "");
  const whole = element("span", "key");
  if (end > 0) {
    const path = element("span", "path");
    // The path is cut on its left, as text that runs the other way would be.
    const text = document.createElement("bdi");
    text.dir = "ltr";
    text.textContent = key.slice(0, end);
    path.append(text);
    whole.append(path);
  }
  whole.append(element("span", "text", key.slice(end)));
  found.replaceChildren(whole);
  return found;
}

/** `1,204 rows`, for saying how many there are. */
export function rowCount(count: number): string {
  return `${grouped(count)} ${count === 1 ? "row" : "rows"}`;
}
