/** Measuring runs the project's code: in a folder that is not trusted nothing of ours runs. */
import { expect, test } from "./support/fixtures.ts";
import { languageServers } from "./support/processes.ts";

test.use({ workspaceTrust: true });

test("nothing is measured before the folder is trusted", async ({ openWindow, shop, vscode }) => {
  const window = await openWindow(shop.folder);
  const question = window.page.locator(".monaco-dialog-box");
  await expect(question).toContainText("Do you trust the authors");
  await question.getByRole("button", { name: "No" }).click();

  const control = window.page.locator('.statusbar-item[id="tests.control.state"]');
  await expect(control).toHaveText("control: absent");
  await expect(window.status).toHaveCount(0);
  expect(languageServers(vscode.mark)).toEqual([]);
  await window.picture("untrusted");

  await window.command("Workspaces: Manage Workspace Trust");
  await window.page.getByRole("button", { name: "Trust", exact: true }).click();
  await expect(control).toHaveText("control: active");
  await expect(window.status).toContainText(/Snapsize 8\d %/);
});
