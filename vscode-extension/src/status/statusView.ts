// The text, icon and tooltip of the status bar item in every state.

import { basename } from "node:path";
import { formatPercent, formatSize, formatBoth } from "../../shared/format.ts";
import { escapeMarkdown } from "../markdown.ts";
import type { Project } from "../measurements/store.ts";
import type { Snapshot } from "../protocol.ts";

/** State of the server process. */
export type ServerState =
  | { name: "off" }
  | { name: "starting" }
  | { name: "running" }
  /** It ended by itself and is started again after a while. */
  | { name: "waiting"; message: string }
  /** It cannot be started, or ended by itself too often. */
  | { name: "stopped"; message: string }
  | { name: "no-python"; message: string };

/** The context key `dagsterSnapsize.state`, for `when` clauses of views and menus. */
export type StateKey =
  | "no-project"
  | "no-python"
  | "starting"
  | "stopped"
  | "measuring"
  | "failed"
  | "no-interpreter"
  | "not-measured"
  | "measured";

/** The state as a whole, of the server and of a project. */
export function stateOf(server: ServerState, project: Project | undefined): StateKey {
  switch (server.name) {
    case "off":
      return "no-project";
    case "starting":
    case "waiting":
      return "starting";
    case "stopped":
    case "no-python":
      return server.name;
    case "running": {
      if (project === undefined) return "no-project";
      const { phase, level } = project.status;
      if (phase === "no-location") return "no-project";
      if (phase === "idle") return level === "none" ? "not-measured" : "measured";
      return phase;
    }
  }
}

export interface StatusView {
  text: string;
  /** Markdown; links run commands. */
  tooltip: string;
  background: "warning" | "error" | undefined;
  command: string;
  /** For screen readers, which would spell the icon out. */
  label: string;
}

const MEASURE = "dagsterSnapsize.measureNow";
const CANCEL = "dagsterSnapsize.cancelMeasuring";
const REPORT = "dagsterSnapsize.openReport";
const LIMITS = "dagsterSnapsize.openLimits";
const LOGS = "dagsterSnapsize.showLogs";
const INTERPRETER = "dagsterSnapsize.selectInterpreter";
const RESTART = "dagsterSnapsize.restartServer";
const PROBLEMS = "workbench.actions.view.problems";

/** Commands that links of the tooltip may run. */
export const TOOLTIP_COMMANDS: readonly string[] = [
  MEASURE,
  CANCEL,
  REPORT,
  LIMITS,
  LOGS,
  INTERPRETER,
  RESTART,
  PROBLEMS,
];

/** The item for a project; undefined where there is nothing to show. */
export function statusView(
  server: ServerState,
  project: Project | undefined,
): StatusView | undefined {
  switch (server.name) {
    case "off":
      return undefined;
    case "starting":
      return view("loading~spin", "", "The language server is starting.", LOGS, [
        link("Logs", LOGS),
      ]);
    case "waiting":
      return view("loading~spin", "", server.message, LOGS, [link("Logs", LOGS)]);
    case "stopped":
      return view(
        "debug-disconnect",
        "stopped",
        server.message,
        RESTART,
        [link("Restart", RESTART), link("Logs", LOGS)],
        "error",
      );
    case "no-python":
      return view(
        "question",
        "needs Python",
        server.message,
        RESTART,
        [link("Try again", RESTART), link("Logs", LOGS)],
        "warning",
      );
    case "running":
      return project === undefined ? undefined : projectView(project);
  }
}

function projectView(project: Project): StatusView {
  const { status } = project;
  const size = status.level === "none" ? "" : formatSize(status.totalBytes);
  switch (status.phase) {
    case "measuring":
      return view("loading~spin", size || "measuring", measuring(project), CANCEL, [
        link("Cancel", CANCEL),
        link("Logs", LOGS),
      ]);
    case "failed":
      return view(
        "error",
        "failed",
        `${heading(project)}\n\n${escape(status.message ?? "The definitions could not be loaded.")}` +
          before(project),
        PROBLEMS,
        [link("Problems", PROBLEMS), link("Measure Again", MEASURE), link("Logs", LOGS)],
        "error",
      );
    case "no-interpreter":
      return view(
        "question",
        "no interpreter",
        `${heading(project)}\n\n` + escape(status.message ?? "No Python with Dagster was found."),
        INTERPRETER,
        [link("Select Interpreter", INTERPRETER), link("Logs", LOGS)],
        "warning",
      );
    case "no-location":
    case "idle":
      return size === ""
        ? view("circle-outline", "", `${heading(project)}\n\nNot measured yet.`, MEASURE, [
            link("Measure Now", MEASURE),
          ])
        : measured(project, size);
  }
}

