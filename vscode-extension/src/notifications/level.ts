import * as vscode from "vscode";
import { SECTION } from "../settings.ts";

/** What the setting allows to be shown in notifications. */
type NotificationLevel = "all" | "overBudget" | "none";

/** Whether to show what nobody asked for; the status bar and the log say it in any case. */
export function mayNotify(of: "budget" | "other"): boolean {
  const level = vscode.workspace
    .getConfiguration(SECTION)
    .get<NotificationLevel>("notifications", "all");
  return level === "all" || (level === "overBudget" && of === "budget");
}
