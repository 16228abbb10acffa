/** Projects with errors, and several projects or windows. */
import { renameSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";

import { expect, test } from "./support/fixtures.ts";
import { ATTEMPT, patience } from "./support/patience.ts";
import { languageServers, worksIn } from "./support/processes.ts";
import { environment, Project } from "./support/projects.ts";

test("a project without Dagster is left alone", async ({ openWindow, plain, vscode }) => {
  plain.write("pyproject.toml", '[project]\nname = "plain"\n');
  plain.write("app.py", "print(1)\n");
  const window = await openWindow(plain.folder);
  await window.openFile("pyproject.toml");
  // The command may come before the extension is ready to obey.
  await expect(async () => {
    await window.command("Snapsize: Show Logs");
    const said = window.outputLines.filter({ hasText: "No Dagster project was found" });
    await expect(said).toHaveCount(1, ATTEMPT);
  }).toPass();
  await expect(window.status).toHaveCount(0);
  expect(languageServers(vscode.mark)).toEqual([]);
  await expect(window.page.getByRole("tab", { name: "Snapsize" })).toHaveCount(0);

  // Nor does a change of settings start a server.
  plain.settings({ "dagsterSnapsize.serverPython": "python3" });
  await expect(window.outputLines.filter({ hasText: "No Dagster project was found" })).toHaveCount(
    2,
  );
  expect(languageServers(vscode.mark)).toEqual([]);
  await window.command("View: Hide Panel");
  await window.picture("no-project");
});

test("a bad setting is reported, and its default is used", async ({ openWindow, shop }) => {
  shop.settings({ "dagsterSnapsize.codeLens.minimum": "lots" });
  const window = await openWindow(shop.folder);
  await expect(window.notifications).toContainText("codeLens.minimum");
  await window.picture("bad-setting");
  await window.openFile("features.py");
  await expect(window.lenses).toHaveText(/^108\.\d kB/);
  await expect(window.notifications).toHaveCount(1);

  shop.settings({ "dagsterSnapsize.codeLens.enable": false });
  await expect(window.lenses).toHaveCount(0);

  shop.settings({ "dagsterSnapsize.serverPython": "/nowhere/python" });
  await expect(window.status).toContainText("Snapsize needs Python");
  await window.hoverStatus();
  await expect(window.tooltip).toContainText("/nowhere/python");
  await window.picture("needs-python");
  shop.settings({});
  await expect(window.lenses).toHaveText(/^108\.\d kB/);
});

test("a folder that is switched off says so, and no more than that", async ({
  openWindow,
  shop,
}) => {
  shop.settings({ "dagsterSnapsize.notifications": "none" });
  const window = await openWindow(shop.folder);
  await window.openFile("features.py");
  await expect(window.lenses).toHaveCount(1);
  await window.command("Snapsize: Toggle Sizes Above Definitions");
  await expect(window.lenses).toHaveCount(0);
  await window.command("Snapsize: Toggle Sizes Above Definitions");
  await expect(window.lenses).toHaveCount(1);

  shop.settings({
    "dagsterSnapsize.enable": false,
    "dagsterSnapsize.notifications": "none",
    "dagsterSnapsize.codeLens.minimum": "lots",
  });
  await expect(window.status).toHaveText(/^\s*Snapsize off$/);
  await expect(window.status.locator(".codicon-circle-slash")).toBeVisible();
  await expect(window.squiggles("warning")).toHaveCount(0);
  await window.clickStatus("off", () =>
    expect(window.webview.getByRole("status")).toContainText("turned off", ATTEMPT),
  );
  await window.picture("off");
  await expect(window.notifications).toHaveCount(0);
});

test("a missing interpreter is reported, and another can be chosen", async ({
  openWindow,
  shop,
}) => {
  shop.settings({ "dagsterSnapsize.interpreter": "${workspaceFolder}/.venv/bin/python" });
  const window = await openWindow(shop.folder);
  await expect(window.status).toContainText(/Snapsize 8\d %/);

  rmSync(shop.path(".venv"));
  await window.command("Snapsize: Measure Now");
  await expect(window.status).toContainText("Snapsize no interpreter");
  await window.hoverStatus();
  await expect(window.tooltip).toContainText(".venv/bin/python does not exist");
  await window.picture("no-interpreter");

  symlinkSync(environment("dagster"), shop.path("venv"));
  const select = window.webview.getByRole("button", { name: "Select Interpreter" });
  await window.clickStatus("no interpreter", () => expect(select).toBeVisible(ATTEMPT));
  await window.picture("report-no-interpreter");
  await window.retry(async () => {
    if (!(await window.quickInput.isVisible())) await select.click(ATTEMPT);
    await expect(window.quickInput).toContainText("Dagster 1.", ATTEMPT);
  });
  await window.picture("select-interpreter");
  await window.quickInput.locator(".monaco-list-row", { hasText: "venv/bin/python" }).click();
  await expect(window.status).toContainText(/Snapsize 8\d %/);
  expect(shop.read(".vscode/settings.json")).toContain("${workspaceFolder}/venv/bin/python");
});

test("a Python without Dagster is not replaced by another", async ({ openWindow, shop }) => {
  rmSync(shop.path(".venv"));
  symlinkSync(environment("bare"), shop.path(".venv"));
  const window = await openWindow(shop.folder);
  await expect(window.status).toContainText("Snapsize no interpreter");
  await window.command("View: Show Snapsize");
  await expect(window.page.getByRole("button", { name: "Select Interpreter" })).toBeVisible();
  await window.picture("python-without-dagster");
});

test("an invalid pyproject.toml leaves the last sizes, marked as stale", async ({
  openWindow,
  shop,
}) => {
  const window = await openWindow(shop.folder);
  await expect(window.status).toContainText(/Snapsize 8\d %/);
  await window.openFile("pyproject.toml");
  await window.replaceLine(11, 'repository = "110 kB');
  await window.save();
  await expect(window.status).toContainText(/Snapsize 8\d % \(stale\)/);
  await expect(window.squiggles("error")).toHaveCount(0);
  await window.picture("no-toml");
  await window.replaceLine(11, 'repository = "90 kB"');
  await window.save();
  await expect(window.status).toContainText(/Snapsize 106 %$/);
  await expect(window.notifications).toContainText("106 % of its 90 kB budget");
});

test("two windows on one project show the same", async ({ openWindow, shop }) => {
  const first = await openWindow(shop.folder);
  const second = await openWindow(shop.folder);
  for (const window of [first, second]) {
    await window.openFile("features.py");
    await expect(window.lenses).toHaveText(/^108\.\d kB/);
  }
  await first.page.bringToFront();
  await first.replaceLine(6, "WINDOWS = (1, 3, 7)");
  await first.save();
  await expect(first.lenses).toHaveText(/^\d\d\.\d kB · [^(]+$/);
  await second.page.bringToFront();
  await expect(second.lenses).toHaveText(/^\d\d\.\d kB · [^(]+$/);
});

test("a folder that is removed while it is measured is let go", async ({
  openWindow,
  plain,
  shop,
  vscode,
}) => {
  const other = Project.shop();
  other.holdUp();
  let writes = 0;
  const workspace = (...projects: Project[]) => {
    const folders = projects.map(({ folder }) => ({ path: path.relative(plain.folder, folder) }));
    const settings = { "editor.rulers": [++writes] }; // so that it is another file each time
    // At once: VS Code would take half of it for a workspace without folders.
    plain.write("both.new", JSON.stringify({ folders, settings }));
    renameSync(plain.path("both.new"), plain.path("both.code-workspace"));
  };
  workspace(shop, other);
  const window = await openWindow(plain.path("both.code-workspace"));
  // Now and then VS Code reads the file of a workspace too early, and takes it for empty.
  const folders = window.page.locator(".explorer-folders-view .monaco-list-row[aria-level='1']");
  await expect(async () => {
    try {
      await expect(folders).toHaveCount(2, { timeout: patience(10_000) });
    } catch (error) {
      workspace(shop, other);
      throw error;
    }
  }).toPass();
  await expect.poll(() => worksIn(vscode.mark, other.folder)).toBe(true);
  workspace(shop);
  await expect.poll(() => worksIn(vscode.mark, other.folder)).toBe(false);
  other.remove();
  await expect(window.status).toContainText(/Snapsize 8\d %/);
  await expect(window.notifications).toHaveCount(0);
});
