// Makes the .vsix: build, bundle, pack. The same sources give the same bytes.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createVSIX, listFiles } from "@vscode/vsce";

const MOST_BYTES = 1_500_000;

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
const path = `build/${name}-${version}.vsix`;
const files = { dependencies: false, readmePath: "build/README.md" };
mkdirSync("build", { recursive: true });
writeFileSync(files.readmePath, withoutPictures(readFileSync("README.md", "utf8")));
await pack(path);
await check(path);

async function pack(packagePath) {
  // Neither the archive nor who installs it should depend on the umask of this shell.
  for (const file of await listFiles(files)) chmodSync(file, 0o644);
  await createVSIX({ packagePath, ...files, allowMissingRepository: true });
}

/** An editor shows pictures from an address only, and this package does not say one. */
function withoutPictures(readme) {
  return readme.replaceAll(/^!\[.*\]\(.*\)\n\n/gm, "");
}

/** What a reviewer would look for: small, nothing compiled or left over, and the same every time. */
async function check(packagePath) {
  const forbidden =
    /\.(so|pyd|dylib|dll|exe|node|pyc|map|ts)$|(^|\/)(node_modules|tests?|__pycache__|rich|pygments|markdown_it|mdurl|networkx)\//;
  const wrong = (await listFiles(files)).filter((file) => forbidden.test(file));
  if (wrong.length > 0) throw new Error(`these should not ship: ${wrong.join(", ")}`);

  const packed = readFileSync(packagePath);
  if (packed.length > MOST_BYTES) {
    throw new Error(`${packed.length} bytes, ${MOST_BYTES} are allowed: see what takes them`);
  }

  const again = "build/again.vsix";
  await pack(again);
  const same = packed.equals(readFileSync(again));
  rmSync(again);
  if (!same) throw new Error("packed twice, and not the same");
}
