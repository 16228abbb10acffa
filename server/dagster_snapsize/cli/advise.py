"""What could be done about a location's size: what it repeats, an upgrade, a split."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click
from attrs import evolve

from dagster_snapsize.cli.reports import advice as report_advice
from dagster_snapsize.cli.reports.cache_notes import cache_note
from dagster_snapsize.cli.reports.lines import print_findings
from dagster_snapsize.cli.run import Report, Selection, measure_all
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.findings import exit_status

if TYPE_CHECKING:
    from dagster_snapsize.cli.diff import Comparison
    from dagster_snapsize.cli.reports.json_report import Json
    from dagster_snapsize.cli.reports.split import Proposal


def take_advice(
    selection: Selection, form: str, top: int, version: str | None, split: int | None
) -> tuple[int, Callable[[], None]]:
    """Measure, and return the exit status with what prints the advice in the form asked for.

    ``version`` is a Dagster to measure with as well, or ``latest``. Where that cannot be done, the
    rest is printed first and UserError is raised then. ``split`` is into how many locations each
    one should be split.
    """
    report = measure_all(selection, with_baseline=False)
    status: int = exit_status([f for f in report.findings if f.rule == "measurement-failed"])
    found = _proposals(report, split)
    comparison: Comparison | None = None
    mistake: UserError | None = None
    if version is not None:
        from dagster_snapsize.cli.upgrade import measure_upgrade

        try:
            comparison = measure_upgrade(selection, version, report)
            status = max(status, comparison.status)
        except UserError as error:
            mistake = error

    def tell() -> None:
        if form == "json":
            report_advice.print_json(report, status, _splits_json(found), _upgrade_json(comparison))
        elif form == "markdown":
            report_advice.print_markdown(report, top)
            _print_splits(found, form, top)
        else:
            report_advice.print_advice(report, top)
            _print_splits(found, form, top)
            _print_failures(report)
            note = cache_note(report)
            if note is not None:
                click.echo(f"note: {note}", err=True)
        if comparison is not None and form != "json":
            _print_upgrade(comparison, form, top)
        if mistake is not None:
            raise mistake

    return status, tell


def _proposals(report: Report, split: int | None) -> dict[str, Proposal]:
    if split is None:
        return {}
    if find_spec("networkx") is None:
        # The editor's package does without it.
        raise UserError("--split needs networkx, which is not installed", "pip install networkx")
    from dagster_snapsize.cli.reports.split import proposals

    return proposals(report, split)


def _splits_json(found: dict[str, Proposal]) -> dict[str, Json]:
    if not found:
        return {}
    from dagster_snapsize.cli.reports.split import proposal_json

    return {name: proposal_json(proposal) for name, proposal in found.items()}


def _print_splits(found: dict[str, Proposal], form: str, top: int) -> None:
    if not found:
        return
    from dagster_snapsize.cli.reports import split as report_split

    if form == "markdown":
        report_split.print_markdown(found)
    else:
        report_split.print_proposals(found, top)


def _print_failures(report: Report) -> None:
    """What could not be measured, as every command says it."""
    failed = tuple(
        evolve(location, findings=tuple(f for f in location.findings if f.severity == "error"))
        for location in report.locations
        if location.measurement.failure
    )
    if failed:
        print_findings(Report(failed, ()))


def _upgrade_json(comparison: Comparison | None) -> Json | None:
    if comparison is None:
        return None
    from dagster_snapsize.cli.reports.diff_text import comparison_json

    return comparison_json(comparison)


def _print_upgrade(comparison: Comparison, form: str, top: int) -> None:
    click.echo()
    if form == "markdown":
        from dagster_snapsize.cli.reports.diff_markdown import print_markdown

        print_markdown(comparison, top)
    else:
        from dagster_snapsize.cli.upgrade import print_upgrade

        print_upgrade(comparison, top)
