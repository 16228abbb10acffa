/**
 * The report as a page of its own, which is opened from a disk: all that it shows lies in it.
 *
 * What is known of the user's code stands in blocks of compressed JSON in letters and digits, so that
 * no text of theirs is ever part of the page's source.
 */

import type { OwnerRef, ReportData } from "../shared/reportData.ts";
import { DetailReader, type PackedDetails } from "./model/details.ts";
import { FIRST_VIEW, Report } from "./report.ts";
import { flat, flatLines } from "../shared/format.ts";
// After the report's own, which it adds to.
import "./page.css";

/** What the page says of a code location before its sizes are read. */
interface LocationAbout {
  readonly name: string;
  /** `over budget`, `could not be measured`; empty where all is well. */
  readonly state: string;
  /** Versions and when it was measured. */
  readonly about: string;
  /** Why it could not be measured; null where it was. */
  readonly failure: string | null;
}

const THEMES = { system: "As the system", light: "Light", dark: "Dark" };
const THEME_KEY = "dagster-snapsize.theme";

class Page {
  readonly #locations: readonly LocationAbout[];
  readonly #about = document.createElement("span");
  readonly #failure = document.createElement("main");
  readonly #report: Report;
  #current = 0;
  #data: ReportData | undefined;
  #details: Promise<DetailReader> | undefined;

  constructor(locations: readonly LocationAbout[]) {
    this.#locations = locations;
    const bar = document.createElement("section");
    bar.className = "page-bar";
    bar.setAttribute("aria-label", "This page");
    if (locations.length > 1) {
      bar.append(this.#chooser());
    }
    bar.append(this.#about, themes());
    this.#failure.className = "failure";
    document.body.append(bar, this.#failure);
    this.#report = new Report(
      document.body,
      {
        // There is no editor here: `hasSource` says so, and places are text.
        open: () => undefined,
        act: () => undefined,
        keep: () => undefined,
        loadDetail: (owner) => {
          void this.#load(owner);
        },
      },
      FIRST_VIEW,
    );
  }

  async show(index: number): Promise<void> {
    const location = this.#locations[index];
    if (!location) {
      return;
    }
    this.#current = index;
    this.#data = undefined;
    this.#details = undefined;
    this.#about.textContent = location.about;
    this.#report.clear();
    this.#showFailure(location);
    if (location.failure !== null) {
      return;
    }
    const data = await read<ReportData>(`data-${index}`);
    if (this.#current === index) {
      this.#data = data;
      this.#report.show(data);
    }
  }

  #showFailure({ name, failure }: LocationAbout): void {
    this.#failure.hidden = failure === null;
    const heading = document.createElement("h1");
    heading.textContent = `${flat(name)} could not be measured`;
    const why = document.createElement("pre");
    why.textContent = flatLines(failure ?? "");
    this.#failure.replaceChildren(heading, why);
  }

  async #load(owner: OwnerRef): Promise<void> {
    const index = this.#current;
    const data = this.#data;
    if (data) {
      this.#details ??= read<PackedDetails>(`details-${index}`).then(
        (packed) => new DetailReader(data, packed),
      );
      const details = await this.#details;
      if (this.#current === index) {
        this.#report.learn(owner, details.detail(owner));
      }
    }
  }

  #chooser(): HTMLElement {
    const chooser = document.createElement("select");
    chooser.append(
      ...this.#locations.map(
        ({ name, state }) => new Option(state ? `${flat(name)} (${state})` : flat(name)),
      ),
    );
    chooser.addEventListener("change", () => {
      void this.show(chooser.selectedIndex);
    });
    return labelled("Code location", chooser);
  }
}

function themes(): HTMLElement {
  const chooser = document.createElement("select");
  chooser.append(...Object.entries(THEMES).map(([value, text]) => new Option(text, value)));
  const dress = () => {
    document.documentElement.dataset.theme = chooser.value;
  };
  try {
    const kept = localStorage.getItem(THEME_KEY) ?? "";
    chooser.value = kept in THEMES ? kept : "system";
  } catch {
    // Some browsers keep nothing for files.
  }
  dress();
  chooser.addEventListener("change", () => {
    dress();
    try {
      localStorage.setItem(THEME_KEY, chooser.value);
    } catch {
      // Then it is for now only.
    }
  });
  return labelled("Colours", chooser);
}

function labelled(text: string, control: HTMLElement): HTMLElement {
  const label = document.createElement("label");
  label.append(`${text} `, control);
  return label;
}

/** What a block of the page holds. */
async function read<T>(id: string): Promise<T> {
  const text = atob(document.getElementById(id)?.textContent ?? "");
  const bytes = new Uint8Array(text.length);
  for (let n = 0; n < text.length; n++) {
    bytes[n] = text.charCodeAt(n);
  }
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return (await new Response(plain).json()) as T;
}

async function start(): Promise<void> {
  try {
    const locations = await read<readonly LocationAbout[]>("locations");
    await new Page(locations).show(0);
  } catch (error) {
    const problem = document.createElement("p");
    problem.className = "problem";
    problem.textContent =
      `This report cannot be shown: ${String(error)}. It needs Chrome or Edge 123, Firefox 121,` +
      " Safari 17.5 or newer, and the whole file.";
    document.body.replaceChildren(problem);
  }
}

void start();