function measured(project: Project, size: string): StatusView {
  const { level } = project.status;
  const icon = { none: "pass", within: "pass", near: "warning", over: "error" }[level];
  const background = { none: undefined, within: undefined, near: "warning", over: "error" }[level];
  const tooltip = [heading(project), about(project), table(project)].filter(Boolean).join("\n\n");
  const links = [
    link("Report", REPORT),
    link("Measure", MEASURE),
    link("Limits", LIMITS),
    link("Logs", LOGS),
  ];
  return view(icon, size, tooltip, REPORT, links, background as StatusView["background"]);
}

function about({ status }: Project): string {
  const words = {
    none: "",
    within: "Within budget",
    near: "Near its budget",
    over: "**Over budget**",
  }[status.level];
  return status.stale ? `${words}. The sizes are older than the code.` : `${words}.`;
}

function measuring(project: Project): string {
  const { text, done, of } = project.status;
  const count = of > 0 ? ` (${done} of ${of})` : "";
  const what = text ? `${escape(text)}${count}` : `Measuring${count}`;
  return `${heading(project)}\n\n${what}. Click to cancel.${before(project)}`;
}

/** The sizes from before, which still hold while there are no new ones. */
function before(project: Project): string {
  const rows = table(project);
  return rows === "" ? "" : `\n\nBefore:\n\n${rows}`;
}

function heading({ folder, status }: Project): string {
  const names = status.locations.map(escape).join(", ");
  return `**${escape(basename(folder))}**${names === "" ? "" : `: ${names}`}`;
}

const MOST_ROWS = 12;
/** Cells of a hover have no space between them. */
const GAP = " &nbsp;&nbsp;";

function table({ locations }: Project): string {
  const snapshots = locations.flatMap((location) => location.snapshots).sort(byShare);
  if (snapshots.length === 0) return "";
  const rows = snapshots
    .slice(0, MOST_ROWS)
    .map(
      (x) =>
        `| ${escape(x.kind)} ${escape(x.name)} |${GAP}${formatSize(x.used_bytes)} ` +
        `|${GAP}${formatSize(x.budget_bytes)} ` +
        `|${GAP}${formatPercent(x.used_bytes, x.budget_bytes)} |`,
    );
  const more = snapshots.length - rows.length;
  if (more > 0) rows.push(`| and ${more} more | | | |`);
  return ["| snapshot | size | budget | used |", "| :--- | ---: | ---: | ---: |", ...rows].join(
    "\n",
  );
}

function byShare(a: Snapshot, b: Snapshot): number {
  return b.used_bytes / b.budget_bytes - a.used_bytes / a.budget_bytes;
}

function view(
  icon: string,
  words: string,
  tooltip: string,
  command: string,
  links: string[],
  background?: StatusView["background"],
): StatusView {
  const text = ["Dagster", words].filter(Boolean).join(" ");
  return {
    text: `$(${icon}) ${text}`,
    tooltip: `${tooltip}\n\n---\n\n${links.join(" · ")}`,
    background,
    command,
    label: text,
  };
}

function link(title: string, command: string): string {
  return `[${title}](command:${command})`;
}

/** Names and messages come from user code: none of it is Markdown. */
function escape(text: string): string {
  return text.split(/\r?\n/).map(escapeMarkdown).join("  \n");
}

/** The warning for a snapshot that went over its budget. */
export function overBudgetText({ kind, name, used_bytes, budget_bytes }: Snapshot): string {
  const title = kind === "job" ? "Job" : "Repository";
  const used = formatBoth(used_bytes);
  return `${title} snapshot ${name} is ${used}, over its budget of ${formatBoth(budget_bytes)}.`;
}
