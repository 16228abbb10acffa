import assert from "node:assert/strict";
import { test } from "node:test";
import { expand } from "../src/expand.ts";

const around = {
  folder: "/work/shop",
  folders: new Map([
    ["shop", "/work/shop"],
    ["lib", "/work/lib"],
  ]),
  home: "/home/me",
  env: { VENVS: "/venvs" },
};

for (const [written, meant] of [
  ["${workspaceFolder}/.venv/bin/python", "/work/shop/.venv/bin/python"],
  ["${workspaceFolder:lib}/.venv/bin/python", "/work/lib/.venv/bin/python"],
  ["~/envs/shop/bin/python", "/home/me/envs/shop/bin/python"],
  ["${userHome}/python", "/home/me/python"],
  ["${env:VENVS}/shop/bin/python", "/venvs/shop/bin/python"],
  [".venv/bin/python", ".venv/bin/python"],
  ["~other/python", "~other/python"],
  ["${workspaceFolder:none}/python", "${workspaceFolder:none}/python"],
  ["${env:NONE}/python", "${env:NONE}/python"],
  ["${nothing}", "${nothing}"],
] as const) {
  test(`${written} is ${meant}`, () => {
    assert.equal(expand(written, around), meant);
  });
}

test("without a folder its variable stays, so that the message shows it", () => {
  const path = "${workspaceFolder}/python";
  assert.equal(expand(path, { ...around, folder: undefined }), path);
});
