/** Elements as the report makes them: every text from user code is put in as text. */

export function element(tag: string, className = "", text = ""): HTMLElement {
  const made = document.createElement(tag);
  if (className) {
    made.className = className;
  }
  made.textContent = text;
  return made;
}

export function button(className: string, text: string, click?: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  if (className) {
    made.className = className;
  }
  made.textContent = text;
  if (click) {
    made.addEventListener("click", click);
  }
  return made;
}

/** The first cell of a row is its heading; where there is no room cells stand below each other. */
export function table(titles: readonly string[], rows: readonly HTMLElement[][]): HTMLElement {
  const made = document.createElement("table");
  const head = element("tr");
  for (const title of titles) {
    const cell = element("th", "", title);
    cell.setAttribute("scope", "col");
    head.append(cell);
  }
  const heads = document.createElement("thead");
  heads.append(head);
  const body = document.createElement("tbody");
  for (const cells of rows) {
    const row = element("tr");
    cells[0]?.setAttribute("scope", "row");
    cells.forEach((cell, n) => {
      cell.dataset.title = titles[n] ?? "";
    });
    row.append(...cells);
    body.append(row);
  }
  made.append(heads, body);
  return made;
}
