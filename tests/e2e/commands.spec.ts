/** The commands of the palette. */
import { expect, test } from "./support/fixtures.ts";
import { ATTEMPT } from "./support/patience.ts";

test("commands answer", async ({ openWindow, shop }) => {
  const definitions = "shop_analytics/definitions.py";
  const text = `${shop.read(definitions)}\n__import__("time").sleep(0.5)\n`;
  shop.write(definitions, text);
  const slow = new RegExp(`definitions\\.py:${text.split("\n").length - 1}\\b`);
  const window = await openWindow(shop.folder);
  await window.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await window.openFile("features.py");
  await expect(window.lenses).toHaveCount(1);

  const offered = await window.offered("Snapsize: ");
  await expect(offered.filter({ hasText: "Show Report" })).toBeVisible();
  await expect(offered.filter({ hasText: "Cancel" })).toHaveCount(0);
  await window.picture("palette");
  await window.dismiss();

  await window.goToLine(29);
  await window.command("Snapsize: Explain Asset at Cursor");
  const fields = window.webview.getByRole("grid");
  await expect(fields.getByRole("row", { name: /column_schema/ })).toContainText("59.9 kB");
  await window.picture("explain");
  await window.reload();
  await expect(fields.getByRole("row", { name: /column_schema/ })).toContainText("59.9 kB");

  await window.command("Snapsize: Show Effective Limits");
  const limits = window.webview.getByRole("main", { name: "Limits" });
  await expect(limits).toContainText("DAGSTER_GRPC_MAX_RX_BYTES");
  await window.picture("limits");

  await window.command("Snapsize: Show Load Time");
  const times = window.webview.getByRole("main", { name: "Load time" });
  await expect(times).toContainText("[import of Dagster]");
  await expect(times.getByRole("treeitem", { name: slow })).toHaveCount(1);
  await window.picture("load-time");
  await times.getByRole("button", { name: slow }).click();
  await window.hoverOver(window.line("__import__").getByText("sleep"));
  await expect(window.hover).toContainText("of the load time of");
  await window.picture("load-time-hover");

  await window.command("Snapsize: Show Logs");
  await expect(window.outputLines.filter({ hasText: "Starting the language server" })).toHaveCount(
    1,
  );
  await window.picture("logs");
  await window.command("View: Hide Panel");

  await window.runAndChoose("Welcome: Open Walkthrough...", "Exact sizes of Dagster snapshots");
  await expect(window.page.getByText("Choose the project's Python").first()).toBeVisible();
  await expect(
    window.page.locator(".getting-started-step .codicon-getting-started-step-checked:visible"),
  ).toHaveCount(2);
  await window.picture("walkthrough");

  await window.command("Snapsize: Copy Diagnostics for a Bug Report");
  await expect(window.notifications).toContainText("Copied");
  const copied = await window.page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain("Dagster Snapsize 0.");
  expect(copied).toContain('"phase": "idle"');
});

test("a measurement that takes long can be cancelled", async ({ openWindow, shop }) => {
  shop.holdUp();
  const window = await openWindow(shop.folder);
  await expect(window.status).toContainText("Snapsize measuring");
  await window.picture("measuring");
  // A click never cancels: it opens the report, which says what is going on.
  await window.clickStatus("measuring", () =>
    expect(window.webview.getByRole("status")).toContainText("Measuring", ATTEMPT),
  );
  await expect(window.status).toContainText("measuring");
  await window.picture("report-measuring");
  await window.hoverStatus();
  await window.tooltip.getByRole("link", { name: "Cancel" }).click();
  await expect(window.status).toContainText("Snapsize not measured");
  await expect(window.webview.getByRole("status")).toContainText("Nothing has been measured yet");
  await window.hoverStatus();
  await expect(window.tooltip).toContainText("Not measured yet");
  await window.picture("cancelled");

  shop.letGo();
  await window.command("Snapsize: Measure Now");
  await expect(window.status).toContainText(/Snapsize 8\d %/);
  await window.hoverStatus();
  await expect(window.tooltip).toContainText("Near its budget");
  await window.picture("status-tooltip");

  // Sizes that are older than the code do not look like new ones, also when nothing measures any more.
  shop.holdUp();
  await expect(window.status.locator(".codicon-loading")).toBeVisible();
  await window.command("Snapsize: Cancel Measurement");
  await expect(window.status).toContainText(/Snapsize 8\d % \(stale\)/);
  await expect(window.status.locator(".codicon-history")).toBeVisible();
  await expect(window.status.locator("[aria-label*='older than the code']")).toBeVisible();
  await expect(window.webview.getByRole("status")).toContainText("before the last change");
  await window.picture("stale");
});
