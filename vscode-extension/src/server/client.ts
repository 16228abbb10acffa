import type { ChildProcess } from "node:child_process";
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  RevealOutputChannelOn,
  type ConfigurationParams,
  type Middleware,
} from "vscode-languageclient/node";
import type { EditorPython } from "../python/editorPython.ts";
import type { Log } from "./log.ts";
import { SECTION, expandFor } from "../settings.ts";

/** Commands of the server that return a text to show. */
export type ShowCommand =
  "dagsterSnapsize.showAsset" | "dagsterSnapsize.showReport" | "dagsterSnapsize.showLimits";

/** Shows what such a command returned; undefined where the extension does it without the server. */
export type Show = (
  command: ShowCommand,
  args: unknown[],
  text: () => Promise<string | null>,
) => Promise<void>;

const SHOW_COMMANDS: readonly string[] = [
  "dagsterSnapsize.showAsset",
  "dagsterSnapsize.showReport",
  "dagsterSnapsize.showLimits",
] satisfies ShowCommand[];

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
  const client = new QuietClient(
    SECTION,
    "Dagster Snapsize",
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
      middleware: middleware(editorPython, show),
    },
  );
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

function middleware(editorPython: EditorPython, show: Show): Middleware {
  let showing = 0;
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
    window: {
      // The server opens a file with the text that it returns; that text is shown in another way.
      showDocument: (params, token, next) =>
        showing > 0 && params.selection === undefined ? { success: true } : next(params, token),
    },
    executeCommand: async (command, args, next) => {
      if (!isShowCommand(command)) return (await next(command, args)) as unknown;
      return show(command, args, async () => {
        showing++;
        try {
          return (await next(command, args)) as string | null;
        } finally {
          showing--;
        }
      });
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
  const settings = { ...(answer as Record<string, unknown>) };
  delete settings.serverPython; // of the extension itself
  const { interpreter } = settings;
  if (typeof interpreter === "string" && interpreter.trim() !== "") {
    settings.interpreter = expandFor(interpreter.trim(), folder);
    return { ...settings, editorInterpreter: null };
  }
  return { ...settings, editorInterpreter: await editorPython.chosen(folder) };
}
