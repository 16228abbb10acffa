/** What a test is given: VS Code with our extension, windows of it, and projects. */
import { cpSync, existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test as base, expect } from "@playwright/test";

import { CodeServer } from "./code-server.ts";
import { packagedExtension } from "./paths.ts";
import { ofWindows } from "./processes.ts";
import { Project } from "./projects.ts";
import { Window } from "./window.ts";

interface ForEachTest {
  /** Opens a window on a folder. All are closed at the end, which must leave no process behind. */
  openWindow: (folder: string) => Promise<Window>;
  /** A copy of the bundled example. */
  shop: Project;
}

interface ForAllTests {
  vscode: CodeServer;
}

export { expect };

export const test = base.extend<ForEachTest, ForAllTests>({
  vscode: [
    async ({}, use) => {
      const server = await CodeServer.start({
        extensions: [packagedExtension()],
      });
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],

  openWindow: async ({ browser, vscode }, use, testInfo) => {
    const windows: Window[] = [];
    await use(async (folder) => {
      const window = new Window(await browser.newPage());
      windows.push(window);
      await window.open(vscode.address(folder));
      return window;
    });
    if (testInfo.status !== testInfo.expectedStatus) {
      keepLogs(vscode, windows, testInfo.outputPath("logs"));
    }
    for (const { page } of windows) await page.close({ runBeforeUnload: true });
    await expect.poll(() => ofWindows(vscode.mark), { message: "left behind" }).toEqual([]);
  },

  shop: async ({}, use) => {
    const project = Project.shop();
    await use(project);
    project.remove();
  },
});

/** The logs of VS Code, our extension and our server among them, and the browser's console. */
function keepLogs(vscode: CodeServer, windows: Window[], folder: string): void {
  const logs = path.join(vscode.userData, "logs");
  if (existsSync(logs)) cpSync(logs, folder, { recursive: true });
  windows.forEach(({ console }, index) => {
    writeFileSync(path.join(folder, `console-${index + 1}.log`), `${console.join("\n")}\n`);
  });
}
