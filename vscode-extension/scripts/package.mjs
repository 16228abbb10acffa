// Makes the .vsix: build, bundle, pack. The same sources give the same bytes.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createVSIX } from "@vscode/vsce";

// Time stamps in the archive: those of the sources would differ from one checkout to the next.
process.env.SOURCE_DATE_EPOCH ??= "946684800";

const python = process.env.PYTHON ?? (process.platform === "win32" ? "python" : "python3");
for (const [command, ...args] of [
  [process.execPath, "esbuild.mjs", "--production"],
  [python, "scripts/bundle.py"],
]) {
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

const { name, version } = JSON.parse(readFileSync("package.json", "utf8"));
mkdirSync("build", { recursive: true });
const packagePath = `build/${name}-${version}.vsix`;
await createVSIX({ packagePath, dependencies: false, allowMissingRepository: true });
