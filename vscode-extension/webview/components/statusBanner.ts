/** The banner that says when the numbers are old, being made or missing. */

import type { ReportStatus } from "../../shared/reportData.ts";

export interface StatusActions {
  measure(): void;
  openFailure(): void;
}

export class StatusBanner {
  readonly #element: HTMLElement;
  readonly #text = document.createElement("span");
  readonly #measure = button("Measure Now");
  readonly #open = button("Go to the Error");

  constructor(parent: HTMLElement, actions: StatusActions) {
    this.#element = document.createElement("div");
    this.#element.className = "banner";
    this.#element.setAttribute("role", "status");
    this.#measure.addEventListener("click", () => {
      actions.measure();
    });
    this.#open.addEventListener("click", () => {
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

function button(text: string): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "action";
  made.textContent = text;
  return made;
}
