/** Where everything is that the tests use. */
import { existsSync, globSync } from "node:fs";
import path from "node:path";

export const REPOSITORY = path.resolve(import.meta.dirname, "../../..");
export const OUTPUT = path.join(REPOSITORY, ".cache/e2e");
const TOOLS = path.join(REPOSITORY, ".cache/tools");
export const NODE = path.join(TOOLS, "node/bin/node");
export const CODE_SERVER = path.join(
  TOOLS,
  "code-server/node_modules/code-server/out/node/entry.js",
);
/** Whether to keep a picture of each state: `PICTURES=1 make e2e`. It takes a minute more. */
export const PICTURES = process.env.PICTURES === "1";
export const EXTENSION = "dagster-snapsize.dagster-snapsize";

/** The browser: the one that CHROMIUM names, else the system's. */
export function chromium(): string {
  const named = process.env.CHROMIUM;
  const usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const found = named ?? usual.find((file) => existsSync(file));
  if (found === undefined) throw new Error("no Chromium found: run tests/e2e/install-tools editor");
  return found;
}

/** The packaged extension, as a user installs it: the one that VSIX names, else the one just made. */
export function packagedExtension(): string {
  if (process.env.VSIX !== undefined) return process.env.VSIX;
  const found = globSync(path.join(REPOSITORY, "vscode-extension/build/*.vsix"));
  if (found.length !== 1 || found[0] === undefined) {
    throw new Error(`one packaged extension is wanted, found ${found.length}: run make extension`);
  }
  return found[0];
}
