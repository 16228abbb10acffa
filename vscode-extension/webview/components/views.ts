/** What can be looked at in a report: sizes, advice, findings. */

export type Shown = "sizes" | "advice" | "findings";

export interface ViewEntry {
  readonly id: Shown;
  readonly text: string;
}

export class Views {
  readonly #nav = document.createElement("nav");
  readonly #choose: (shown: Shown) => void;

  constructor(parent: HTMLElement, choose: (shown: Shown) => void) {
    this.#choose = choose;
    this.#nav.className = "views";
    this.#nav.setAttribute("aria-label", "Views");
    parent.append(this.#nav);
  }

  /** Nothing to choose from where there is one view only. */
  show(entries: readonly ViewEntry[], current: Shown): void {
    this.#nav.hidden = entries.length < 2;
    this.#nav.replaceChildren(
      ...entries.map(({ id, text }) => {
        const button = document.createElement("button");
        button.type = "button";
        button.dataset.view = id;
        button.textContent = text;
        button.addEventListener("click", () => {
          this.#choose(id);
        });
        return button;
      }),
    );
    this.mark(current);
  }

  mark(current: Shown): void {
    for (const button of this.#nav.querySelectorAll("button")) {
      const isCurrent = button.dataset.view === current;
      if (isCurrent) {
        button.setAttribute("aria-current", "page");
      } else {
        button.removeAttribute("aria-current");
      }
    }
  }
}
