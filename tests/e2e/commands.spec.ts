/** The commands of the palette. */
import { expect, test } from "./support/fixtures.ts";
import { ATTEMPT } from "./support/patience.ts";

test("commands answer", async ({ openWindow, shop }) => {
  const window = await openWindow(shop.folder);
  await window.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await window.openFile("features.py");
  await expect(window.lenses).toHaveCount(1);

  const offered = await window.offered("Dagster Snapsize: ");
  await expect(offered.filter({ hasText: "Show Report" })).toBeVisible();
  await expect(offered.filter({ hasText: "Cancel" })).toHaveCount(0);
  await window.picture("palette");
  await window.dismiss();

  await window.goToLine(29);
  await window.command("Dagster Snapsize: Explain Asset at Cursor");
  await expect(window.webview.getByRole("table")).toContainText("metadata: dagster/column_schema");
  await window.picture("explain");

  await window.command("Dagster Snapsize: Show Effective Limits");
  await expect(window.webview.getByRole("list")).toContainText("DAGSTER_GRPC_MAX_RX_BYTES");
  await window.picture("limits");

  await window.command("Dagster Snapsize: Show Logs");
  await expect(window.outputLines.filter({ hasText: "Starting the language server" })).toHaveCount(
    1,
  );
  await window.picture("logs");
  await window.command("View: Hide Panel");

  await window.runAndChoose("Welcome: Open Walkthrough...", "Exact sizes of Dagster snapshots");
  await expect(window.page.getByText("Choose the project's Python").first()).toBeVisible();
  await window.picture("walkthrough");

  await window.command("Dagster Snapsize: Copy Diagnostics for a Bug Report");
  await expect(window.notifications).toContainText("Copied");
  const copied = await window.page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain("Dagster Snapsize 0.");
  expect(copied).toContain('"phase": "idle"');
});

test("a measurement that takes long can be cancelled", async ({ openWindow, shop }) => {
  shop.holdUp();
  const window = await openWindow(shop.folder);
  await expect(window.status).toContainText("Dagster measuring");
  await window.picture("measuring");
  await window.clickStatus("measuring", () =>
    expect(window.status).toHaveText(/^\s*Dagster\s*$/, ATTEMPT),
  );
  await window.hoverStatus();
  await expect(window.tooltip).toContainText("Not measured yet");
  await window.picture("cancelled");

  shop.letGo();
  await window.command("Dagster Snapsize: Measure Now");
  await expect(window.status).toContainText(/Dagster 19\d\.\d kB/);
  await window.hoverStatus();
  await expect(window.tooltip).toContainText("Near its budget");
  await window.picture("status-tooltip");
});
