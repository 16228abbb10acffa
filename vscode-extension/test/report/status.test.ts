import assert from "node:assert/strict";
import { test } from "node:test";
import type { LocationMeasurement, ProjectStatus } from "../../src/protocol.ts";
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
  definitionsLocation: null,
  failedLocation: null,
  findings: [],
};

test("current sizes need no words", () => {
  assert.deepEqual(reportStatus(PROJECT, LOCATION, true), {
    kind: "current",
    text: "",
    canMeasure: false,
    canOpenFailure: false,
  });
});

test("a failure is shown with a link to its line, beside the last sizes", () => {
  const failedLocation = { path: "/project/a.py", line: 3 };
  const failed = { ...LOCATION, error: "KeyError: 'x'\nand\nmore\nthan\nneeded", failedLocation };
  const status = reportStatus({ ...PROJECT, phase: "failed" }, failed, true);
  assert.equal(status.kind, "failed");
  assert.match(status.text, /^KeyError: 'x'\nand\nmore\nThese are the last measured sizes/);
  assert.ok(status.canOpenFailure && status.canMeasure);
});

test("a missing interpreter is reported where nothing was measured yet", () => {
  const project = {
    ...PROJECT,
    phase: "no-interpreter" as const,
    message: "no Python has Dagster",
  };
  const status = reportStatus(project, undefined, false);
  assert.equal(status.kind, "failed");
  assert.equal(status.text, "no Python has Dagster");
});

test("every other state has its text", () => {
  const text = (...state: Parameters<typeof reportStatus>) => reportStatus(...state).text;
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
