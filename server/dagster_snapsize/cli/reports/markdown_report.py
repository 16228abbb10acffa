"""A report for a pull request: snapshots against budgets, the heaviest assets, findings.

GitHub takes a comment of 65,536 characters; where a report has more than ``MOST``, the last rows of
its lists are left out and counted.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence

from attrs import frozen

from dagster_snapsize.cli.reports.lines import excerpt, place, reportable
from dagster_snapsize.cli.reports.markdown import block, code, table, text
from dagster_snapsize.cli.reports.rows import (
    budget_use,
    fullest_row,
    heavy_others,
    mostly,
    repository_suffix,
    stored_bytes,
    stored_size,
    versions,
    where,
)
from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.model import Finding, Snapshot
from dagster_snapsize.core.sizes import counted, format_percent, format_size

MOST = 60_000
"""Characters of a whole report."""

_SIGNS = {"error": "🔴", "warning": "🟡"}
_FRAMES = 20
_LONGEST = 1_500  # characters of one finding
_WIDEST = 200  # and of one line below it


@frozen
class _List:
    """Lines, of which the last may be left out; ``more`` is what they list, in the plural."""

    head: tuple[str, ...]
    lines: tuple[str, ...]
    more: str


def print_report(report: Report, status: int, top: int) -> None:
    """Print the report; without assets where ``top`` is 0."""
    sys.stdout.write(render(report, top))


def render(report: Report, top: int, most: int = MOST) -> str:
    """The whole report, of at most ``most`` characters."""
    parts = [part for location in report.locations for part in _location(location, top)]
    notes = tuple(f"- {text(f'note: {note}')}" for note in report.notes)
    parts.append(_List((), notes, "notes"))
    return _bounded([part for part in parts if part.head or part.lines], most)


def _bounded(parts: Sequence[_List], most: int) -> str:
    """The head of every part, and as many lines of all parts as there is room for."""
    room = most - sum(len(_part(part, 0)) for part in parts) - len(parts)
    kept = [0] * len(parts)
    # One line of each part in turn, so that a long list does not crowd out the others.
    for row in range(max((len(part.lines) for part in parts), default=0)):
        for number, part in enumerate(parts):
            if row == kept[number] and row < len(part.lines):
                room -= len(part.lines[row]) + 1
                if room < 0:
                    break
                kept[number] += 1
        if room < 0:
            break
    whole = "\n".join(_part(part, lines) for part, lines in zip(parts, kept, strict=True))
    # Hundreds of locations: there is no room even for their headings.
    return whole if len(whole) <= most else whole[: whole.rfind("\n", 0, most) + 1]


def _part(part: _List, kept: int) -> str:
    rest = len(part.lines) - kept
    left_out = [f"\n… and {rest:,} more {part.more}"] if rest else []
    return "\n".join([*part.head, *part.lines[:kept], *left_out, ""])


def _location(location: LocationReport, top: int) -> Iterator[_List]:
    measurement = location.measurement
    yield _List((f"### {code(measurement.name)}: {_verdict(location)}",), (), "")
    if measurement.dagster_version:
        yield _List((text(versions(measurement)),), (), "")
    if not measurement.failure:
        yield _snapshots(location)
        if said := fullest_row(measurement):
            yield _List((text(said),), (), "")
        yield from _assets(location, top)
        yield from _others(location, top)
    yield _findings(location)


def _verdict(location: LocationReport) -> str:
    if location.measurement.failure:
        return "could not be measured"
    count = Counter(finding.severity for finding in reportable(location.findings))
    found = [counted(number, severity) for severity, number in sorted(count.items())]
    return " and ".join(found) or "within budget"


def _snapshots(location: LocationReport) -> _List:
    snapshots = location.measurement.snapshots
    repositories = [snapshot.repository for snapshot in snapshots]
    rows = []
    for snapshot in snapshots:
        use = budget_use(snapshot, location)
        of = repository_suffix(snapshot.kind, snapshot.repository, repositories, code)
        cells = (
            f"{_sign(snapshot, location)} {snapshot.kind} {code(snapshot.name)}{of}",
            stored_size(snapshot),
            f"{snapshot.wire_bytes:,}",
            use.size,
            use.percent,
        )
        rows.append((use.share, cells))
    rows.sort(key=lambda row: -row[0])
    head = ("Snapshot", "stored bytes", "wire bytes", "budget", "used")
    return _table(head, [cells for _, cells in rows], (1, 2, 3, 4), "snapshots")


def _sign(snapshot: Snapshot, location: LocationReport) -> str:
    for finding in reportable(location.findings):  # errors come first
        if finding.snapshot == snapshot.id and finding.asset is None:
            return _SIGNS[finding.severity]
    return "🟢"


def _assets(location: LocationReport, top: int) -> Iterator[_List]:
    assets = location.measurement.assets
    total = stored_bytes(location.measurement)
    rows = [
        (
            code(asset.key),
            f"{asset.total_bytes:,}",
            format_percent(asset.total_bytes, total),
            mostly(asset.fields, text),
            code(where(asset, location.measurement)),
        )
        for asset in assets[:top]
    ]
    head = ("Heaviest assets", "bytes", "of all", "mostly", "defined at")
    if rows:
        yield _table(head, rows, (1, 2), "assets")
    rest = assets[top:]
    if rows and rest:
        size = format_size(sum(asset.total_bytes for asset in rest))
        yield _List((f"and {counted(len(rest), 'more asset')}, {size} in all", ""), (), "")


def _others(location: LocationReport, top: int) -> Iterator[_List]:
    measurement = location.measurement
    rows = [
        (
            text(cost.owner.label),
            f"{cost.total_bytes:,}",
            format_percent(cost.total_bytes, stored_bytes(measurement)),
            mostly(cost.fields, text),
            code(place(cost.location)),
        )
        for cost in heavy_others(measurement, top)
    ]
    if rows:
        head = ("Heaviest besides assets", "bytes", "of all", "mostly", "defined at")
        yield _table(head, rows, (1, 2), "owners")


def _findings(location: LocationReport) -> _List:
    lines = [_finding(finding, location) for finding in reportable(location.findings)]
    lines += [f"- {text(f'note: {note}')}" for note in location.notes]
    return _List((), tuple(lines), "findings")


def _finding(finding: Finding, location: LocationReport) -> str:
    first, _, more = finding.text.partition("\n")
    where = place(finding.location)
    if len(first) > _LONGEST:
        first = f"{first[:_LONGEST]} …"
    line = f"- {_SIGNS[finding.severity]} **{finding.severity}** {text(first)} [{finding.rule}]"
    if where:
        line += f"<br>{code(where)}"
    failure = location.measurement.failure
    if finding.rule == "measurement-failed" and failure is not None:
        lines = [*more.splitlines(), *failure.traceback.rstrip().splitlines()]
        cut = [line if len(line) <= _WIDEST else f"{line[:_WIDEST]} …" for line in lines]
        shown = "\n".join(excerpt(cut, _FRAMES, _FRAMES // 2, gap="…"))
        if shown:
            line += f"\n\n{block(shown)}\n"
    return line


def _table(
    head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int], more: str
) -> _List:
    first, rule, *lines = table(head, rows, right)
    return _List((first, rule), tuple(lines), more)
