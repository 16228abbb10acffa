// Bundles the extension and, where there is one, its webview.
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { build, context } from "esbuild";

const production = process.argv.includes("--production");
const watch = process.argv.includes("--watch");

const common = {
  bundle: true,
  minify: production,
  sourcemap: !production,
  legalComments: "none",
  logLevel: "info",
  metafile: true,
};

const bundles = [
  {
    ...common,
    entryPoints: ["src/extension.ts"],
    outfile: "dist/extension.cjs",
    platform: "node",
    format: "cjs",
    target: "node20",
    external: ["vscode"],
    mainFields: ["module", "main"],
  },
];
if (existsSync("webview/main.ts")) {
  bundles.push({
    ...common,
    entryPoints: ["webview/main.ts"],
    outdir: "dist/webview",
    platform: "browser",
    format: "iife",
    target: "chrome122",
  });
}

rmSync("dist", { recursive: true, force: true });
if (watch) {
  for (const bundle of bundles) await (await context(bundle)).watch();
} else {
  const results = await Promise.all(bundles.map((bundle) => build(bundle)));
  // Their licenses go into the notices (scripts/bundle.py).
  const inputs = results.flatMap(({ metafile }) => Object.keys(metafile.inputs));
  const packages = inputs.map((path) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  mkdirSync("build", { recursive: true });
  const found = [...new Set(packages)].filter((path) => path !== undefined).sort();
  writeFileSync("build/npm-packages.json", JSON.stringify(found, undefined, 2));
}
