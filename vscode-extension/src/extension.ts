import * as vscode from "vscode";
import { MeasurementStore } from "./measurements.ts";
import { registerReport } from "./report/index.ts";
import { registerSizes } from "./sizes/index.ts";

export function activate(context: vscode.ExtensionContext): void {
  const store = new MeasurementStore();
  context.subscriptions.push(store);
  registerSizes(context, store);
  registerReport(context, store);
}
