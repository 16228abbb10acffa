// The nodes of the tree as they look, without an editor.

import { basename } from "node:path";
import type { Project } from "../measurements/store.ts";
import type { AssetRow, LocationMeasurement, Place, Snapshot } from "../protocol.ts";
import {
  budgetShare,
  counted,
  flat,
  formatBoth,
  formatExact,
  grouped,
  formatPercent,
  formatSize,
} from "../../shared/format.ts";
import { hasSeveralRepositories, shortSnapshotName, snapshotName } from "../../shared/names.ts";
import { escapeMarkdown } from "../markdown.ts";
import { PAGE, shortPath, type AssetGroup, type Grouping } from "./assetLists.ts";
import { snapshotLevel } from "../measurements/level.ts";
import type { AssetHead } from "../measurements/rows.ts";

/** What a click does. */
export type Click =
  { does: "open"; place: Place } | { does: "show-problems" } | { does: "show-more" };

/** What a node stands for, with what its commands need. */
export type Subject =
  | { kind: "project"; folder: string }
  | { kind: "location"; folder: string; location: string }
  | { kind: "problem" }
  | { kind: "snapshots"; folder: string; location: string }
  | { kind: "snapshot"; folder: string; location: string; snapshot: string }
  | { kind: "assets"; folder: string; location: string }
  | { kind: "group"; folder: string; location: string; name: string | null }
  | { kind: "asset"; folder: string; location: string; asset: AssetHead }
  | { kind: "field" }
  | { kind: "more"; of: string }
  | { kind: "note" };

export interface TreeNode {
  id: string;
  parent: string | null;
  subject: Subject;
  label: string;
  description: string;
  /** Markdown; empty where there is none. An asset's is made when it is asked for. */
  tooltip: string;
  icon: { name: string; color?: string } | null;
  folding: "leaf" | "folded" | "unfolded";
  click: Click | null;
  /** What a screen reader says. */
  spoken: string;
}

const WITHIN = { name: "pass", color: "testing.iconPassed" };
const NEAR = { name: "warning", color: "list.warningForeground" };
const OVER = { name: "error", color: "list.errorForeground" };

type Parent = Pick<TreeNode, "id"> | null;

function identity(parent: Parent, kind: string, name: string) {
  const own = `${kind}:${encodeURIComponent(name)}`;
  return {
    id: parent === null ? own : `${parent.id}/${own}`,
    parent: parent === null ? null : parent.id,
  };
}

const plain = { description: "", tooltip: "", icon: null, folding: "leaf", click: null } as const;

export function projectNode(project: Project): TreeNode {
  const label = basename(project.folder) || project.folder;
  return {
    ...plain,
    ...identity(null, "project", project.folder),
    subject: { kind: "project", folder: project.folder },
    label,
    tooltip: escapeMarkdown(project.folder),
    icon: project.status.message === null ? { name: "root-folder" } : OVER,
    folding: "unfolded",
    spoken: `project ${label}`,
  };
}

export interface LocationSetting {
  unfolded: boolean;
  /** Whether its name alone does not say which project it is of. */
  withFolder: boolean;
}

export function locationNode(
  project: Project,
  location: LocationMeasurement,
  { unfolded, withFolder }: LocationSetting,
): TreeNode {
  const measured = location.snapshots.length > 0;
  const failed = location.error !== null || location.mistake !== null;
  // In a narrow view the end is cut off: the state comes first.
  const words = [
    ...(failed ? ["failed"] : measured ? [] : ["not measured yet"]),
    ...(location.stale && measured ? ["stale"] : []),
    ...(measured ? [fullest(location.snapshots)] : []),
    ...(withFolder ? [basename(project.folder)] : []),
  ];
  const python = location.python === null ? "" : `\n\nPython: ${escapeMarkdown(location.python)}`;
  const dagster =
    location.dagsterVersion === null
      ? ""
      : `\n\nDagster ${escapeMarkdown(location.dagsterVersion)}`;
  const size = measured ? `\n\n${formatBoth(location.totalBytes)} in all snapshots` : "";
  const stale = location.stale && measured ? "\n\n_Sizes from before the last edit_" : "";
  return {
    ...plain,
    ...identity({ id: encodeURIComponent(project.folder) }, "location", location.name),
    parent: null,
    subject: { kind: "location", folder: project.folder, location: location.name },
    label: flat(location.name),
    description: words.join(" · "),
    tooltip: `**${escapeMarkdown(flat(location.name))}**${size}${stale}${dagster}${python}`,
    icon: failed ? OVER : { name: "package" },
    folding: measured || failed ? (unfolded ? "unfolded" : "folded") : "leaf",
    spoken: `code location ${flat(location.name)}, ${words.join(", ")}`,
  };
}

