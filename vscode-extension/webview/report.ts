/**
 * The report of one code location: budgets, treemap, table, search.
 *
 * It knows of no editor: what it needs from outside comes through `ReportActions`, so that a page of
 * its own can hold it as well as a webview. Every text from user code is put in as text.
 */

import "./report.css";
import { element } from "./dom.ts";
import { AdviceList } from "./components/advice.ts";
import { Caption } from "./components/caption.ts";
import type {
  BannerAction,
  OwnerDetail,
  OwnerRef,
  PlaceData,
  ReportData,
  ReportStatus,
} from "../shared/reportData.ts";
import type { Target } from "../shared/reportMessages.ts";
import { FindingList } from "./components/findings.ts";
import { LimitList } from "./components/limits.ts";
import { LoadTimeView } from "./components/loadTime.ts";
import { LocationModel } from "./model/locationModel.ts";
import { isRefused } from "./model/text.ts";
import { isZoomable, lineage, type Part, pathOf } from "./model/parts.ts";
import { rowsOf, type Sort } from "./model/tableRows.ts";
import { type Found, Search } from "./model/search.ts";
import { counted, flat, formatBoth, formatSize } from "../shared/format.ts";
import { SnapshotBars } from "./components/snapshotBars.ts";
import { StatusBanner } from "./components/statusBanner.ts";
import { rowCount, Table } from "./components/table.ts";
import { Treemap } from "./components/treemap.ts";
import { Breadcrumb, type Shown, type ViewEntry, Views } from "./components/navigation.ts";

export interface ReportActions {
  /** Goes to where an asset is defined. */
  open(asset: number): void;
  /** Goes to a place in a file; without it places are text. */
  openPlace?(place: PlaceData): void;
  /** Asks for the fields of an owner; `learn` brings them. */
  loadDetail(owner: OwnerRef): void;
  act(action: BannerAction): void;
  /** Something changed that is worth keeping. */
  keep(view: View): void;
}

/** Where somebody is in the report. */
export interface View {
  readonly path: readonly string[];
  readonly search: string;
  readonly sort: Sort;
  readonly scrollTop: number;
  /** Not in what an earlier version has kept. */
  readonly shown?: Shown;
}

export const FIRST_VIEW: View = {
  path: [],
  search: "",
  sort: { key: "bytes", descending: true },
  scrollTop: 0,
};

const HINT =
  "In the treemap arrow keys move among boxes, Enter goes in, Escape goes out. In the table Enter" +
  " opens the source or goes in, the right arrow key shows a row in the treemap.";

export class Report {
  readonly #actions: ReportActions;
  readonly #root: HTMLElement;
  readonly #heading = element("h1");
  readonly #summary = element("p", "summary");
  readonly #live = element("div", "unseen");
  readonly #searchBox = document.createElement("input");
  readonly #matches = element("span", "matches");
  readonly #legend = element("ul", "legend");
  readonly #status: StatusBanner;
  readonly #bars: SnapshotBars;
  readonly #breadcrumb: Breadcrumb;
  readonly #treemap: Treemap;
  readonly #caption: Caption;
  readonly #table: Table;
  readonly #views: Views;
  readonly #advice: AdviceList;
  readonly #findings: FindingList;
  readonly #limits: LimitList;
  readonly #loadTime: LoadTimeView;
  #view: View;
  #model: LocationModel | undefined;
  #search: Search | undefined;
  #found: Found | undefined;
  #part: Part | undefined;
  /** Where to go as soon as there is something to show. */
  #target: Target | undefined;

