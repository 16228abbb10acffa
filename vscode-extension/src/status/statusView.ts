// The text, icon and tooltip of the status bar item in every state.

import { basename } from "node:path";
import { counted, formatPercent, formatSize } from "../../shared/format.ts";
import { hasSeveralRepositories, snapshotName } from "../../shared/names.ts";
import { escapeMarkdown } from "../markdown.ts";
import type { Project } from "../measurements/store.ts";
import type { Level, Snapshot } from "../protocol.ts";

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
  /** For screen readers, which would spell the icon out. */
  label: string;
}

/** What a click does, in every state. */
export const CLICK = "dagsterSnapsize.openReport";

const LINKS = {
  Report: CLICK,
  Measure: "dagsterSnapsize.measureNow",
  Cancel: "dagsterSnapsize.cancelMeasuring",
  Limits: "dagsterSnapsize.openLimits",
  Problems: "workbench.actions.view.problems",
  "Select Interpreter": "dagsterSnapsize.selectInterpreter",
  "Open the Setting": "dagsterSnapsize.openEnableSetting",
  "Restart Server": "dagsterSnapsize.restartServer",
  Logs: "dagsterSnapsize.showLogs",
} as const;

type Link = keyof typeof LINKS;

/** Commands that links of the tooltip may run. */
export const TOOLTIP_COMMANDS: readonly string[] = Object.values(LINKS);

/** The item for a project; undefined where there is nothing to show. */
export function statusView(
  server: ServerState,
  project: Project | undefined,
  isEnabled = true,
): StatusView | undefined {
  switch (server.name) {
    case "off":
      return undefined;
    case "starting":
      return view({
        icon: "loading~spin",
        said: "the language server is starting",
        tooltip: "The language server is starting.",
        links: ["Logs"],
      });
    case "waiting":
      return view({
        icon: "loading~spin",
        said: "the language server restarts",
        tooltip: escape(server.message),
        links: ["Logs"],
      });
    case "stopped":
      return view({
        icon: "debug-disconnect",
        words: "stopped",
        said: "the language server stopped",
        tooltip: escape(server.message),
        links: ["Restart Server", "Logs"],
        background: "error",
      });
    case "no-python":
      return view({
        icon: "question",
        words: "needs Python",
        said: "the language server needs Python",
        tooltip: escape(server.message),
        links: ["Restart Server", "Logs"],
        background: "warning",
      });
    case "running":
      return project && (isEnabled ? projectView(project) : offView(project));
  }
}

function offView(project: Project): StatusView {
  return view({
    icon: "circle-slash",
    words: "off",
    said: "off, measuring is turned off for this folder",
    tooltip: `${heading(project)}\n\nMeasuring is turned off for this folder.`,
    links: ["Open the Setting"],
  });
}

function projectView(project: Project): StatusView {
  const { status } = project;
  switch (status.phase) {
    case "measuring": {
      const share = shareOf(project);
      return view({
        icon: "loading~spin",
        words: share || "measuring",
        said: share && `${share}, measuring again`,
        tooltip: [heading(project), step(project), ...before(project)].join("\n\n"),
        links: ["Cancel", "Report", "Logs"],
        background: BACKGROUNDS[status.level],
      });
    }
    case "failed":
      return view({
        icon: "bracket-error",
        words: "failed",
        said: "failed, the code could not be measured",
        tooltip: [
          heading(project),
          escape(status.message ?? "The definitions could not be loaded."),
          ...before(project),
        ].join("\n\n"),
        links: ["Problems", "Report", "Measure", "Logs"],
        background: "error",
      });
    case "no-interpreter":
      return view({
        icon: "question",
        words: "no interpreter",
        said: "no interpreter, the project's Python was not found or has no Dagster",
        tooltip: [
          heading(project),
          escape(status.message ?? "No Python with Dagster was found."),
          ...before(project),
        ].join("\n\n"),
        links: ["Select Interpreter", "Report", "Logs"],
        background: "warning",
      });
    case "no-location":
    case "idle":
      return status.level === "none"
        ? view({
            icon: "circle-outline",
            words: "not measured",
            said: "not measured yet",
            tooltip: `${heading(project)}\n\nNot measured yet.`,
            links: ["Measure", "Report", "Logs"],
          })
        : measured(project);
  }
}

const ICONS: Readonly<Record<Level, string>> = {
  none: "circle-outline",
  within: "pass",
  near: "warning",
  over: "error",
};
const BACKGROUNDS: Readonly<Record<Level, StatusView["background"]>> = {
  none: undefined,
  within: undefined,
  near: "warning",
  over: "error",
};
const SAID: Readonly<Record<Level, string>> = {
  none: "",
  within: "within budget",
  near: "near its budget",
  over: "over its budget",
};

