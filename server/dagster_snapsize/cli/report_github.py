"""Findings as workflow commands, which GitHub shows beside the changed lines."""

from __future__ import annotations

import os
from pathlib import Path

import click

from dagster_snapsize.cli.findings import told
from dagster_snapsize.cli.run import Outcome


def print_findings(outcome: Outcome) -> None:
    """One ``::error`` or ``::warning`` for each finding that a text has too."""
    for finding in told(outcome.findings):
        properties = {"title": f"dagster-snapsize {finding.rule}"}
        if finding.location:
            properties["file"] = _from_workspace(finding.location.path)
            properties["line"] = str(finding.location.line)
        listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
        click.echo(f"::{finding.severity} {listed}::{_data(finding.message)}")


def _from_workspace(path: str) -> str:
    """GitHub knows files by their path from the top of the repository that it checked out."""
    top, file = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd()), Path.cwd() / path
    return file.relative_to(top).as_posix() if file.is_relative_to(top) else path


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
