// Numbers and names as everywhere in the tool: see lsp/words.py of the language server.

import { formatPercent } from "../../shared/format.ts";

export { counted, flat, formatBoth, formatExact, grouped, shortSize } from "../../shared/format.ts";

const CELLS = 5;

/** `2 %` rather than `2.0 %`. */
export function shortPercent(part: number, whole: number): string {
  return formatPercent(part, whole).replace(".0 %", " %");
}

/** `▰▰▱▱▱`; full only where nothing is left. */
export function budgetBar(used: number, budget: number): string {
  const full = used >= budget ? CELLS : Math.min(CELLS - 1, Math.round((CELLS * used) / budget));
  return "▰".repeat(full) + "▱".repeat(CELLS - full);
}

/** A text from user code for a line of Markdown, with no markup left in it. */
export function escaped(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!<>|~&$:@]/g, (c) => `&#${c.charCodeAt(0)};`);
}
