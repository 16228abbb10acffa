"""A report for a pull request: snapshots against budgets, the heaviest assets, findings.

GitHub takes a comment of 65,536 characters; what is longer than ``MOST`` is left out, lightest
first, and how much that is is said.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence

from attrs import frozen

from dagster_snapsize.cli.reports.lines import note_lines, place, told
from dagster_snapsize.cli.reports.markdown import block, code, table, text
from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.findings import judged_bytes, snapshot_budget
from dagster_snapsize.core.model import Finding, Snapshot
from dagster_snapsize.core.sizes import format_percent, format_size

MOST = 60_000
"""Characters of a whole report."""

_SIGNS = {"error": "🔴", "warning": "🟡"}
_FRAMES = 20
_LONGEST = 1_500  # characters of one finding
_WIDEST = 200  # and of one line below it


@frozen
class _List:
    """Lines, of which the last may be left out; ``more`` names what they are."""

    head: tuple[str, ...]
    lines: tuple[str, ...]
    more: str


def print_markdown(report: Report, top: int) -> None:
    """Write it to standard output; without assets where ``top`` is 0."""
    sys.stdout.write(render(report, top))


def render(report: Report, top: int, most: int = MOST) -> str:
    """The whole report, of at most ``most`` characters."""
    parts = [part for location in report.locations for part in _location(location, top)]
    notes = tuple(f"- {text(f'note: {note}')}" for note in report.notes)
    parts.append(_List((), notes, "notes"))
    return _bounded([part for part in parts if part.head or part.lines], most)


def _bounded(parts: Sequence[_List], most: int) -> str:
    """Every part's head, and as many of the lines of all as there is room for."""
    room = most - sum(len(_part(part, 0)) for part in parts) - len(parts)
    kept = [0] * len(parts)
    # Line by line of all in turn: one long list must not take the place of the others.
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
    # Hundreds of locations: not even what stands above their tables has room.
    return whole if len(whole) <= most else whole[: whole.rfind("\n", 0, most) + 1]


def _part(part: _List, kept: int) -> str:
    rest = len(part.lines) - kept
    left_out = [f"\n… and {rest:,} more {part.more}"] if rest else []
    return "\n".join([*part.head, *part.lines[:kept], *left_out, ""])


def _location(location: LocationReport, top: int) -> Iterator[_List]:
    measurement = location.measurement
    versions = ""
    if measurement.dagster_version:
        versions = f"Dagster {measurement.dagster_version}, Python {measurement.python_version}"
    yield _List((f"### {code(measurement.name)}: {_verdict(location)}",), (), "")
    if versions:
        yield _List((text(versions),), (), "")
    if not measurement.failure:
        yield _snapshots(location)
        yield from _assets(location, top)
    yield _findings(location)


def _verdict(location: LocationReport) -> str:
    if location.measurement.failure:
        return "could not be measured"
    count = Counter(finding.severity for finding in location.findings)
    found = [
        f"{count[severity]:,} {severity}{'' if count[severity] == 1 else 's'}"
        for severity in ("error", "warning")
        if count[severity]
    ]
    return " and ".join(found) or "within budget"


def _snapshots(location: LocationReport) -> _List:
    measurement = location.measurement
    several = len({snapshot.repository for snapshot in measurement.snapshots}) > 1
    ranked = sorted(measurement.snapshots, key=lambda s: -_used(s, location))
    rows = []
    for snapshot in ranked:
        budget = snapshot_budget(snapshot, measurement, location.budgets)
        size = judged_bytes(snapshot, budget)
        name = f"{snapshot.kind} {code(snapshot.name)}"
        if several and snapshot.kind == "job":
            name += f" of {code(snapshot.repository)}"
        rows.append(
            (
                f"{_sign(snapshot, location)} {name}",
                f"{snapshot.stored_bytes:,}",
                f"{snapshot.wire_bytes:,}",
                format_size(budget.bytes),
                format_percent(size, budget.bytes),
            )
        )
    head = ("Snapshot", "stored bytes", "wire bytes", "budget", "used")
    return _table(head, rows, (1, 2, 3, 4), "snapshots")


def _used(snapshot: Snapshot, location: LocationReport) -> float:
    budget = snapshot_budget(snapshot, location.measurement, location.budgets)
    return judged_bytes(snapshot, budget) / max(1, budget.bytes)


def _sign(snapshot: Snapshot, location: LocationReport) -> str:
    about = [f for f in told(location.findings) if f.snapshot == snapshot.id and f.asset is None]
    return _SIGNS[about[0].severity] if about else "🟢"


def _assets(location: LocationReport, top: int) -> Iterator[_List]:
    assets = location.measurement.assets
    if not assets or not top:
        return
    total = sum(snapshot.stored_bytes for snapshot in location.measurement.snapshots)
    rows = []
    for asset in assets[:top]:
        name, size = max(asset.fields.items(), key=lambda item: item[1], default=("", 0))
        rows.append(
            (
                code(asset.key),
                f"{asset.total_bytes:,}",
                format_percent(asset.total_bytes, total),
                f"{text(name)} {format_size(size)}" if name else "",
                code(place(asset.location)),
            )
        )
    head = ("Heaviest assets", "bytes", "of all", "mostly", "defined at")
    yield _table(head, rows, (1, 2), "assets")
    rest = assets[top:]
    if rest:
        weight = format_size(sum(asset.total_bytes for asset in rest))
        noun = "asset" if len(rest) == 1 else "assets"
        yield _List((f"and {len(rest):,} more {noun}, {weight} in all", ""), (), "")


def _findings(location: LocationReport) -> _List:
    lines = [_finding(finding, location) for finding in told(location.findings)]
    lines += [f"- {text(line)}" for line in note_lines(location)]
    return _List((), tuple(lines), "findings")


def _finding(finding: Finding, location: LocationReport) -> str:
    first, _, more = finding.message.partition("\n")
    where = place(finding.location)
    if len(first) > _LONGEST:
        first = f"{first[:_LONGEST]} …"
    line = f"- {_SIGNS[finding.severity]} **{finding.severity}** {text(first)} [{finding.rule}]"
    if where:
        line += f"<br>{code(where)}"
    failure = location.measurement.failure
    if finding.rule == "measurement-failed" and failure is not None:
        shown = "\n".join(_ends([*more.splitlines(), *failure.traceback.rstrip().splitlines()]))
        if shown:
            line += f"\n\n{block(shown)}\n"
    return line


def _ends(lines: Sequence[str]) -> Sequence[str]:
    """The first and the last: the user's own frames come first, what was wrong last."""
    cut = [line if len(line) <= _WIDEST else f"{line[:_WIDEST]} …" for line in lines]
    half = _FRAMES // 2
    return cut if len(cut) <= _FRAMES else [*cut[:half], "…", *cut[-half:]]


def _table(
    head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int], more: str
) -> _List:
    first, rule, *lines = table(head, rows, right)
    return _List((first, rule), tuple(lines), more)
