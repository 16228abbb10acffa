"""A proposed split in every format: for a terminal, for other programs, for a pull request."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from dagster_snapsize.cli.advise import HEADROOM
from dagster_snapsize.cli.reports import markdown
from dagster_snapsize.cli.reports.json_report import Json
from dagster_snapsize.core.advice.split import PredictedSnapshot, Split, SplitPart, names_of
from dagster_snapsize.core.sizes import counted, format_percent, format_size

_FREE = f"{100 * HEADROOM:.0f} %"
_UNITS = 6
_PAIRS = 3


def print_text(splits: Mapping[str, Split | str], top: int) -> None:
    """Print each split, or why there is none."""
    from dagster_snapsize.cli.reports.terminal import Terminal

    terminal = Terminal()
    for name, split in splits.items():
        terminal.line()
        if isinstance(split, str):
            terminal.line(split)
            continue
        terminal.line((_title(name, split), "bold"))
        head = (
            *(split.kind.capitalize(), "assets", "repository", "of budget"),
            *("largest job", "bytes", "of budget", "stubs"),
        )
        rows = [_row(part, max(_UNITS, top)) for part in split.parts]
        terminal.table(head, rows, right=(1, 2, 3, 5, 6, 7))
        for line in _remarks(split):
            terminal.line(line)


def _row(part: SplitPart, units: int) -> tuple[str, ...]:
    job = part.largest_job
    return (
        names_of(part.units, units),
        f"{len(part.assets):,}",
        f"{part.repository.stored_bytes:,}",
        _used(part.repository),
        job.name if job else "",
        f"{job.stored_bytes:,}" if job else "",
        _used(job) if job else "",
        f"{len(part.stubs):,}",
    )


def _title(name: str, split: Split) -> str:
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
            f"Most dependencies that cross: {', '.join(pairs)}. Each asset needed from another"
            f" location becomes a stub: {stubs:,} in all, {format_size(split.stub_bytes)}."
        )
    fullest = max(split.parts, key=lambda part: part.fullest)
    if fullest.fullest > 1 - HEADROOM:
        used = format_percent(fullest.fullest, 1)
        lines.append(
            f"{names_of(fullest.units, 1)} would take {used} of a budget, of which {_FREE} should"
            " stay free: ask for more locations."
            if len(fullest.units) > 1
            else f"{fullest.units[0]} alone would take {used} of a budget, of which {_FREE} should"
            " stay free: make it smaller."
        )
    lines.append(
        "Sizes assume that each location keeps all resources, schedules and sensors, and every job"
        " that has assets there."
    )
    return lines


def print_markdown(splits: Mapping[str, Split | str]) -> None:
    """Print each split as a table, or why there is none."""
    lines: list[str] = []
    for name, split in splits.items():
        if isinstance(split, str):
            lines += ["", markdown.text(split)]
            continue
        lines += ["", f"### {markdown.text(_title(name, split))}", ""]
        head = [split.kind, "assets", "repository", "of budget", "largest job", "", "of budget"]
        rows = [_markdown_row(part) for part in split.parts]
        lines += markdown.table(head, rows, (1, 2, 3, 5, 6))
        lines += ["", *(markdown.text(line) for line in _remarks(split))]
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


def split_json(split: Split | str) -> Json:
    """A split, or why there is none."""
    if isinstance(split, str):
        return {"error": split, "by": None, "parts": []}
    return {
        "error": None,
        "by": split.kind,
        "dependencies": split.edges,
        "crossing": [
            {"from": one, "to": other, "dependencies": number}
            for (one, other), number in split.crossing.items()
        ],
        "crossing_count": split.crossing_count,
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
            for part in split.parts
        ],
    }
