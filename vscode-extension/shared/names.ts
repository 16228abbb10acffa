/** What a snapshot is called wherever it is shown. */

import { flat } from "./format.ts";

interface Named {
  readonly kind: "repository" | "job";
  readonly name: string;
  readonly repository: string;
}

/** `repository` or `nightly job`, and of which repository where the location has several. */
export function snapshotName(snapshot: Named, hasSeveral: boolean): string {
  const own = shortSnapshotName(snapshot, hasSeveral);
  if (snapshot.kind === "repository") return own;
  return hasSeveral ? own : `${own} job`;
}

/** The same without the kind where only jobs stand beside each other. */
export function shortSnapshotName({ kind, name, repository }: Named, hasSeveral: boolean): string {
  if (kind === "repository") return hasSeveral ? `${flat(repository)} repository` : "repository";
  return hasSeveral ? `${flat(name)} job of ${flat(repository)}` : flat(name);
}

/** Whether a location's snapshots are of several repositories. */
export function hasSeveralRepositories(snapshots: readonly Named[]): boolean {
  return new Set(snapshots.map(({ repository }) => repository)).size > 1;
}
