import * as vscode from "vscode";
import { CLICK, TOOLTIP_COMMANDS, type StatusView } from "./statusView.ts";

/** The status bar item; hidden where there is nothing to show. */
export class StatusBar implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem("status", vscode.StatusBarAlignment.Left, 0);

  constructor() {
    this.#item.name = "Snapsize";
    this.#item.command = CLICK;
  }

  show(view: StatusView | undefined): void {
    if (view === undefined) {
      this.#item.hide();
      return;
    }
    const tooltip = new vscode.MarkdownString(view.tooltip, true);
    tooltip.isTrusted = { enabledCommands: TOOLTIP_COMMANDS };
    this.#item.text = view.text;
    this.#item.tooltip = tooltip;
    this.#item.accessibilityInformation = { label: view.label };
    this.#item.backgroundColor =
      view.background && new vscode.ThemeColor(`statusBarItem.${view.background}Background`);
    this.#item.show();
  }

  dispose(): void {
    this.#item.dispose();
  }
}
