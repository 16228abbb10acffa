/** A window of VS Code: what users do in it, and the parts that they look at. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { expect, type FrameLocator, type Locator, type Page } from "@playwright/test";

import { EXTENSION, OUTPUT, PICTURES } from "./paths.ts";
import { ATTEMPT } from "./patience.ts";

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

  /** Load it again, as its own command does: with all that it keeps. */
  async reload(): Promise<void> {
    await this.command("Developer: Reload Window");
    await expect(this.status).toBeHidden();
    await expect(this.status).toBeVisible();
  }

  // -- actions: each is tried again until it has done something, as a busy editor misses keys ----

  /** Try until it does not throw. Each attempt must be short, and begin where the last one failed. */
  async retry(attempt: () => Promise<void>): Promise<void> {
    await expect(attempt).toPass();
  }

  async openFile(name: string): Promise<void> {
    const base = path.basename(name);
    await this.pick("ControlOrMeta+P", name, new RegExp(`^${base.replaceAll(".", "\\.")}`));
    await expect(this.tab(base)).toBeVisible();
    await expect(this.page.locator(".editor-instance .view-line").first()).toBeVisible();
  }

  /** Run a command by its title in the palette. */
  async command(title: string): Promise<void> {
    await this.pick("F1", `>${title}`, new RegExp(`^${title}`));
  }

  /** Run a command that asks with a list, and choose from it. */
  async runAndChoose(title: string, choice: string): Promise<void> {
    await this.retry(async () => {
      await this.dismiss();
      await this.ask("F1", `>${title}`);
      await this.choices.filter({ hasText: title }).first().click(ATTEMPT);
      await this.choices.filter({ hasText: choice }).click(ATTEMPT);
      await expect(this.quickInput).toBeHidden(ATTEMPT);
    });
  }

  /** The titles that the palette offers for a text; `dismiss` closes it. */
  async offered(text: string): Promise<Locator> {
    await this.retry(() => this.ask("F1", `>${text}`));
    return this.choices.locator(".label-name");
  }

  /** Close the palette or any other quick input. */
  async dismiss(): Promise<void> {
    await this.retry(async () => {
      if (await this.quickInput.isVisible()) await this.page.keyboard.press("Escape");
      await expect(this.quickInput).toBeHidden(ATTEMPT);
    });
  }

  /** Confirm what was typed into a quick input. */
  async accept(): Promise<void> {
    await this.retry(async () => {
      if (await this.quickInput.isVisible()) await this.page.keyboard.press("Enter");
      await expect(this.quickInput).toBeHidden(ATTEMPT);
    });
  }

  private async pick(key: string, text: string, row: RegExp): Promise<void> {
    let picked = false;
    await this.retry(async () => {
      if (!picked || (await this.quickInput.isVisible())) {
        await this.ask(key, text);
        await this.choices.filter({ hasText: row }).first().click(ATTEMPT);
        picked = true;
      }
      await expect(this.quickInput).toBeHidden(ATTEMPT);
    });
    // Not on something that answers with a tooltip.
    await this.page.mouse.move(0, 0);
  }

  /** One attempt to have a text in the quick input. */
  private async ask(key: string, text: string): Promise<void> {
    const input = this.quickInput.locator("input[type=text]");
    if (!(await this.quickInput.isVisible())) await this.page.keyboard.press(key);
    await input.fill(text, ATTEMPT);
    await expect(input).toHaveValue(text, ATTEMPT);
  }

  /** Put the cursor at the beginning of a line, counted from 1. */
  async goToLine(line: number): Promise<void> {
    await this.retry(async () => {
      await this.ask("Control+G", `:${line}`);
      await this.page.keyboard.press("Enter");
      await expect(this.quickInput).toBeHidden(ATTEMPT);
      await expect(this.cursor).toHaveText(`Ln ${line}, Col 1`, ATTEMPT);
    });
  }

  /** Replace a whole line of the file in front; the file stays as it is. */
  async replaceLine(line: number, text: string): Promise<void> {
    await this.retry(async () => {
      await this.goToLine(line);
      await this.page.keyboard.press("Shift+End");
      await expect(this.cursor).toHaveText(/selected/, ATTEMPT);
    });
    await this.page.keyboard.insertText(text);
    await expect(this.page.locator(".tab.active.dirty")).toBeVisible();
  }

  /** Leave the mouse on a word until its hover is there. */
  async hoverOver(word: Locator): Promise<void> {
    await this.retry(async () => {
      await this.page.mouse.move(0, 0);
      await word.first().hover(ATTEMPT);
      await expect(this.hover).toBeVisible(ATTEMPT);
    });
  }

  async hoverStatus(): Promise<void> {
    await this.retry(async () => {
      // The mouse may be there already, after a click that took the tooltip away.
      await this.page.mouse.move(0, 0);
      await this.status.hover(ATTEMPT);
      await expect(this.tooltip).toBeVisible(ATTEMPT);
    });
  }

  /** Click on our status bar item while it says `before`, until `done`. */
  async clickStatus(before: string | RegExp, done: () => Promise<void>): Promise<void> {
    await this.retry(async () => {
      const item = this.status.filter({ hasText: before });
      if (await item.isVisible()) await item.click(ATTEMPT);
      await done();
    });
  }

  /** Open the report with a click on the status bar. */
  async openReport(): Promise<void> {
    await this.clickStatus(/Snapsize \d/, () =>
      expect(this.webview.getByRole("heading", { level: 1 })).toBeVisible(ATTEMPT),
    );
  }

  /** Show the quick fixes at the cursor. */
  async showQuickFixes(): Promise<void> {
    await this.retry(async () => {
      if (!(await this.quickFixes.first().isVisible())) {
        await this.page.keyboard.press("Control+.");
      }
      await expect(this.quickFixes.first()).toBeVisible(ATTEMPT);
    });
  }

  /** Apply one of the quick fixes at the cursor. */
  async applyQuickFix(text: string): Promise<void> {
    let applied = false;
    await this.retry(async () => {
      if (!applied || (await this.quickFixes.first().isVisible())) {
        await this.showQuickFixes();
        await this.quickFixes.filter({ hasText: text }).click(ATTEMPT);
        applied = true;
      }
      await expect(this.quickFixes).toHaveCount(0, ATTEMPT);
    });
  }

  /** Show the children of a row in the side bar. */
  async unfold(row: Locator): Promise<void> {
    await this.retry(async () => {
      if ((await row.getAttribute("aria-expanded", ATTEMPT)) !== "true") {
        await row.locator(".monaco-tl-twistie").click(ATTEMPT);
      }
      await expect(row).toHaveAttribute("aria-expanded", "true", ATTEMPT);
    });
  }

  /** Choose from the context menu of a row in the side bar. */
  async chooseFromMenu(row: Locator, entry: string): Promise<void> {
    const item = this.page.getByRole("menuitem", { name: entry });
    let chosen = false;
    await this.retry(async () => {
      if (!chosen || (await item.isVisible())) {
        if (!(await item.isVisible())) await row.click({ button: "right", ...ATTEMPT });
        await item.click(ATTEMPT);
        chosen = true;
      }
      // A menu takes no click for one that comes as soon as it is open.
      await expect(item).toBeHidden(ATTEMPT);
    });
  }

  async save(): Promise<void> {
    await this.retry(async () => {
      await this.page.keyboard.press("ControlOrMeta+S");
      await expect(this.page.locator(".tab.active.dirty")).toHaveCount(0, ATTEMPT);
    });
  }

  // -- parts of the window -------------------------------------------------------------------

  get quickInput(): Locator {
    return this.page.locator(".quick-input-widget");
  }

  /** The rows that the quick input offers. */
  private get choices(): Locator {
    return this.quickInput.locator(".monaco-list-row");
  }

  /** Where the status bar says that the cursor is. */
  private get cursor(): Locator {
    return this.page.locator('.statusbar-item[id="status.editor.selection"]');
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

  /** A picture of the whole window in every kind of theme, the name being the state's. */
  async picture(name: string): Promise<void> {
    if (!PICTURES) return;
    mkdirSync(SCREENSHOTS, { recursive: true });
    const themes = [
      ["contrast", ".hc-black", { colorScheme: "dark", contrast: "more", forcedColors: "active" }],
      ["light", ".vs", { colorScheme: "light", contrast: null, forcedColors: "none" }],
      ["dark", ".vs-dark", { colorScheme: "dark", contrast: null, forcedColors: "none" }],
    ] as const;
    for (const [theme, className, media] of themes) {
      await this.page.emulateMedia(media);
      await expect(this.page.locator(`.monaco-workbench${className}`)).toBeVisible();
      await this.page.screenshot({ path: path.join(SCREENSHOTS, `${name}-${theme}.png`) });
    }
  }
}
