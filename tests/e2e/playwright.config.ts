import path from "node:path";
import { defineConfig } from "@playwright/test";

import { LAUNCH } from "./support/browser.ts";
import { OUTPUT } from "./support/paths.ts";
import { patience } from "./support/patience.ts";

export default defineConfig({
  testDir: ".",
  globalSetup: "./support/setup.ts",
  outputDir: path.join(OUTPUT, "results"),
  reporter: [["list"], ["html", { outputFolder: path.join(OUTPUT, "report"), open: "never" }]],
  // One code-server, one browser, and two cores: windows side by side would only wait.
  workers: 1,
  forbidOnly: true,
  // The gate must not fail because the machine stalls for a moment; the report names retried tests.
  retries: process.env["CI"] ? 2 : 0,
  timeout: patience(90_000),
  expect: { timeout: patience(30_000) },
  use: {
    browserName: "chromium",
    viewport: { width: 1280, height: 800 },
    colorScheme: "dark",
    screenshot: "only-on-failure",
    // What was done, the console and the network; a film of it would take a quarter of the time.
    trace: { mode: "retain-on-failure", snapshots: false, screenshots: false },
    launchOptions: LAUNCH,
  },
});
