/** What is known of a box, beside the pointer or the focus. A screen reader hears it with the box. */

export class Tooltip {
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
