import assert from "node:assert/strict";
import { test } from "node:test";
import type { LocationMeasurement, ProjectStatus } from "../../src/protocol.ts";
import { NO_ROWS } from "../../src/measurements/rows.ts";
import { page } from "../../src/report/html.ts";
import { reportStatus } from "../../src/report/status.ts";

const PROJECT: ProjectStatus = {
  folder: "/project",
  phase: "idle",
  level: "within",
  message: null,
  text: "",
  done: 0,
  of: 0,
  locations: ["shop"],
  stale: false,
  totalBytes: 1,
  nearest: null,
  over: [],
};
const LOCATION: LocationMeasurement = {
  name: "shop",
  root: "/project",
  stale: false,
  error: null,
  mistake: null,
  python: null,
  dagsterVersion: null,
  totalBytes: 1,
  assets: 1,
  snapshots: [],
  level: "within",
  assetBudgetBytes: null,
  rowsFile: "/rows",
  limits: [],
  definitionsLocation: null,
  failedLocation: null,
  load: null,
  findings: [],
};

function of(
  project: ProjectStatus | undefined,
  location: LocationMeasurement | undefined,
  hasData: boolean,
  more: { isEnabled?: boolean; problem?: string } = {},
) {
  return reportStatus({ project, location, hasData, isEnabled: true, problem: "", ...more });
}

test("current sizes need no words", () => {
  assert.deepEqual(of(PROJECT, LOCATION, true), { kind: "current", text: "", actions: [] });
});

test("a failure is shown with a link to its line, beside the last sizes", () => {
  const failedLocation = { path: "/project/a.py", line: 3 };
  const failed = { ...LOCATION, error: "KeyError: 'x'\nand\nmore\nthan\nneeded", failedLocation };
  const status = of({ ...PROJECT, phase: "failed" }, failed, true);
  assert.equal(status.kind, "failed");
  assert.match(status.text, /^KeyError: 'x'\nand\nmore\nThese are the last measured sizes/);
  assert.deepEqual(status.actions, ["openFailure", "measure"]);
});

test("a missing interpreter is reported with a way to choose one", () => {
  const message = "no Python has Dagster";
  const status = of({ ...PROJECT, phase: "no-interpreter", message }, undefined, false);
  assert.equal(status.kind, "failed");
  assert.equal(status.text, message);
  assert.deepEqual(status.actions, ["selectInterpreter", "measure"]);
});

test("sizes that were measured but cannot be drawn are reported, with a way to the log", () => {
  const status = of(PROJECT, { ...LOCATION, rowsFile: null }, false, { problem: NO_ROWS });
  assert.equal(status.kind, "failed");
  assert.match(status.text, /could not be written to the cache folder/);
  assert.deepEqual(status.actions, ["showLogs", "measure"]);
});

test("sizes of a folder that is switched off are not shown as current", () => {
  const status = of(PROJECT, LOCATION, true, { isEnabled: false });
  assert.equal(status.kind, "stale");
  assert.match(status.text, /turned off.*\nThese are the last measured sizes/);
  assert.deepEqual(status.actions, ["openEnableSetting"]);
});

test("every other state has its text", () => {
  const text = (...state: Parameters<typeof of>) => of(...state).text;
  const measuring = { ...PROJECT, phase: "measuring" as const, text: "building", done: 1, of: 3 };
  assert.equal(text(measuring, LOCATION, true), "Measuring: building, 1 of 3 snapshots…");
  assert.match(text(PROJECT, { ...LOCATION, stale: true }, true), /before the last change/);
  assert.match(text(PROJECT, undefined, true), /no longer in the project/);
  assert.match(text({ ...PROJECT, level: "none" }, undefined, false), /Nothing has been measured/);
  assert.match(text(undefined, undefined, false), /Waiting/);
  assert.match(text(undefined, undefined, true), /last known sizes/);
});

test("the page allows our script and style alone, and a name is no markup in it", () => {
  const html = page('/a"b', "<script>alert(1)</script>", {
    script: "https://x/main.js",
    style: "https://x/main.css",
    allowed: "https://x",
    nonce: "n0nce",
  });
  assert.match(html, /default-src 'none'; script-src 'nonce-n0nce'; style-src https:\/\/x"/);
  assert.doesNotMatch(html, /unsafe|<script>/);
  assert.match(html, /data-folder="\/a&quot;b"/);
});
