"""The report that a person reads on a terminal."""

from __future__ import annotations

from collections import Counter, defaultdict

from dagster_snapsize.cli.reports import lines
from dagster_snapsize.cli.reports.lines import place
from dagster_snapsize.cli.reports.rows import (
    budget_use,
    explanations,
    fullest_row,
    heavy_others,
    interpreter,
    mostly,
    repository_suffix,
    stored_bytes,
    stored_size,
    versions,
    where,
)
from dagster_snapsize.cli.reports.terminal import Part, Terminal, styled
from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.load_time import heaviest_lines
from dagster_snapsize.core.model import Measurement, Snapshot
from dagster_snapsize.core.sizes import counted, format_percent, format_seconds, format_size

_LONG = 5.0  # seconds


def print_report(report: Report, status: int, top: int) -> None:
    """Print the snapshots of every location, its heaviest assets and fields, and the findings."""
    terminal = Terminal()
    for location in report.locations:
        measurement = location.measurement
        about = ", ".join(filter(None, [versions(measurement), interpreter(location)]))
        terminal.line((measurement.name, "bold"), (f"  {about}", "dim"))
        if not measurement.failure:
            _print_snapshots(terminal, location, top)
            _print_assets(terminal, measurement, top)
            _print_others(terminal, measurement, top)
            _print_fields(terminal, measurement, top)
            terminal.line((_timing(measurement), "dim"))
            longest = heaviest_lines(measurement.load_time)
            if longest and measurement.seconds.total > _LONG:
                terminal.line((f"what takes longest: {longest}", "dim"))
        terminal.line()
    lines.print_report(report, status, top)


def _print_snapshots(terminal: Terminal, location: LocationReport, top: int) -> None:
    snapshots = location.measurement.snapshots
    jobs = [s for s in snapshots if s.kind == "job"]
    jobs.sort(key=lambda s: (-s.wire_bytes, s.id))
    shown = [s for s in snapshots if s.kind == "repository"] + jobs[:top]
    head = ["Snapshot", "stored bytes", "wire bytes", "budget", "used", ""]
    rows = [_snapshot_row(terminal, snapshot, location) for snapshot in shown]
    if not terminal.fits(head, rows):
        head, rows = head[:-1], [row[:-1] for row in rows]  # without the bars
    terminal.line()
    terminal.table(head, rows, right=(1, 2, 3, 4))
    rest = jobs[top:]
    if rest:
        most = max(snapshot.wire_bytes for snapshot in rest)
        line = f"and {counted(len(rest), 'more job')} of at most {most:,} wire bytes"
        terminal.line((line, "dim"))
    if said := fullest_row(location.measurement):
        terminal.line((said, "dim"))


def _snapshot_row(terminal: Terminal, snapshot: Snapshot, location: LocationReport) -> list[Part]:
    repositories = (s.repository for s in location.measurement.snapshots)
    of = repository_suffix(snapshot.kind, snapshot.repository, repositories)
    use = budget_use(snapshot, location)
    style = "green"
    if use.is_over:
        style = "red"
    elif use.bytes > use.budget.bytes * location.budgets.warn_at:
        style = "yellow"
    return [
        styled(f"{snapshot.kind} {snapshot.name}", (of, "dim")),
        stored_size(snapshot),
        f"{snapshot.wire_bytes:,}",
        use.size,
        (use.percent, style),
        terminal.bar(use.bytes, use.budget.bytes, style) if use.is_known else "",
    ]


def _print_assets(terminal: Terminal, measurement: Measurement, top: int) -> None:
    if not measurement.assets:
        return
    total = stored_bytes(measurement)
    head = ("Heaviest assets", "bytes", "of all", "mostly", "defined at")
    rows = [
        (
            asset.key,
            f"{asset.total_bytes:,}",
            format_percent(asset.total_bytes, total),
            mostly(asset.fields),
            where(asset, measurement),
        )
        for asset in measurement.assets[:top]
    ]
    terminal.line()
    if terminal.fits(head, rows):
        terminal.table(head, rows, right=(1, 2))
    else:
        terminal.line((head[0], "dim"))
        for key, size, percent, field, there in rows:
            terminal.line(f"{size:>11}  {percent:>6}  {key}", (f"  {field}", "dim"))
            if there:
                terminal.line(f"{'':21}{there}")
    rest = measurement.assets[top:]
    if rest:
        size = format_size(sum(asset.total_bytes for asset in rest))
        terminal.line((f"and {counted(len(rest), 'more asset')}, {size} in all", "dim"))


def _print_others(terminal: Terminal, measurement: Measurement, top: int) -> None:
    heavy = heavy_others(measurement, top)
    if not heavy:
        return
    total = stored_bytes(measurement)
    head: tuple[str, ...] = ("Heaviest besides assets", "bytes", "of all", "mostly", "defined at")
    rows: list[tuple[str, ...]] = [
        (
            cost.owner.label,
            f"{cost.total_bytes:,}",
            format_percent(cost.total_bytes, total),
            mostly(cost.fields),
            place(cost.location),
        )
        for cost in heavy
    ]
    if not any(cost.location for cost in heavy):
        head, rows = head[:-1], [row[:-1] for row in rows]
    terminal.line()
    terminal.table(head, rows, right=(1, 2))


def _print_fields(terminal: Terminal, measurement: Measurement, top: int) -> None:
    total = stored_bytes(measurement)
    holders: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for snapshot in measurement.snapshots:
        for owner, fields in snapshot.ledger.by_owner().items():
            for name, size in fields.items():
                holder = "" if owner.kind == "structure" else owner.name
                holders[owner.field_label(name)][holder] += size
    ranked = sorted(holders.items(), key=lambda item: (-item[1].total(), item[0]))
    rows = [
        (name, f"{sizes.total():,}", format_percent(sizes.total(), total), mostly(sizes))
        for name, sizes in ranked[:top]
    ]
    if not rows:  # a server has refused every snapshot
        return
    terminal.line()
    terminal.table(("What the bytes are made of", "bytes", "of all", "heaviest"), rows, (1, 2))
    rest = ranked[top:]
    if rest:
        left = format_size(sum(sizes.total() for _, sizes in rest))
        terminal.line((f"and {counted(len(rest), 'more kind')}, {left} in all", "dim"))
    for sentence in explanations(measurement):
        terminal.line(sentence)
    terminal.line()


def _timing(measurement: Measurement) -> str:
    seconds = measurement.seconds
    if server := measurement.server:
        return (
            f"answered in {format_seconds(seconds.build)}, {format_seconds(seconds.total)} in all;"
            f" the largest reply has {server.largest_reply_bytes:,} bytes"
        )
    peak = ""
    if measurement.peak_rss_bytes:
        peak = f", {format_size(measurement.peak_rss_bytes)} of memory at the peak"
    return (
        f"loaded in {format_seconds(seconds.load)}, snapshots built in"
        f" {format_seconds(seconds.build)}, {format_seconds(seconds.total)} in all{peak}"
    )
