"""From flags to findings: find the locations, choose their interpreters, measure, judge.

What is not changed since it was measured comes from the cache, so what only a new measurement needs
is imported when there is one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from dagster_snapsize.core.baseline import RENEW, Baseline, with_local_paths, with_path
from dagster_snapsize.core.errors import UserError, did_you_mean
from dagster_snapsize.core.findings import judge
from dagster_snapsize.core.model import Budgets, Environment, Finding, Measurement
from dagster_snapsize.measuring.measure import Cached, CacheLookup, measure_location, with_timeout
from dagster_snapsize.measuring.paths import relocated, shown_path
from dagster_snapsize.project.baseline_file import NAME, read_baselines
from dagster_snapsize.project.interpreters import Interpreter, choose_interpreter
from dagster_snapsize.project.locations import CodeLocation, Flags, find_locations

if TYPE_CHECKING:
    from dagster_snapsize.measuring.assemble import OnProgress, Progress


@frozen
class Selection:
    """What the command line asks to measure, with which interpreter, for how long (seconds).

    ``verify`` makes every text in Dagster's own way as well.
    """

    flags: Flags
    python: str | None = None
    timeout: float | None = None
    cache: CacheLookup = "on"
    verify: bool = False


@frozen
class LocationReport:
    """One code location with its measurement and findings.

    The paths of ``measurement`` are as they are shown, those of ``cached`` absolute.
    """

    code_location: CodeLocation
    interpreter: Interpreter
    measurement: Measurement
    budgets: Budgets
    findings: tuple[Finding, ...]
    cached: Cached
    baseline: Baseline | None = None


@frozen
class Report:
    """Every selected code location, and notes about what could not be checked."""

    locations: tuple[LocationReport, ...]
    notes: tuple[str, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all locations."""
        return tuple(finding for location in self.locations for finding in location.findings)


def measure_all(selection: Selection, with_baseline: bool = True) -> Report:
    """Measure every selected location, one after the other, with a progress bar on a terminal.

    Raises UserError where the flags, the configuration, a target or a baseline are wrong.
    """
    chosen, notes = choose(selection)
    reports: list[LocationReport] = []
    prepared: set[object] = set()
    folder = Path.cwd()
    roots = dict.fromkeys(location.root for location, _ in chosen) if with_baseline else ()
    baselines = {root: _baselines(root, folder) for root in roots}
    with ExitStack() as stack:
        watch = LateBar(stack)
        for location, interpreter in chosen:
            cached = measure_location(
                location,
                interpreter,
                folder=folder,
                environ=os.environ,
                prepared=prepared,
                lookup=selection.cache,
                on_progress=watch,
                verify=selection.verify,
            )
            measurement = relocated(cached.measurement, folder)
            budgets = location.config.budgets
            baseline = baselines.get(location.root, {}).get(location.stable_name)
            baseline = with_local_paths(baseline, measurement) if baseline else None
            findings = judge(measurement, budgets, baseline, one_of_several=len(chosen) > 1)
            reports.append(
                LocationReport(
                    location, interpreter, measurement, budgets, findings, cached, baseline
                )
            )
    notes = (*notes, *_idle_budgets(reports), *(_verified(reports) if selection.verify else ()))
    if with_baseline:
        notes = (*notes, *_idle_growth(reports))
    return Report(tuple(reports), notes)


def _baselines(root: Path, folder: Path) -> dict[str, Baseline]:
    return with_path(read_baselines(root), shown_path(str(root / NAME), folder))


def _idle_growth(reports: Sequence[LocationReport]) -> Iterator[str]:
    """Allowances for growth that have nothing to judge by."""
    for one in reports:
        budgets = one.budgets
        if one.baseline is None and not one.measurement.failure:
            for name, said in (("growth", budgets.growth), ("asset-growth", budgets.asset_growth)):
                if said is not None:
                    yield (
                        f"{one.code_location.name} has no baseline that budget.{name} could be"
                        f" judged by: `{RENEW}` writes one to {NAME}, to be committed"
                    )
                    break


def _verified(reports: Sequence[LocationReport]) -> Iterator[str]:
    for one in reports:
        if not one.measurement.failure:
            texts, version = len(one.measurement.snapshots), one.measurement.dagster_version
            yield (
                f"location {one.code_location.name}: all {texts} snapshots are, to the byte, what"
                f" Dagster {version} makes by itself"
            )


class LateBar:
    """A progress bar that is there once something is measured: a hit needs none."""

    def __init__(self, stack: ExitStack):
        self._stack = stack
        self._watch: OnProgress | None = None

    def __call__(self, progress: Progress) -> None:
        if self._watch is None:
            from dagster_snapsize.cli.progress_bar import progress_bar

            self._watch = self._stack.enter_context(progress_bar())
        self._watch(progress)


def _idle_budgets(reports: Sequence[LocationReport]) -> Iterator[str]:
    """Budgets for jobs that no measured location has: most likely a slip of the pen."""
    if any(j.measurement.failure for j in reports):
        return
    jobs = {s.name for j in reports for s in j.measurement.snapshots if s.kind == "job"}
    for config in {j.code_location.config.path: j.code_location.config for j in reports}.values():
        for name in config.budgets.jobs:
            if name not in jobs:
                guess = did_you_mean(name, jobs)
                yield f"there is no job `{name}`, which budget.jobs names{guess}"


def read_limits(selection: Selection) -> list[tuple[CodeLocation, Interpreter, Environment]]:
    """The effective limits of every selected location, without loading its definitions."""
    from dagster_snapsize.measuring.probe_run import read_environment

    chosen, _ = choose(selection)
    return [
        (
            location,
            interpreter,
            read_environment(location, interpreter, environ=os.environ),
        )
        for location, interpreter in chosen
    ]


def choose(
    selection: Selection,
) -> tuple[list[tuple[CodeLocation, Interpreter]], tuple[str, ...]]:
    try:
        folder = Path.cwd()
    except FileNotFoundError:
        raise UserError("the current folder is gone", "Change into one that is there.") from None
    found = find_locations(folder, selection.flags)
    chosen = []
    for location in found.locations:
        location = with_timeout(location, selection.timeout)
        chosen.append((location, choose_interpreter(location, selection.python, os.environ)))
    return chosen, found.notes
