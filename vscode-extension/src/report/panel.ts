import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import * as vscode from "vscode";
import type { BannerAction } from "../../shared/reportData.ts";
import type { FromWebview, Target, ToWebview } from "../../shared/reportMessages.ts";
import { worstLocation } from "../measurements/projects.ts";
import { NO_ROWS } from "../measurements/rows.ts";
import type { MeasurementStore } from "../measurements/store.ts";
import type { LocationMeasurement, Place } from "../protocol.ts";
import { isEnabled, SECTION } from "../settings.ts";
import { page } from "./html.ts";
import { readMeasurement, type ReadMeasurement } from "./columns.ts";
import { reportStatus } from "./status.ts";

const COMMANDS: Readonly<Record<Exclude<BannerAction, "openFailure">, string>> = {
  measure: "dagsterSnapsize.measureNow",
  selectInterpreter: "dagsterSnapsize.selectInterpreter",
  openEnableSetting: "dagsterSnapsize.openEnableSetting",
  showLogs: "dagsterSnapsize.showLogs",
};

/** One open report: keeps what it shows in step with the newest measurement. */
export class ReportPanel implements vscode.Disposable {
  readonly #panel: vscode.WebviewPanel;
  readonly #store: MeasurementStore;
  readonly folder: string;
  #location: string;
  readonly #subscriptions: vscode.Disposable[] = [];
  #shown: ReadMeasurement | undefined;
  /** Counts measurements: rows of one mean nothing in the next. */
  #generation = 0;
  #version = "";
  #reading = new AbortController();
  #problem = "";
  #isReady = false;
  #target: Target | undefined;

  constructor(
    panel: vscode.WebviewPanel,
    extensionUri: vscode.Uri,
    store: MeasurementStore,
    folder: string,
    location: string,
  ) {
    this.#panel = panel;
    this.#store = store;
    this.folder = folder;
    this.#location = location;
    const root = vscode.Uri.joinPath(extensionUri, "dist", "webview");
    const { webview } = panel;
    panel.title = `Snapsize: ${location || basename(folder)}`;
    webview.options = { enableScripts: true, localResourceRoots: [root] };
    webview.html = page(folder, location, {
      script: webview.asWebviewUri(vscode.Uri.joinPath(root, "main.js")).toString(),
      style: webview.asWebviewUri(vscode.Uri.joinPath(root, "main.css")).toString(),
      allowed: webview.cspSource,
      nonce: randomBytes(16).toString("base64url"),
    });
    this.#subscriptions.push(
      webview.onDidReceiveMessage((message: FromWebview) => this.#receive(message)),
      store.onDidChange((changed) => {
        if (changed === undefined || changed === folder) void this.#update();
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration(`${SECTION}.enable`)) this.#sendStatus();
      }),
    );
    panel.onDidChangeViewState(() => {
      if (!panel.visible) this.#isReady = false; // its page is discarded, and loads again when it is shown
    });
    panel.onDidDispose(() => {
      this.dispose();
    });
  }

  reveal(): void {
    this.#panel.reveal();
  }

  /** Empty as long as none is known: then it becomes the worst of the project. */
  get location(): string {
    return this.#location;
  }

  get isActive(): boolean {
    return this.#panel.active;
  }

  /** Goes to a place in it, once it is drawn. */
  go(to: Target): void {
    this.#target = to;
    this.#sendTarget();
  }

  dispose(): void {
    this.#reading.abort();
    vscode.Disposable.from(...this.#subscriptions.splice(0)).dispose();
  }

  async #receive(message: FromWebview): Promise<void> {
    switch (message.type) {
      case "ready":
        // A webview that was hidden loads again.
        this.#sendData();
        this.#sendStatus();
        this.#isReady = true;
        this.#sendTarget();
        await this.#update();
        break;
      case "act":
        await this.#act(message.action);
        break;
      case "openPlace": {
        const place = this.#shown?.placeOf(message.place);
        if (place) await this.#open(place);
        break;
      }
      case "open":
        if (message.generation === this.#generation) {
          const place = this.#shown?.place(message.asset);
          if (place) await this.#open(place);
        }
        break;
      case "detail":
        await this.#sendDetail(message);
        break;
    }
  }

  async #act(action: BannerAction): Promise<void> {
    if (action !== "openFailure") {
      await vscode.commands.executeCommand(COMMANDS[action]);
      return;
    }
    const place = this.#measurement()?.failedLocation;
    if (place) await this.#open(place);
  }

  #measurement(): LocationMeasurement | undefined {
    const locations = this.#store.project(this.folder)?.locations ?? [];
    if (this.#location === "") this.#location = worstLocation(locations)?.name ?? "";
    return locations.find(({ name }) => name === this.#location);
  }

  /** Reads the newest measurement where it is another than the one that is shown. */
  async #update(): Promise<void> {
    this.#sendStatus();
    const location = this.#measurement();
    if (location === undefined || location.snapshots.length === 0) return;
    if (location.rowsFile === null) {
      this.#version = "";
      this.#problem = NO_ROWS;
      this.#sendStatus();
      return;
    }
    const { rowsFile, snapshots, findings, limits, load } = location;
    const version = JSON.stringify([rowsFile, snapshots, findings, limits, load?.measuredAt]);
    if (version === this.#version) return;
    this.#version = version;
    this.#reading.abort();
    const reading = (this.#reading = new AbortController());
    try {
      const read = await readMeasurement(location, rowsFile, reading.signal);
      if (reading.signal.aborted) return;
      this.#shown = read;
      this.#generation++;
      this.#problem = "";
      this.#sendData();
    } catch (error) {
      if (reading.signal.aborted) return;
      this.#version = "";
      const reason = error instanceof Error ? error.message : String(error);
      this.#problem = `The newest sizes could not be read: ${reason}.`;
    }
    this.#sendStatus();
  }

  #send(message: ToWebview): void {
    void this.#panel.webview.postMessage(message);
  }

  #sendData(): void {
    if (this.#shown) {
      this.#send({ type: "data", generation: this.#generation, data: this.#shown.data });
    }
  }

  #sendTarget(): void {
    if (this.#target === undefined || !this.#isReady) return;
    this.#send({ type: "go", to: this.#target });
    this.#target = undefined;
  }

  #sendStatus(): void {
    const status = reportStatus({
      project: this.#store.project(this.folder)?.status,
      location: this.#measurement(),
      hasData: this.#shown !== undefined,
      isEnabled: isEnabled(this.folder),
      problem: this.#problem,
    });
    this.#send({ type: "status", status });
  }

  async #sendDetail({ generation, owner }: FromWebview & { type: "detail" }): Promise<void> {
    const shown = this.#shown;
    if (!shown || generation !== this.#generation) return;
    try {
      this.#send({ type: "detail", generation, owner, detail: await shown.detail(owner) });
    } catch {
      // The file was replaced by that of a newer measurement, which is read now.
      this.#version = "";
      await this.#update();
    }
  }

  /** Beside the report, so that it stays in sight. */
  async #open({ path, line }: Place): Promise<void> {
    const own = this.#panel.viewColumn;
    const other = vscode.window.visibleTextEditors.find(({ viewColumn }) => viewColumn !== own);
    const position = new vscode.Position(Math.max(0, line - 1), 0);
    try {
      await vscode.window.showTextDocument(vscode.Uri.file(path), {
        viewColumn: other?.viewColumn ?? vscode.ViewColumn.Beside,
        selection: new vscode.Range(position, position),
      });
    } catch {
      void vscode.window.showWarningMessage(`${path} cannot be opened; it may have been moved.`);
    }
  }
}