function measured(project: Project): StatusView {
  const { level, stale } = project.status;
  const share = shareOf(project);
  const old = "The sizes are older than the code.";
  return view({
    icon: stale ? "history" : ICONS[level],
    words: stale ? `${share} (stale)` : share,
    said: `${share}, ${SAID[level]}${stale ? ", stale: the sizes are older than the code" : ""}`,
    tooltip: [heading(project), nearest(project), ...(stale ? [old] : []), ...sizes(project)].join(
      "\n\n",
    ),
    links: ["Report", "Measure", "Limits", ...problems(project), "Logs"],
    background: BACKGROUNDS[level],
  });
}

/** `87 %`: how much of its budget the snapshot uses that is nearest to it. */
function shareOf({ status: { nearest } }: Project): string {
  return nearest ? formatPercent(nearest.usedBytes, nearest.budgetBytes) : "";
}

/** `**Near its budget**: repository, 95.5 kB of 110 kB`. */
function nearest({ status, locations }: Project): string {
  const words = SAID[status.level];
  const said = `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
  const marked = status.level === "within" ? said : `**${said}**`;
  const found = status.nearest;
  if (!found) return `${marked}.`;
  const of = `${formatSize(found.usedBytes)} of ${formatSize(found.budgetBytes)}`;
  const snapshot = locations
    .flatMap((location) => location.snapshots)
    .find(({ id }) => id === found.snapshot);
  const name = snapshot ? `${escape(snapshotName(snapshot, several(locations)))}, ` : "";
  return `${marked}: ${name}${of}.`;
}

function step(project: Project): string {
  const { text, done, of } = project.status;
  const count = of > 0 ? ` (${done} of ${of})` : "";
  return text ? `Measuring: ${escape(text)}${count}` : `Measuring${count}`;
}

/** The sizes from before, where there are any. */
function before(project: Project): string[] {
  const rows = sizes(project);
  return rows.length === 0 ? [] : ["Last measured sizes:", ...rows];
}

function problems({ locations }: Project): Link[] {
  const isOne = (severity: string) => severity !== "information";
  const found = locations.some(({ findings }) => findings.some((x) => isOne(x.severity)));
  return found ? ["Problems"] : [];
}

function heading({ folder, status }: Project): string {
  const names = status.locations.map(escape).join(", ");
  return `**${escape(basename(folder))}**${names === "" ? "" : `: ${names}`}`;
}

const MOST_ROWS = 12;
/** Cells of a hover have no space between them. */
const GAP = " &nbsp;&nbsp;";

/** A table of the snapshots, the fullest first, and their sum. */
function sizes({ locations, status }: Project): string[] {
  const snapshots = locations.flatMap((location) => location.snapshots).sort(byShare);
  if (snapshots.length === 0) return [];
  const rows = snapshots
    .slice(0, MOST_ROWS)
    .map(
      (x) =>
        `| ${escape(snapshotName(x, several(locations)))} |${GAP}${formatPercent(x.used_bytes, x.budget_bytes)} ` +
        `|${GAP}${formatSize(x.used_bytes)} |${GAP}${formatSize(x.budget_bytes)} |`,
    );
  const more = snapshots.length - rows.length;
  if (more > 0) rows.push(`| and ${more} more | | | |`);
  const head = [
    `| snapshot |${GAP}used |${GAP}size |${GAP}budget |`,
    "| :--- | ---: | ---: | ---: |",
  ];
  const all = `${formatSize(status.totalBytes)} stored in ${counted(snapshots.length, "snapshot")}.`;
  return [[...head, ...rows].join("\n"), all];
}

function several(locations: Project["locations"]): boolean {
  return locations.some(({ snapshots }) => hasSeveralRepositories(snapshots));
}

function byShare(a: Snapshot, b: Snapshot): number {
  return b.used_bytes / b.budget_bytes - a.used_bytes / a.budget_bytes;
}

interface Look {
  icon: string;
  /** After our name; nothing where the icon says it all. */
  words?: string;
  /** The same for screen readers, with what the icon and the colour say; the words without it. */
  said?: string;
  tooltip: string;
  links: readonly Link[];
  background?: StatusView["background"];
}

function view({ icon, words = "", said = "", tooltip, links, background }: Look): StatusView {
  const shown = links.map((title) => `[${title}](command:${LINKS[title]})`);
  return {
    text: ["$(" + icon + ")", "Snapsize", words].filter(Boolean).join(" "),
    tooltip: `${tooltip}\n\n---\n\n${shown.join(" · ")}`,
    background,
    label: ["Snapsize", said || words].filter(Boolean).join(", "),
  };
}

/** Names and messages come from user code: none of it is Markdown. */
function escape(text: string): string {
  return text.split(/\r?\n/).map(escapeMarkdown).join("  \n");
}

/** The warning for a snapshot that went over its budget. */
export function overBudgetText(snapshot: Snapshot): string {
  const { kind, name, used_bytes: used, budget_bytes: budget, heaviest } = snapshot;
  const title = kind === "job" ? `Job ${name}` : "Repository";
  const [first] = heaviest;
  const most = first ? ` Heaviest: ${first.key} ${formatSize(first.bytes)}.` : "";
  const share = formatPercent(used, budget);
  return `${title} snapshot is ${formatSize(used)}, ${share} of its ${formatSize(budget)} budget.${most}`;
}
