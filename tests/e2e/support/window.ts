/** A window of VS Code, in the words of those who look at it. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { expect, type FrameLocator, type Locator, type Page } from "@playwright/test";

import { EXTENSION, OUTPUT } from "./paths.ts";

const SCREENSHOTS = path.join(OUTPUT, "screenshots");

export class Window {
  /** What its console said, for the report of a failed test. */
  readonly console: string[] = [];

  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
    page.on("console", (message) => this.console.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => this.console.push(`error: ${error.message}`));
  }

  async open(address: string): Promise<void> {
    await this.page.goto(address);
    await expect(this.page.locator(".statusbar")).toBeVisible();
    // In pictures it would be seen on its way from one theme to the other.
    await this.page.addStyleTag({ content: ".part { transition: none !important }" });
  }

  // -- what one does -------------------------------------------------------------------------

  async openFile(name: string): Promise<void> {
    await this.pick(
      "ControlOrMeta+P",
      name,
      new RegExp(`^${path.basename(name).replaceAll(".", "\\.")}`),
    );
    await expect(this.tab(path.basename(name))).toBeVisible();
    await expect(this.page.locator(".editor-instance .view-line").first()).toBeVisible();
  }

  /** Run a command by its title in the palette. */
  async command(title: string): Promise<void> {
    await this.pick("F1", `>${title}`, new RegExp(`^${title}`));
  }

  /** The same for a command that asks something itself with a list to choose from. */
  async runAndChoose(title: string, choice: string): Promise<void> {
    await this.page.keyboard.press("F1");
    await this.quickInput.locator("input[type=text]").fill(`>${title}`);
    await this.quickInput.locator(".monaco-list-row", { hasText: title }).first().click();
    await this.quickInput.locator(".monaco-list-row", { hasText: choice }).click();
    await expect(this.quickInput).toBeHidden();
  }

  /** What the palette offers for a text. */
  async offered(text: string): Promise<Locator> {
    await this.page.keyboard.press("F1");
    await this.quickInput.locator("input[type=text]").fill(`>${text}`);
    return this.quickInput.locator(".monaco-list-row .label-name");
  }

  private async pick(key: string, text: string, row: RegExp): Promise<void> {
    await this.page.keyboard.press(key);
    await this.quickInput.locator("input[type=text]").fill(text);
    await this.quickInput.locator(".monaco-list-row", { hasText: row }).first().click();
    await expect(this.quickInput).toBeHidden();
    // Not on something that answers with a tooltip.
    await this.page.mouse.move(0, 0);
  }

  /** Put the cursor at the beginning of a line, counted from 1. */
  async goToLine(line: number): Promise<void> {
    await this.page.keyboard.press("Control+G");
    await this.quickInput.locator("input[type=text]").fill(`:${line}`);
    await this.page.keyboard.press("Enter");
    await expect(this.quickInput).toBeHidden();
  }

  /** Replace a whole line of the file in front; the file stays as it is. */
  async replaceLine(line: number, text: string): Promise<void> {
    await this.goToLine(line);
    await this.page.keyboard.press("Home");
    await this.page.keyboard.press("Shift+End");
    await this.page.keyboard.insertText(text);
  }

  /** Leave the mouse on a word until its hover is there. */
  async hoverOver(word: Locator): Promise<void> {
    await this.page.mouse.move(0, 0);
    await word.first().hover();
    await expect(this.hover).toBeVisible();
  }

  async hoverStatus(): Promise<void> {
    // The mouse may be there already, after a click that took the tooltip away.
    await this.page.mouse.move(0, 0);
    await this.status.hover();
    await expect(this.tooltip).toBeVisible();
  }

  async save(): Promise<void> {
    await this.page.keyboard.press("ControlOrMeta+S");
    await expect(this.page.locator(".tab.active.dirty")).toHaveCount(0);
  }

  // -- what one sees -------------------------------------------------------------------------

  get quickInput(): Locator {
    return this.page.locator(".quick-input-widget");
  }

  tab(name: string): Locator {
    return this.page.locator(`.tab.active[data-resource-name="${name}"]`);
  }

  /** Our item in the status bar. */
  get status(): Locator {
    return this.page.locator(`.statusbar-item[id^="${EXTENSION}."]`);
  }

  get lenses(): Locator {
    return this.page.locator(".editor-instance .codelens-decoration a");
  }

  squiggles(severity: "error" | "warning" | "info"): Locator {
    return this.page.locator(`.editor-instance .squiggly-${severity}`);
  }

  line(text: string): Locator {
    // The editor draws blanks as no-break spaces.
    return this.page.locator(".editor-instance .view-line", { hasText: text });
  }

  get hover(): Locator {
    return this.page.locator(".monaco-editor .monaco-hover:not(.hidden)");
  }

  /** What the mouse on an item of the status bar shows. */
  get tooltip(): Locator {
    return this.page.locator(".workbench-hover-container .monaco-hover:not(.hidden)");
  }

  get quickFixes(): Locator {
    return this.page.locator(".action-widget .monaco-list-row.action");
  }

  get problems(): Locator {
    return this.page.locator(".markers-panel .monaco-list-row");
  }

  get notifications(): Locator {
    return this.page.locator(".notifications-toasts .notification-list-item");
  }

  /** A row of the tree in the side bar, by the beginning of what a screen reader says of it. */
  row(spoken: string | RegExp): Locator {
    return this.page.locator(".part.sidebar").getByRole("treeitem", { name: spoken });
  }

  get outputLines(): Locator {
    return this.page.locator(".part.panel .view-line");
  }

  /** The document inside of the webview in front. */
  get webview(): FrameLocator {
    return this.page
      .locator("iframe.webview.ready:visible")
      .contentFrame()
      .locator("iframe#active-frame")
      .contentFrame();
  }

  /** A picture of the whole window in a dark and in a light theme, the name being the state's. */
  async picture(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    for (const scheme of ["light", "dark"] as const) {
      await this.page.emulateMedia({ colorScheme: scheme });
      await expect(
        this.page.locator(
          scheme === "light" ? ".monaco-workbench.vs" : ".monaco-workbench.vs-dark",
        ),
      ).toBeVisible();
      await this.page.screenshot({
        path: path.join(SCREENSHOTS, `${name}-${scheme}.png`),
      });
    }
  }
}
