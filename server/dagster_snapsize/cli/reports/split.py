"""A proposed split in every form: for a terminal, for other programs, for a pull request."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from dagster_snapsize.cli.reports import markdown
from dagster_snapsize.cli.reports.json_report import Json
from dagster_snapsize.cli.reports.terminal import (
    bytes_cell,
    plain_table,
    print_table,
    report_console,
)
from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.advice.split import (
    NoSplit,
    PredictedSnapshot,
    Split,
    SplitPart,
    names_of,
    propose,
)
from dagster_snapsize.core.findings import snapshot_budget
from dagster_snapsize.core.model import Snapshot
from dagster_snapsize.core.sizes import counted, format_percent, format_size

HEADROOM = 0.2
_FREE = f"{100 * HEADROOM:.0f} %"
_UNITS = 6
_PAIRS = 3

Proposal = Split | str
"""A split, or why there is none."""


def proposals(report: Report, count: int) -> dict[str, Proposal]:
    """A split of every location that was measured, by its name."""
    return {
        location.measurement.name: _proposal(location, count)
        for location in report.locations
        if not location.measurement.failure
    }


def _proposal(location: LocationReport, count: int) -> Proposal:
    measurement = location.measurement

    def budget(snapshot: Snapshot) -> tuple[int, bool]:
        found = snapshot_budget(snapshot, measurement, location.budgets)
        return found.bytes, found.judges == "wire"

    try:
        return propose(measurement, count, budget, HEADROOM)
    except NoSplit as why:
        return f"{measurement.name} cannot be split: {why}."


def print_proposals(found: Mapping[str, Proposal], top: int) -> None:
    """Each split, for a person on a terminal."""
    console = report_console()
    for name, proposal in found.items():
        console.print()
        if isinstance(proposal, str):
            console.print(Text(proposal), soft_wrap=True)
        else:
            _print(console, name, proposal, top)


def _print(console: Console, name: str, split: Split, top: int) -> None:
    console.print(Text(title(name, split), "bold"), soft_wrap=True)
    table = plain_table(
        (split.kind.capitalize(), "left"),
        ("assets", "right"),
        ("repository", "right"),
        ("of budget", "right"),
        ("largest job", "left"),
        ("bytes", "right"),
        ("of budget", "right"),
        ("stubs", "right"),
    )
    for part in split.parts:
        job = part.largest_job
        table.add_row(
            Text(names_of(part.units, max(_UNITS, top))),
            bytes_cell(len(part.assets)),
            bytes_cell(part.repository.stored_bytes),
            _used(part.repository),
            Text(job.name if job else ""),
            bytes_cell(job.stored_bytes) if job else "",
            _used(job) if job else "",
            bytes_cell(len(part.stubs)),
        )
    print_table(console, table)
    for line in _remarks(split):
        console.print(Text(line), soft_wrap=True)


def title(name: str, split: Split) -> str:
    """What is proposed."""
    return (
        f"{name} as {len(split.parts)} locations, by {split.kind}: "
        f"{split.crossing_count:,} of {counted(split.edges, 'dependency')} cross"
    )


def _used(snapshot: PredictedSnapshot) -> str:
    return format_percent(snapshot.used_bytes, snapshot.budget_bytes)


def _remarks(split: Split) -> list[str]:
    """What crosses, what it costs, and whether all stay within their budgets."""
    lines = []
    if split.crossing:
        pairs = [
            f"{one} to {other} {number:,}"
            for (one, other), number in list(split.crossing.items())[:_PAIRS]
        ]
        stubs = sum(len(part.stubs) for part in split.parts)
        lines.append(
            f"Most of what crosses: {', '.join(pairs)}. Where an asset of another location is"
            f" needed there is a stub: {stubs:,} in all, {format_size(split.stub_bytes)}."
        )
    fullest = max(split.parts, key=lambda part: part.fullest)
    if fullest.fullest > 1 - HEADROOM:
        lines.append(
            f"That is too few: {names_of(fullest.units, 1)} would take"
            f" {format_percent(fullest.fullest, 1)} of a budget, and {_FREE} should stay"
            " free. Ask for more locations."
            if len(fullest.units) > 1
            else f"{fullest.units[0]} alone would take {format_percent(fullest.fullest, 1)} of a"
            f" budget, and {_FREE} should stay free: it has to become smaller itself."
        )
    lines.append(
        "Sizes are those that each location would have with all resources, schedules and sensors"
        " of this one, and with every job that has assets there."
    )
    return lines


def print_markdown(found: Mapping[str, Proposal]) -> None:
    """Each split as a table."""
    lines: list[str] = []
    for name, proposal in found.items():
        if isinstance(proposal, str):
            lines += ["", markdown.text(proposal)]
            continue
        lines += ["", f"### {markdown.text(title(name, proposal))}", ""]
        head = [proposal.kind, "assets", "repository", "of budget", "largest job", "", "of budget"]
        rows = [_markdown_row(part) for part in proposal.parts]
        lines += markdown.table(head, rows, (1, 2, 3, 5, 6))
        lines += ["", *(markdown.text(line) for line in _remarks(proposal))]
    sys.stdout.write("\n".join(lines) + "\n")


def _markdown_row(part: SplitPart) -> list[str]:
    job = part.largest_job
    return [
        markdown.code(names_of(part.units, _UNITS)),
        f"{len(part.assets):,}",
        format_size(part.repository.stored_bytes),
        _used(part.repository),
        markdown.code(job.name) if job else "",
        format_size(job.stored_bytes) if job else "",
        _used(job) if job else "",
    ]


def proposal_json(proposal: Proposal) -> Json:
    """A split, or why there is none."""
    if isinstance(proposal, str):
        return {"error": proposal, "by": None, "parts": []}
    return {
        "error": None,
        "by": proposal.kind,
        "dependencies": proposal.edges,
        "crossing": [
            {"from": one, "to": other, "dependencies": number}
            for (one, other), number in proposal.crossing.items()
        ],
        "crossing_count": proposal.crossing_count,
        "parts": [
            {
                "units": list(part.units),
                "assets": list(part.assets),
                "stubs": list(part.stubs),
                "snapshots": [
                    {
                        "kind": snapshot.kind,
                        "name": snapshot.name,
                        "stored_bytes": snapshot.stored_bytes,
                        "used_bytes": snapshot.used_bytes,
                        "budget_bytes": snapshot.budget_bytes,
                    }
                    for snapshot in part.snapshots
                ],
            }
            for part in proposal.parts
        ],
    }
