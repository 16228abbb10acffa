"""Growth that blocks, compared with a git revision: how much of it is in the change itself.

A baseline that others did not update holds their growth too, and blames the commit that comes last.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from attrs import evolve

from dagster_snapsize.cli.diff import Side, SideMeasurer, ended_by_signals
from dagster_snapsize.cli.run import LateBar, LocationReport, Report, Selection, judged
from dagster_snapsize.core.baseline import Baseline, baseline_of, with_local_paths
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.model import GrowthAgainst
from dagster_snapsize.measuring.revision.refs import (
    Repository,
    Revision,
    default_branch,
    find_repository,
    find_revision,
    is_clean,
    merge_base,
)
from dagster_snapsize.measuring.revision.worktree import sweep


def with_revisions(report: Report, selection: Selection) -> Report:
    """The report with growth that blocks judged as ``growth-against`` says.

    Where it is judged against the baseline, messages say how much is in the change since HEAD; in a
    clean work tree nothing is measured. A revision that cannot be measured is a note.
    """
    grown = [one for one in report.locations if one.growth_blocks]
    if not grown:
        return report
    try:
        repository = find_repository(Path.cwd())
        sweep(repository)
        with ended_by_signals(), ExitStack() as stack:
            sides = SideMeasurer(
                repository, selection, stack, LateBar(stack), current=report.locations
            )
            by_mode: dict[GrowthAgainst, Side | None] = {}
            found = {}
            for one in grown:
                mode = one.budgets.growth_against
                if mode not in by_mode:
                    revision = _revision(repository, mode)
                    by_mode[mode] = sides.at(revision, None) if revision else None
                if side := by_mode[mode]:
                    several = len(report.locations) > 1
                    found[one.measurement.name] = _judged_since(one, mode, side, several)
    except UserError as error:
        return evolve(report, notes=(*report.notes, _unknown(str(error))))
    locations = tuple(found.get(one.measurement.name, one) for one in report.locations)
    missing = [name for name, one in found.items() if one in report.locations]
    notes = [_unknown(f"{name} could not be measured there") for name in missing]
    return Report(locations, (*report.notes, *notes))


def _revision(repository: Repository, mode: GrowthAgainst) -> Revision | None:
    head = find_revision(repository, "HEAD")
    if mode == "merge-base":
        return merge_base(repository, default_branch(repository), head)
    return None if mode == "baseline" and is_clean(repository) else head


def _judged_since(
    one: LocationReport, mode: GrowthAgainst, side: Side, several: bool
) -> LocationReport:
    """The location judged with its sizes at the revision; as it was where there are none."""
    measurement = one.measurement
    then = next((x for x in side.locations if x.measurement.name == measurement.name), None)
    if then is None or then.measurement.failure or one.baseline is None:
        return one
    sizes: Baseline = with_local_paths(baseline_of(then.measurement), measurement)
    sizes = evolve(sizes, revision=side.label, place=one.baseline.place)
    baseline = one.baseline
    is_judge = mode != "baseline"
    baseline = evolve(baseline, against=sizes) if is_judge else evolve(baseline, head=sizes)
    return judged(one, baseline, several)


def _unknown(why: str) -> str:
    return f"how much of the growth is in this change is not known: {why}"
