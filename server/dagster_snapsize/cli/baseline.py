"""``baseline``: keep the sizes of now, which growth is judged by from then on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import click
from attrs import evolve

from dagster_snapsize.cli.findings import print_findings, shown_path
from dagster_snapsize.cli.run import Judged, Outcome, Selection, measure_all
from dagster_snapsize.core import sizes
from dagster_snapsize.core.baseline import RENEW, Baseline, baseline_of
from dagster_snapsize.core.growth import grown, total_changes
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
    outcome = measure_all(selection, with_baseline=False)
    if any(judged.measurement.failure for judged in outcome.judged):
        return 3, partial(print_findings, _failures(outcome))
    projects: dict[Path, list[Judged]] = {}
    for judged in outcome.judged:
        projects.setdefault(judged.location.root, []).append(judged)
    # All are read before the first is written.
    plans = [_plan(root, found, selection, check) for root, found in projects.items()]
    said = [_check(*plan) if check else _write(*plan) for plan in plans]
    lines = [*(line for line, _ in said), *(f"note: {note}" for note in outcome.notes)]
    is_other = any(is_other for _, is_other in said)
    return (1 if check and is_other else 0), partial(click.echo, "\n".join(lines))


_Plan = tuple[Path, dict[str, Baseline] | None, dict[str, Baseline], str]


def _plan(root: Path, found: Sequence[Judged], selection: Selection, check: bool) -> _Plan:
    """The project, what its file says (None without one), what it is to say, and a note."""
    now = {judged.location.stable_name: baseline_of(judged.measurement) for judged in found}
    flags = selection.flags
    named = flags.workspace or flags.python_file or flags.module_name or flags.package_name
    try:
        old = read_baselines(root)
    except DamagedBaseline as damaged:
        if named or check:
            raise
        return root, None, now, f" The old one could not be read: {damaged.message}."
    # Of locations that were named the others stay; else those that are not there any more go.
    return root, old or None, {**old, **now} if named else now, ""


def _write(
    root: Path, old: dict[str, Baseline] | None, new: dict[str, Baseline], note: str
) -> tuple[str, bool]:
    """What is to be said, and whether the file says something else than before."""
    shown = shown_path(str(root / NAME))
    if not write_baselines(root, new) or old == new:
        return f"{shown} is up to date", False
    changed = f"\n{_changed(old, new)}" if old is not None else ""
    return f"wrote {shown}: {_summary(new)}.{note}{changed}", True


def _check(
    root: Path, old: dict[str, Baseline] | None, new: dict[str, Baseline], note: str
) -> tuple[str, bool]:
    shown = shown_path(str(root / NAME))
    if old == new:
        return f"{shown} is up to date", False
    if old is None:
        return f"there is no {shown}: `{RENEW}` writes it", True
    return f"{shown} is not up to date: `{RENEW}` renews it\n{_changed(old, new)}", True


def _summary(new: Mapping[str, Baseline]) -> str:
    snapshots = [known for baseline in new.values() for known in baseline.snapshots.values()]
    total = sizes.format_both(sum(known.stored_bytes for known in snapshots))
    return f"{_counted(len(new), 'location')}, {_counted(len(snapshots), 'snapshot')}, {total}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _changed(old: Mapping[str, Baseline], new: Mapping[str, Baseline]) -> str:
    """One line: how much more it is, whose bytes they are, and what else is not what it was."""
    found = total_changes(old, new)
    by = sum(change.bytes for change in found)
    if by:
        words = f"{sizes.format_both(abs(by))} {'more' if by > 0 else 'less'} than before."
    else:
        words = "As many bytes as before."
    words += grown(found)
    for name, baseline in new.items():
        before = old.get(name)
        if before is None:
            words += f" Location {name} is new."
            continue
        for what, was, is_now in (
            ("Dagster", before.dagster_version, baseline.dagster_version),
            ("Python", before.python_version, baseline.python_version),
        ):
            if was != is_now:
                words += f" {name} was measured with {what} {was}, and is with {is_now}."
    for name in old:
        if name not in new:
            words += f" Location {name} is gone."
    return words


def _failures(outcome: Outcome) -> Outcome:
    """The findings of locations that could not be measured: budgets are not the question."""
    return evolve(
        outcome,
        judged=tuple(
            evolve(
                judged,
                findings=tuple(f for f in judged.findings if f.rule == "measurement-failed"),
            )
            for judged in outcome.judged
        ),
    )
