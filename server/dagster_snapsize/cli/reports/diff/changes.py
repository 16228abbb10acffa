"""What every format shows of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dagster_snapsize.cli.diff import Compared
from dagster_snapsize.cli.reports.rows import BudgetUse, budget_use
from dagster_snapsize.cli.run import LocationReport
from dagster_snapsize.core.diff import Change, Difference, OwnerChange, SnapshotChange
from dagster_snapsize.core.sizes import counted, format_growth, format_percent

_PACKAGES = 10


def changed_snapshots(compared: Compared) -> list[SnapshotChange]:
    """The snapshots of a location that changed, or in which bytes moved between owners."""
    snapshots = compared.difference.snapshots
    return [s for s in snapshots if s.stored.kind != "unchanged" or s.owners]


def sides(compared: Compared, text_of: Callable[[LocationReport], str]) -> str:
    """A text about the old and the new side, once where it is the same for both."""
    both = [text_of(one) for one in (compared.old, compared.new) if one is not None]
    return " / ".join(dict.fromkeys(both))


def new_budget_use(compared: Compared, change: SnapshotChange) -> BudgetUse | None:
    """How much of its budget a snapshot uses on the new side; None where it is not there."""
    location = compared.new
    if location is None or change.wire.new is None:
        return None
    snapshot = next(s for s in location.measurement.snapshots if s.id == change.id)
    return budget_use(snapshot, location)


def percent(change: Change) -> str:
    """``+1.2 %``; nothing where there is nothing to compare with."""
    if not change.old or change.new is None:
        return ""
    share = format_percent(change.bytes, change.old)
    return f"+{share}" if change.bytes > 0 else share


def cells(change: Change) -> tuple[str, str, str, str]:
    """Bytes before and after, the difference, and its share of what was before."""
    labels = {"added": "new", "removed": "removed", "unchanged": "moved"}
    return (
        "" if change.old is None else f"{change.old:,}",
        "" if change.new is None else f"{change.new:,}",
        f"{change.bytes:+,}" if change.bytes else "0",
        labels.get(change.kind) or percent(change),
    )


def most_changed_field(change: OwnerChange) -> str:
    """The field that changed most, with the change: ``description +1.2 kB``."""
    for name, part in change.fields.items():
        return f"{name} {format_growth(part.bytes)}"
    return ""


def stored_rows(difference: Difference) -> str:
    """What a deploy adds to the instance's storage, as a sentence, if anything."""
    rows = difference.rows
    if not rows:
        return ""
    adds, run = ("adds", "it is run") if len(rows) == 1 else ("add", "they are run")
    return (
        f"Instance storage: {counted(len(rows), 'changed job')} {adds} {sum(rows):,} bytes when"
        f" {run} next; no row is ever deleted"
    )


def import_lines(difference: Difference) -> Iterator[str]:
    """``Imports polars (104 modules) at load``, and what is not imported any more."""
    came = {name: c.new for name, c in difference.imports.items() if c.new}
    went = {name: c.old for name, c in difference.imports.items() if c.old}
    for text, packages in (("Imports {} at load", came), ("No longer imports {} at load", went)):
        if packages:
            first = [f"{name} ({counted(of, 'module')})" for name, of in packages.items()][
                :_PACKAGES
            ]
            rest = len(packages) - len(first)
            yield text.format(", ".join(first) + (f" and {rest:,} more" if rest else ""))
