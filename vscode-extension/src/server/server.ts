import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { homedir } from "node:os";
import { join } from "node:path";
import * as vscode from "vscode";
import {
  DidChangeConfigurationNotification,
  type LanguageClient,
} from "vscode-languageclient/node";
import { createClient, type Show } from "./client.ts";
import type { EditorPython } from "../python/editorPython.ts";
import type { Log } from "./log.ts";
import type { MeasurementStore } from "../measurements/store.ts";
import type { Measurement, Status } from "../protocol.ts";
import {
  findPython,
  interpreterIn,
  usualPlaces,
  NOT_FOUND,
  OLDEST,
  type Candidate,
  type Python,
  type Tried,
} from "../python/serverPython.ts";
import { Restarts } from "./restarts.ts";
import { pathSetting } from "../settings.ts";
import type { ServerState } from "../status/statusView.ts";

const SETTING = "the setting dagsterSnapsize.serverPython";
const STOP_WITHIN_MILLISECONDS = 5000;

/** The language server of this window: started, watched, and started again when it ends by itself. */
export class Server implements vscode.Disposable {
  readonly #extension: string;
  readonly #log: Log;
  readonly #store: MeasurementStore;
  readonly #editorPython: EditorPython;
  readonly #show: Show;
  readonly #restarts = new Restarts();
  readonly #changed = new vscode.EventEmitter<ServerState>();
  #state: ServerState = { name: "off" };
  #client: LanguageClient | undefined;
  #process: ChildProcess | undefined;
  #python: Python | undefined;
  #waiting: NodeJS.Timeout | undefined;
  /** Counts starts: what belongs to an earlier one is of no interest any more. */
  #run = 0;

  readonly onDidChangeState = this.#changed.event;

  constructor(
    extension: string,
    log: Log,
    store: MeasurementStore,
    editorPython: EditorPython,
    show: Show,
  ) {
    this.#extension = extension;
    this.#log = log;
    this.#store = store;
    this.#editorPython = editorPython;
    this.#show = show;
  }

  get state(): ServerState {
    return this.#state;
  }

  /** The interpreter that the server runs on. */
  get python(): Python | undefined {
    return this.#python;
  }

