import * as vscode from "vscode";
import { MessageType, type ShowMessageParams } from "vscode-languageclient/node";
import type { Log } from "../server/log.ts";
import { mayNotify } from "./level.ts";

/** Shows what the server has to say, as far as the user wants that; `isAnswer` to a command of theirs. */
export function showServerMessage(
  { type, message }: ShowMessageParams,
  isAnswer: boolean,
  log: Log,
): void {
  if (!isAnswer && !mayNotify("other")) log.info(message);
  else if (type === MessageType.Error) void vscode.window.showErrorMessage(message);
  else if (type === MessageType.Warning) void vscode.window.showWarningMessage(message);
  else void vscode.window.showInformationMessage(message);
}
