"""``advise``: what repeated values, jobs, another Dagster or a split would save."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from dagster_snapsize.cli.run import LocationReport, Report, Selection, measure_all
from dagster_snapsize.core.advice.imports import LateImport, late_imports
from dagster_snapsize.core.budgets import snapshot_budget
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.findings import exit_status
from dagster_snapsize.core.model import Measurement, Snapshot

if TYPE_CHECKING:
    from dagster_snapsize.cli.diff import Comparison
    from dagster_snapsize.core.advice.split import Split

HEADROOM = 0.2
"""The part of each budget that a split leaves free."""


@frozen
class AdviceReport:
    """A report to advise on, with what was asked for beside the advice.

    ``splits`` are by the name of a location, each a split or why there is none; so are
    ``late_imports``, the imports that could wait until they are used. ``upgrade_error`` is why
    there is no ``upgrade``, if one was asked for.
    """

    report: Report
    splits: Mapping[str, Split | str]
    late_imports: Mapping[str, tuple[LateImport, ...]]
    upgrade: Comparison | None = None
    upgrade_error: UserError | None = None

    @property
    def failed(self) -> Report:
        """The locations that could not be measured, with that finding alone."""
        return self.report.only("measurement-failed")

    @property
    def status(self) -> int:
        """The exit status: 3 where something could not be measured, 2 for a wrong version."""
        status: int = exit_status(self.failed.findings)
        if self.upgrade_error is not None:
            return max(status, self.upgrade_error.status)
        return max(status, self.upgrade.status) if self.upgrade else status


def measure_for_advice(
    selection: Selection, version: str | None, parts: int | None
) -> AdviceReport:
    """Measure; with the Dagster ``version`` and split into ``parts`` where they are given."""
    if parts is not None and find_spec("networkx") is None:
        # The package for VS Code comes without it.
        raise UserError("--split needs networkx, which is not installed", "pip install networkx")
    report = measure_all(selection, with_baseline=False)
    splits = {} if parts is None else _splits(report, parts)
    late = {one.measurement.name: _late_imports(one.measurement) for one in report.locations}
    if version is None:
        return AdviceReport(report, splits, late)
    from dagster_snapsize.cli.upgrade import measure_upgrade

    try:
        if any(location.code_location.server for location in report.locations):
            raise UserError("--dagster needs the code: a running server has one Dagster only")
        return AdviceReport(report, splits, late, measure_upgrade(selection, version, report))
    except UserError as error:
        return AdviceReport(report, splits, late, upgrade_error=error)


def _late_imports(measurement: Measurement) -> tuple[LateImport, ...]:
    """Those of a location, by the sources of its modules."""
    if measurement.load_time is None:
        return ()
    sources = {}
    for path in measurement.definition_files:
        if path.endswith(".py"):
            with suppress(OSError):
                sources[path] = Path(path).read_text("utf-8-sig", errors="replace")
    return late_imports(sources, measurement.load_time)


def _splits(report: Report, parts: int) -> dict[str, Split | str]:
    return {
        location.measurement.name: _split(location, parts)
        for location in report.locations
        if not location.measurement.failure
    }


def _split(location: LocationReport, parts: int) -> Split | str:
    from dagster_snapsize.core.advice.split import NoSplit, propose

    measurement = location.measurement

    def budget(snapshot: Snapshot) -> tuple[int, bool]:
        found = snapshot_budget(snapshot, measurement, location.budgets)
        return found.bytes, found.judges == "wire"

    if any(snapshot.is_refused for snapshot in measurement.snapshots):
        return f"{measurement.name} cannot be split: its server refused to send a snapshot."
    try:
        return propose(measurement, parts, budget, HEADROOM)
    except NoSplit as why:
        return f"{measurement.name} cannot be split: {why}."
