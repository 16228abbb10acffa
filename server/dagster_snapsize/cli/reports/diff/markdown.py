"""A comparison for a pull request: a table of snapshots, and tables that can be opened."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from dagster_snapsize.cli.diff import Compared, Comparison, Side
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
from dagster_snapsize.cli.reports.lines import excerpt, place
from dagster_snapsize.cli.reports.markdown import block, code, table, text
from dagster_snapsize.cli.reports.rows import repository_suffix, versions
from dagster_snapsize.core.diff import Change, OwnerChange
from dagster_snapsize.core.sizes import counted, format_growth, format_size

MOST = 60_000
"""Characters of a whole report; GitHub takes a comment of 65,536."""

MARK = "<!-- dagster-snapsize diff -->"
"""The first line: what a later comment on the same pull request is found and replaced by."""

_SIGNS = {"added": "🔺", "grew": "🔺", "removed": "🔻", "shrank": "🔻", "unchanged": "▫️"}
_ROWS = (1000, 300, 100, 50, 20, 5, 1)  # of each table, until the whole is short enough
_FRAMES = 20
_Row = tuple[str, Change, str]


def print_comparison(comparison: Comparison, top: int) -> None:
    """Print the report."""
    sys.stdout.write(render(comparison, top))


def render(comparison: Comparison, top: int, most: int = MOST) -> str:
    """The whole report, of at most ``most`` characters, with ``top`` rows of each table at most."""
    whole = ""
    for rows in dict.fromkeys(min(top, rows) for rows in _ROWS):
        whole = "\n".join(_lines(comparison, rows)) + "\n"
        if len(whole) <= most:
            return whole
    # Hundreds of locations: not even a row of each has room.
    return whole[: whole.rfind("\n", 0, most - 40) + 1] + "\n… and more locations\n"


def _lines(comparison: Comparison, top: int) -> Iterator[str]:
    yield MARK
    for compared in comparison.locations:
        yield from _location(compared, comparison, top)
    for side in (comparison.old, comparison.new):
        yield from _failures(side)
    for note in comparison.notes[: max(5, top)]:
        yield f"- {text(f'note: {note}')}"


def _location(compared: Compared, comparison: Comparison, top: int) -> Iterator[str]:
    change = compared.difference
    yield f"### {code(compared.name)}: {_verdict(compared)}"
    yield ""
    measured = text(sides(compared, lambda one: versions(one.measurement)))
    yield f"{code(comparison.old.label)} → {code(comparison.new.label)}, {measured}"
    yield ""
    for line in import_lines(change):
        yield text(line)
        yield ""
    if not change.is_empty:
        yield from _snapshots(compared, top)
    if sentence := stored_rows(change):
        yield sentence
        yield ""
    if change.is_empty:
        return
    several = len({s.repository for s in change.snapshots}) > 1
    owners = [(_owner(o, several), o.size, text(most_changed_field(o))) for o in change.owners]
    yield from _details("What changed", owners, top, ("", "old", "new", "change", "", "mostly"))
    fields = [(code(name), part, "") for name, part in change.fields.items()]
    yield from _details("What the bytes are made of", fields, top, ("", "old", "new", "change", ""))


def _verdict(compared: Compared) -> str:
    change = compared.difference.size
    if compared.old is None:
        return f"new, {format_size(change.new or 0)}"
    if compared.new is None:
        return f"removed, {format_growth(change.bytes)}"
    if compared.difference.is_empty:
        return "no change"
    return f"{format_growth(change.bytes)} ({percent(change) or '0 %'})"


def _snapshots(compared: Compared, top: int) -> Iterator[str]:
    changed = changed_snapshots(compared)
    repositories = [s.repository for s in compared.difference.snapshots]
    rows = []
    for snapshot in changed[:top]:
        of = repository_suffix(snapshot.kind, snapshot.repository, repositories, code)
        name = f"{_SIGNS[snapshot.stored.kind]} {snapshot.kind} {code(snapshot.name)}{of}"
        use = new_budget_use(compared, snapshot)
        budget = ("", "")
        if use is not None:
            over = "🔴 " if use.is_over else ""
            budget = (format_size(use.budget.bytes), f"{over}{use.percent}")
        rows.append([name, *cells(snapshot.stored), *budget])
    head = ("Snapshot", "old bytes", "new bytes", "change", "", "budget", "used")
    yield from table(head, rows, (1, 2, 3, 4, 5, 6))
    rest = changed[top:]
    if rest:
        size = sum(snapshot.stored.bytes for snapshot in rest)
        yield ""
        yield f"… and {counted(len(rest), 'more snapshot')}, {size:+,} in all"
    yield ""


def _owner(change: OwnerChange, several: bool) -> str:
    owner = change.owner
    kind = f"{owner.kind_label} " if owner.kind_label else ""
    repository = f" of {code(change.repository)}" if several else ""
    where = place(change.location)
    return f"{kind}{code(owner.name)}{repository}{f'<br>{text(where)}' if where else ''}"


def _details(title: str, rows: Sequence[_Row], top: int, head: Sequence[str]) -> Iterator[str]:
    if not rows:
        return
    yield f"<details><summary>{title}: {len(rows):,}</summary>"
    yield ""
    lines = [
        [f"{_SIGNS[change.kind]} {name}", *cells(change), more][: len(head)]
        for name, change, more in rows[:top]
    ]
    yield from table(head, lines, (1, 2, 3, 4))
    rest = rows[top:]
    if rest:
        yield ""
        yield f"… and {len(rest):,} more, {sum(change.bytes for _, change, _ in rest):+,} in all"
    yield ""
    yield "</details>"
    yield ""


def _failures(side: Side) -> Iterator[str]:
    for location in side.failed:
        failure = location.measurement.failure
        assert failure is not None
        where = place(failure.location)
        yield f"### {code(location.measurement.name)}: could not be measured in {code(side.label)}"
        yield ""
        yield f"🔴 {text(f'{where}: ' if where else '')}{text(failure.message)[:1500]}"
        yield ""
        shown = "\n".join(excerpt(failure.traceback.rstrip().splitlines(), _FRAMES))
        if shown:
            yield f"<details><summary>Traceback</summary>\n\n{block(shown)}\n\n</details>"
            yield ""
