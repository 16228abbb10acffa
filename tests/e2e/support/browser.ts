/** The browser that VS Code is opened in. */
import { chromium as playwright, type LaunchOptions } from "@playwright/test";

import { chromium } from "./paths.ts";

export const LAUNCH: LaunchOptions = {
  executablePath: chromium(),
  // Chromium's sandbox does not work for root.
  chromiumSandbox: process.getuid?.() !== 0,
};

export const launch = () => playwright.launch(LAUNCH);