/** `87 %`: how much of its budget the snapshot uses that is nearest to it. */
function fullest(snapshots: readonly Snapshot[]): string {
  const [first] = [...snapshots].sort((a, b) => share(b) - share(a));
  return first ? formatPercent(first.used_bytes, first.budget_bytes) : "";
}

/** How much of its budget a snapshot uses. */
export function share({ used_bytes, budget_bytes }: Snapshot): number {
  return budgetShare(used_bytes, budget_bytes);
}

/** What is wrong with a location or a project. */
export function problemNode(parent: Parent, message: string, place: Place | null): TreeNode {
  const first = flat(message.split("\n", 1)[0] ?? "");
  const last = place === null ? "" : basename(place.path);
  const where = place === null ? "" : `${last}:${place.line}`;
  return {
    ...plain,
    ...identity(parent, "problem", ""),
    subject: { kind: "problem" },
    label: first,
    description: where,
    tooltip: escapeMarkdown(message).replaceAll("\n", "\n\n"),
    icon: OVER,
    click: place === null ? { does: "show-problems" } : { does: "open", place },
    spoken: `error: ${first}${where && `, at ${where}`}`,
  };
}

export function snapshotsNode(
  parent: TreeNode,
  folder: string,
  location: LocationMeasurement,
): TreeNode {
  const over = location.snapshots.filter((s) => snapshotLevel(location, s) === "over").length;
  const description = `${location.snapshots.length}${over > 0 ? ` · ${over} over budget` : ""}`;
  return {
    ...plain,
    ...identity(parent, "snapshots", ""),
    subject: { kind: "snapshots", folder, location: location.name },
    label: "Snapshots",
    description,
    folding: "unfolded",
    spoken: `${counted(location.snapshots.length, "snapshot")}${over > 0 ? `, ${over} over budget` : ""}`,
  };
}

export function snapshotNode(
  parent: TreeNode,
  folder: string,
  location: LocationMeasurement,
  snapshot: Snapshot,
): TreeNode {
  const { used_bytes: used, budget_bytes: budget } = snapshot;
  const several = hasSeveralRepositories(location.snapshots);
  const name = snapshotName(snapshot, several);
  const level = snapshotLevel(location, snapshot);
  const percent = formatPercent(used, budget);
  const of = `${formatSize(used)} of ${formatSize(budget)}`;
  const said = { within: "", near: ", near its budget", over: ", over its budget" }[level];
  return {
    ...plain,
    ...identity(parent, "snapshot", snapshot.id),
    subject: { kind: "snapshot", folder, location: location.name, snapshot: snapshot.id },
    label: shortSnapshotName(snapshot, several),
    description: `${percent} of ${formatSize(budget)}`,
    tooltip: [
      `**${escapeMarkdown(name)}**`,
      table([
        ["stored", formatExact(snapshot.stored_bytes)],
        ["on the wire", formatExact(snapshot.wire_bytes)],
        ["budget", formatExact(budget)],
        ["used", percent],
      ]),
      `Budget: ${escapeMarkdown(snapshot.budget_name)}, ${escapeMarkdown(snapshot.budget_source)}`,
    ].join("\n\n"),
    icon: { within: WITHIN, near: NEAR, over: OVER }[level],
    click:
      location.definitionsLocation === null
        ? null
        : { does: "open", place: location.definitionsLocation },
    spoken: `${name}, ${of}, ${percent}${said}`,
  };
}

const SORTED_BY: Record<Grouping, string> = { size: "", group: "by group", file: "by file" };

