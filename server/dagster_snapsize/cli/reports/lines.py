"""Findings as lines of text, for pipes: importing rich takes longer than a hit of the cache."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.model import Finding, SourceLocation

# Any of them may make rich print colours into a pipe (rich.console.Console.is_terminal).
_COLOURFUL = ("FORCE_COLOR", "TTY_COMPATIBLE", "JUPYTER_COLUMNS", "JUPYTER_LINES")
_CONTROL = dict.fromkeys((7, 8, 11, 12, 13))


def print_findings(report: Report) -> None:
    """Findings only; nothing at all where there are none."""
    lines = _lines(report)
    if not lines:
        return
    has_failed = any(location.measurement.failure for location in report.locations)
    if has_failed or sys.stdout.isatty() or any(name in os.environ for name in _COLOURFUL):
        from dagster_snapsize.cli.reports import text as report_text

        report_text.print_findings(report)
        return
    for line in lines:
        # As rich prints what is the user's.
        click.echo(line.translate(_CONTROL).expandtabs())


def _lines(report: Report) -> list[str]:
    lines = []
    for location in report.locations:
        for finding in told(location.findings):
            where, first, more = finding_parts(finding, location)
            lines.append(f"{where}: {finding.severity}: {first} [{finding.rule}]")
            lines += [f"  {line}" for line in more]
        lines += note_lines(location)
    return [*lines, *(f"note: {note}" for note in report.notes)]


def told(findings: Sequence[Finding]) -> list[Finding]:
    """Those that a text is made of; the rest is for editors and programs."""
    return [finding for finding in findings if finding.severity != "information"]


def finding_parts(finding: Finding, location: LocationReport) -> tuple[str, str, list[str]]:
    """Where it is, its first line, and the further lines that an exception may have."""
    first, *more = finding.message.splitlines() or [""]
    return place(finding.location) or location.measurement.name, first, more


def note_lines(location: LocationReport) -> list[str]:
    """What is to be said of a location beside its findings."""
    untracked = location.measurement.untracked_files
    if not untracked:
        return []
    shown = ", ".join(untracked[:5]) + (", ..." if len(untracked) > 5 else "")
    return [
        f"note: {location.measurement.name} was measured with files that git does not track"
        f" and a commit leaves out: {shown}"
    ]


def place(location: SourceLocation | None) -> str:
    """``path:line``, or nothing."""
    return f"{shown_path(location.path)}:{location.line}" if location else ""


def shown_path(path: str) -> str:
    """The path as it is shorter: absolute, or from the current folder."""
    try:
        relative = os.path.relpath(path).replace(os.sep, "/")
    except ValueError:  # on another drive
        return path
    return min(path, relative, key=len)
