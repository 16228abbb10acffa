import { homedir, release } from "node:os";
import * as vscode from "vscode";
import type { Log } from "../server/log.ts";
import type { MeasurementStore } from "../measurements/store.ts";
import { redact } from "./redact.ts";
import type { Server } from "../server/server.ts";
import { SECTION } from "../settings.ts";

const LOG_LINES = 60;

/** What to attach to a bug report, as Markdown. */
export function bugReport(
  context: vscode.ExtensionContext,
  server: Server,
  store: MeasurementStore,
  log: Log,
): string {
  const { version } = context.extension.packageJSON as { version: string };
  const { state, python } = server;
  const projects = store.projects.map(({ folder, status, locations }) => ({
    folder,
    phase: status.phase,
    level: status.level,
    stale: status.stale,
    message: status.message,
    locations: locations.map(({ name, python, dagsterVersion, assets, totalBytes, error }) => {
      return { name, python, dagsterVersion, assets, totalBytes, error };
    }),
  }));
  const report = [
    `- Dagster Snapsize ${version}`,
    `- ${vscode.env.appName} ${vscode.version}${remote()}, ${process.platform} ${release()} ${process.arch}`,
    `- Python of the language server: ${python ? `${python.version}, ${python.executable} (${python.source})` : "none"}`,
    `- Server: ${state.name}${"message" in state ? `, ${state.message}` : ""}`,
    ...pythonExtensions(),
    "",
    "Changed settings:",
    fenced("json", JSON.stringify(changedSettings(), null, 2)),
    "Projects:",
    fenced("json", JSON.stringify(projects, null, 2)),
    "The end of the log:",
    fenced("text", log.lastLines.slice(-LOG_LINES).join("\n")),
  ].join("\n");
  return redact(report, homedir());
}

function remote(): string {
  const { remoteName } = vscode.env;
  return remoteName === undefined ? "" : ` (${remoteName})`;
}

function pythonExtensions(): string[] {
  return ["ms-python.python", "ms-python.vscode-python-envs"].flatMap((id) => {
    const extension = vscode.extensions.getExtension(id);
    const { version } = (extension?.packageJSON ?? {}) as { version?: string };
    return version === undefined ? [] : [`- ${id} ${version}`];
  });
}

function changedSettings(): Record<string, unknown> {
  const changed: Record<string, unknown> = {};
  const scopes = [undefined, ...(vscode.workspace.workspaceFolders ?? [])];
  for (const scope of scopes) {
    const settings = vscode.workspace.getConfiguration(SECTION, scope);
    for (const name of names(settings)) {
      const found = settings.inspect(name);
      const value = found?.workspaceFolderValue ?? found?.workspaceValue ?? found?.globalValue;
      const where = scope === undefined ? name : `${name} in ${scope.name}`;
      const known = JSON.stringify(changed[name]) === JSON.stringify(value);
      if (value !== undefined && !known) changed[where] = value;
    }
  }
  return changed;
}

function names(settings: vscode.WorkspaceConfiguration, prefix = ""): string[] {
  return Object.entries(settings).flatMap(([name, value]: [string, unknown]) => {
    if (typeof value === "function") return [];
    const nested = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!nested) return [`${prefix}${name}`];
    return Object.keys(value).map((inner) => `${prefix}${name}.${inner}`);
  });
}

function fenced(language: string, text: string): string {
  return `\n\`\`\`\`${language}\n${text}\n\`\`\`\`\n`;
}
