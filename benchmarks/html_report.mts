/**
 * How large the HTML report is, and how long it takes until it is drawn, from a disk.
 *
 * `make benchmark-report` prints a table. Sizes are made up (tests/support/report_values.py): every asset is in
 * every job and no two numbers are alike, so that these files are as large as they get.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "../tests/e2e/support/browser.ts";
import { REPOSITORY } from "../tests/e2e/support/paths.ts";

const SIZES = [
  [20, 1],
  [2000, 10],
  [10_000, 20],
] as const;
const RUNS = 5;

declare global {
  /** Milliseconds from the beginning of the navigation until the first boxes were painted. */
  var drawn: Promise<number>;
}

const folder = mkdtempSync(path.join(tmpdir(), "snapsize-report-"));
const browser = await launch();
try {
  console.log("| assets, jobs | file | first drawing | search | into a job |");
  console.log("| --- | ---: | ---: | ---: | ---: |");
  for (const [assets, jobs] of SIZES) {
    const file = path.join(folder, `${assets}x${jobs}.html`);
    const python = path.join(REPOSITORY, ".venv/bin/python");
    const values = [
      "-m",
      "support.report_values",
      String(assets),
      String(jobs),
      file,
    ];
    execFileSync(python, values, { cwd: path.join(REPOSITORY, "tests") });
    const times: number[][] = [];
    for (let run = 0; run < RUNS; run++)
      times.push(await measure(pathToFileURL(file).href));
    const median = (column: number) =>
      times.map((row) => row[column] ?? 0).sort((a, b) => a - b)[RUNS >> 1] ??
      0;
    const cells = [0, 1, 2].map((column) => `${median(column).toFixed(0)} ms`);
    const size = `${(statSync(file).size / 1000).toFixed(1)} kB`;
    console.log(`| ${[`${assets}, ${jobs}`, size, ...cells].join(" | ")} |`);
  }
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}

async function measure(address: string): Promise<number[]> {
  const page = await browser.newPage({ reducedMotion: "reduce" });
  await page.addInitScript(() => {
    globalThis.drawn = new Promise((done) => {
      new MutationObserver((_, observer) => {
        if (!document.querySelector(".box")) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => done(performance.now())));
      }).observe(document, { childList: true, subtree: true });
    });
  });
  await page.goto(address);
  const first = await page.evaluate(() => globalThis.drawn);
  const search = await page.evaluate(async () => {
    const before = performance.now();
    const box = document.querySelector("input");
    if (box) box.value = "7";
    box?.dispatchEvent(new Event("input"));
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - before;
  });
  const zoom = await page.evaluate(async () => {
    const before = performance.now();
    [...document.querySelectorAll<HTMLElement>(".snapshot-bar")]
      .at(-1)
      ?.click();
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - before;
  });
  await page.close();
  return [first, search, zoom];
}
