"""Findings as workflow commands, which GitHub shows beside the changed lines."""

from __future__ import annotations

import click

from dagster_snapsize.cli.reports.ci import checkout_top, from_top
from dagster_snapsize.cli.reports.lines import FAILED, reportable, with_failures_together
from dagster_snapsize.cli.run import Report
from dagster_snapsize.core.model import Failure, Finding

_LINES = 10  # of what a command or the user's code printed before it failed


def print_report(report: Report, status: int, top: int) -> None:
    """Print one ``::error`` or ``::warning`` for each finding of those levels."""
    checkout = checkout_top()
    for location, findings in with_failures_together(report):
        for finding in reportable(findings):
            properties = {"title": f"dagster-snapsize {finding.rule}"}
            if finding.location:
                path = finding.location.path
                properties["file"] = from_top(path, checkout) or path
                properties["line"] = str(finding.location.line)
            listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
            message = _with_cause(finding, location.measurement.failure)
            click.echo(f"::{finding.severity} {listed}::{_data(message)}")


def _with_cause(finding: Finding, failure: Failure | None) -> str:
    """The text, and the end of what was printed where no exception says what went wrong."""
    if finding.rule != FAILED or failure is None or failure.traceback:
        return finding.text
    return "\n".join((finding.text, *failure.output.splitlines()[-_LINES:]))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
