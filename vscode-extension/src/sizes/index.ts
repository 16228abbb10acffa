import type * as vscode from "vscode";
import type { MeasurementStore } from "../measurements.ts";

/** The sizes view. */
export function registerSizes(_context: vscode.ExtensionContext, _store: MeasurementStore): void {
  // The view comes here.
}
