import type * as vscode from "vscode";
import type { MeasurementStore } from "../measurements.ts";

/** The report panel of code locations. */
export interface Report {
  /** Opens or reveals the report of a code location; without a name of the project's worst. */
  show(folder: string, location?: string): Promise<void>;
}

/** The report panel. */
export function registerReport(_context: vscode.ExtensionContext, _store: MeasurementStore): Report {
  return { show: () => Promise.resolve() };
}
