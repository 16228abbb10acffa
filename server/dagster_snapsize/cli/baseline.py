"""``baseline``: record the current sizes, which growth limits are checked against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import click
from attrs import evolve, frozen

from dagster_snapsize.cli.reports.lines import print_findings, shown_path
from dagster_snapsize.cli.run import LocationReport, Report, Selection, measure_all
from dagster_snapsize.core import sizes
from dagster_snapsize.core.baseline import RENEW, Baseline, baseline_of, summary
from dagster_snapsize.core.growth import describe_growth, total_growth
from dagster_snapsize.project.baseline_file import (
    NAME,
    DamagedBaseline,
    read_baselines,
    write_baselines,
)

Status = Literal[0, 1, 3]


def take_baseline(selection: Selection, check: bool) -> tuple[Status, Callable[[], None]]:
    """Measure, and write one file for each project, or with ``check`` look whether it would change.

    The exit status, and what prints the rest. Where a location cannot be measured nothing is
    written. Raises UserError for an old file that cannot be used, unless it is merely damaged and
    all that it can hold was measured now.
    """
    report = measure_all(selection, with_baseline=False)
    if any(location.measurement.failure for location in report.locations):
        return 3, partial(print_findings, _failures(report))
    projects: dict[Path, list[LocationReport]] = {}
    for location in report.locations:
        projects.setdefault(location.code_location.root, []).append(location)
    # All are read before the first is written.
    plans = [_plan(root, found, selection, check) for root, found in projects.items()]
    said = [_checked(plan) if check else _written(plan) for plan in plans]
    lines = [*said, *(f"note: {note}" for note in report.notes)]
    is_stale = check and any(plan.old != plan.new for plan in plans)
    return (1 if is_stale else 0), partial(click.echo, "\n".join(lines))


@frozen
class _Plan:
    """What the file of a project says, None without one, and what it is to say.

    ``path_bytes`` are those of the project's own path in what was measured, which no file has;
    ``damage`` is why the old one could not be read.
    """

    root: Path
    old: Mapping[str, Baseline] | None
    new: Mapping[str, Baseline]
    path_bytes: int
    damage: str = ""

    @property
    def file(self) -> str:
        """The file as it is shown."""
        return shown_path(str(self.root / NAME))


def _plan(root: Path, found: Sequence[LocationReport], selection: Selection, check: bool) -> _Plan:
    now = {
        location.code_location.stable_name: baseline_of(location.measurement) for location in found
    }
    flags = selection.flags
    named = flags.workspace or flags.python_file or flags.module_name or flags.package_name
    path_bytes = sum(
        sum(fields.values())
        for location in found
        for snapshot in location.measurement.snapshots
        for fields in snapshot.paths.values()
    )
    try:
        old = read_baselines(root)
    except DamagedBaseline as damaged:
        if named or check:
            raise
        return _Plan(root, None, now, path_bytes, damaged.message)
    # Of locations that were named the others stay; else those that are not there any more go.
    return _Plan(root, old or None, {**old, **now} if named else now, path_bytes)


def _written(plan: _Plan) -> str:
    """Write the file, and say what is new in it."""
    if not write_baselines(plan.root, plan.new) or plan.old == plan.new:
        return f"{plan.file} is up to date"
    damage = f" The old one could not be read: {plan.damage}." if plan.damage else ""
    changed = f"\n{_changed(plan.old, plan.new)}" if plan.old is not None else ""
    return f"wrote {plan.file}: {summary(plan.new.values(), plan.path_bytes)}.{damage}{changed}"


def _checked(plan: _Plan) -> str:
    if plan.old == plan.new:
        return f"{plan.file} is up to date"
    if plan.old is None:
        return f"there is no {plan.file}: `{RENEW}` writes it"
    return f"{plan.file} is not up to date: `{RENEW}` renews it\n{_changed(plan.old, plan.new)}"


def _changed(old: Mapping[str, Baseline], new: Mapping[str, Baseline]) -> str:
    """One line: how much more it is, whose bytes they are, and what else is not what it was."""
    both = [name for name in new if name in old]
    found = total_growth({n: old[n] for n in both}, {n: new[n] for n in both})
    by = sum(change.bytes for change in found)
    if by:
        words = f"{sizes.format_both(abs(by))} {'more' if by > 0 else 'less'} than before."
    else:
        words = "As many bytes as before."
    words += describe_growth(found)
    for name in both:
        for what, was, is_now in (
            ("Dagster", old[name].dagster_version, new[name].dagster_version),
            ("Python", old[name].python_version, new[name].python_version),
        ):
            if was != is_now:
                words += f" {name} was measured with {what} {was}, and is with {is_now}."
    for names, now in ((sorted(set(new) - set(old)), "new"), (sorted(set(old) - set(new)), "gone")):
        for name in names:
            words += f" Location {name} is {now}."
    return words if both else words.partition(". ")[2]


def _failures(report: Report) -> Report:
    """The findings of locations that could not be measured: budgets are not the question."""
    return evolve(
        report,
        locations=tuple(
            evolve(
                location,
                findings=tuple(f for f in location.findings if f.rule == "measurement-failed"),
            )
            for location in report.locations
        ),
    )
