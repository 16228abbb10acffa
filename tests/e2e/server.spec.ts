/** The language server's life, seen from the window that it belongs to. */
import { expect, test } from "./support/fixtures.ts";
import { ATTEMPT } from "./support/patience.ts";
import { languageServers, ofWindows } from "./support/processes.ts";

test("a server that is killed is started again, and the fifth time it is not", async ({
  openWindow,
  shop,
  vscode,
}) => {
  const window = await openWindow(shop.folder);
  await window.openFile("features.py");
  await expect(window.lenses).toHaveCount(1);
  const killed = new Set<number>();
  const killNext = async () => {
    const isNew = () => languageServers(vscode.mark).find(({ pid }) => !killed.has(pid));
    await expect.poll(isNew).toBeDefined();
    const { pid } = isNew()!;
    killed.add(pid);
    process.kill(pid, "SIGKILL");
  };

  await killNext();
  await expect(window.status).toContainText(/Snapsize 8\d %/);
  await expect(window.lenses).toHaveText(/^108\.\d kB/);
  await expect(window.squiggles("warning")).toHaveCount(1);

  for (let more = 0; more < 4; more++) await killNext();
  await expect(window.status).toContainText("Snapsize stopped");
  await expect(window.notifications).toContainText("exited unexpectedly five times");
  await window.picture("server-stopped");
  await window.notifications.getByRole("button", { name: "Show Logs" }).click();
  await expect(window.outputLines.filter({ hasText: "(SIGKILL), five times" })).toHaveCount(1);

  await window.clickStatus("stopped", () =>
    expect(window.notifications.getByRole("button", { name: "Restart Server" })).toBeVisible(
      ATTEMPT,
    ),
  );
  await window.notifications.getByRole("button", { name: "Restart Server" }).first().click();
  await expect(window.status).toContainText(/Snapsize 8\d %/);
});

test("nothing is left behind when a window is closed while it measures", async ({
  openWindow,
  shop,
  vscode,
}) => {
  shop.holdUp();
  const window = await openWindow(shop.folder);
  await expect(window.status).toContainText("Snapsize measuring");
  await expect.poll(() => ofWindows(vscode.mark).length).toBeGreaterThan(2);
  await window.page.close({ runBeforeUnload: true });
  await expect.poll(() => ofWindows(vscode.mark)).toEqual([]);
});
