// Builds the report as a page of its own into the Python package: `npm run page`.
//
// What it writes is committed, since the package is installed where there is no Node; the same
// sources give the same bytes, and a test compares them.
import { readdirSync, readFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "..");
export const FOLDER = join(ROOT, "../server/dagster_snapsize/cli/reports/report_page");

/** The files of the page by name. */
export async function buildPage() {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["webview/page.ts"],
    outdir: FOLDER,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    charset: "ascii",
    legalComments: "none",
    format: "iife",
    platform: "browser",
    target: ["chrome123", "firefox121", "safari17.5"],
  });
  const text = (end) => outputFiles.find(({ path }) => path.endsWith(end)).text;
  return { "page.css": text(".css"), "page.js": notices(metafile) + text(".js") };
}

/** The licenses of the packages that are part of it: it is handed on with every report. */
function notices({ inputs }) {
  const found = Object.keys(inputs).map(
    (path) => /^node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0],
  );
  const folders = [...new Set(found)].filter((path) => path !== undefined).sort();
  return folders
    .map((folder) => {
      const { name, version } = JSON.parse(
        readFileSync(join(ROOT, folder, "package.json"), "utf8"),
      );
      const file = readdirSync(join(ROOT, folder)).find((entry) => /^licen[cs]e/i.test(entry));
      if (file === undefined) throw new Error(`${name} comes without a license`);
      const license = readFileSync(join(ROOT, folder, file), "utf8").replaceAll("\r\n", "\n");
      return `/*\n${name} ${version}\n\n${license.trim()}\n*/\n`;
    })
    .join("");
}

if (process.argv[1] === import.meta.filename) {
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, text] of Object.entries(await buildPage())) {
    writeFileSync(join(FOLDER, name), text);
  }
}
