// The report's page in a real Chromium, with an editor around it that is made up.
import { existsSync } from "node:fs";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { page as html } from "../../src/report/html.ts";
import type { ReportData, ReportStatus } from "../../shared/reportData.ts";
import type { FromWebview, Target, ToWebview } from "../../shared/reportMessages.ts";
import type { ReadMeasurement } from "../../src/report/columns.ts";
import { THEMES } from "./themes.ts";

const ORIGIN = "https://webview.test";
const CANDIDATES = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/google-chrome"];

/** A browser of this machine; undefined where there is none. */
export const executable = CANDIDATES.find((path) => path !== undefined && existsSync(path));

export async function launch(): Promise<Browser> {
  if (executable === undefined) throw new Error("there is no Chromium");
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: executable, args });
}

let bundled: Promise<{ script: string; style: string }> | undefined;

async function bundle(): Promise<{ script: string; style: string }> {
  const { outputFiles } = await build({
    entryPoints: ["webview/main.ts"],
    absWorkingDir: `${import.meta.dirname}/../..`,
    outdir: "out",
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "chrome122",
  });
  const text = (end: string) => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? "";
  return { script: text(".js"), style: text(".css") };
}

/** A report in a page; the editor's part is played by what is known of a measurement. */
export class OpenReport {
  readonly page: Page;
  /** What the page asked of the editor. */
  readonly asked: FromWebview[] = [];
  /** What the page wrote to the console, or threw. */
  readonly complaints: string[] = [];
  measurement: ReadMeasurement | undefined;
  #generation = 0;

  private constructor(page: Page) {
    this.page = page;
  }

  static async open(
    browser: Browser,
    options: { width?: number; height?: number; theme?: keyof typeof THEMES; state?: unknown } = {},
  ): Promise<OpenReport> {
    const { script, style } = await (bundled ??= bundle());
    const { width = 1200, height = 800, theme = "dark" } = options;
    const page = await browser.newPage({ viewport: { width, height }, reducedMotion: "reduce" });
    const report = new OpenReport(page);
    page.on("console", (message) => report.complaints.push(message.text()));
    page.on("pageerror", (error) => report.complaints.push(String(error)));
    const sources = {
      script: `${ORIGIN}/main.js`,
      style: `${ORIGIN}/main.css`,
      allowed: ORIGIN,
      nonce: "bm9uY2U",
    };
    const bodies: Record<string, [string, string]> = {
      "/": ["text/html", html("/project", 'a "quoted" <location>', sources)],
      "/main.js": ["text/javascript", script],
      "/main.css": ["text/css", style],
    };
    await page.route(`${ORIGIN}/**`, (route) => {
      const [contentType, body] = bodies[new URL(route.request().url()).pathname] ?? ["", ""];
      return route.fulfill({ contentType, body });
    });
    await page.exposeFunction("askEditor", (message: FromWebview) => report.#receive(message));
    await page.addInitScript(`globalThis.saved = ${JSON.stringify(options.state)}; ${EDITOR}`);
    await page.goto(`${ORIGIN}/`);
    await report.theme(theme);
    return report;
  }

  async theme(name: keyof typeof THEMES): Promise<void> {
    await this.#call("dress", THEMES[name].className, THEMES[name].colours);
  }

  /** Shows a measurement as the extension would, and returns the milliseconds until it is drawn. */
  async show(measurement: ReadMeasurement): Promise<number> {
    this.measurement = measurement;
    this.#generation++;
    await this.#call("hold", plain(measurement.data), this.#generation);
    return this.timed("editor.tell(editor.held)");
  }

  async go(to: Target): Promise<void> {
    await this.#tell({ type: "go", to });
  }

  async status(status: ReportStatus): Promise<void> {
    await this.#tell({ type: "status", status });
  }

  /** Milliseconds from what is done in the page until the frame after it is painted. */
  timed(script: string): Promise<number> {
    return this.page.evaluate(`(async () => {
      const before = performance.now();
      ${script};
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      return performance.now() - before;
    })()`);
  }

  /** What the page would find again after a reload. */
  saved(): Promise<{ view: { path: string[]; search: string; scrollTop: number; shown: string } }> {
    return this.page.evaluate("saved");
  }

  async close(): Promise<void> {
    await this.page.close();
  }

  async #receive(message: FromWebview): Promise<void> {
    this.asked.push(message);
    if (message.type === "detail" && this.measurement) {
      const detail = await this.measurement.detail(message.owner);
      const { owner, generation } = message;
      await this.#tell({ type: "detail", owner, generation, detail });
    }
  }

  async #tell(message: ToWebview): Promise<void> {
    await this.#call("tell", message);
  }

  async #call(name: string, ...values: unknown[]): Promise<void> {
    await this.page.evaluate(`editor.${name}(${values.map((v) => JSON.stringify(v)).join()})`);
  }
}

/** The editor's part within the page. */
const EDITOR = `
  globalThis.editor = {
    dress(className, colours) {
      document.body.className = className;
      document.documentElement.removeAttribute("style");
      for (const [name, value] of Object.entries(colours)) {
        document.documentElement.style.setProperty("--vscode-" + name, value);
      }
    },
    // Columns of numbers cross as typed arrays, as an editor hands them over.
    hold(text, generation) {
      const data = JSON.parse(text, (_, value) =>
        Array.isArray(value) && typeof value[0] === "number" ? Float64Array.from(value) : value);
      this.held = { type: "data", generation, data };
    },
    tell(message) {
      dispatchEvent(new MessageEvent("message", { data: message }));
    },
  };
  globalThis.acquireVsCodeApi = () => ({
    postMessage: (message) => void askEditor(message),
    getState: () => saved,
    setState: (state) => (saved = state),
  });
`;

function plain(data: ReportData): string {
  return JSON.stringify(data, (_, value: unknown) =>
    ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value,
  );
}
