"""From flags to findings: find the locations, choose their interpreters, measure, judge."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import evolve, frozen
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars

from dagster_snapsize.core.budgets import judge
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.model import Budgets, Environment, Finding, Measurement
from dagster_snapsize.measuring.measure import Progress, Watcher, measure, read_environment
from dagster_snapsize.project.interpreters import Interpreter, choose_interpreter
from dagster_snapsize.project.locations import CodeLocation, Flags, find_locations


@frozen
class Selection:
    """What the command line asks to measure, with which interpreter, for how long (seconds)."""

    flags: Flags
    python: str | None = None
    timeout: float | None = None


@frozen
class Judged:
    """One location, what it measured and what is to be said of it."""

    location: CodeLocation
    interpreter: Interpreter
    measurement: Measurement
    budgets: Budgets
    findings: tuple[Finding, ...]


@frozen
class Outcome:
    """Every location that was asked for, and what could not be looked at."""

    judged: tuple[Judged, ...]
    notes: tuple[str, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all locations."""
        return tuple(finding for judged in self.judged for finding in judged.findings)


def measure_all(selection: Selection) -> Outcome:
    """Measure every selected location, one after the other, with a progress bar on a terminal.

    Raises UserError where the flags, the configuration or a target are wrong.
    """
    chosen, notes = _choose(selection)
    judged = []
    with _progress_bar() as watch:
        for location, interpreter in chosen:
            measurement = measure(
                location, interpreter, folder=Path.cwd(), environ=os.environ, watch=watch
            )
            budgets = location.config.budgets
            judged.append(
                Judged(location, interpreter, measurement, budgets, judge(measurement, budgets))
            )
    return Outcome(tuple(judged), (*notes, *_idle_budgets(judged)))


def _idle_budgets(judged: Sequence[Judged]) -> Iterator[str]:
    """Budgets for jobs that no measured location has: most likely a slip of the pen."""
    if any(j.measurement.failure for j in judged):
        return
    jobs = {s.name for j in judged for s in j.measurement.snapshots if s.kind == "job"}
    for config in {j.location.config.path: j.location.config for j in judged}.values():
        for name in config.budgets.jobs:
            if name not in jobs:
                near = difflib.get_close_matches(name, jobs, n=1)
                guess = f"; did you mean `{near[0]}`?" if near else ""
                yield f"there is no job `{name}`, which budget.jobs names{guess}"


def read_limits(selection: Selection) -> list[tuple[CodeLocation, Interpreter, Environment]]:
    """The effective limits of every selected location, without loading its definitions."""
    chosen, _ = _choose(selection)
    return [
        (
            location,
            interpreter,
            read_environment(location, interpreter, environ=os.environ),
        )
        for location, interpreter in chosen
    ]


def _choose(
    selection: Selection,
) -> tuple[list[tuple[CodeLocation, Interpreter]], tuple[str, ...]]:
    try:
        folder = Path.cwd()
    except FileNotFoundError:
        raise UserError("the current folder is gone", "Change into one that is there.") from None
    found = find_locations(folder, selection.flags)
    chosen = []
    prepared = set()
    for location in found.locations:
        if selection.timeout is not None:
            location = evolve(location, config=evolve(location.config, timeout=selection.timeout))
        interpreter = choose_interpreter(location, selection.python, os.environ)
        # Locations of one project share what is made first.
        commands = (location.root, interpreter.path, location.config.prepare)
        if commands in prepared:
            location = evolve(location, config=evolve(location.config, prepare=()))
        prepared.add(commands)
        chosen.append((location, interpreter))
    return chosen, found.notes


@contextmanager
def _progress_bar() -> Iterator[Watcher]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda progress: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        task = bars.add_task("", total=None)

        def watch(progress: Progress) -> None:
            bars.update(
                task,
                description=f"{progress.location}: {progress.text}",
                completed=progress.done,
                total=progress.of or None,
            )

        yield watch
