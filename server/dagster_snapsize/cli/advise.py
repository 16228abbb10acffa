"""What could be done about a location's size: what it repeats, and an upgrade of Dagster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import evolve

from dagster_snapsize.cli import report_advice
from dagster_snapsize.cli.findings import print_findings
from dagster_snapsize.cli.run import Outcome, Selection, measure_all
from dagster_snapsize.core.budgets import exit_status
from dagster_snapsize.core.errors import UserError

if TYPE_CHECKING:
    from dagster_snapsize.cli.diff import Comparison
    from dagster_snapsize.cli.report_json import Json


def take_advice(
    selection: Selection, form: str, top: int, version: str | None
) -> tuple[int, Callable[[], None]]:
    """Measure, and return the exit status with what prints the advice in the form asked for.

    ``version`` is a Dagster to measure with as well, or ``latest``. Where that cannot be done, the
    rest is printed first and UserError is raised then.
    """
    outcome = measure_all(selection, with_baseline=False)
    status = exit_status([f for f in outcome.findings if f.rule == "measurement-failed"])
    comparison: Comparison | None = None
    mistake: UserError | None = None
    if version is not None:
        from dagster_snapsize.cli.upgrade import measure_upgrade

        try:
            comparison = measure_upgrade(selection, version, outcome)
            status = max(status, comparison.status)
        except UserError as error:
            mistake = error

    def tell() -> None:
        if form == "json":
            more: dict[str, Json | None] = {}
            if version is not None:
                more["upgrade"] = _upgrade_json(comparison)
            report_advice.print_json(outcome, status, more)
        elif form == "markdown":
            report_advice.print_markdown(outcome, top)
        else:
            report_advice.print_advice(outcome, top)
            _print_failures(outcome)
        if comparison is not None and form != "json":
            _print_upgrade(comparison, form, top)
        if mistake is not None:
            raise mistake

    return status, tell


def _print_failures(outcome: Outcome) -> None:
    """What could not be measured, as every command says it."""
    failed = tuple(
        evolve(judged, findings=tuple(f for f in judged.findings if f.severity == "error"))
        for judged in outcome.judged
        if judged.measurement.failure
    )
    if failed:
        print_findings(Outcome(failed, ()))


def _upgrade_json(comparison: Comparison | None) -> Json | None:
    from dagster_snapsize.cli.report_difference import comparison_json

    return None if comparison is None else comparison_json(comparison)


def _print_upgrade(comparison: Comparison, form: str, top: int) -> None:
    import click

    click.echo()
    if form == "markdown":
        from dagster_snapsize.cli.report_difference_markdown import print_markdown

        print_markdown(comparison, top)
    else:
        from dagster_snapsize.cli.upgrade import print_upgrade

        print_upgrade(comparison, top)
