/** A place in a file: a way there where an editor can go, else text that can be copied. */

import type { PlaceData } from "../../shared/reportData.ts";
import { button, element } from "../dom.ts";
import { flat } from "../../shared/format.ts";

export type OpenPlace = (place: PlaceData) => void;

export function placeElement(place: PlaceData, open: OpenPlace | undefined): HTMLElement {
  const text = `${flat(place.path)}:${place.line}`;
  if (open) {
    return button("link place", text, () => {
      open(place);
    });
  }
  const shown = element("code", "", text);
  const copy = button("link copy", "Copy");
  copy.setAttribute("aria-label", `Copy ${text}`);
  copy.addEventListener("click", () => {
    void copied(`${place.path}:${place.line}`, shown).then((is) => {
      copy.textContent = is ? "Copied" : "Selected";
    });
  });
  const found = element("span", "place");
  found.append(shown, " ", copy);
  return found;
}

/** Whether it is in the clipboard; where that is not allowed it is selected, ready to be copied. */
async function copied(text: string, shown: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection()?.selectAllChildren(shown);
    return false;
  }
}
