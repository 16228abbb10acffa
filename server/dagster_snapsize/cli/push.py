"""``check`` before a push: the commit that is pushed is judged, not the checkout."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from dagster_snapsize.cli.diff import SideMeasurer, ended_by_signals
from dagster_snapsize.cli.run import LateBar, Report, Selection, baselines_in, judged
from dagster_snapsize.core.baseline import with_local_paths
from dagster_snapsize.measuring.revision.checkout import errors_in
from dagster_snapsize.measuring.revision.refs import (
    Repository,
    Revision,
    find_repository,
    find_revision,
    has_tracked_changes,
)
from dagster_snapsize.measuring.revision.worktree import sweep


def check_pushed(selection: Selection, name: str) -> Report | None:
    """Measure and judge the commit that is pushed; None where the checkout is just that.

    ``name`` is as pre-commit has it: PRE_COMMIT_TO_REF, before a push and under ``--to-ref``, or
    PRE_COMMIT_LOCAL_BRANCH where the remote has no commit of it.

    Raises:
        UserError: There is no such commit.
        NotMeasured: It has no location to measure, or its configuration or baseline is wrong.
    """
    repository = find_repository(Path.cwd())
    revision = find_revision(repository, name)
    if _is_checked_out(repository, revision):
        return None
    sweep(repository)
    reports = []
    with ended_by_signals(), ExitStack() as stack:
        side = SideMeasurer(repository, selection, stack, LateBar(stack)).at(revision, None)
        for one in side.locations:
            location = one.code_location
            assert side.tree is not None
            with errors_in(side.tree):
                baselines = baselines_in(location.root, side.tree.folder)
            baseline = baselines.get(location.stable_name)
            baseline = with_local_paths(baseline, one.measurement) if baseline else None
            reports.append(judged(one, baseline, several=len(side.locations) > 1))
    return Report(tuple(reports), (f"{revision} is what is pushed, and was measured", *side.notes))


def _is_checked_out(repository: Repository, revision: Revision) -> bool:
    head = find_revision(repository, "HEAD")
    return head.commit == revision.commit and not has_tracked_changes(repository)
