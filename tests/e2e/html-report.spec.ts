/** The page that `measure --format html` writes, opened from the disk. */
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, type Page, test } from "@playwright/test";

import { OUTPUT, PICTURES, REPOSITORY } from "./support/paths.ts";
import { enter } from "./support/patience.ts";
import { Project } from "./support/projects.ts";

const PYTHON = path.join(REPOSITORY, ".venv/bin/python");
const BREAK_OUT = `</script><script>document.title="broken"</script><!-- "quoted" \\u2028 \\u202e`;

/** What a page complained of or asked for: it may do neither. */
let wrong: string[] = [];

test.afterEach(() => {
  expect(wrong).toEqual([]);
});

async function open(page: Page, file: string): Promise<void> {
  wrong = [];
  page.on("console", (message) => wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("request", (request) => {
    if (request.url() !== pathToFileURL(file).href) wrong.push(request.url());
  });
  await page.goto(pathToFileURL(file).href);
}

const box = (page: Page, name: RegExp) => page.getByRole("treeitem", { name });
const row = (page: Page, name: RegExp) => page.getByRole("grid").getByRole("row", { name });

async function picture(page: Page, name: string): Promise<void> {
  if (!PICTURES) return;
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await page.screenshot({ path: path.join(OUTPUT, "screenshots", `${name}-${scheme}.png`) });
  }
}

test("what the command line writes can be searched, zoomed and sorted, and obeys no name", async ({
  page,
}) => {
  const project = Project.shop();
  try {
    const definitions = "shop_analytics/marts.py";
    const hostile = [
      `import dagster as dg`,
      `BREAK_OUT = '${BREAK_OUT}'`,
      `hostile = [`,
      `    dg.AssetSpec([f"{BREAK_OUT}{n}", "\\U0001f9ea"], metadata={BREAK_OUT: n}, group_name="odd")`,
      `    for n in range(8)`,
      `]`,
    ];
    project.write(definitions, `${project.read(definitions)}\n${hostile.join("\n")}\n`);
    const listed = "sources.exchange_rates,";
    project.replace("shop_analytics/definitions.py", listed, `${listed} *marts.hostile,`);
    const file = project.path("report.html");
    const arguments_ = ["-m", "dagster_snapsize", "measure", "--format", "html", "-o", file];
    execFileSync(PYTHON, arguments_, { cwd: project.folder, stdio: "pipe" });

    await open(page, file);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("shop_analytics.definitions");
    await expect(page).toHaveTitle("Snapsize: shop_analytics.definitions");
    await expect(row(page, /customer_features/)).toContainText("108.2 kB");
    await picture(page, "html");

    await page.getByRole("searchbox").fill("odd");
    await expect(page.getByText("8 assets found").first()).toBeVisible();
    await row(page, /</).first().click();
    await expect(page.getByText(/^Defined at/)).toContainText("shop_analytics/marts.py:");
    await enter(box(page, /^repository/), box(page, /document\.title/));
    await page.getByRole("searchbox").fill("");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "All snapshots" }).click();

    const way = [/^repository/, /^group features/, /^asset customer_features/, /column_schema/];
    for (const [n, name] of way.slice(1).entries()) {
      await enter(box(page, way[n]!), box(page, name));
    }
    await picture(page, "html-asset");
    await page.getByRole("button", { name: /^Findings/ }).click();
    await expect(page.getByText("[snapshot-near-budget]")).toBeVisible();
    await page.getByLabel("Colours").selectOption("Light");
    await expect(page.locator("body")).toHaveCSS("background-color", "rgb(255, 255, 255)");
    await page.getByLabel("Colours").selectOption("Dark");
    await expect(page.locator("body")).toHaveCSS("background-color", "rgb(31, 31, 31)");
    await picture(page, "html-findings");
    await expect(page).toHaveTitle("Snapsize: shop_analytics.definitions");
  } finally {
    project.remove();
  }
});

test("10,000 assets in 20 jobs are one file of a few megabytes, and as quick to look into", async ({
  page,
}) => {
  const file = test.info().outputPath("large.html");
  const values = ["-m", "support.report_values", "10000", "20", file];
  execFileSync(PYTHON, values, { cwd: path.join(REPOSITORY, "tests") });
  expect(statSync(file).size).toBeLessThan(6_000_000);

  await open(page, file);
  await expect(page.getByText(/in 21 snapshots, 10,000 assets\b/)).toBeVisible();
  const first = page.locator(".rows .row").first();
  await expect(first).toContainText("table_0");
  await page.getByRole("columnheader", { name: "Name" }).getByRole("button").click();
  await expect(first).toContainText("[structure]");
  await page.getByRole("searchbox").fill("table_09996");
  await expect(page.getByText("1 asset found").first()).toBeVisible();
  await expect(row(page, /table_09996 /)).toHaveCount(1);
  await page.getByRole("button", { name: /^job_7 / }).click();
  await row(page, /table_09996 /).click();
  await expect(box(page, /^description, /)).toBeVisible();
  await expect(box(page, /^op \(shared\), /)).toHaveAttribute("aria-label", /load with/);
  expect(await page.locator(".box, .rows .row").count()).toBeLessThan(3000);
  await picture(page, "html-large");

  const chooser = page.getByLabel("Code location");
  await chooser.selectOption("broken (could not be measured)");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("broken could not be measured");
  await expect(page.getByText("shop/assets.py:3: KeyError: '<b>x</b>'")).toBeVisible();
  await expect(page.getByRole("tree")).toBeHidden();
  await chooser.selectOption("shop");
  await expect(page.getByRole("treeitem")).toHaveCount(21);
});
