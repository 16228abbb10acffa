"""A comparison as a person reads it on a terminal, and as other programs do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

from dagster_snapsize.cli.diff import Compared, Comparison, Side
from dagster_snapsize.cli.reports.json_report import Json, place_json
from dagster_snapsize.cli.reports.lines import finding_parts, place
from dagster_snapsize.cli.reports.terminal import (
    bytes_cell,
    fits,
    plain_table,
    print_table,
    report_console,
)
from dagster_snapsize.cli.run import LocationReport
from dagster_snapsize.core.diff import Change, OwnerChange, SnapshotChange
from dagster_snapsize.core.findings import judged_bytes, snapshot_budget
from dagster_snapsize.core.model import Finding
from dagster_snapsize.core.sizes import counted, format_both, format_size

VERSION = 1
_STYLES = {"came": "red", "grew": "red", "went": "green", "shrank": "green", "same": "dim"}
_OUTPUT_LINES = 20
_LONGEST = 1_000  # characters of an exception's first line


def print_comparison(comparison: Comparison, top: int) -> None:
    """Every location: in one sentence for each snapshot, and by snapshot, owner and field."""
    console = report_console()
    for number, compared in enumerate(comparison.locations):
        if number:
            console.print()
        console.print(_title(compared, comparison), soft_wrap=True)
        print_difference(console, compared, top)
    if comparison.locations and comparison.status:
        console.print()
    print_failures(console, (comparison.old, comparison.new))
    if comparison.notes:
        console.print()
    for note in comparison.notes:
        console.print(f"note: {note}", style="dim", soft_wrap=True)


def print_difference(console: Console, compared: Compared, top: int) -> None:
    """What changed in one location, below its title."""
    console.print()
    if compared.difference.is_empty:
        console.print(
            f"Nothing has changed: {format_both(compared.difference.size.new or 0)} in"
            f" {counted(len(compared.difference.snapshots), 'snapshot')} on both sides"
        )
        return
    for line in headlines(compared, top):
        console.print(line, soft_wrap=True)
    _print_snapshots(console, compared.difference.snapshots, compared.difference.size, top)
    _print_owners(console, compared, top)
    rows = [(Text(name), change, "") for name, change in compared.difference.fields.items()]
    _print_changes(console, "What the bytes are made of", rows, top, "kind")


def headlines(compared: Compared, top: int) -> list[str]:
    """One sentence for each snapshot that changed, those with most bytes first."""
    changed = [s for s in compared.difference.snapshots if s.wire.happened != "same"]
    lines = [_headline(compared, snapshot) for snapshot in changed[:top]]
    if len(changed) > top:
        rest = sum(s.stored.bytes for s in changed[top:])
        lines.append(f"{counted(len(changed) - top, 'more snapshot')} changed by {signed(rest)}")
    return lines


def _headline(compared: Compared, change: SnapshotChange) -> str:
    """What happened to a snapshot, and how much of its budget is left."""
    name = f"{change.kind} {change.name}"
    old, new = change.wire.old, change.wire.new
    if new is None:
        return f"{name} went: {format_size(old or 0)} less"
    size = f"{format_size(new)}{_of_budget(compared, change)}"
    if old is None:
        return f"{name} came with {size}"
    by = f"{format_size(abs(change.wire.bytes))} ({percent(change.wire)})"
    return f"{name} {change.wire.happened} by {by} to {size}"


def _of_budget(compared: Compared, change: SnapshotChange) -> str:
    location = compared.new
    assert location is not None
    measurement = location.measurement
    snapshot = next(s for s in measurement.snapshots if s.id == change.id)
    budget = snapshot_budget(snapshot, measurement, location.budgets)
    over = judged_bytes(snapshot, budget) - budget.bytes
    if over > 0:
        return f", {format_size(over)} over its budget of {format_size(budget.bytes)}"
    return f" of its budget of {format_size(budget.bytes)}"


def signed(size: int) -> str:
    """``+1.2 kB``, ``-12 B``, ``0 B``."""
    return f"+{format_size(size)}" if size > 0 else format_size(size)


def percent(change: Change) -> str:
    """``+1.2 %``; nothing where there is nothing to compare with."""
    if not change.old or change.new is None:
        return ""
    share = 100 * change.bytes / change.old
    if 0 < abs(share) < 0.05:
        return f"{'+' if share > 0 else '-'}<0.1 %"
    return f"{share:+.1f} %"


def mostly(change: OwnerChange) -> str:
    """The field that changed most."""
    for name, part in change.fields.items():
        return f"{name} {signed(part.bytes)}"
    return ""


def print_failures(console: Console, sides: Iterable[Side]) -> None:
    """Which side could not be measured, where, and what its code said."""
    for side in sides:
        for location in side.failed:
            _print_failure(console, side, location)


def _print_failure(console: Console, side: Side, location: LocationReport) -> None:
    failure = location.measurement.failure
    assert failure is not None
    finding = Finding("measurement-failed", "error", failure.message, location=failure.location)
    where, first, more = finding_parts(finding, location)
    text = Text(f"{where}: ").append("error", "bold red")
    if len(first) > _LONGEST:
        first = f"{first[:_LONGEST]} ... {len(first) - _LONGEST:,} characters more"
    said = f": {location.measurement.name} could not be measured in {side.label}: {first}"
    console.print(text.append(said), soft_wrap=True)
    for line in more[:_OUTPUT_LINES]:
        console.print(Text(f"  {line}"), soft_wrap=True)
    for title, body in (
        ("traceback", failure.traceback),
        ("what the code printed", failure.output),
    ):
        lines = body.rstrip().splitlines()[-_OUTPUT_LINES:]
        if lines:
            console.print(f"  {title}:", style="dim")
        for line in lines:
            console.print(Text("    ").append_text(Text.from_ansi(line)), soft_wrap=True)


def _title(compared: Compared, comparison: Comparison) -> Text:
    text = Text(compared.name, style="bold")
    sides = f"  {comparison.old.label} → {comparison.new.label}"
    if not _shows(sides):
        sides = sides.replace("→", "->")
    text.append(sides, "not bold")
    old, new = compared.old, compared.new
    if old is None or new is None:
        text.append("  (was not there)" if old is None else "  (is not there any more)", "not bold")
    return text.append(f"  {ran_by(compared)}", "not bold dim")


def _shows(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def ran_by(compared: Compared) -> str:
    """Dagster and Python, of both sides where they differ."""
    both = [
        f"Dagster {m.dagster_version}, Python {m.python_version}, {place_of_python(one)}"
        for one in (compared.old, compared.new)
        if one is not None and (m := one.measurement)
    ]
    return " / ".join(dict.fromkeys(both))


def place_of_python(location: LocationReport) -> str:
    """The interpreter as it is shown, and what named it."""
    from dagster_snapsize.cli.reports.lines import shown_path

    return f"{shown_path(location.interpreter.path)} ({location.interpreter.source})"


# -- tables --------------------------------------------------------------------------------------

_Row = tuple[Text, Change, str]


def _print_snapshots(
    console: Console, snapshots: Sequence[SnapshotChange], size: Change, top: int
) -> None:
    several = len({s.repository for s in snapshots}) > 1
    changed = [s for s in snapshots if s.stored.happened != "same" or s.owners]
    rows: list[_Row] = []
    for snapshot in changed:
        name = Text(f"{snapshot.kind} {snapshot.name}")
        if several and snapshot.kind == "job":
            name.append(f" of {snapshot.repository}", "dim")
        rows.append((name, snapshot.stored, ""))
    _print_changes(console, "Snapshot", rows, top, "snapshot")
    same = len(snapshots) - len(changed)
    also = f", and {counted(same, 'snapshot')} that did not change" if same else ""
    together = f"all together {change_words(size)}{also}"
    console.print(together, style="dim", soft_wrap=True)


def change_words(change: Change) -> str:
    """``95,449 -> 96,120 bytes, +671``."""
    old, new = bytes_cell(change.old or 0), bytes_cell(change.new or 0)
    return f"{old} -> {new} bytes, {change.bytes:+,}"


def _print_owners(console: Console, compared: Compared, top: int) -> None:
    owners = compared.difference.owners
    several = len({s.repository for s in compared.difference.snapshots}) > 1
    rows: list[_Row] = []
    for change in owners:
        name = Text(change.owner.label)
        if several:
            name.append(f" of {change.repository}", "dim")
        where = place(change.location)
        rows.append((name, change.size, f"{mostly(change)}{f'  {where}' if where else ''}"))
    _print_changes(console, "What changed", rows, top, "owner")


def _print_changes(
    console: Console, heading: str, rows: Sequence[_Row], top: int, what: str
) -> None:
    """Old, new and the difference; the rows beyond ``top`` as one, so that the sums are seen."""
    if not rows:
        return
    table = plain_table(
        (heading, "left"),
        ("old", "right"),
        ("new", "right"),
        ("change", "right"),
        ("", "right"),
        ("", "left"),
    )
    for name, change, more in rows[:top]:
        style = _STYLES[change.happened]
        table.add_row(
            name,
            "" if change.old is None else bytes_cell(change.old),
            "" if change.new is None else bytes_cell(change.new),
            Text(f"{change.bytes:+,}" if change.bytes else "0", style),
            Text(_share(change), style),
            Text(more),
        )
    console.print()
    if fits(console, table):
        print_table(console, table)
    else:
        console.print(heading, style="dim")
        for name, change, more in rows[:top]:
            style = _STYLES[change.happened]
            line = Text(f"{change.bytes:+11,}  ", style).append_text(name.copy())
            line.append(f"  {_share(change)}", "dim")
            console.print(line, soft_wrap=True)
            if more:
                console.print(Text(f"{'':13}{more}", "dim"), soft_wrap=True)
    rest = rows[top:]
    if rest:
        size = sum(change.bytes for _, change, _ in rest)
        console.print(f"and {counted(len(rest), f'more {what}')}, {size:+,} in all", style="dim")


def _share(change: Change) -> str:
    words = {"came": "new", "went": "gone", "same": "moved"}
    return words.get(change.happened) or percent(change)


# -- JSON ----------------------------------------------------------------------------------------


def print_json(comparison: Comparison) -> None:
    """Write one JSON object to standard output."""
    sys.stdout.write(json.dumps(comparison_json(comparison)) + "\n")


def comparison_json(comparison: Comparison) -> Json:
    """The whole comparison; docs/json.md has every key."""
    return {
        "version": VERSION,
        "old": _side_json(comparison.old),
        "new": _side_json(comparison.new),
        "locations": [compared_json(compared) for compared in comparison.locations],
        "notes": list(comparison.notes),
        "exit_status": comparison.status,
    }


def _side_json(side: Side) -> Json:
    return {
        "label": side.label,
        "commit": side.commit,
        "failed": [
            {
                "name": location.measurement.name,
                "message": failure.message,
                "location": place_json(failure.location),
                "traceback": failure.traceback,
                "output": failure.output,
            }
            for location in side.failed
            if (failure := location.measurement.failure)
        ],
    }


def compared_json(compared: Compared) -> Json:
    """One location on both sides."""
    change = compared.difference
    return {
        "name": compared.name,
        "old": _side_of_location_json(compared.old),
        "new": _side_of_location_json(compared.new),
        "stored": change_json(change.size),
        "snapshots": [_snapshot_json(snapshot) for snapshot in change.snapshots],
        "owners": [
            {
                "kind": owner.owner.kind,
                "name": owner.owner.name,
                "repository": owner.repository,
                **change_json(owner.size),
                "by_snapshot": {name: part.bytes for name, part in owner.by_snapshot.items()},
                "fields": {name: part.bytes for name, part in owner.fields.items()},
                "location": place_json(owner.location),
            }
            for owner in change.owners
        ],
        "fields": {name: part.bytes for name, part in change.fields.items()},
    }


def _side_of_location_json(location: LocationReport | None) -> Json | None:
    if location is None:
        return None
    measurement = location.measurement
    return {
        "name": measurement.name,
        "python": measurement.python,
        "python_version": measurement.python_version,
        "dagster_version": measurement.dagster_version,
    }


def _snapshot_json(snapshot: SnapshotChange) -> Json:
    return {
        "id": snapshot.id,
        "kind": snapshot.kind,
        "name": snapshot.name,
        "repository": snapshot.repository,
        "stored": change_json(snapshot.stored),
        "wire": change_json(snapshot.wire),
    }


def change_json(change: Change) -> Json:
    """Bytes before (null: not there), after (null: not any more), and the difference."""
    return {
        "old_bytes": change.old,
        "new_bytes": change.new,
        "difference_bytes": change.bytes,
        "happened": change.happened,
    }
