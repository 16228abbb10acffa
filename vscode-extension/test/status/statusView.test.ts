import assert from "node:assert/strict";
import { test } from "node:test";
import type { Phase } from "../../src/protocol.ts";
import {
  overBudgetText,
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

function switchedOff(...given: Parameters<typeof project>): StatusView {
  const view = statusView(running, project(...given), false);
  assert.ok(view);
  return view;
}

test("nothing is shown where there is no project", () => {
  assert.equal(statusView({ name: "off" }, undefined), undefined);
  assert.equal(statusView(running, undefined), undefined);
});

const NEAR = { location: "shop", snapshot: "shop/__repository__/repository" };
const nearest = (percent: number) => ({
  nearest: { ...NEAR, usedBytes: percent * 100_000, budgetBytes: 10_000_000 },
});

for (const [level, icon, background, said] of [
  ["within", "pass", undefined, "within budget"],
  ["near", "warning", "warning", "near its budget"],
  ["over", "error", "error", "over its budget"],
] as const) {
  test(`the share of the snapshot nearest to its budget, which is ${level}`, () => {
    const view = shown({ level, ...nearest(90) });
    assert.equal(view.text, `$(${icon}) Snapsize 90 %`);
    assert.equal(view.background, background);
    assert.equal(view.label, `Snapsize, 90 %, ${said}`);
    const row = view.tooltip.split("\n").find((line) => line.startsWith("| repository"));
    assert.equal(row?.replaceAll(" &nbsp;&nbsp;", " "), "| repository | 90 % | 9 MB | 10 MB |");
    assert.match(view.tooltip, /10\.3 MB stored in 1 snapshot\./);
  });
}

test("what is a little below the budget is not all of it", () => {
  assert.equal(shown(nearest(99.97)).text, "$(pass) Snapsize <100 %");
  assert.equal(shown({ level: "over", ...nearest(100.01) }).text, "$(error) Snapsize >100 %");
});

test("measuring for the first time, and again", () => {
  const first = shown({ phase: "measuring", level: "none" }, []);
  assert.equal(first.text, "$(loading~spin) Snapsize measuring");
  assert.equal(first.label, "Snapsize, measuring");
  const again = shown({
    phase: "measuring",
    text: "job nightly",
    done: 2,
    of: 7,
    ...nearest(90),
  });
  assert.equal(again.text, "$(loading~spin) Snapsize 90 %");
  assert.equal(again.label, "Snapsize, 90 %, measuring again");
  assert.match(again.tooltip, /job nightly \(2 of 7\)/);
  assert.match(again.tooltip, /\[Cancel\]\(command:dagsterSnapsize\.cancelMeasuring\)/);
});

test("stale, switched off, failed and unmeasured each look and sound like nothing else", () => {
  const sizes = nearest(90);
  const views = [
    shown(sizes),
    shown({ stale: true, ...sizes }),
    switchedOff(sizes),
    shown({ phase: "failed", ...sizes }),
    shown({ phase: "no-interpreter", ...sizes }),
    shown({ level: "none" }, []),
    shown({ phase: "measuring", ...sizes }),
    shown({ level: "near", ...sizes }),
    shown({ level: "over", ...sizes }),
  ];
  const icons = views.map((view) => /\$\((.*)\)/.exec(view.text)?.[1]);
  assert.equal(new Set(icons).size, views.length, icons.join(" "));
  assert.equal(new Set(views.map((view) => view.label)).size, views.length);
  const words = views.slice(1, 6).map((view) => view.text.replace(/.*Snapsize/, "").trim());
  assert.deepEqual(words, ["90 % (stale)", "off", "failed", "no interpreter", "not measured"]);
});

test("a folder that is switched off is not within its budget", () => {
  const view = switchedOff({ level: "over", ...nearest(120) });
  assert.equal(view.text, "$(circle-slash) Snapsize off");
  assert.equal(view.background, undefined);
  assert.doesNotMatch(view.tooltip, /budget/);
});

test("a failure says why, in words that are no Markdown", () => {
  const view = shown({ phase: "failed", message: "No module named '_core'\n[x](command:y)" }, []);
  assert.equal(view.text, "$(bracket-error) Snapsize failed");
  assert.equal(view.background, "error");
  assert.ok(view.tooltip.includes("No module named '&#95;core'"));
  assert.ok(!view.tooltip.includes("[x](command:y)"));
});

test("a server that stays away says so", () => {
  const message = "It ended five times.";
  const view = statusView({ name: "stopped", message }, undefined);
  assert.ok(view);
  assert.equal(view.text, "$(debug-disconnect) Snapsize stopped");
  assert.match(view.tooltip, /five times.*showLogs/s);
  assert.match(statusView({ name: "no-python", message }, undefined)?.text ?? "", /needs Python/);
});

test("the fullest snapshots come first, and there are not too many", () => {
  const many = Array.from({ length: 30 }, (_, n) =>
    snapshot({ kind: "job", name: `nightly${n}`, used_bytes: n }),
  );
  const rows = shown({}, many)
    .tooltip.split("\n")
    .filter((line) => line.startsWith("| nightly"));
  assert.equal(rows.length, 12);
  assert.match(rows[0] ?? "", /nightly29 job/);
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

test("the warning begins with the number, and names what is heavy", () => {
  const heaviest = [{ key: "orders", bytes: 8_000_000 }];
  const over = snapshot({ used_bytes: 14_000_000, heaviest });
  const text = "Repository snapshot is 14 MB, 140 % of its 10 MB budget. Heaviest: orders 8 MB.";
  assert.equal(overBudgetText(over), text);
});