  constructor(parent: HTMLElement, actions: ReportActions, view: View = FIRST_VIEW) {
    this.#actions = actions;
    this.#view = view;
    this.#root = element("div", "report");
    const header = element("header");
    const title = element("div", "title");
    title.append(this.#heading, this.#summary);
    header.append(title);
    this.#status = new StatusBanner(header, (action) => {
      actions.act(action);
    });
    this.#bars = new SnapshotBars(header, (snapshot) => {
      const part = this.#model
        ?.children(this.#model.root)
        .parts.find((p) => p.snapshot === snapshot);
      if (part) {
        this.#look("sizes");
        this.#zoom(part);
      }
    });
    this.#root.append(header);
    this.#views = new Views(this.#root, (shown) => {
      this.#look(shown);
    });
    const tools = element("div", "tools");
    this.#breadcrumb = new Breadcrumb(tools, (part) => {
      this.#zoom(part);
    });
    const search = element("div", "search");
    search.setAttribute("role", "search");
    search.append(this.#matches, this.#searchBox);
    tools.append(search);
    const picture = element("section", "picture");
    picture.setAttribute("aria-label", "Treemap");
    const list = element("section", "list");
    list.setAttribute("aria-label", "Table");
    const main = element("main", "sizes");
    main.append(picture, list);
    const hint = element("p", "unseen");
    hint.id = "snapsize-hint";
    hint.textContent = HINT;
    this.#live.setAttribute("aria-live", "polite");
    main.append(hint, this.#live);
    this.#root.append(tools, main);
    const openPlace = actions.openPlace?.bind(actions);
    this.#advice = new AdviceList(this.#root, {
      openPlace,
      find: (asset) => {
        this.#look("sizes");
        this.search(asset);
        this.#searchBox.focus();
      },
    });
    this.#findings = new FindingList(this.#root, openPlace);
    this.#limits = new LimitList(this.#root);
    this.#loadTime = new LoadTimeView(this.#root, openPlace);
    parent.append(this.#root);
    this.#treemap = new Treemap(picture, {
      zoom: (part) => {
        this.#zoom(part, true);
      },
      up: () => {
        this.#up(true);
      },
    });
    this.#treemap.element.setAttribute("aria-describedby", hint.id);
    this.#caption = new Caption(picture, {
      open: (asset) => {
        actions.open(asset);
      },
      zoom: (part) => {
        this.#zoom(part);
      },
    });
    picture.append(this.#legend);
    this.#table = new Table(list, hint.id, {
      open: (asset) => {
        actions.open(asset);
      },
      zoom: (part) => {
        this.#zoom(part);
      },
      up: () => {
        this.#up();
      },
      sort: (sort) => {
        this.#keep({ sort });
        this.#showTable();
      },
      scrolled: () => {
        this.#keep({ scrollTop: this.#table.scrollTop });
      },
    });
    this.#listen();
    this.#root.dataset.state = "empty";
    this.#root.dataset.shown = "sizes";
  }

  /** Shows a measurement, the first or a newer one, where somebody is. */
  show(data: ReportData): void {
    const scrollTop = this.#view.scrollTop;
    this.#model = new LocationModel(data);
    this.#search = new Search(this.#model);
    this.#found = this.#search.find(this.#view.search);
    const { root } = this.#model;
    this.#root.dataset.state = "full";
    this.#heading.textContent = flat(data.location);
    const refused = data.snapshots.filter(isRefused).length;
    const sent = data.snapshots.length - refused;
    this.#summary.textContent =
      `${formatBoth(root.bytes)} stored in ${counted(sent, "snapshot")},` +
      ` ${counted(data.assets.key.length, "asset")}` +
      (refused ? `; ${counted(refused, "more snapshot")} not sent by the server` : "");
    this.#bars.show(this.#model);
    this.#showLegend(data);
    this.#showViews(data);
    this.#go(this.#model.find(this.#view.path));
    this.#table.scrollTop = scrollTop;
    this.#goToTarget();
  }

  /** Goes to a place in it, at once or as soon as there is something to show. */
  goTo(target: Target): void {
    this.#target = target;
    this.#goToTarget();
  }

  #goToTarget(): void {
    const target = this.#target;
    const model = this.#model;
    if (!target || !model) {
      return;
    }
    this.#target = undefined;
    if (target.tab) {
      const isThere = target.tab !== "time" || model.data.loadTime;
      this.#look(isThere ? target.tab : "sizes");
      return;
    }
    this.#look("sizes");
    this.search(target.search ?? "");
    const { asset } = target;
    this.#zoom((asset && model.assetNamed(asset.key, asset.repository)) ?? model.root);
  }

  /** Shows nothing, until there is another measurement: of another code location. */
  clear(): void {
    this.#model = undefined;
    this.#part = undefined;
    this.#root.dataset.state = "empty";
    this.#searchBox.value = "";
    this.#keep(FIRST_VIEW);
  }

  /** Says how current the numbers are. */
  status(status: ReportStatus): void {
    this.#root.dataset.status = status.kind;
    this.#status.show(status);
  }

  /** Takes in what was asked for with `loadDetail`. */
  learn(owner: OwnerRef, detail: OwnerDetail): void {
    const model = this.#model;
    const part = this.#part;
    if (!model || !part) {
      return;
    }
    const missing = model.missingDetail(part);
    model.learn(owner, detail);
    if (missing && !model.missingDetail(part)) {
      // The segments of fields are known only now.
      this.#go(model.find(this.#view.path));
    }
  }

  #listen(): void {
    this.#searchBox.type = "search";
    this.#searchBox.placeholder = "Search assets";
    this.#searchBox.setAttribute("aria-label", "Search assets and other owners by name or group");
    this.#searchBox.spellcheck = false;
    this.#searchBox.value = this.#view.search;
    this.#searchBox.addEventListener("input", () => {
      this.search(this.#searchBox.value);
    });
    document.addEventListener("keydown", (event) => {
      if (this.#root.dataset.shown !== "sizes") {
        return;
      }
      const isOut = event.key === "Escape" || event.key === "Backspace";
      if (isOut && !event.defaultPrevented && event.target !== this.#searchBox) {
        this.#up();
      }
      if (event.key === "f" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.#searchBox.select();
      }
    });
    let frame = 0;
    new ResizeObserver(() => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        this.#treemap.draw();
        this.#table.draw();
      });
    }).observe(this.#treemap.element);
  }

  /** Searches, as somebody who types does. */
  search(text: string): void {
    this.#searchBox.value = text;
    this.#keep({ search: text });
    this.#find();
  }

  #find(): void {
    this.#found = this.#search?.find(this.#view.search);
    this.#treemap.light(this.#found);
    this.#table.rewind();
    this.#showTable();
    this.#showMatches();
  }

  #showMatches(): void {
    const found = this.#found;
    const others =
      found && found.otherCount > 0 ? `, ${counted(found.otherCount, "other owner")}` : "";
    const text = found ? `${counted(found.assetCount, "asset")} found${others}` : "";
    this.#matches.textContent = text;
    this.#say(text);
  }

  #zoom(part: Part, takesFocus = false): void {
    const from = this.#treemap.rectangle(part);
    this.#table.rewind();
    this.#go(part);
    this.#treemap.animateFrom(from);
    this.#say(`${part.name}, ${formatSize(part.bytes)}`);
    if (takesFocus) {
      this.#treemap.focus();
    }
  }

  #up(takesFocus = false): void {
    const from = this.#part;
    if (from?.parent) {
      this.#zoom(from.parent);
      if (takesFocus) {
        this.#treemap.focus(from);
      }
    }
  }

  #go(part: Part): void {
    const model = this.#model;
    const search = this.#search;
    if (!model || !search) {
      return;
    }
    const to = isZoomable(part) || !part.parent ? part : part.parent;
    this.#part = to;
    this.#keep({ path: pathOf(to) });
    const missing = model.missingDetail(to);
    if (missing) {
      this.#actions.loadDetail(missing);
    }
    this.#breadcrumb.show(lineage(to));
    this.#bars.mark(model, to.snapshot);
    this.#treemap.show(model, search, to);
    this.#treemap.light(this.#found);
    this.#caption.show(model, to);
    this.#legend.hidden = to.asset >= 0 || to.other >= 0;
    this.#showTable();
    this.#matches.textContent = this.#found
      ? `${counted(this.#found.assetCount, "asset")} found`
      : "";
  }

  #showTable(): void {
    const model = this.#model;
    const part = this.#part;
    if (!model || !part) {
      return;
    }
    const rows = rowsOf(model, part, this.#found);
    const none = model.missingDetail(part) ? "Reading the fields…" : "Nothing is found here.";
    const label = `${part.name}: ${rowCount(rows.length)}`;
    const isOwner = part.asset >= 0 || part.other >= 0;
    const ofOwner = part.snapshot >= 0 ? "Shared with" : "Heaviest in";
    const fieldHead = isOwner ? ofOwner : "Heaviest field";
    this.#table.show({ label, rows, whole: part.bytes, fieldHead, none }, this.#view.sort);
  }

  #showLegend(data: ReportData): void {
    const kinds = new Set(data.names.kinds);
    const areWire = data.snapshots.some((snapshot) => snapshot.usedBytes === snapshot.wireBytes);
    const entries: [string, string, boolean][] = [
      ["asset", "asset", true],
      ["over", `over ${formatSize(data.assetBudgetBytes ?? 0)}`, hasAssetOver(data)],
      ["of-check", "check", kinds.has("check")],
      ["of-definition", "job, resource, …", true],
      ["of-structure", "structure", kinds.has("structure")],
      ["shared", "shared", Array.prototype.some.call(data.shares.shared, (bytes) => bytes > 0)],
    ];
    this.#legend.replaceChildren(
      ...entries
        .filter(([, , isThere]) => isThere)
        .map(([name, text]) => {
          const item = element("li");
          item.append(element("span", `swatch ${name}`), text);
          return item;
        }),
      ...(areWire ? [element("li", "", "stored bytes; the bars count bytes on the wire")] : []),
    );
  }

  #showViews(data: ReportData): void {
    const entries: ViewEntry[] = [{ id: "sizes", text: "Sizes" }];
    if (data.advice) {
      this.#advice.show(data, this.#model?.root.bytes ?? 0);
      entries.push({ id: "advice", text: `Advice (${data.advice.length})` });
    }
    if (data.findings) {
      this.#findings.show(data.findings);
      entries.push({ id: "findings", text: `Findings (${data.findings.length})` });
    }
    if (this.#model) {
      this.#limits.show(this.#model);
      entries.push({ id: "limits", text: "Limits" });
    }
    if (data.loadTime) {
      this.#loadTime.show(data.loadTime);
      entries.push({ id: "time", text: "Load time" });
    }
    const { shown = "sizes" } = this.#view;
    const isThere = entries.some(({ id }) => id === shown);
    this.#views.show(entries, shown);
    this.#look(isThere ? shown : "sizes");
  }

  #look(shown: Shown): void {
    this.#root.dataset.shown = shown;
    this.#views.mark(shown);
    this.#keep({ shown });
  }

  #keep(change: Partial<View>): void {
    this.#view = { ...this.#view, ...change };
    this.#actions.keep(this.#view);
  }

  #say(text: string): void {
    this.#live.textContent = text;
  }
}

function hasAssetOver({ assetBudgetBytes, shares }: ReportData): boolean {
  const isOver = (bytes: number) => assetBudgetBytes !== null && bytes > assetBudgetBytes;
  return Array.prototype.some.call(shares.bytes, isOver);
}
