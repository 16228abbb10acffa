import type { ChildProcess } from "node:child_process";
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  RevealOutputChannelOn,
  ShowMessageNotification,
  type ConfigurationParams,
  type Middleware,
} from "vscode-languageclient/node";
import type { EditorPython } from "../python/editorPython.ts";
import type { Log } from "./log.ts";
import { showServerMessage } from "../notifications/serverMessages.ts";
import { SECTION, expandFor } from "../settings.ts";

/** Commands in lenses and code actions that other editors let the server answer with a text. */
export type ShowCommand =
  | "dagsterSnapsize.showAsset"
  | "dagsterSnapsize.showReport"
  | "dagsterSnapsize.showLoadTime"
  | "dagsterSnapsize.showLimits";

/** Shows in the report what such a command is about. */
export type Show = (command: ShowCommand, args: readonly unknown[]) => void;

const SHOW_COMMANDS: readonly string[] = [
  "dagsterSnapsize.showAsset",
  "dagsterSnapsize.showReport",
  "dagsterSnapsize.showLoadTime",
  "dagsterSnapsize.showLimits",
] satisfies ShowCommand[];

/** Settings of the extension itself, which the server does not know. */
const OWN_SETTINGS = ["serverPython", "notifications", "trace"];

/** Logs errors without a message box: the status bar shows the state of the server. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

/** A client for a server that has just been started. */
export function createClient(
  server: ChildProcess,
  log: Log,
  editorPython: EditorPython,
  show: Show,
): LanguageClient {
  let commands = 0;
  const answering = async <T>(work: () => Promise<T>): Promise<T> => {
    commands++;
    try {
      return await work();
    } finally {
      commands--;
    }
  };
  const client = new QuietClient(
    SECTION,
    "Snapsize",
    () => Promise.resolve({ process: server, detached: false }),
    {
      documentSelector: [
        { scheme: "file", pattern: "**/*.{py,yaml,yml,toml}" },
        { scheme: "file", pattern: "**/snapsize-baseline.jsonl" },
      ],
      outputChannel: log.channel,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: { statusNotifications: true },
      initializationFailedHandler: (error) => {
        log.error(`The language server could not be initialized: ${String(error)}`);
        return false;
      },
      stdioOptions: {
        stdout: () => undefined,
        stderr: (stream) => {
          log.follow(stream);
        },
      },
      // Starting again after an end is ours to decide (server.ts).
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => ({
          action: CloseAction.DoNotRestart,
          handled: true,
          message: "The connection to the language server was closed.",
        }),
      },
      middleware: middleware(editorPython, show, answering),
    },
  );
  client.onNotification(ShowMessageNotification.type, (message) => {
    showServerMessage(message, commands > 0, log);
  });
  client.registerFeature({
    getState: () => ({ kind: "static" }),
    // The status bar item shows progress: a second one beside it would be noise.
    fillClientCapabilities: (capabilities) => {
      capabilities.window = { ...capabilities.window, workDoneProgress: false };
    },
    initialize: () => undefined,
    clear: () => undefined,
  });
  return client;
}

function middleware(
  editorPython: EditorPython,
  show: Show,
  answering: <T>(work: () => Promise<T>) => Promise<T>,
): Middleware {
  return {
    workspace: {
      configuration: async (params, token, next) => {
        const answers = await next(params, token);
        if (!Array.isArray(answers)) return answers;
        return Promise.all(
          answers.map((answer: unknown, index) => settingsFor(params, index, answer, editorPython)),
        );
      },
    },
    executeCommand: async (command, args, next) => {
      if (!isShowCommand(command)) {
        return answering(async () => (await next(command, args)) as unknown);
      }
      show(command, args);
      return undefined;
    },
  };
}

function isShowCommand(command: string): command is ShowCommand {
  return SHOW_COMMANDS.includes(command);
}

/** The user's settings for a folder as the server takes them, and what Python tooling chose. */
async function settingsFor(
  params: ConfigurationParams,
  index: number,
  answer: unknown,
  editorPython: EditorPython,
): Promise<unknown> {
  const item = params.items[index];
  if (item?.section !== SECTION) return answer;
  const scope = item.scopeUri === undefined ? undefined : vscode.Uri.parse(item.scopeUri);
  const folder = scope ?? vscode.workspace.workspaceFolders?.[0]?.uri;
  const all = Object.entries(answer as Record<string, unknown>);
  const settings = Object.fromEntries(all.filter(([name]) => !OWN_SETTINGS.includes(name)));
  const { interpreter } = settings;
  if (typeof interpreter === "string" && interpreter.trim() !== "") {
    settings.interpreter = expandFor(interpreter.trim(), folder);
    return { ...settings, editorInterpreter: null };
  }
  return { ...settings, editorInterpreter: await editorPython.chosen(folder) };
}
