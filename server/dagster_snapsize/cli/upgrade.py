"""What another version of Dagster would save: measured, in an environment made for it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import click
from attrs import evolve

from dagster_snapsize.cli.diff import Comparison, Side, compare, ended_by_signals
from dagster_snapsize.cli.reports.diff_text import print_comparison, signed
from dagster_snapsize.cli.run import LateBar, LocationReport, Report, Selection, measure_all
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.measuring.assemble import Progress
from dagster_snapsize.measuring.measure import measure_location
from dagster_snapsize.measuring.paths import relocated
from dagster_snapsize.measuring.upgrade.environment import UpgradedEnvironment, upgraded


def measure_upgrade(selection: Selection, version: str, report: Report | None = None) -> Comparison:
    """Measure every location as it is, and with that version of Dagster (or ``latest``).

    ``report`` is what was measured of it already. Raises UserError where there is no such version
    or no environment can be made with it.
    """
    today = report or measure_all(selection, with_baseline=False)
    folder = Path.cwd()
    reports: list[LocationReport] = []
    notes: list[str] = []
    made: dict[str, UpgradedEnvironment | None] = {}
    with ended_by_signals(), ExitStack() as stack:
        watch = LateBar(stack)
        for one in today.locations:
            name, path = one.measurement.name, one.interpreter.path
            if one.measurement.failure:
                continue
            if path not in made:
                made[path], more = upgraded(
                    one.interpreter,
                    version,
                    os.environ,
                    lambda text, name=name: watch(Progress(name, text)),  # type: ignore[misc]
                )
                notes += more
            other = made[path]
            if other is None:
                notes.append(
                    f"{name} has Dagster {one.measurement.dagster_version} already"
                    f"{', the latest for all of its packages' if version == 'latest' else ''}"
                )
                reports.append(one)
                continue
            cached = measure_location(
                evolve(one.code_location, config=evolve(one.code_location.config, prepare=())),
                other.interpreter,
                folder=folder,
                environ=other.environ,
                prepared=set(),
                lookup=selection.cache,
                on_progress=watch,
            )
            measurement = relocated(cached.measurement, folder)
            found = measurement.dagster_version
            if found and found != other.version:
                raise UserError(
                    f"{name} loads Dagster {found}, not {other.version} that was installed for it",
                    "Something puts it first: PYTHONPATH, or a checkout of Dagster itself.",
                )
            reports.append(
                LocationReport(
                    one.code_location, other.interpreter, measurement, one.budgets, (), cached
                )
            )
    versions = {other.version for other in made.values() if other is not None}
    before = {one.measurement.dagster_version for one in today.locations}
    old = Side(f"Dagster {', '.join(sorted(before))}", today.locations)
    new = Side(f"Dagster {', '.join(sorted(versions or before))}", tuple(reports))
    return compare(old, new, tuple(dict.fromkeys(notes)))


def saved_words(comparison: Comparison) -> str:
    """What it saves, in one sentence."""
    by = sum(compared.difference.size.bytes for compared in comparison.locations)
    if by == 0:
        return f"{comparison.new.label} makes no difference."
    verb = "saves" if by < 0 else "costs"
    return f"{comparison.new.label} {verb} {signed(abs(by)).lstrip('+')} ({abs(by):,} bytes)."


def print_upgrade(comparison: Comparison, top: int) -> None:
    """What it saves, and where."""
    if comparison.old.locations == comparison.new.locations:
        for note in comparison.notes:
            click.echo(note)
        return
    if comparison.locations:
        click.echo(f"{saved_words(comparison)}\n")
    print_comparison(comparison, top)
