// Finds a Python that the language server itself can run on. It is not the project's Python.

import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

export const OLDEST = { major: 3, minor: 10 } as const;
const WITHIN_MILLISECONDS = 10_000;
/** The reason for what is not there at all. */
export const NOT_FOUND = "was not found";
const PROBE = "import sys, json; print(json.dumps([sys.executable, *sys.version_info[:3]]))";

/** A command to try, with arguments that come before all others: `py -3`. */
export interface Candidate {
  command: string;
  args: readonly string[];
  /** Where it was found, for the log and for messages. */
  source: string;
}

export interface Python {
  executable: string;
  version: string;
  source: string;
}

export interface Tried {
  candidate: Candidate;
  /** Why it is not used: what comes after its name in a sentence. */
  reason: string;
}

export type Ask = (candidate: Candidate) => Promise<string>;

/** Asks the interpreter itself; what a broken one prints is the reason. */
export const ask: Ask = ({ command, args }) =>
  new Promise((resolve, reject) => {
    const options = { timeout: WITHIN_MILLISECONDS, windowsHide: true };
    execFile(command, [...args, "-I", "-c", PROBE], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(reasonOf(error, stderr)));
    });
  });

function reasonOf(
  error: { code?: unknown; killed?: boolean | undefined; message: string },
  stderr: string,
) {
  if (error.code === "ENOENT") return NOT_FOUND;
  if (error.killed === true) return `did not answer within ${WITHIN_MILLISECONDS / 1000} s`;
  const said = stderr.trim().split("\n").at(-1) ?? "";
  return `does not run: ${said === "" ? error.message : said}`;
}

/** The first that is new enough, and what was tried before it. */
export async function findPython(
  candidates: Iterable<Candidate> | AsyncIterable<Candidate>,
  askIt: Ask = ask,
): Promise<{ python: Python | undefined; tried: Tried[] }> {
  const tried: Tried[] = [];
  const seen = new Set<string>();
  for await (const candidate of candidates) {
    const words = [candidate.command, ...candidate.args].join(" ");
    if (seen.has(words)) continue;
    seen.add(words);
    try {
      const python = read(await askIt(candidate), candidate.source);
      if (typeof python !== "string") return { python, tried };
      tried.push({ candidate, reason: python });
    } catch (error) {
      tried.push({ candidate, reason: reasonFor(error) });
    }
  }
  return { python: undefined, tried };
}

function reasonFor(error: unknown): string {
  if (error instanceof SyntaxError) return "did not answer as a Python does";
  return error instanceof Error ? error.message : String(error);
}

function read(printed: string, source: string): Python | string {
  // Shims and site customizations may print lines of their own before ours.
  const [executable, ...version] = JSON.parse(printed.trim().split("\n").at(-1) ?? "") as [
    string,
    ...number[],
  ];
  const [major = 0, minor = 0] = version;
  const text = version.join(".");
  if (major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor)) {
    return `is Python ${text}`;
  }
  return { executable, version: text, source };
}

/** Where a Python usually is, most likely first. */
export async function* usualPlaces(
  platform: NodeJS.Platform,
  home: string,
): AsyncGenerator<Candidate> {
  if (platform === "win32") {
    yield { command: "py", args: ["-3"], source: "the Python launcher" };
    for (const command of ["python", "python3"]) yield { command, args: [], source: "PATH" };
    yield* managed(join(home, "AppData", "Roaming", "uv", "python"), "python.exe");
    return;
  }
  for (const command of namesOf("python")) {
    // macOS answers a bare python3 with a dialog that offers developer tools, if it has none.
    if (platform === "darwin" && !(await onPath(command))) continue;
    yield { command, args: [], source: "PATH" };
  }
  // An editor that was started from a desktop has a shorter PATH than a shell.
  for (const folder of ["/opt/homebrew/bin", "/usr/local/bin", join(home, ".local", "bin")]) {
    for (const name of namesOf("python")) {
      const command = join(folder, name);
      if (await exists(folder, name)) yield { command, args: [], source: folder };
    }
  }
  yield* managed(join(home, ".local", "share", "uv", "python"), join("bin", "python3"));
  yield* managed(join(home, ".pyenv", "versions"), join("bin", "python3"));
}

function namesOf(name: string): string[] {
  const minors = [14, 13, 12, 11, 10];
  return [`${name}3`, ...minors.map((minor) => `${name}3.${minor}`), name];
}

/** Interpreters that uv and pyenv keep, one folder each. */
async function* managed(folder: string, below: string): AsyncGenerator<Candidate> {
  for (const name of (await names(folder)).sort().reverse()) {
    yield { command: join(folder, name, below), args: [], source: folder };
  }
}

async function onPath(command: string): Promise<boolean> {
  for (const folder of (process.env.PATH ?? "").split(":")) {
    if (folder !== "/usr/bin" && (await exists(folder, command))) return true;
  }
  const tools = ["/Library/Developer/CommandLineTools/usr/bin", "/Applications/Xcode.app/Contents"];
  const installed = await Promise.all(tools.map(async (tool) => (await names(tool)).length > 0));
  return installed.includes(true) && (await exists("/usr/bin", command));
}

async function exists(folder: string, name: string): Promise<boolean> {
  return (await names(folder)).includes(name);
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}

/** The interpreter of a virtual environment. */
export function interpreterIn(environment: string, platform: NodeJS.Platform): string {
  return platform === "win32"
    ? join(environment, "Scripts", "python.exe")
    : join(environment, "bin", "python");
}
