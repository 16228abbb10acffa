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
