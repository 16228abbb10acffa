"""Findings, failures and notes as lines of text.

They are printed without rich: importing it takes longer than reading a measurement from the cache.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import click
from attrs import evolve

from dagster_snapsize.cli.output import echo, escaped
from dagster_snapsize.cli.run import LocationReport, Report, first_names
from dagster_snapsize.core.model import Failure, Finding, SourceLocation
from dagster_snapsize.measuring.cache.lookup import SWITCHED_OFF

_COLOURS = {"error": "red", "warning": "yellow"}
FAILED = "measurement-failed"
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\].*?(?:\x1b\\|\x07)|[@-Z\\^_])")
_EXCERPT = 20  # lines of a traceback, and of what the code printed


def print_report(report: Report, status: int, top: int) -> None:
    """Print findings and notes only; nothing at all where there are none."""
    print_findings(report)
    print_notes(report.notes)


def print_findings(report: Report) -> None:
    """Print the findings of every location, and its notes."""
    for location, findings in with_failures_together(report):
        for finding in reportable(findings):
            where, message, more = finding_parts(finding, location)
            severity = click.style(finding.severity, _COLOURS[finding.severity], bold=True)
            echo(f"{_clean(where)}: {severity}: {_clean(message)} {_dim(f'[{finding.rule}]')}")
            _print_indented(more)
            failure = location.measurement.failure
            if finding.rule == FAILED and failure is not None:
                print_failure(failure)
        print_notes(location.notes)


def print_notes(notes: Iterable[str]) -> None:
    """Print each as one line."""
    for note in notes:
        echo(_dim(f"note: {_clean(note)}"))


def print_failure(failure: Failure) -> None:
    """Print the user's traceback and the end of what their code printed, below an error."""
    # A traceback begins with the user's own frames and ends with the exception.
    for title, text, first in (
        ("traceback", failure.traceback, _EXCERPT // 2),
        ("what the code printed", failure.output, 0),
    ):
        lines = excerpt(text.rstrip().splitlines(), _EXCERPT, first)
        if lines:
            echo(_dim(f"  {title}:"))
            for line in lines:
                echo(f"    {_with_colours(line)}")


def print_failed(name: str, label: str, failure: Failure, longest: int) -> None:
    """Print that the location ``name`` could not be measured in ``label``, and why.

    Of the first line of the message no more than ``longest`` characters are printed.
    """
    first, *more = failure.message.splitlines() or [""]
    if len(first) > longest:
        first = f"{first[:longest]} ... {len(first) - longest:,} characters more"
    error = click.style("error", "red", bold=True)
    where = _clean(place(failure.location) or name)
    echo(f"{where}: {error}: {_clean(name)} could not be measured in {label}: {_clean(first)}")
    _print_indented(more[:_EXCERPT])
    print_failure(failure)


def _print_indented(lines: Sequence[str]) -> None:
    for line in lines:
        echo(f"  {_clean(line)}")


def _clean(text: str) -> str:
    return escaped(text.replace("\r\n", "\n")).expandtabs()


def _with_colours(line: str) -> str:
    """A line of the user's output with its colours, and without any other escape sequence."""
    line = line.rsplit("\r", 1)[-1]
    line = _ESCAPE.sub(lambda found: found[0] if found[0].endswith("m") else "", line)
    return line.expandtabs() + ("\x1b[0m" if "\x1b[" in line else "")


def _dim(text: str) -> str:
    return click.style(text, dim=True)


def excerpt(lines: Sequence[str], most: int, first: int = 0, gap: str = "") -> list[str]:
    """At most ``most`` lines: the ``first`` ones and the last, with a line for what is left out.

    ``gap`` replaces the text of that line, ``... 12 lines ...``.
    """
    left_out = len(lines) - most
    if left_out <= 0:
        return list(lines)
    return [*lines[:first], gap or f"... {left_out:,} lines ...", *lines[first + left_out :]]


def reportable(findings: Sequence[Finding]) -> list[Finding]:
    """Errors and warnings; findings of level ``information`` are for editors and programs."""
    return [finding for finding in findings if finding.severity != "information"]


def with_failures_together(report: Report) -> Iterator[tuple[LocationReport, list[Finding]]]:
    """Every location with its findings; locations that fail for one cause share one finding.

    It is that of the first of them, and its last lines list all of them.
    """
    alike: dict[str, list[str]] = {}
    for one in report.locations:
        if failure := one.measurement.failure:
            at = f", {place(failure.location)}" if failure.location else ""
            alike.setdefault(failure.message, []).append(f"- {one.measurement.name}{at}")
    for one in report.locations:
        findings, failure = list(one.findings), one.measurement.failure
        names = alike.pop(failure.message, []) if failure else []
        if failure and len(names) != 1:
            count = f"{len(names)} code locations could not be measured: {failure.message}"
            message = "\n".join((count, *names))
            findings = [
                evolve(finding, message=message) if finding.rule == FAILED else finding
                for finding in findings
                if names or finding.rule != FAILED
            ]
        yield one, findings


def finding_parts(finding: Finding, location: LocationReport) -> tuple[str, str, list[str]]:
    """Where a finding is, the first line of its text, and the further lines."""
    first, *more = finding.text.splitlines() or [""]
    return place(finding.location) or location.measurement.name, first, more


def place(location: SourceLocation | None) -> str:
    """``path:line``, or nothing."""
    return f"{shown_path(location.path)}:{location.line}" if location else ""


def shown_path(path: str) -> str:
    """The path absolute or relative to the current folder, whichever is shorter."""
    try:
        relative = os.path.relpath(path).replace(os.sep, "/")
    except ValueError:  # on another drive
        return path
    return min(path, relative, key=len)


def print_cache_note(report: Report) -> None:
    """Print on standard error that sizes are from the cache, or why they cannot be stored in it."""
    note = _cache_note(report)
    if note is not None:
        echo(f"note: {_clean(note)}", err=True)


def _cache_note(report: Report) -> str | None:
    for location in report.locations:
        if SWITCHED_OFF in location.cached.not_stored:
            return f"{location.measurement.name}: {SWITCHED_OFF}"
    for location in report.locations:
        if location.cached.is_uncacheable:
            first, *more = location.cached.not_stored
            also = f", and {len(more)} more" if more else ""
            return (
                f"{location.measurement.name} is measured again each time, since {first}{also};"
                ' set `cache = "files"` in the configuration to use the cache all the same'
            )
        if location.cached.is_hindered:
            why = location.cached.not_stored[0]
            return f"{location.measurement.name} is measured again each time, since {why}"
    hits = [location for location in report.locations if location.cached.hit]
    if not hits:
        return None
    at = min(location.cached.measured_at or "" for location in hits)
    when = datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M")
    names = ", ".join(location.measurement.name for location in hits)
    if changed := sorted({path for location in hits for path in location.cached.changed}):
        others = first_names([shown_path(path) for path in changed])
        return (
            f"{names} was made from none of the files that have changed since {when} ({others}):"
            " sizes are from the cache (see --no-cache)"
        )
    what = "sizes are" if len(hits) == len(report.locations) else f"the sizes of {names} are"
    return f"nothing has changed since {when}: {what} from the cache (see --no-cache)"
