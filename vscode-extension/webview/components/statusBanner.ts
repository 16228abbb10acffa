/** The banner that says when the numbers are stale, being measured or missing. */

import { button, element } from "../dom.ts";
import type { ReportStatus } from "../../shared/reportData.ts";

export interface StatusActions {
  measure(): void;
  openFailure(): void;
}

export class StatusBanner {
  readonly #element = element("div", "banner");
  readonly #text = element("span");
  readonly #measure: HTMLElement;
  readonly #open: HTMLElement;

  constructor(parent: HTMLElement, actions: StatusActions) {
    this.#element.setAttribute("role", "status");
    this.#measure = button("action", "Measure Now", () => {
      actions.measure();
    });
    this.#open = button("action", "Go to the Error", () => {
      actions.openFailure();
    });
    this.#element.append(this.#text, this.#open, this.#measure);
    parent.append(this.#element);
    this.#element.hidden = true;
  }

  show(status: ReportStatus): void {
    this.#element.hidden = status.text === "";
    this.#element.dataset.kind = status.kind;
    this.#text.textContent = status.text;
    this.#measure.hidden = !status.canMeasure;
    this.#open.hidden = !status.canOpenFailure;
  }
}
