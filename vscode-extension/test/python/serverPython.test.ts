import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { NOT_FOUND, ask, findPython, type Candidate } from "../../src/python/serverPython.ts";

const candidate = (command: string): Candidate => ({ command, args: [], source: "PATH" });

const answers: Record<string, string> = {
  "python3.8": '["/usr/bin/python3.8", 3, 8, 1]',
  "python3.10": '["/usr/bin/python3.10", 3, 10, 4]',
  "python3.13": '["/usr/bin/python3.13", 3, 13, 0]',
  shim: 'warning: a shim\n["/opt/python", 3, 12, 0]\n',
  noise: "no JSON at all",
};

function answer({ command }: Candidate): Promise<string> {
  const text = answers[command];
  return text === undefined ? Promise.reject(new Error(NOT_FOUND)) : Promise.resolve(text);
}

const find = (...commands: string[]) => findPython(commands.map(candidate), answer);

test("the first that is new enough is taken, and not more are asked", async () => {
  const { python, tried } = await find("python", "python3.8", "python3.10", "python3.13");
  assert.deepEqual(python, {
    executable: "/usr/bin/python3.10",
    version: "3.10.4",
    source: "PATH",
  });
  assert.deepEqual(
    tried.map(({ reason }) => reason),
    [NOT_FOUND, "is Python 3.8.1"],
  );
});

test("none is new enough: every one that was tried has a reason", async () => {
  const { python, tried } = await find("python", "python3.8", "noise");
  assert.equal(python, undefined);
  assert.equal(tried.length, 3);
});

test("what a shim prints before the answer is passed over", async () => {
  const { python } = await find("shim");
  assert.equal(python?.executable, "/opt/python");
});

test("one that was tried is not tried again", async () => {
  const { tried } = await find("python3.8", "python3.8");
  assert.equal(tried.length, 1);
});

test("a program that is not there is not found", async () => {
  await assert.rejects(ask(candidate("/no/such/python")), /was not found/);
});

test(
  "what a broken interpreter prints is the reason",
  { skip: process.platform === "win32" },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "pythons-"));
    try {
      const path = join(folder, "python");
      await writeFile(path, "#!/bin/sh\necho 'first line' >&2\necho 'it is broken' >&2\nexit 1\n", {
        mode: 0o755,
      });
      await assert.rejects(ask(candidate(path)), /^Error: does not run: it is broken$/);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
