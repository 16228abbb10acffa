"""Findings as workflow commands, which GitHub shows beside the changed lines."""

from __future__ import annotations

import click

from dagster_snapsize.cli.reports.ci import checkout_top, from_top
from dagster_snapsize.cli.reports.lines import reportable
from dagster_snapsize.cli.run import Report


def print_report(report: Report, status: int, top: int) -> None:
    """Print one ``::error`` or ``::warning`` for each finding of those levels."""
    checkout = checkout_top()
    for finding in reportable(report.findings):
        properties = {"title": f"dagster-snapsize {finding.rule}"}
        if finding.location:
            properties["file"] = from_top(finding.location.path, checkout) or finding.location.path
            properties["line"] = str(finding.location.line)
        listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
        click.echo(f"::{finding.severity} {listed}::{_data(finding.message)}")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
