import assert from "node:assert/strict";
import { test } from "node:test";
import type { Phase } from "../../src/protocol.ts";
import {
  stateOf,
  statusView,
  TOOLTIP_COMMANDS,
  type ServerState,
  type StatusView,
} from "../../src/status/statusView.ts";
import { project, snapshot } from "../support/statuses.ts";

const running: ServerState = { name: "running" };

function shown(...given: Parameters<typeof project>): StatusView {
  const view = statusView(running, project(...given));
  assert.ok(view);
  return view;
}

test("nothing is shown where there is no project", () => {
  assert.equal(statusView({ name: "off" }, undefined), undefined);
  assert.equal(statusView(running, undefined), undefined);
});

for (const [level, icon, background] of [
  ["within", "pass", undefined],
  ["near", "warning", "warning"],
  ["over", "error", "error"],
] as const) {
  test(`sizes that are ${level}`, () => {
    const view = shown({ level });
    assert.equal(view.text, `$(${icon}) Dagster 10.3 MB`);
    assert.equal(view.background, background);
    assert.equal(view.command, "dagsterSnapsize.openReport");
    const row = view.tooltip.split("\n").find((line) => line.startsWith("| repository"));
    assert.equal(
      row?.replaceAll(" &nbsp;&nbsp;", " "),
      "| repository &#95;&#95;repository&#95;&#95; | 9 MB | 10 MB | 90 % |",
    );
  });
}

test("measuring for the first time, and again", () => {
  const first = shown({ phase: "measuring", level: "none" }, []);
  assert.equal(first.text, "$(loading~spin) Dagster measuring");
  const again = shown({ phase: "measuring", text: "job nightly", done: 2, of: 7 });
  assert.equal(again.text, "$(loading~spin) Dagster 10.3 MB");
  assert.match(again.tooltip, /job nightly \(2 of 7\)\. Click to cancel\./);
  assert.equal(again.command, "dagsterSnapsize.cancelMeasuring");
});

test("a failure says why, in words that are no Markdown", () => {
  const view = shown({ phase: "failed", message: "No module named '_core'\n[x](command:y)" }, []);
  assert.equal(view.text, "$(error) Dagster failed");
  assert.equal(view.background, "error");
  assert.ok(view.tooltip.includes("No module named '&#95;core'"));
  assert.ok(!view.tooltip.includes("[x](command:y)"));
});

test("without an interpreter a click selects one", () => {
  const view = shown({ phase: "no-interpreter", level: "none" }, []);
  assert.equal(view.text, "$(question) Dagster no interpreter");
  assert.equal(view.command, "dagsterSnapsize.selectInterpreter");
});

test("what was not measured yet is measured with a click", () => {
  const view = shown({ level: "none" }, []);
  assert.equal(view.text, "$(circle-outline) Dagster");
  assert.equal(view.command, "dagsterSnapsize.measureNow");
});

test("a server that stays away says so", () => {
  const message = "It ended five times.";
  const view = statusView({ name: "stopped", message }, undefined);
  assert.ok(view);
  assert.equal(view.text, "$(debug-disconnect) Dagster stopped");
  assert.match(view.tooltip, /five times.*showLogs/s);
  assert.match(statusView({ name: "no-python", message }, undefined)?.text ?? "", /needs Python/);
});

test("the fullest snapshots come first, and there are not too many", () => {
  const many = Array.from({ length: 30 }, (_, n) => snapshot({ name: `job ${n}`, used_bytes: n }));
  const rows = shown({}, many)
    .tooltip.split("\n")
    .filter((line) => line.startsWith("| repository"));
  assert.equal(rows.length, 12);
  assert.match(rows[0] ?? "", /job 29/);
  assert.match(shown({}, many).tooltip, /and 18 more/);
});

test("links of the tooltip are among the commands that it may run", () => {
  const states: ServerState[] = [
    { name: "starting" },
    { name: "stopped", message: "" },
    { name: "no-python", message: "" },
  ];
  const phases: Phase[] = ["idle", "measuring", "failed", "no-interpreter"];
  const views = [
    ...states.map((state) => statusView(state, undefined)),
    ...phases.map((phase) => shown({ phase })),
  ];
  const links = views.flatMap((view) => [
    ...(view?.tooltip ?? "").matchAll(/\(command:([^)]+)\)/g),
  ]);
  assert.ok(links.length > 8);
  for (const [, command] of links) assert.ok(TOOLTIP_COMMANDS.includes(command ?? ""), command);
});

test("every state has a key for when clauses", () => {
  assert.equal(stateOf({ name: "off" }, undefined), "no-project");
  assert.equal(stateOf({ name: "waiting", message: "" }, undefined), "starting");
  assert.equal(stateOf(running, undefined), "no-project");
  assert.equal(stateOf(running, project()), "measured");
  assert.equal(stateOf(running, project({ level: "none" }, [])), "not-measured");
  assert.equal(stateOf(running, project({ phase: "no-interpreter" })), "no-interpreter");
});
