// Writes the table of settings of the README from package.json: `node scripts/settings-table.ts`.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Setting {
  markdownDescription: string;
  default: unknown;
  order: number;
  enum?: string[];
  enumDescriptions?: string[];
}

const FOLDER = join(import.meta.dirname, "..");
const README = join(FOLDER, "README.md");
const TABLE = /(<!-- settings -->\n)[^]*?(<!-- \/settings -->)/;

/** All settings by name, in their order. */
export function settings(): [string, Setting][] {
  const text = readFileSync(join(FOLDER, "package.json"), "utf8");
  const { contributes } = JSON.parse(text) as {
    contributes: { configuration: { properties: Record<string, Setting> } };
  };
  const found = Object.entries(contributes.configuration.properties);
  return found.sort(([, a], [, b]) => a.order - b.order);
}

/** The README as it is, and as it should be. */
export function readme(): { is: string; shouldBe: string } {
  const is = readFileSync(README, "utf8");
  const rows = settings().map(([name, setting]) => {
    const words = [setting.markdownDescription, ...choices(setting)].join(" ");
    return `| \`${name}\` | \`${JSON.stringify(setting.default)}\` | ${words} |`;
  });
  const table = ["| setting | default | meaning |", "| --- | --- | --- |", ...rows].join("\n");
  const write = (_: string, begin: string, end: string) => `${begin}\n${table}\n\n${end}`;
  return { is, shouldBe: is.replace(TABLE, write) };
}

function choices({ enum: values, enumDescriptions: words }: Setting): string[] {
  if (values === undefined || words === undefined) return [];
  return values.map((value, index) => `\`"${value}"\`: ${words[index] ?? ""}`);
}

if (process.argv[1] === import.meta.filename) writeFileSync(README, readme().shouldBe);
