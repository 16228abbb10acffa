import "../support/editor/install.ts";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { clients, life } from "../support/editor/languageClient.ts";
import { editor } from "../support/editor/vscode.ts";
import type { Log } from "../../src/server/log.ts";
import type { EditorPython } from "../../src/python/editorPython.ts";
import type { MeasurementStore } from "../../src/measurements/store.ts";

const { Server } = await import("../../src/server/server.ts");

const folder = mkdtempSync(join(tmpdir(), "snapsize-server-"));
mkdirSync(join(folder, "bundled"));
// Waits until it is ended, as a server does that has nothing to answer.
writeFileSync(join(folder, "bundled", "launcher.py"), "import sys; sys.stdin.read()\n");
after(() => {
  rmSync(folder, { recursive: true });
});
editor.settings["dagsterSnapsize.serverPython"] = execFileSync(
  process.platform === "win32" ? "python" : "python3",
  ["-c", "import sys; print(sys.executable)"],
  { encoding: "utf8" },
).trim();

function server(info: () => void = () => undefined) {
  const quiet = () => undefined;
  const log = { debug: quiet, info, warn: quiet, error: quiet } as unknown as Log;
  const store = { connect: quiet, take: quiet } as unknown as MeasurementStore;
  const python = { chosen: () => Promise.resolve(null) } as unknown as EditorPython;
  return new Server(folder, log, store, python, quiet);
}

for (const moment of ["its process is spawned", "its client starts"] as const) {
  test(`a stop while ${moment} leaves no client that is thought to live`, async () => {
    clients.length = 0;
    let isFirst = true;
    const stopSoon = () => {
      if (isFirst) queueMicrotask(() => void own.stop());
      isFirst = false;
    };
    const own = server(moment === "its process is spawned" ? stopSoon : undefined);
    if (moment === "its client starts") life.starting = stopSoon;
    await own.start();
    assert.equal(own.state.name, "off");
    assert.ok(clients.every(({ isDisposed }) => isDisposed));
    // A new start works, and none of the old one is in its way.
    await own.start();
    assert.equal(own.state.name, "running");
    assert.equal(clients.filter(({ isDisposed }) => !isDisposed).length, 1);
    await own.stop();
  });
}

test("a server that runs is told which file is looked at", async () => {
  clients.length = 0;
  const own = server();
  const uri = { toString: () => "file:///work/a.py" };
  await own.fileVisible(uri as never);
  await own.start();
  await own.fileVisible(uri as never);
  await own.fileVisible(undefined);
  assert.deepEqual(clients[0]?.sent, [
    ["dagsterSnapsize/visible", { uri: "file:///work/a.py" }],
    ["dagsterSnapsize/visible", { uri: null }],
  ]);
  await own.stop();
});
