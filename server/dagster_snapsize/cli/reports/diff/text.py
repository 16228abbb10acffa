"""A comparison as a person reads it on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import click

from dagster_snapsize.cli.diff import Compared, Comparison
from dagster_snapsize.cli.reports.diff.changes import (
    cells,
    changed_snapshots,
    import_lines,
    most_changed_field,
    new_budget_use,
    percent,
    sides,
    stored_rows,
)
from dagster_snapsize.cli.reports.lines import place, print_failed, print_notes
from dagster_snapsize.cli.reports.rows import interpreter, repository_suffix, versions
from dagster_snapsize.cli.reports.terminal import Part, Terminal, can_show, styled
from dagster_snapsize.core.diff import Change, Difference, SnapshotChange
from dagster_snapsize.core.sizes import counted, format_both, format_growth, format_size

_STYLES = {"added": "red", "grew": "red", "removed": "green", "shrank": "green", "unchanged": "dim"}
_LONGEST = 1_000  # characters of an exception's first line

_Row = tuple[Part, Change, str]


def print_comparison(comparison: Comparison, top: int) -> None:
    """Print what changed in every location: by snapshot, owner and field."""
    terminal = Terminal()
    for number, compared in enumerate(comparison.locations):
        if number:
            terminal.line()
        _print_title(terminal, compared, comparison)
        _print_difference(terminal, compared, top)
    if comparison.locations and comparison.status:
        terminal.line()
    for side in (comparison.old, comparison.new):
        for location in side.failed:
            failure = location.measurement.failure
            assert failure is not None
            print_failed(location.measurement.name, side.label, failure, _LONGEST)
    if comparison.notes:
        terminal.line()
    print_notes(comparison.notes)


def print_upgrade(comparison: Comparison, top: int) -> None:
    """Print what another version of Dagster saves, and where."""
    if comparison.old.locations == comparison.new.locations:
        for note in comparison.notes:
            click.echo(note)
        return
    if comparison.locations:
        click.echo(f"{_saving(comparison)}\n")
    print_comparison(comparison, top)


def _saving(comparison: Comparison) -> str:
    by = sum(compared.difference.size.bytes for compared in comparison.locations)
    if by == 0:
        return f"{comparison.new.label} makes no difference."
    verb = "saves" if by < 0 else "costs"
    return f"{comparison.new.label} {verb} {format_both(abs(by))}."


def _print_title(terminal: Terminal, compared: Compared, comparison: Comparison) -> None:
    arrow = "→" if can_show("→") else "->"
    labels = f"  {comparison.old.label} {arrow} {comparison.new.label}"
    status = ""
    if compared.old is None:
        status = "  (new)"
    elif compared.new is None:
        status = "  (removed)"
    measured = sides(compared, lambda one: f"{versions(one.measurement)}, {interpreter(one)}")
    terminal.line((compared.name, "bold"), labels, status, (f"  {measured}", "dim"))


def _print_difference(terminal: Terminal, compared: Compared, top: int) -> None:
    difference = compared.difference
    repositories = [snapshot.repository for snapshot in difference.snapshots]
    terminal.line()
    for line in import_lines(difference):
        terminal.line(line)
    if difference.is_empty:
        terminal.line(
            f"No change: {format_both(difference.size.new or 0)} in"
            f" {counted(len(difference.snapshots), 'snapshot')} on both sides"
        )
        _print_rows(terminal, difference)
        return
    for line in headlines(compared, top):
        terminal.line(line)
    changed = changed_snapshots(compared)
    rows: list[_Row] = []
    for snapshot in changed:
        of = repository_suffix(snapshot.kind, snapshot.repository, repositories)
        name = styled(f"{snapshot.kind} {snapshot.name}", (of, "dim"))
        rows.append((name, snapshot.stored, ""))
    _print_changes(terminal, "Snapshot", rows, top, "snapshot")
    size = difference.size
    total = f"total {size.old or 0:,} -> {size.new or 0:,} bytes, {size.bytes:+,}"
    unchanged = len(difference.snapshots) - len(changed)
    also = f", and {counted(unchanged, 'unchanged snapshot')}" if unchanged else ""
    terminal.line((f"{total}{also}", "dim"))
    _print_rows(terminal, difference)
    rows = []
    for owner in difference.owners:
        of = f" of {owner.repository}" if len(set(repositories)) > 1 else ""
        more = "  ".join(filter(None, [most_changed_field(owner), place(owner.location)]))
        rows.append((styled(owner.owner.label, (of, "dim")), owner.size, more))
    _print_changes(terminal, "What changed", rows, top, "owner")
    rows = [(name, change, "") for name, change in difference.fields.items()]
    _print_changes(terminal, "What the bytes are made of", rows, top, "kind")


def _print_rows(terminal: Terminal, difference: Difference) -> None:
    if sentence := stored_rows(difference):
        terminal.line((sentence, "dim"))


def headlines(compared: Compared, top: int) -> list[str]:
    """One sentence for each snapshot that changed, those with most bytes first."""
    changed = [s for s in compared.difference.snapshots if s.wire.kind != "unchanged"]
    lines = [_headline(compared, snapshot) for snapshot in changed[:top]]
    if len(changed) > top:
        rest = sum(s.stored.bytes for s in changed[top:])
        more = counted(len(changed) - top, "more snapshot")
        lines.append(f"{more} changed by {format_growth(rest)}")
    return lines


def _headline(compared: Compared, change: SnapshotChange) -> str:
    """How a snapshot changed, and how large it is against its budget."""
    name = f"{change.kind} {change.name}"
    use = new_budget_use(compared, change)
    if use is None:
        return f"{name} was removed: {format_growth(change.wire.bytes)}"
    over = use.bytes - use.budget.bytes
    budget = f"its budget of {format_size(use.budget.bytes)}"
    size = format_size(change.wire.new or 0)
    size += f", {format_size(over)} over {budget}" if over > 0 else f", {use.percent} of {budget}"
    if change.wire.old is None:
        return f"{name} is new: {size}"
    by = f"{format_size(abs(change.wire.bytes))} ({percent(change.wire)})"
    return f"{name} {change.wire.kind} by {by} to {size}"


def _print_changes(
    terminal: Terminal, heading: str, rows: Sequence[_Row], top: int, noun: str
) -> None:
    """Print the sizes before and after, and the sum of the changes beyond ``top``."""
    if not rows:
        return
    head = (heading, "old", "new", "change", "", "")
    table: list[Sequence[Part]] = []
    for name, change, more in rows[:top]:
        old, new, by, share = cells(change)
        style = _STYLES[change.kind]
        table.append((name, old, new, (by, style), (share, style), more))
    terminal.line()
    if terminal.fits(head, table):
        terminal.table(head, table, right=(1, 2, 3, 4))
    else:
        terminal.line((heading, "dim"))
        for name, change, more in rows[:top]:
            *_, share = cells(change)
            by = f"{change.bytes:+11,}"
            terminal.line((by, _STYLES[change.kind]), "  ", name, (f"  {share}", "dim"))
            if more:
                terminal.line((f"{'':13}{more}", "dim"))
    rest = rows[top:]
    if rest:
        size = sum(change.bytes for _, change, _ in rest)
        terminal.line((f"and {counted(len(rest), f'more {noun}')}, {size:+,} in all", "dim"))
