/** The banner that says when the numbers are stale, being measured or missing. */

import { button, element } from "../dom.ts";
import type { BannerAction, ReportStatus } from "../../shared/reportData.ts";

const TITLES: Readonly<Record<BannerAction, string>> = {
  openFailure: "Go to the Error",
  selectInterpreter: "Select Interpreter",
  openEnableSetting: "Open the Setting",
  showLogs: "Show Logs",
  measure: "Measure Now",
};

export class StatusBanner {
  readonly #element = element("div", "banner");
  readonly #act: (action: BannerAction) => void;

  constructor(parent: HTMLElement, act: (action: BannerAction) => void) {
    this.#act = act;
    this.#element.setAttribute("role", "status");
    parent.append(this.#element);
    this.#element.hidden = true;
  }

  show(status: ReportStatus): void {
    this.#element.hidden = status.text === "";
    this.#element.dataset.kind = status.kind;
    this.#element.replaceChildren(
      element("span", "", status.text),
      ...status.actions.map((action) =>
        button("action", TITLES[action], () => {
          this.#act(action);
        }),
      ),
    );
  }
}
