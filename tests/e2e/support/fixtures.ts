/** Fixtures: VS Code with our extension, windows of it, and projects. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test as base, expect } from "@playwright/test";

import { CodeServer } from "./code-server.ts";
import { NODE, OUTPUT, packagedExtension, REPOSITORY } from "./paths.ts";
import { ofWindows } from "./processes.ts";
import { Project } from "./projects.ts";
import { Window } from "./window.ts";

interface ForEachTest {
  /** Opens a window on a folder. All are closed at the end, which must leave no process behind. */
  openWindow: (folder: string) => Promise<Window>;
  /** A copy of the bundled example. */
  shop: Project;
  /** A folder with nothing in it. */
  plain: Project;
}

interface ForAllTests {
  /** Whether folders must be trusted; a control extension is there that runs in any of them. */
  workspaceTrust: boolean;
  vscode: CodeServer;
}

export { expect };

export const test = base.extend<ForEachTest, ForAllTests>({
  workspaceTrust: [false, { option: true, scope: "worker" }],

  vscode: [
    async ({ workspaceTrust }, use) => {
      const extensions = [packagedExtension(), ...(workspaceTrust ? [controlExtension()] : [])];
      const server = await CodeServer.start({ extensions, workspaceTrust });
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],

  openWindow: async ({ browser, vscode }, use, testInfo) => {
    const windows: Window[] = [];
    await use(async (folder) => {
      const context = await browser.newContext();
      const window = new Window(await context.newPage());
      windows.push(window);
      await window.open(vscode.address(folder));
      return window;
    });
    if (testInfo.status !== testInfo.expectedStatus) {
      keepLogs(vscode, windows, testInfo.outputPath("logs"));
    }
    // Their contexts are left to the browser: Chromium hangs now and then when it disposes of one.
    for (const { page } of windows) await page.close();
    await expect.poll(() => ofWindows(vscode.mark), { message: "left behind" }).toEqual([]);
  },

  plain: async ({}, use) => {
    const project = new Project("plain");
    await use(project);
    project.remove();
  },

  shop: async ({}, use) => {
    const project = Project.shop();
    await use(project);
    project.remove();
  },
});

/** Packaged with the tool that packages ours. */
function controlExtension(): string {
  const file = path.join(OUTPUT, "control.vsix");
  const vsce = path.join(REPOSITORY, "vscode-extension/node_modules/@vscode/vsce/vsce");
  const flags = ["--no-dependencies", "--allow-missing-repository", "--skip-license"];
  execFileSync(NODE, [vsce, "package", ...flags, "--out", file], {
    cwd: path.join(REPOSITORY, "tests/e2e/control-extension"),
    stdio: ["ignore", "pipe", "pipe"],
  });
  return file;
}

/** The logs of VS Code, our extension and our server among them, and the browser's console. */
function keepLogs(vscode: CodeServer, windows: Window[], folder: string): void {
  const logs = path.join(vscode.userData, "logs");
  if (existsSync(logs)) cpSync(logs, folder, { recursive: true });
  windows.forEach(({ console }, index) => {
    writeFileSync(path.join(folder, `console-${index + 1}.log`), `${console.join("\n")}\n`);
  });
}
