/** The tree of sizes in a container of its own. */
import { expect, test } from "./support/fixtures.ts";
import { ATTEMPT } from "./support/patience.ts";

test("the tree shows what is heavy, and leads to its source", async ({ openWindow, shop }) => {
  const window = await openWindow(shop.folder);
  await expect(window.status).toBeVisible();
  await window.command("View: Show Snapsize");
  await expect(window.row(/^repository, 95\.\d kB of 110 kB, 87 %, near its budget/)).toBeVisible();
  await expect(window.row(/^__ASSET_JOB job, /)).toBeVisible();
  const heaviest = window.row(/^asset customer_features, 108\.\d kB, .* over its budget/);
  await expect(heaviest).toBeVisible();
  await window.picture("sizes");

  await window.unfold(heaviest);
  await expect(window.row(/^metadata: dagster\/column_schema, 59\.\d kB/)).toBeVisible();
  await window.picture("sizes-fields");

  await window.retry(async () => {
    await heaviest.click(ATTEMPT);
    await expect(window.tab("features.py")).toBeVisible(ATTEMPT);
  });
  await expect(window.line("@dg.asset(")).toBeInViewport();
  await expect(window.lenses).toHaveText(/^108\.\d kB/);
  await window.picture("sizes-source");

  // What was unfolded stays so with the next measurement.
  shop.replace("shop_analytics/features.py", '"web", "app", ', "");
  await expect(window.row(/^metadata: dagster\/column_schema, 3\d\.\d kB/)).toBeVisible();
  await expect(window.row(/^asset customer_features, 5\d\.\d kB/)).toBeVisible();

  await window.command("Snapsize: List Assets by Group");
  await window.unfold(window.row(/^group marts, /));
  await expect(window.row(/^asset orders, /)).toBeVisible();
  await window.picture("sizes-by-group");
  await window.command("Snapsize: List Assets by File");
  await expect(window.row(/^file .*marts\.py, /)).toBeVisible();
  await window.picture("sizes-by-file");
  await window.command("Snapsize: List Assets by Size");

  // The toolbar is drawn again when the list has changed, and a click just then hits nothing.
  await window.retry(async () => {
    if (!(await window.quickInput.isVisible())) {
      await window.page.getByRole("button", { name: "Filter Assets…" }).click(ATTEMPT);
    }
    await window.quickInput.getByRole("textbox").fill("revenue", ATTEMPT);
  });
  await window.accept();
  await expect(window.row(/^asset customer_features/)).toHaveCount(0);
  await expect(window.row(/^asset revenue_by_/)).toHaveCount(2);
  await window.picture("sizes-filtered");
  await window.command("Snapsize: Clear Filter");
  await expect(window.row(/^asset customer_features/)).toBeVisible();

  await window.chooseFromMenu(window.row(/^asset revenue_by_day/), "Open in Report");
  await expect(window.webview.getByRole("searchbox")).toHaveValue("revenue_by_day");
  await expect(window.webview.getByText("1 asset found").first()).toBeVisible();
});
