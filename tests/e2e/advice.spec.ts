/** What to do about the size: growth since the baseline, and advice that leads to the source. */
import { existsSync } from "node:fs";
import { expect, test } from "./support/fixtures.ts";

const SOURCES = "shop_analytics/sources.py";
const NOTE = '"What the till writes. " * 100';

test("growth is reported until the baseline is updated", async ({ openWindow, shop }) => {
  const window = await openWindow(shop.folder);
  await expect(window.status).toContainText(/Snapsize 8\d %/);
  await window.command("Snapsize: Update Size Baseline");
  await expect(window.notifications).toContainText(/wrote snapsize-baseline.jsonl: 1 location, 3/);
  expect(existsSync(shop.path("snapsize-baseline.jsonl"))).toBe(true);
  await window.command("Notifications: Clear All Notifications");

  await window.openFile("sources.py");
  await expect(window.squiggles("info")).toHaveCount(0);
  await window.replaceLine(6, `@dg.asset(group_name="raw", description=${NOTE})`);
  await window.save();
  await expect(window.squiggles("info")).not.toHaveCount(0);
  // The editor draws lenses in no order: the one that is meant is found by its text.
  const grown = window.lenses.filter({
    hasText: /^[\d.]+ kB · [\d.]+ % of location · \+6\.\d kB$/,
  });
  await expect(grown).toHaveCount(1);
  await window.hoverOver(window.line("@dg.asset(").getByText("asset"));
  await expect(window.hover).toContainText(/Asset grew by \d\.\d kB .*description \+\d/);
  await expect(window.hover).not.toContainText("Since the baseline");
  await window.picture("growth");

  await window.goToLine(6);
  await window.showQuickFixes();
  await window.picture("growth-quick-fix");
  await window.applyQuickFix("Update the baseline");
  await expect(window.squiggles("info")).toHaveCount(0);
  await expect(grown).toHaveCount(0);
  await expect(window.lenses).toHaveText(Array(2).fill(/^[\d.]+ kB · [\d.]+ % of location$/));
  await window.picture("growth-accepted");

  // What another program writes is heeded too: the old sizes are those to compare with again.
  const now = shop.read("snapsize-baseline.jsonl");
  shop.write(
    "snapsize-baseline.jsonl",
    now.replaceAll(/"description":2\d\d\d/g, '"description":9'),
  );
  await expect(window.squiggles("info")).not.toHaveCount(0);
});

test("the advice of the report leads to the source", async ({ openWindow, shop }) => {
  for (const said of ["Orders as the till writes them.", "Customers as they signed up."]) {
    shop.replace(SOURCES, `"${said}"`, NOTE);
  }
  const window = await openWindow(shop.folder);
  await expect(window.status).toContainText(/Snapsize \d+ %/);
  await window.openFile("sources.py");
  await expect(window.lenses).not.toHaveCount(0);
  await expect(window.squiggles("info")).toHaveCount(0);
  await window.hoverOver(window.line("@dg.asset(").nth(1).getByText("asset"));
  await expect(window.hover).toContainText(
    /description is the same on 1 other asset: removing it from both saves \d+\.\d kB/,
  );
  await window.picture("repeated-value");
  await window.openFile("definitions.py");

  await window.openReport();
  const report = window.webview;
  await report.getByRole("button", { name: /^Advice/ }).click();
  const row = report.getByRole("article").filter({ hasText: "the same description on 2 assets" });
  await expect(row).toBeVisible();
  // How to follow it is said once for all of its kind.
  await expect(report.getByText("Keep one sentence on each asset")).toHaveCount(1);
  await window.picture("advice");
  await row.getByRole("button", { name: "shop_analytics/sources.py:10" }).click();
  await expect(window.tab("sources.py")).toBeVisible();
  await expect(window.line("def raw_customers")).toBeInViewport();
  await window.picture("advice-source");

  // Done what it says: it goes with the next measurement.
  shop.write(SOURCES, shop.read(SOURCES).replaceAll("* 100", "* 2"));
  await expect(row).toHaveCount(0);
});
