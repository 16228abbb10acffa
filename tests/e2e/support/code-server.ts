/** A code-server (VS Code in a browser) with a profile of its own and our extension installed. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { randomUUID } from "node:crypto";

import { CODE_SERVER, NODE } from "./paths.ts";
import { patience } from "./patience.ts";
import { MARK } from "./processes.ts";

export interface Options {
  /** Packaged extensions to install. */
  extensions: string[];
  /** Whether folders must be trusted before extensions run in them. */
  workspaceTrust?: boolean;
}

const START_WITHIN = patience(60_000);

/** Settings of the machine, which those of a user cannot hold. */
const MACHINE_SETTINGS = { "remote.autoForwardPorts": false };

/** Settings for every test: as users have them, but for what moves or suggests by itself. */
const SETTINGS = {
  "dagsterSnapsize.debounceMilliseconds": 100,
  "editor.minimap.enabled": false,
  "editor.stickyScroll.enabled": false,
  "editor.autoClosingBrackets": "never",
  "editor.autoClosingQuotes": "never",
  "editor.autoIndent": "none",
  "editor.lightbulb.enabled": "onCode",
  "editor.quickSuggestions": { other: "off", comments: "off", strings: "off" },
  "extensions.ignoreRecommendations": true,
  "files.autoSave": "onFocusChange",
  "git.enabled": true,
  "security.workspace.trust.startupPrompt": "always",
  "update.showReleaseNotes": false,
  "window.autoDetectColorScheme": true,
  "workbench.preferredDarkColorTheme": "Dark 2026",
  "workbench.preferredLightColorTheme": "Light 2026",
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "chat.commandCenter.enabled": false,
  "chat.disableAIFeatures": true,
};

export class CodeServer {
  readonly mark = randomUUID();
  readonly root = mkdtempSync(path.join(tmpdir(), "snapsize-e2e-"));
  readonly userData = path.join(this.root, "user-data");
  url = "";
  private readonly extensions = path.join(this.root, "extensions");
  private process: ChildProcess | undefined;

  static async start(options: Options): Promise<CodeServer> {
    const server = new CodeServer();
    try {
      server.prepare(options.extensions);
      await server.run(options.workspaceTrust ?? false);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  private configure(of: "User" | "Machine", settings: object): void {
    mkdirSync(path.join(this.userData, of), { recursive: true });
    writeFileSync(path.join(this.userData, of, "settings.json"), JSON.stringify(settings));
  }

  /** The address that opens a folder, or a file `*.code-workspace`. */
  address(place: string): string {
    const name = place.endsWith(".code-workspace") ? "workspace" : "folder";
    return `${this.url}/?${name}=${encodeURIComponent(place)}`;
  }

  async stop(): Promise<void> {
    const running = this.process;
    if (running?.pid !== undefined && running.exitCode === null && running.signalCode === null) {
      const ended = new Promise((resolve) => running.once("exit", resolve));
      process.kill(-running.pid, "SIGTERM");
      const late = setTimeout(() => process.kill(-running.pid!, "SIGKILL"), 10_000);
      await ended;
      clearTimeout(late);
    }
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }

  private prepare(extensions: string[]): void {
    for (const folder of ["home", "tmp"]) mkdirSync(path.join(this.root, folder));
    this.configure("User", SETTINGS);
    this.configure("Machine", MACHINE_SETTINGS);
    const installs = extensions.flatMap((file) => ["--install-extension", file]);
    execFileSync(NODE, [...this.command(), ...installs], {
      env: this.environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  private async run(workspaceTrust: boolean): Promise<void> {
    const flags = [
      "--auth=none",
      "--bind-addr=127.0.0.1:0",
      "--disable-telemetry",
      "--disable-update-check",
      "--disable-getting-started-override",
      "--disable-proxy",
      // A page that was closed in another way than by its user is not waited for long.
      "--reconnection-grace-time=10",
      "--ignore-last-opened",
      ...(workspaceTrust ? [] : ["--disable-workspace-trust"]),
    ];
    // A process group of its own, so that all of it can be ended at once.
    const running = spawn(NODE, [...this.command(), ...flags], {
      cwd: this.root,
      detached: true,
      env: this.environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process = running;
    const log = createWriteStream(path.join(this.root, "code-server.log"));
    running.stderr.pipe(log);
    running.stdout.pipe(log);
    this.url = await new Promise((resolve, reject) => {
      let said = "";
      const late = setTimeout(
        () => reject(new Error(`code-server did not start:\n${said}`)),
        START_WITHIN,
      );
      running.once("exit", () => reject(new Error(`code-server ended:\n${said}`)));
      running.stdout.on("data", (data: Buffer) => {
        said += data.toString();
        const listening = /HTTP server listening on (http:\/\/[\d.]+:\d+)/.exec(said);
        if (listening?.[1] === undefined) return;
        clearTimeout(late);
        resolve(listening[1]);
      });
    });
  }

  private command(): string[] {
    return [
      CODE_SERVER,
      `--user-data-dir=${this.userData}`,
      `--extensions-dir=${this.extensions}`,
      `--config=${path.join(this.root, "config.yaml")}`,
    ];
  }

  private environment(): NodeJS.ProcessEnv {
    const inherited = ["PATH", "LANG", "LC_ALL", "USER", "LOGNAME", "SHELL"];
    const kept = inherited.flatMap((name) =>
      process.env[name] === undefined ? [] : [[name, process.env[name]]],
    );
    const home = path.join(this.root, "home");
    return {
      ...Object.fromEntries(kept),
      HOME: home,
      XDG_CACHE_HOME: path.join(home, ".cache"),
      XDG_CONFIG_HOME: path.join(home, ".config"),
      XDG_DATA_HOME: path.join(home, ".local/share"),
      TMPDIR: path.join(this.root, "tmp"),
      [MARK]: this.mark,
    };
  }
}
