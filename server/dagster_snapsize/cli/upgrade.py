"""``advise --dagster``: what another Dagster saves, measured in an environment made for it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from attrs import evolve

from dagster_snapsize.cli.diff import Comparison, Side, compare, ended_by_signals
from dagster_snapsize.cli.run import LateBar, LocationReport, Report, Selection
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.measuring.assemble import Progress
from dagster_snapsize.measuring.measure import measure_location
from dagster_snapsize.measuring.paths import relocated
from dagster_snapsize.measuring.upgrade.environment import UpgradedEnvironment, upgraded


def measure_upgrade(selection: Selection, version: str, current: Report) -> Comparison:
    """Measure every location of ``current`` with that version of Dagster (or ``latest``).

    Raises:
        UserError: There is no such version, or no environment can be made with it.
    """
    folder = Path.cwd()
    reports: list[LocationReport] = []
    notes: list[str] = []
    made: dict[str, UpgradedEnvironment | None] = {}
    with ended_by_signals(), ExitStack() as stack:
        watch = LateBar(stack)
        for one in current.locations:
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
                    f"{name} already has Dagster {one.measurement.dagster_version}"
                    f"{', the latest that its packages allow' if version == 'latest' else ''}"
                )
                reports.append(one)
                continue
            unprepared = evolve(
                one.code_location, config=evolve(one.code_location.config, prepare=())
            )
            cached = measure_location(
                unprepared,
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
                    f"{name} loads Dagster {found}, not the {other.version} installed for it",
                    "Check PYTHONPATH, and whether a checkout of Dagster comes first on sys.path.",
                )
            reports.append(
                LocationReport(
                    one.code_location, other.interpreter, measurement, one.budgets, (), cached
                )
            )
    versions = {other.version for other in made.values() if other is not None}
    before = {one.measurement.dagster_version for one in current.locations}
    old = Side(f"Dagster {', '.join(sorted(before))}", current.locations)
    new = Side(f"Dagster {', '.join(sorted(versions or before))}", tuple(reports))
    return compare(old, new, tuple(dict.fromkeys(notes)))
