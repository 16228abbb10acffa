"""The report that a person reads on a terminal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dagster_snapsize.cli.reports.lines import finding_parts, note_lines, place, shown_path, told
from dagster_snapsize.cli.reports.terminal import (
    bar,
    bytes_cell,
    fits,
    plain_table,
    print_table,
    report_console,
)
from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.findings import snapshot_budget
from dagster_snapsize.core.model import Finding, Measurement, Snapshot
from dagster_snapsize.core.sizes import counted, format_percent, format_seconds, format_size

_SEVERITY_STYLE = {"error": "bold red", "warning": "yellow", "information": "cyan"}
_OUTPUT_LINES = 20


def print_report(report: Report, top: int) -> None:
    """Every location: its snapshots, its heaviest assets, what the bytes are made of, findings."""
    console = report_console()
    for location in report.locations:
        measurement = location.measurement
        console.print(_headline(location), soft_wrap=True)
        if not measurement.failure:
            _print_snapshots(console, location, top)
            _print_assets(console, measurement, top)
            _print_fields(console, measurement, top)
            console.print(_timing(measurement), style="dim")
        console.print()
    _print_findings(console, report)


def print_findings(report: Report) -> None:
    """Findings only; nothing at all where there are none."""
    _print_findings(report_console(), report)


def _headline(location: LocationReport) -> Text:
    measurement = location.measurement
    text = Text(measurement.name, style="bold")
    versions = ""
    if measurement.dagster_version:
        versions = f"Dagster {measurement.dagster_version}, Python {measurement.python_version}, "
    return text.append(
        f"  {versions}{shown_path(location.interpreter.path)} ({location.interpreter.source})",
        style="not bold dim",
    )


def _print_snapshots(console: Console, location: LocationReport, top: int) -> None:
    jobs = [s for s in location.measurement.snapshots if s.kind == "job"]
    jobs.sort(key=lambda s: (-s.wire_bytes, s.id))
    shown = [s for s in location.measurement.snapshots if s.kind == "repository"] + jobs[:top]
    table = _snapshot_table(console, location, shown)
    console.print()
    print_table(console, table if fits(console, table) else _snapshot_table(None, location, shown))
    rest = jobs[top:]
    if rest:
        heaviest = bytes_cell(max(s.wire_bytes for s in rest))
        console.print(
            f"and {counted(len(rest), 'more job')} of at most {heaviest} wire bytes", style="dim"
        )


def _snapshot_table(
    console: Console | None, location: LocationReport, snapshots: list[Snapshot]
) -> Table:
    """One row for each snapshot; without a console no bars, for windows that are narrow."""
    measurement = location.measurement
    several = len({s.repository for s in measurement.snapshots}) > 1
    table = plain_table(
        ("Snapshot", "left"),
        ("stored bytes", "right"),
        ("wire bytes", "right"),
        ("budget", "right"),
        ("", "left"),
        ("used", "right"),
    )
    for snapshot in snapshots:
        budget = snapshot_budget(snapshot, measurement, location.budgets)
        used = snapshot.stored_bytes if budget.judges == "stored" else snapshot.wire_bytes
        style = "green"
        if used > budget.bytes:
            style = "red"
        elif used > budget.bytes * location.budgets.warn_at:
            style = "yellow"
        name = Text(f"{snapshot.kind} {snapshot.name}")
        if several and snapshot.kind == "job":
            name.append(f" of {snapshot.repository}", "dim")
        table.add_row(
            name,
            bytes_cell(snapshot.stored_bytes),
            bytes_cell(snapshot.wire_bytes),
            format_size(budget.bytes),
            bar(used, budget.bytes, style, console) if console else Text(),
            Text(format_percent(used, budget.bytes), style=style),
        )
    return table


def _print_assets(console: Console, measurement: Measurement, top: int) -> None:
    if not measurement.assets:
        return
    total = sum(s.stored_bytes for s in measurement.snapshots)
    table = plain_table(
        ("Heaviest assets", "left"),
        ("bytes", "right"),
        ("of all", "right"),
        ("mostly", "left"),
        ("defined at", "left"),
    )
    rows = [
        (
            Text(asset.key),
            bytes_cell(asset.total_bytes),
            format_percent(asset.total_bytes, total),
            Text(_mostly(asset.fields)),
            Text(place(asset.location)),
        )
        for asset in measurement.assets[:top]
    ]
    for row in rows:
        table.add_row(*row)
    console.print()
    if fits(console, table):
        print_table(console, table)
    else:
        console.print("Heaviest assets", style="dim")
        for key, size, percent, mostly, where in rows:
            line = Text(f"{size:>11}  {percent:>6}  ").append(key)
            console.print(line.append(f"  {mostly}", "dim"), soft_wrap=True)
            if where:
                console.print(Text(f"{'':21}").append(where), soft_wrap=True)
    if len(measurement.assets) > top:
        rest = measurement.assets[top:]
        weight = format_size(sum(a.total_bytes for a in rest))
        console.print(f"and {counted(len(rest), 'more asset')}, {weight} in all", style="dim")


def _mostly(sizes: Mapping[str, int]) -> str:
    """The largest of several, with its size."""
    name, size = max(sizes.items(), key=lambda item: item[1], default=("", 0))
    return f"{name} {format_size(size)}" if name else ""


def _print_fields(console: Console, measurement: Measurement, top: int) -> None:
    total = sum(s.stored_bytes for s in measurement.snapshots)
    holders: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for snapshot in measurement.snapshots:
        for owner, fields in snapshot.ledger.by_owner().items():
            for name, size in fields.items():
                holder = "" if owner.kind == "structure" else owner.name
                holders[owner.field_label(name)][holder] += size
    table = plain_table(
        ("What the bytes are made of", "left"),
        ("bytes", "right"),
        ("of all", "right"),
        ("heaviest", "left"),
    )
    ranked = sorted(holders.items(), key=lambda item: (-item[1].total(), item[0]))
    for name, sizes in ranked[:top]:
        table.add_row(
            Text(name),
            bytes_cell(sizes.total()),
            format_percent(sizes.total(), total),
            Text(_mostly(sizes)),
        )
    console.print()
    print_table(console, table)
    rest = ranked[top:]
    if rest:
        weight = format_size(sum(sizes.total() for _, sizes in rest))
        console.print(f"and {counted(len(rest), 'more kind')}, {weight} in all", style="dim")
    console.print()


def _timing(measurement: Measurement) -> str:
    seconds = measurement.seconds
    peak = ""
    if measurement.peak_rss_bytes:
        peak = f", {format_size(measurement.peak_rss_bytes)} of memory at the peak"
    return (
        f"loaded in {format_seconds(seconds.load)}, snapshots made in"
        f" {format_seconds(seconds.build)}, {format_seconds(seconds.total)} in all{peak}"
    )


def _print_findings(console: Console, report: Report) -> None:
    for location in report.locations:
        for finding in told(location.findings):
            _print_finding(console, finding, location)
            if finding.rule == "measurement-failed":
                _print_failure(console, location.measurement)
        for line in note_lines(location):
            console.print(line, style="dim", soft_wrap=True)
    for note in report.notes:
        console.print(f"note: {note}", style="dim", soft_wrap=True)


def _print_finding(console: Console, finding: Finding, location: LocationReport) -> None:
    """One line that editors and CI can jump to; an exception's further lines come below it."""
    where, first, more = finding_parts(finding, location)
    text = Text(f"{where}: ")
    text.append(finding.severity, style=_SEVERITY_STYLE[finding.severity])
    text.append(f": {first} ").append(f"[{finding.rule}]", style="dim")
    console.print(text, soft_wrap=True)
    for line in more:
        console.print(Text(f"  {line}"), soft_wrap=True)


def _print_failure(console: Console, measurement: Measurement) -> None:
    failure = measurement.failure
    if failure is None:
        return
    for title, body, first in (
        # The user's own frames come first, what was wrong last.
        ("traceback", failure.traceback, _OUTPUT_LINES // 2),
        ("what the code printed", failure.output, 0),
    ):
        lines = body.rstrip().splitlines()
        if not lines:
            continue
        console.print(f"  {title}:", style="dim")
        left_out = len(lines) - _OUTPUT_LINES
        if left_out > 0:
            words = f"... {left_out:,} lines ..."
            lines = [*lines[:first], words, *lines[first + left_out :]]
        for line in lines:
            # Colours of the user's own show on a terminal and nowhere else.
            console.print(Text("    ").append_text(Text.from_ansi(line)), soft_wrap=True)