export function assetsNode(
  parent: TreeNode,
  folder: string,
  location: LocationMeasurement,
  grouping: Grouping,
  filter: string,
): TreeNode {
  const words = [counted(location.assets, "asset"), SORTED_BY[grouping]].filter(Boolean);
  return {
    ...plain,
    ...identity(parent, "assets", ""),
    subject: { kind: "assets", folder, location: location.name },
    label: "Assets",
    description: [grouped(location.assets), SORTED_BY[grouping], filter && "filtered"]
      .filter(Boolean)
      .join(" · "),
    folding: location.assets > 0 ? "unfolded" : "leaf",
    spoken: [...words, ...(filter ? ["filtered"] : [])].join(", "),
  };
}

export interface GroupSetting {
  folder: string;
  location: LocationMeasurement;
  grouping: Grouping;
  /** With a filter, groups are unfolded: what was looked for is to be seen. */
  filtered: boolean;
  /** Of the files of all groups: the folder is told of those that are not alone with theirs. */
  names: readonly string[];
}

export function groupNode(
  parent: TreeNode,
  group: AssetGroup,
  { folder, location, grouping, filtered, names }: GroupSetting,
): TreeNode {
  const file = grouping === "file";
  const name = group.name === null ? (file ? "no known source" : "no group") : flat(group.name);
  const size = `${formatSize(group.bytes)}, ${counted(group.assets.length, "asset")}`;
  const { label, rest } = file ? ending(name) : { label: name, rest: "" };
  const isAlone = names.indexOf(label) === names.lastIndexOf(label);
  // Another id with a filter: folding is remembered for each.
  const kind = `${grouping}${group.name === null ? "-none" : ""}${filtered ? "-filtered" : ""}`;
  return {
    ...plain,
    ...identity(parent, kind, group.name ?? ""),
    subject: { kind: "group", folder, location: location.name, name: group.name },
    label,
    description: [size, isAlone ? "" : rest].filter(Boolean).join("  "),
    tooltip: `**${escapeMarkdown(name)}**\n\n${formatBoth(group.bytes)}, ${formatPercent(group.bytes, location.totalBytes)} of all`,
    icon: { name: file ? "file-code" : "symbol-namespace" },
    folding: filtered ? "unfolded" : "folded",
    spoken: `${file ? "file" : "group"} ${name}, ${size}`,
  };
}

export function assetNode(
  parent: TreeNode,
  folder: string,
  location: LocationMeasurement,
  asset: AssetHead,
): TreeNode {
  const key = flat(asset.key);
  const { label, rest } = ending(key);
  const size = formatSize(asset.total_bytes);
  const percent = formatPercent(asset.total_bytes, location.totalBytes);
  const findings = location.findings.filter(
    (finding) =>
      finding.asset === asset.key &&
      finding.rule === "asset-over-budget" &&
      (finding.snapshot === null || isOf(location, finding.snapshot, asset)),
  );
  const worst = findings.some((finding) => finding.severity === "error") ? OVER : NEAR;
  const several = hasSeveralRepositories(location.snapshots);
  return {
    ...plain,
    ...identity(parent, "asset", several ? `${asset.repository}\n${asset.key}` : asset.key),
    subject: { kind: "asset", folder, location: location.name, asset },
    label,
    description: [size, rest].filter(Boolean).join("  "),
    icon: findings.length > 0 ? worst : { name: "symbol-field" },
    folding: "folded",
    click: asset.location === null ? null : { does: "open", place: asset.location },
    spoken: `asset ${key}, ${size}, ${percent} of all${findings.length > 0 ? ", over its budget" : ""}`,
  };
}

/**
 * The last part of a key or a path, and what is before it: in a narrow view the beginning of a label
 * is all that is to be seen, and the size stands behind the label.
 */
function ending(path: string): { label: string; rest: string } {
  const end = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1;
  if (end === path.length) return { label: path, rest: "" };
  return { label: path.slice(end), rest: path.slice(0, Math.max(0, end - 1)) };
}

function isOf(location: LocationMeasurement, snapshot: string, asset: AssetHead): boolean {
  return location.snapshots.some((s) => s.id === snapshot && s.repository === asset.repository);
}

