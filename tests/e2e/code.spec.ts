/** Sizes and findings in the editor, and how they follow edits. */
import { expect, test } from "./support/fixtures.ts";

const FEATURES = "features.py";
const ASSET = "@dg.asset(";

test("sizes are shown in the code", async ({ openWindow, shop }) => {
  const window = await openWindow(shop.folder);
  await expect(window.status).toContainText(/Snapsize 8\d %/);

  await window.openFile(FEATURES);
  await expect(window.lenses).toHaveText(/^108\.\d kB · 56 % of location$/);
  await expect(window.squiggles("warning")).toHaveCount(1);
  await window.picture("code-lens");

  await window.hoverOver(window.line(ASSET).getByText("asset"));
  await expect(window.hover).toContainText("metadata: dagster/column_schema");
  await expect(window.hover).toContainText("together");
  await expect(window.hover).toContainText("In repository 83.9 kB, job __ASSET_JOB ");
  await window.picture("code-hover");

  await window.openFile("definitions.py");
  await expect(window.lenses).toHaveText(
    /^Repository 87 % of 110 kB · 2 jobs, at most 62 % of 100 kB/,
  );
  await window.hoverOver(window.line("defs = ").getByText("defs"));
  await expect(window.hover).toContainText("on the wire");
  await window.picture("code-hover-definitions");

  await window.command("Problems: Focus on Problems View");
  await expect(window.problems).toContainText([
    /definitions.py/,
    /Repository at 87 % of 110 kB: customer_features 83\.\d kB/,
    /features.py/,
    /Asset at 131 % of 64 kB: customer_features 83\.\d kB in repository/,
  ]);
  await window.picture("problems");
});

test("a larger budget is offered, and not first", async ({ openWindow, shop }) => {
  const window = await openWindow(shop.folder);
  await window.openFile(FEATURES);
  await expect(window.squiggles("warning")).toHaveCount(1);
  await expect(window.lenses).toHaveCount(1);

  await window.goToLine(29);
  await window.showQuickFixes();
  await window.picture("quick-fixes");
  await window.applyQuickFix("Allow 93 kB for every asset");
  await window.openFile("pyproject.toml");
  await expect(window.line('asset = "93 kB"')).toBeVisible();
  await window.save();
  await expect
    .poll(() => shop.read("pyproject.toml"))
    .toContain('job = "100 kB"\nasset = "93 kB"\n');
  await window.openFile(FEATURES);
  await expect(window.squiggles("warning")).toHaveCount(0);
  await expect(window.lenses).toHaveText(/^108\.\d kB · [^(]+$/);
  await window.picture("quick-fix-done");
});

test("new numbers follow an edit that is saved", async ({ openWindow, shop }) => {
  const window = await openWindow(shop.folder);
  await window.openFile(FEATURES);
  await expect(window.lenses).toHaveText(/^108\.\d kB/);
  await window.replaceLine(6, "WINDOWS = (1, 3, 7)");
  await expect(window.lenses).toHaveText(/^108\.\d kB .*stale/);
  await window.picture("code-stale");
  await window.save();
  await expect(window.lenses).toHaveText(/^\d\d\.\d kB · [^(]+$/);
  await expect(window.squiggles("warning")).toHaveCount(0);
  await window.picture("code-fine");

  await window.replaceLine(6, `WINDOWS = (${Array.from({ length: 16 }, (_, i) => i + 1)})`);
  await window.save();
  await expect(window.notifications).toContainText(
    /Repository snapshot is 14\d\.\d kB, 13\d % of its 110 kB budget. Heaviest: customer_features/,
  );
  await expect(window.status).toContainText(/Snapsize 13\d %/);

  await expect(window.lenses).toHaveText(/^1[5-9]\d\.\d kB · [^(]+$/);
  await window.picture("code-over");

  // The warning offers a larger budget.
  await window.notifications.getByRole("button", { name: "Raise Budget…" }).click();
  await expect(window.quickInput).toContainText("Allow 180 kB for the repository");
  await window.picture("raise-budget");
  await window.page.keyboard.press("Enter");
  await expect(window.line('repository = "180 kB"')).toBeVisible();
});

test("a broken import is shown where it is, and goes when it is fixed", async ({
  openWindow,
  shop,
}) => {
  const window = await openWindow(shop.folder);
  await window.openFile("definitions.py");
  await expect(window.lenses).toHaveCount(1);

  await window.replaceLine(5, "from shop_analytics import features, marts, sauces");
  await window.save();
  await expect(window.status).toContainText("Snapsize failed");
  await expect(window.squiggles("error")).toHaveCount(1);
  await window.hoverOver(window.line("import features").getByText("sauces"));
  await expect(window.hover).toContainText("cannot import name 'sauces'");
  await window.picture("broken-import");

  await window.replaceLine(5, "from shop_analytics import features, marts, sources");
  await window.save();
  await expect(window.status).toContainText(/Snapsize 8\d %/);
  await expect(window.squiggles("error")).toHaveCount(0);
});
