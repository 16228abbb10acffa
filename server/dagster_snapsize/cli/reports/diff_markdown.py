"""A comparison for a pull request: the snapshots in a table, the rest to be opened."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from dagster_snapsize.cli.diff import Compared, Comparison, Side
from dagster_snapsize.cli.reports.diff_text import mostly, percent, signed
from dagster_snapsize.cli.reports.lines import place
from dagster_snapsize.cli.reports.markdown import block, code, table, text
from dagster_snapsize.core.diff import Change, OwnerChange, SnapshotChange
from dagster_snapsize.core.findings import judged_bytes, snapshot_budget
from dagster_snapsize.core.sizes import format_percent, format_size

MOST = 60_000
"""Characters of a whole report; GitHub takes a comment of 65,536."""

MARK = "<!-- dagster-snapsize diff -->"
"""The first line: what a later comment on the same pull request is found and replaced by."""

_SIGNS = {"came": "🔺", "grew": "🔺", "went": "🔻", "shrank": "🔻", "same": "▫️"}
_ROWS = (1000, 300, 100, 50, 20, 5, 1)  # of each table, until the whole is short enough
_FRAMES = 20
_Row = tuple[str, Change, str]


def print_markdown(comparison: Comparison, top: int) -> None:
    """Write it to standard output."""
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
    versions = " / ".join(
        dict.fromkeys(
            f"Dagster {one.measurement.dagster_version}, Python {one.measurement.python_version}"
            for one in (compared.old, compared.new)
            if one is not None
        )
    )
    yield f"{code(comparison.old.label)} → {code(comparison.new.label)}, {text(versions)}"
    yield ""
    if change.is_empty:
        return
    changed = [s for s in change.snapshots if s.stored.happened != "same" or s.owners]
    yield from _snapshots(compared, changed, top)
    several = len({s.repository for s in change.snapshots}) > 1
    owners = [(_owner(o, several), o.size, _why(o)) for o in change.owners]
    yield from _details("What changed", owners, top, ("", "old", "new", "change", "", "mostly"))
    fields = [(code(name), part, "") for name, part in change.fields.items()]
    yield from _details("What the bytes are made of", fields, top, ("", "old", "new", "change", ""))


def _verdict(compared: Compared) -> str:
    change = compared.difference.size
    if compared.old is None:
        return f"new, {format_size(change.new or 0)}"
    if compared.new is None:
        return f"gone, {signed(change.bytes)}"
    if compared.difference.is_empty:
        return "no change"
    return f"{signed(change.bytes)} ({percent(change) or '0 %'})"


def _snapshots(compared: Compared, changed: Sequence[SnapshotChange], top: int) -> Iterator[str]:
    several = len({s.repository for s in compared.difference.snapshots}) > 1
    rows = []
    for snapshot in changed[:top]:
        name = f"{_SIGNS[snapshot.stored.happened]} {snapshot.kind} {code(snapshot.name)}"
        if several and snapshot.kind == "job":
            name += f" of {code(snapshot.repository)}"
        rows.append([name, *_cells(snapshot.stored), *_budget(compared, snapshot)])
    head = ("Snapshot", "old bytes", "new bytes", "change", "", "budget", "used")
    yield from table(head, rows, (1, 2, 3, 4, 5, 6))
    rest = changed[top:]
    if rest:
        yield ""
        yield f"… and {len(rest):,} more snapshots, {sum(s.stored.bytes for s in rest):+,} in all"
    yield ""


def _budget(compared: Compared, change: SnapshotChange) -> tuple[str, str]:
    location = compared.new
    if location is None or change.wire.new is None:
        return "", ""
    snapshot = next(s for s in location.measurement.snapshots if s.id == change.id)
    budget = snapshot_budget(snapshot, location.measurement, location.budgets)
    used = judged_bytes(snapshot, budget)
    over = "🔴 " if used > budget.bytes else ""
    return format_size(budget.bytes), f"{over}{format_percent(used, budget.bytes)}"


def _owner(change: OwnerChange, several: bool) -> str:
    owner = change.owner
    kind = f"{owner.kind_label} " if owner.kind_label else ""
    repository = f" of {code(change.repository)}" if several else ""
    where = place(change.location)
    return f"{kind}{code(owner.name)}{repository}{f'<br>{text(where)}' if where else ''}"


def _why(change: OwnerChange) -> str:
    return text(mostly(change))


def _details(title: str, rows: Sequence[_Row], top: int, head: Sequence[str]) -> Iterator[str]:
    if not rows:
        return
    yield f"<details><summary>{title}: {len(rows):,}</summary>"
    yield ""
    cells = [
        [f"{_SIGNS[change.happened]} {name}", *_cells(change), *([why] if len(head) > 5 else [])]
        for name, change, why in rows[:top]
    ]
    yield from table(head, cells, (1, 2, 3, 4))
    rest = rows[top:]
    if rest:
        yield ""
        yield f"… and {len(rest):,} more, {sum(change.bytes for _, change, _ in rest):+,} in all"
    yield ""
    yield "</details>"
    yield ""


def _cells(change: Change) -> tuple[str, str, str, str]:
    words = {"came": "new", "went": "gone"}
    return (
        "" if change.old is None else f"{change.old:,}",
        "" if change.new is None else f"{change.new:,}",
        f"{change.bytes:+,}" if change.bytes else "0",
        words.get(change.happened) or percent(change),
    )


def _failures(side: Side) -> Iterator[str]:
    for location in side.failed:
        failure = location.measurement.failure
        assert failure is not None
        where = place(failure.location)
        yield f"### {code(location.measurement.name)}: could not be measured in {code(side.label)}"
        yield ""
        yield f"🔴 {text(f'{where}: ' if where else '')}{text(failure.message)[:1500]}"
        yield ""
        shown = "\n".join(failure.traceback.rstrip().splitlines()[-_FRAMES:])
        if shown:
            yield f"<details><summary>Traceback</summary>\n\n{block(shown)}\n\n</details>"
            yield ""
