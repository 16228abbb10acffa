/** Sizes as the command line and the language server print them: kB is 1,000 bytes. */

const UNITS: readonly (readonly [string, number])[] = [
  ["kB", 1e3],
  ["MB", 1e6],
  ["GB", 1e9],
];

/** `1,234,567`, the same in every locale, as everywhere in the tool. */
export function grouped(whole: number): string {
  return whole.toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

function fromTenths(tenths: number): string {
  const rest = tenths % 10;
  return `${grouped(Math.floor(tenths / 10))}${rest ? `.${rest}` : ""}`;
}

/** `10.3 MB`, `80 MB`; exact below 1,000 bytes. core/sizes.py writes the same. */
export function formatSize(size: number): string {
  if (size < 1000) {
    return `${size} B`;
  }
  for (const [unit, factor] of UNITS) {
    const tenths = Math.floor((size * 10 + factor / 2) / factor);
    if (tenths < 10_000 || unit === "GB") {
      return `${fromTenths(tenths)} ${unit}`;
    }
  }
  throw new Error("every size has a unit");
}

/** `+1.2 kB`, `-12 B`, `0 B`. */
export function formatGrowth(size: number): string {
  return `${size > 0 ? "+" : size < 0 ? "-" : ""}${formatSize(Math.abs(size))}`;
}

/** `12,345 bytes`. */
export function formatExact(size: number): string {
  return size === 1 ? "1 byte" : `${grouped(size)} bytes`;
}

/** `10.3 MB (10,312,345 bytes)`, and `812 bytes` where the exact number is short anyway. */
export function formatBoth(size: number): string {
  return size < 1000 ? formatExact(size) : `${formatSize(size)} (${formatExact(size)})`;
}

/** `2.3 %`, `87 %`; above 0 never printed as 0, nor beside the whole as 100 %. */
export function formatPercent(part: number, whole: number): string {
  if (whole <= 0) {
    return part <= 0 ? "0 %" : "over 100 %";
  }
  const share = (100 * part) / whole;
  const tenths = Math.floor(share * 10 + 0.5);
  if (share > 0 && tenths === 0) {
    return "<0.1 %";
  }
  const text = fromTenths(tenths < 100 ? tenths : Math.floor(share + 0.5) * 10);
  if (text === "100" && share !== 100) {
    return share < 100 ? "<100 %" : ">100 %";
  }
  return `${text} %`;
}

/** `5.71 s`, and `4.2 ms` below 10 ms. */
export function formatMicroseconds(time: number): string {
  return time >= 10_000 ? `${(time / 1e6).toFixed(2)} s` : `${(time / 1e3).toFixed(1)} ms`;
}

/** `1 asset`, `1,200 assets`. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Lines from user code, without what cannot be seen or reorders the rest. */
export function flatLines(text: string): string {
  return text.replace(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/gu, " ").trimEnd();
}

/** A name from user code on one line, without what cannot be seen. */
export function flat(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, " ").trim();
}

/** How much of a budget is used; 1 is all of it. */
export function budgetShare(usedBytes: number, budgetBytes: number): number {
  return usedBytes / Math.max(1, budgetBytes);
}
