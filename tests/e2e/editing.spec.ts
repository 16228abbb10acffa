import { expect, test } from "./support/fixtures.ts";

test("a project is measured when it is opened", async ({ openWindow, shop }) => {
  const window = await openWindow(shop.folder);
  await expect(window.status).toContainText(/Dagster \d+\.\d kB/);
  await window.openFile("features.py");
  await expect(window.lenses.first()).toBeVisible();
  await window.picture("opened");
});