  /** Starts it where it does not run; a user's wish, so that earlier failures do not count. */
  async start(): Promise<void> {
    if (["starting", "running"].includes(this.#state.name)) return;
    this.#restarts.forget();
    await this.#start();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async stop(): Promise<void> {
    this.#run++;
    clearTimeout(this.#waiting);
    this.#setState({ name: "off" });
    await this.#end();
  }

  /** Settings, or the interpreter that the editor chose, are others now. */
  async settingsChanged(): Promise<void> {
    await this.#notify(DidChangeConfigurationNotification.method, { settings: null });
  }

  async focusChanged(focused: boolean): Promise<void> {
    await this.#notify("dagsterSnapsize/focus", { focused });
  }

  /** Another file is looked at, or none. */
  async fileVisible(uri: vscode.Uri | undefined): Promise<void> {
    await this.#notify("dagsterSnapsize/visible", { uri: uri?.toString() ?? null });
  }

  async #notify(method: string, params: object): Promise<void> {
    if (this.#state.name === "running") await this.#client?.sendNotification(method, params);
  }

  async #start(): Promise<void> {
    const run = ++this.#run;
    clearTimeout(this.#waiting);
    this.#setState({ name: "starting" });
    const found = await this.#findPython();
    if (run !== this.#run) return;
    if (found.python === undefined) {
      this.#setState({ name: "no-python", message: noPython(found.tried) });
      return;
    }
    this.#python = found.python;
    const { executable, version, source } = found.python;
    this.#log.info(`Starting the language server on Python ${version}, ${executable} (${source})`);
    try {
      await this.#launch(run, executable);
    } catch (error) {
      this.#endedByItself(run, String(error));
    }
  }

  async #launch(run: number, executable: string): Promise<void> {
    const bundled = join(this.#extension, "bundled");
    // Isolated from PYTHON* variables, which are the user's; they reach the user's code all the same.
    const server = spawn(executable, ["-I", join(bundled, "launcher.py"), "lsp"], {
      cwd: bundled,
      windowsHide: true,
    });
    this.#process = server;
    server.on("error", (error) => {
      this.#endedByItself(run, error.message);
    });
    server.once("exit", (status, signal) => {
      this.#endedByItself(run, signal ?? `exit status ${String(status)}`);
    });
    await once(server, "spawn");
    if (run !== this.#run) return; // stopped meanwhile: the process is being ended
    const client = createClient(server, this.#log, this.#editorPython, this.#show);
    this.#client = client;
    client.onNotification("dagsterSnapsize/status", (status: Status) => {
      this.#store.take(status).catch((error: unknown) => {
        this.#log.warn(`The measurement could not be fetched: ${String(error)}`);
      });
    });
    this.#store.connect(() => client.sendRequest<Measurement>("dagsterSnapsize/measurement", {}));
    await client.start();
    if (run === this.#run) this.#setState({ name: "running" });
  }

  #endedByItself(run: number, how: string): void {
    if (run !== this.#run) return;
    this.#run++; // both its end and its failed start tell us
    void this.#end();
    const verdict = this.#restarts.ended(Date.now());
    if (!verdict.restart) {
      this.#log.error(
        `The language server exited unexpectedly (${how}), five times in three minutes.`,
      );
      const message = "The language server exited unexpectedly five times in three minutes.";
      this.#setState({ name: "stopped", message });
      return;
    }
    const seconds = verdict.afterMilliseconds / 1000;
    const message = `The language server exited unexpectedly (${how}) and restarts in ${seconds} s.`;
    this.#log.warn(message);
    this.#setState({ name: "waiting", message });
    this.#waiting = setTimeout(() => void this.#start(), verdict.afterMilliseconds);
  }

  /** Lets go of the client, and ends its process if it does not end by itself. */
  async #end(): Promise<void> {
    const client = this.#client;
    const server = this.#process;
    this.#client = undefined;
    this.#process = undefined;
    this.#store.connect(undefined);
    try {
      await client?.dispose(STOP_WITHIN_MILLISECONDS);
    } catch (error) {
      this.#log.debug(`Stopping the language server: ${String(error)}`);
    }
    // Its workers notice that it is gone, and end what they started.
    if (server?.exitCode === null && server.signalCode === null) server.kill();
  }

  async #findPython(): Promise<{ python: Python | undefined; tried: Tried[] }> {
    const setting = pathSetting("serverPython", undefined);
    if (setting !== undefined) {
      return findPython([{ command: setting, args: [], source: SETTING }]);
    }
    return findPython(this.#candidates());
  }

  async *#candidates(): AsyncGenerator<Candidate> {
    yield* usualPlaces(process.platform, homedir());
    const folders = vscode.workspace.workspaceFolders ?? [];
    for (const { uri } of folders) {
      const command = await this.#editorPython.chosen(uri);
      if (command !== null) yield { command, args: [], source: "the editor's Python extension" };
      for (const name of [".venv", "venv"]) {
        const environment = join(uri.fsPath, name);
        const command = interpreterIn(environment, process.platform);
        yield { command, args: [], source: environment };
      }
    }
  }

  #setState(state: ServerState): void {
    this.#state = state;
    this.#changed.fire(state);
  }

  dispose(): void {
    void this.stop();
    this.#changed.dispose();
  }
}

function noPython(tried: readonly Tried[]): string {
  const version = `Python ${OLDEST.major}.${OLDEST.minor} or newer`;
  const setting = tried.find(({ candidate }) => candidate.source === SETTING);
  if (setting !== undefined) {
    const { candidate, reason } = setting;
    return `${candidate.command}, which is ${SETTING}, ${reason}. The language server needs ${version}.`;
  }
  const found = tried
    .filter(({ reason }) => reason !== NOT_FOUND)
    .map(({ candidate, reason }) => `${candidate.command} ${reason}`);
  return (
    `The language server needs ${version}, and none was found` +
    (found.length === 0 ? "" : ` (${found.join("; ")})`) +
    ". Install one, or name one in the setting dagsterSnapsize.serverPython. " +
    "Your project can keep an older one."
  );
}
