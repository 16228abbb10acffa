"""The HTML report of a measurement, beside its materialization."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dagster import MetadataValue

from dagster_snapsize.cli.reports.html_report import page
from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.model import Budgets, Finding, Measurement
from dagster_snapsize.dagster.own_location import code_location, own_interpreter
from dagster_snapsize.measuring.measure import Cached
from dagster_snapsize.project.config import Config


def write_report(
    folder: str,
    file: str,
    measurement: Measurement,
    budgets: Budgets,
    findings: tuple[Finding, ...],
) -> MetadataValue:
    """Write the report to ``file`` below a folder, or an address of fsspec's; where it is.

    Raises whatever the file system raises.
    """
    location = code_location(measurement.name, Path(), Config())
    one = LocationReport(
        location, own_interpreter(), measurement, budgets, findings, Cached(measurement)
    )
    target = _path(folder) / file
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page(Report((one,), ())), encoding="ascii")
    return MetadataValue.path(str(target))


def _path(folder: str) -> Any:
    if "://" not in folder:
        return Path(folder).absolute()
    from upath import UPath  # which Dagster depends on

    return UPath(folder)
