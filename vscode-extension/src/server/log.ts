import * as readline from "node:readline";
import type { Readable } from "node:stream";
import * as vscode from "vscode";

const KEPT_LINES = 200;
// As the server writes them: "2026-01-31 12:00:00,123 WARNING text".
const LINE = /^\d{4}-\d\d-\d\d [\d:,]+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) (.*)$/;

/** The output channel, and the last of what was written to it for bug reports. */
export class Log implements vscode.Disposable {
  readonly channel = vscode.window.createOutputChannel("Snapsize", { log: true });
  readonly #last: string[] = [];

  get lastLines(): readonly string[] {
    return this.#last;
  }

  debug(text: string): void {
    this.channel.debug(text);
  }

  /** What the setting logLevel lets the server say, whatever the level of the channel is. */
  #serverDebug(text: string): void {
    if (this.channel.logLevel <= vscode.LogLevel.Debug) this.channel.debug(text);
    else this.channel.info(`[debug] ${text}`);
  }

  info(text: string): void {
    this.#keep(text);
    this.channel.info(text);
  }

  warn(text: string): void {
    this.#keep(text);
    this.channel.warn(text);
  }

  error(text: string): void {
    this.#keep(text);
    this.channel.error(text);
  }

  /** Follows the standard error of the server. Lines of a traceback have the level of its first. */
  follow(stream: Readable): void {
    let write = (text: string) => {
      this.info(text);
    };
    readline.createInterface({ input: stream }).on("line", (line) => {
      const [, level, text = line] = LINE.exec(line) ?? [];
      if (level === "DEBUG") write = this.#serverDebug.bind(this);
      else if (level === "INFO") write = this.info.bind(this);
      else if (level === "WARNING") write = this.warn.bind(this);
      else if (level !== undefined) write = this.error.bind(this);
      write(text);
    });
  }

  #keep(text: string): void {
    this.#last.push(text);
    if (this.#last.length > KEPT_LINES) this.#last.shift();
  }

  dispose(): void {
    this.channel.dispose();
  }
}
