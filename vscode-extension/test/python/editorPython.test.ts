import "../support/editor/install.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { editor, EventEmitter } from "../support/editor/vscode.ts";
import type { Log } from "../../src/server/log.ts";

const { EditorPython } = await import("../../src/python/editorPython.ts");

test("however often extensions come and go, the Python extension has one listener", async () => {
  const changed = new EventEmitter<void>();
  const environments = {
    getActiveEnvironmentPath: () => ({ id: "DEFAULT_PYTHON", path: "" }),
    onDidChangeActiveEnvironmentPath: changed.event,
  };
  editor.extensions.set("ms-python.python", {
    activate: () => Promise.resolve({ ready: Promise.resolve(), environments }),
  });
  const log = { warn: (text: string) => assert.fail(text) } as unknown as Log;
  const python = new EditorPython(log);
  let changes = 0;
  python.onDidChange(() => changes++);
  for (let n = 0; n < 5; n++) {
    assert.equal(await python.chosen(undefined), null);
    editor.extensionsChanged.fire();
  }
  await python.chosen(undefined);
  assert.equal(changed.listeners.size, 1);
  changes = 0;
  changed.fire();
  assert.equal(changes, 1);

  editor.extensions.delete("ms-python.python");
  editor.extensionsChanged.fire();
  await python.chosen(undefined);
  assert.equal(changed.listeners.size, 0);
  python.dispose();
  assert.equal(editor.extensionsChanged.listeners.size, 0);
});