/** An asset's tooltip: what it takes of each snapshot. */
export function assetTooltip(location: LocationMeasurement, row: AssetRow): string {
  const extra = [
    row.shared_bytes > 0 ? `${formatExact(row.shared_bytes)} of it shared with others` : "",
    row.dangling_bytes > 0 ? `${formatExact(row.dangling_bytes)} more in its dependents` : "",
    row.check_bytes > 0 ? `${formatExact(row.check_bytes)} more in its checks` : "",
  ].filter(Boolean);
  const place =
    row.location === null
      ? "its source is not known"
      : `${escapeMarkdown(shortPath(row.location.path, location.root))}:${row.location.line}`;
  return [
    `**${escapeMarkdown(flat(row.key))}** ${formatBoth(row.total_bytes)},` +
      ` ${formatPercent(row.total_bytes, location.totalBytes)} of all snapshots`,
    table(bySnapshot(location, row.by_snapshot)),
    ...extra,
    ...(row.group === null ? [] : [`group ${escapeMarkdown(flat(row.group))}`]),
    place,
  ].join("\n\n");
}

/** An asset's fields, heaviest first. */
export function fieldNodes(
  parent: TreeNode,
  location: LocationMeasurement,
  row: AssetRow,
): TreeNode[] {
  const fields = Object.entries(row.fields).sort(([, a], [, b]) => b - a);
  return fields.map(([field, bytes]) => {
    const name = flat(field);
    // The kind of metadata is what tells them apart.
    const label = name.replace(/^metadata: (?=.)/, "");
    const size = formatSize(bytes);
    const percent = formatPercent(bytes, row.total_bytes);
    const shares: Record<string, number> = {};
    let shared = 0;
    for (const cell of row.cells) {
      if (cell.field !== field) continue;
      shares[cell.snapshot] = (shares[cell.snapshot] ?? 0) + cell.exclusive + cell.shared;
      shared += cell.shared;
    }
    return {
      ...plain,
      ...identity(parent, "field", field),
      subject: { kind: "field" },
      label,
      description: size,
      tooltip: [
        `**${escapeMarkdown(name)}** ${formatBoth(bytes)}, ${percent} of the asset`,
        table(bySnapshot(location, shares)),
        ...(shared > 0 ? [`${formatExact(shared)} of it shared with others`] : []),
      ].join("\n\n"),
      click: row.location === null ? null : { does: "open", place: row.location },
      spoken: `${name}, ${size}, ${percent} of the asset`,
    };
  });
}

/** Stands for those that a list does not show yet. */
export function moreNode(parent: TreeNode, shown: number, all: number): TreeNode {
  const next = Math.min(PAGE, all - shown);
  const label = `Show ${grouped(next)} more`;
  const description = `${grouped(shown)} of ${grouped(all)}`;
  return {
    ...plain,
    ...identity(parent, "more", ""),
    subject: { kind: "more", of: parent.id },
    label,
    description,
    icon: { name: "ellipsis" },
    click: { does: "show-more" },
    spoken: `${label}, ${description} are shown`,
  };
}

/** A line that says why there is nothing else. */
export function noteNode(parent: TreeNode, text: string): TreeNode {
  return {
    ...plain,
    ...identity(parent, "note", ""),
    subject: { kind: "note" },
    label: flat(text),
    spoken: flat(text),
    icon: { name: "info" },
  };
}

function bySnapshot(
  location: LocationMeasurement,
  shares: Readonly<Record<string, number>>,
): [string, string][] {
  const several = hasSeveralRepositories(location.snapshots);
  const words = new Map(location.snapshots.map((s) => [s.id, snapshotName(s, several)]));
  return Object.entries(shares)
    .sort(([, a], [, b]) => b - a)
    .map(([id, bytes]) => [words.get(id) ?? id, formatExact(bytes)]);
}

function table(rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(
    ([name, value]) => `| ${escapeMarkdown(name)} | ${escapeMarkdown(value)} |`,
  );
  return ["| | |", "| :-- | --: |", ...lines].join("\n");
}
