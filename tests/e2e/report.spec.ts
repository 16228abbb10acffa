/** The report in an editor tab: a picture of every byte, and a table beside it. */
import { expect, test } from "./support/fixtures.ts";
import { enter } from "./support/patience.ts";

test("the report draws every byte, finds assets and leads to their source", async ({
  openWindow,
  shop,
}) => {
  const window = await openWindow(shop.folder);
  await expect(window.status).toContainText(/Snapsize 8\d %/);
  await window.openReport();
  const report = window.webview;
  await expect(report.getByRole("heading")).toHaveText("shop_analytics.definitions");
  const boxes = report.getByRole("tree").getByRole("treeitem");
  await expect(boxes).toHaveCount(3);
  const table = report.getByRole("grid");
  await expect(table.getByRole("row", { name: /customer_features/ })).toContainText("108.2 kB");
  await window.picture("report");
  await window.command("View: Toggle Primary Side Bar Visibility");
  await expect(window.page.locator(".part.sidebar")).toBeHidden();
  await window.picture("report-wide");

  // In and out again, as one does without a mouse.
  const box = (name: RegExp) => report.getByRole("treeitem", { name });
  await enter(boxes.first(), box(/^group features/));
  await window.picture("report-repository");
  await enter(box(/^group features/), box(/^asset customer_features/));
  await enter(box(/^asset customer_features/), box(/dagster\/column_schema/));
  await window.picture("report-asset");
  await report.getByRole("button", { name: "All snapshots" }).click();
  await expect(boxes).toHaveCount(3);

  const search = report.getByRole("searchbox");
  await search.fill("revenue");
  await expect(report.getByText("2 assets found").first()).toBeVisible();
  await expect(table.getByRole("row", { name: /revenue_by_/ })).toHaveCount(2);
  await expect(table.getByRole("row", { name: /customer_features/ })).toHaveCount(0);
  await window.picture("report-search");

  await table.getByText("revenue_by_country").click();
  await expect(window.tab("marts.py")).toBeVisible();
  await expect(window.line("@dg.multi_asset(")).toBeInViewport();
  await window.picture("report-source");

  // The next measurement is drawn at the same place.
  await search.fill("");
  shop.replace("shop_analytics/features.py", '"web", "app", ', "");
  await expect(table.getByRole("row", { name: /customer_features/ })).toContainText(/5\d\.\d kB/);
});
