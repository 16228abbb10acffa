"""Hovers: an asset's bytes by field and snapshot, a location's snapshots, and failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lsprotocol.types import Hover, MarkupContent, MarkupKind, Position, Range

from dagster_snapsize.core.sizes import (
    counted,
    format_both,
    format_exact,
    format_percent,
    format_seconds,
    format_size,
)
from dagster_snapsize.lsp.documents.places import DetailOf, View
from dagster_snapsize.lsp.features.asset_groups import Group, groups
from dagster_snapsize.lsp.features.markup import (
    STALE_NOTE,
    MarkupBuilder,
    repository_label,
    snapshot_label,
)
from dagster_snapsize.lsp.state import LocationState
from dagster_snapsize.measuring.worker.results import (
    AssetDetail,
    AssetRow,
    BaselineUse,
    LocationResult,
    RepeatedValue,
    SharedWith,
    SnapshotRow,
)

_HEAVIEST = 5
_FIELDS = 12
_JOB_COLUMNS = 2
_JOB_ROWS = 10
_TRACEBACK_LINES = 15
_REPORT_ASSETS = 50
_GONE = "Its fields are not available. Save to measure again."
_GROWN_FIELDS = 3
_REPEATS = 3


def hover(views: Iterable[View], at: Position) -> Hover | None:
    """What the first project that knows the place says of it."""
    return next(filter(None, (_hover(view, at) for view in views)), None)


def _hover(view: View, at: Position) -> Hover | None:
    """The assets at a position, the definitions, or where a location failed."""
    markup = MarkupBuilder(view.markdown)
    parts: list[tuple[Range, str]] = []
    for location in view.state.locations:
        parts += _location_parts(location, view, at, markup)
    parts += [
        (group.range, _group_text(group, view.detail_of, markup))
        for group in groups(view, lambda place: view.places.is_at(place, at))
    ]
    if not parts:
        return None
    rule = "\n\n---\n\n" if view.markdown else "\n\n"
    kind = MarkupKind.Markdown if view.markdown else MarkupKind.PlainText
    return Hover(MarkupContent(kind, rule.join(text for _, text in parts)), parts[0][0])


def _location_parts(
    location: LocationState, view: View, at: Position, markup: MarkupBuilder
) -> list[tuple[Range, str]]:
    """Why it failed, where it did and at the definitions; its snapshots, at the definitions."""
    good, failed = location.good, location.failed
    made_at = next(
        (r.definitions_location for r in (good, failed) if r and r.definitions_location), None
    )
    frame = failed.failure.location if failed and failed.failure else None
    for place in (made_at, frame):
        if place is None or not view.is_here(place):
            continue
        within = view.places.range_or_line(place)
        # A frame has no name: its whole line counts.
        is_at = view.places.is_at(place, at)
        if not is_at and (place == made_at or within.start.line != at.line):
            continue
        texts = []
        if failed is not None and failed.failure is not None:
            texts.append(_failure_text(location, failed, markup))
        if good is not None and place == made_at:
            texts.append(_definitions_text(location, good, markup))
        if texts:
            return [(within, "\n\n".join(texts))]
    return []


def _failure_text(location: LocationState, failed: LocationResult, markup: MarkupBuilder) -> str:
    failure = failed.failure
    assert failure is not None, "asked for locations that failed only"
    parts = [
        markup.strong(f"{markup.name(location.name)} could not be measured:"),
        markup.block(failure.message),
    ]
    lines = failure.traceback.rstrip().splitlines()
    if lines:
        parts.append(markup.block("\n".join(lines[-_TRACEBACK_LINES:])))
    return "\n\n".join(parts)


def _definitions_text(location: LocationState, good: LocationResult, markup: MarkupBuilder) -> str:
    repositories = [s for s in good.snapshots if s.kind == "repository"]
    jobs = sorted((s for s in good.snapshots if s.kind == "job"), key=lambda s: -s.used_bytes)
    compared = good.baseline.is_known
    titles = ["snapshot", "size", "bytes", "budget", "used", "budget set by"]
    rows = [
        (
            snapshot_label(good, snapshot, markup.name),
            format_size(snapshot.used_bytes),
            f"{snapshot.used_bytes:,}",
            format_size(snapshot.budget_bytes),
            format_percent(snapshot.used_bytes, snapshot.budget_bytes),
            f"{markup.text(snapshot.budget_name)}, {markup.text(snapshot.budget_source)}",
            *([_snapshot_growth(snapshot.growth_bytes)] if compared else []),
        )
        for snapshot in [*repositories, *jobs[:_JOB_ROWS]]
    ]
    parts = [
        f"{markup.name(location.name)}: {counted(len(good.assets), 'asset')},"
        f" {counted(len(good.snapshots), 'snapshot')}, {format_both(good.total_bytes)};"
        f" measured in {format_seconds(good.seconds)} with Dagster"
        f" {markup.text(good.dagster_version)}",
        markup.table([*titles, *(["since the baseline"] if compared else [])], rows, (0, 5)),
    ]
    rest = jobs[_JOB_ROWS:]
    if rest:
        parts.append(
            f"and {counted(len(rest), 'more job')}, each of at most"
            f" {format_both(rest[0].used_bytes)}"
        )
    if location.is_stale:
        parts.append(markup.note(STALE_NOTE))
    return "\n\n".join(parts)


def _group_text(group: Group, detail_of: DetailOf, markup: MarkupBuilder) -> str:
    if len(group.rows) == 1:
        parts = _asset_parts(group, group.rows[0], detail_of(group.good, group.rows[0]), markup)
    else:
        parts = _factory_parts(group, markup)
    if group.is_stale:
        parts.append(markup.note(STALE_NOTE))
    return "\n\n".join(parts)


def _factory_parts(group: Group, markup: MarkupBuilder) -> list[str]:
    rows = [
        (
            markup.name(row.key),
            format_size(row.total_bytes),
            f"{row.total_bytes:,}",
            f"{row.repository_bytes:,}",
        )
        for row in sorted(group.rows, key=lambda r: (-r.total_bytes, r.key))[:_HEAVIEST]
    ]
    rows.append(
        (
            markup.strong("together"),
            format_size(group.total_bytes),
            f"{group.total_bytes:,}",
            f"{group.repository_bytes:,}",
        )
    )
    repository = repository_label(group.good, group.repository, markup.name)
    growth = _growth_of_group(group, markup)
    return [
        f"{markup.strong(counted(len(group.rows), 'asset'))} defined on this line:"
        f" {format_both(group.total_bytes)}, {_share(group)} of {markup.name(group.state.name)}",
        *([growth] if growth else []),
        markup.table(("heaviest", "size", "bytes", repository), rows),
    ]


def _share(group: Group) -> str:
    return format_percent(group.total_bytes, group.good.total_bytes)


def asset_report(
    location: LocationState, good: LocationResult, row: AssetRow, detail: AssetDetail | None
) -> str:
    """Everything about one asset, in Markdown: a hover that needs no place in a buffer."""
    nowhere = Range(Position(0, 0), Position(0, 0))
    group = Group(location, good, row.repository, nowhere, (row,))
    return "\n\n".join(_asset_parts(group, row, detail, MarkupBuilder(markdown=True)))


def location_report(location: LocationState, good: LocationResult) -> str:
    """The snapshots of a location and its heaviest assets, in Markdown."""
    markup = MarkupBuilder(markdown=True)
    rows = [
        (
            markup.name(asset.key),
            format_size(asset.total_bytes),
            f"{asset.total_bytes:,}",
            markup.text(
                f"{asset.location.path}:{asset.location.line}" if asset.location else "unknown"
            ),
        )
        for asset in good.assets[:_REPORT_ASSETS]
    ]
    titles = ("heaviest assets", "size", "bytes", "defined at")
    table = markup.table(titles, rows, left=(0, 3))
    return "\n\n".join([_definitions_text(location, good, markup), table])


def _asset_parts(
    group: Group, row: AssetRow, detail: AssetDetail | None, markup: MarkupBuilder
) -> list[str]:
    good = group.good
    several = len({s.repository for s in good.snapshots}) > 1
    of = f", of {repository_label(good, group.repository, markup.name)}" if several else ""
    parts = [
        f"{markup.name(row.key)}: {format_both(row.total_bytes)}, {_share(group)} of"
        f" {markup.name(group.state.name)}{of}; number {good.rank(row):,} of"
        f" {counted(len(good.assets), 'asset')}"
    ]
    if detail is None:
        return [*parts, _GONE]
    # Before the table, which reaches below the edge of many a hover.
    if growth := _growth_of_asset(good.baseline, detail, markup):
        parts.append(growth)
    if same := list(_repeats(detail, markup)):
        parts.append(markup.points(same))
    parts.append(_fields_table(good, detail, markup))
    if detail.shared_bytes:
        parts.append(
            f"{format_exact(detail.exclusive_bytes)} are its own,"
            f" {format_exact(detail.shared_bytes)} its part of what it shares."
        )
        if lines := _shares(detail, markup):
            parts.append(markup.points(lines))
    if detail.dangling_bytes or detail.check_bytes:
        parts.append(
            f"Removing it also frees {format_exact(detail.dangling_bytes)} of references to it and"
            f" {format_exact(detail.check_bytes)} of its checks."
        )
    return parts


def _fields_table(good: LocationResult, detail: AssetDetail, markup: MarkupBuilder) -> str:
    """One row for each field; a column for the repository, the heaviest jobs and the other jobs.

    ToolInterpreter and shared bytes have columns where anything is shared.
    """
    by_id = {s.id: s for s in good.snapshots}
    mine = [by_id[i] for i, size in detail.by_snapshot.items() if size and i in by_id]
    mine.sort(key=lambda s: (s.kind != "repository", -detail.by_snapshot[s.id], s.id))
    jobs = [s for s in mine if s.kind == "job"]
    shown = [s for s in mine if s.kind != "job"] + jobs[:_JOB_COLUMNS]
    others = [s.id for s in jobs[_JOB_COLUMNS:]]
    columns: list[tuple[str, Sequence[str]]] = [
        (_column_title(good, s, markup), (s.id,)) for s in shown
    ]
    if others:
        columns.append((counted(len(others), "other job"), others))
    cells: Mapping[tuple[str, str], int] = Counter(
        {(c.snapshot, c.field): c.exclusive + c.shared for c in detail.cells}
    )
    exclusive: Counter[str] = Counter()
    for cell in detail.cells:
        exclusive[cell.field] += cell.exclusive
    fields = sorted(detail.fields.items(), key=lambda item: (-item[1], item[0]))
    kept, rest = fields[:_FIELDS], [name for name, _ in fields[_FIELDS:]]
    lines: list[tuple[str, tuple[str, ...]]] = [(markup.name(name), (name,)) for name, _ in kept]
    if rest:
        lines.append((counted(len(rest), "other field"), tuple(rest)))
    lines.append((markup.strong("together"), tuple(detail.fields)))
    rows = []
    for title, names in lines:
        size = sum(detail.fields[name] for name in names)
        own = sum(exclusive[name] for name in names)
        split = [f"{own:,}", f"{size - own:,}"] if detail.shared_bytes else []
        parts = [f"{sum(cells[i, n] for i in ids for n in names):,}" for _, ids in columns]
        rows.append([title, format_size(size), f"{size:,}", *split, *parts])
    split_titles = ["own", "shared"] if detail.shared_bytes else []
    return markup.table(
        ["field", "size", "bytes", *split_titles, *(title for title, _ in columns)], rows
    )


def _column_title(good: LocationResult, snapshot: SnapshotRow, markup: MarkupBuilder) -> str:
    """The repository is named above the table already."""
    return "repository" if snapshot.kind == "repository" else f"job {markup.name(snapshot.name)}"


def _shares(detail: AssetDetail, markup: MarkupBuilder) -> list[str]:
    """A line for each thing that it shares, however many snapshots hold that."""
    seen: dict[tuple[str, int, tuple[str, ...]], SharedWith] = {}
    for shared in detail.shared_with:
        seen.setdefault((shared.name, shared.count, shared.others), shared)
    lines = []
    for shared in list(seen.values())[:_HEAVIEST]:
        rest = shared.count - 1 - len(shared.others)
        more = f" and {rest:,} more" if rest > 0 else ""
        named = ", ".join(map(markup.name, shared.others))
        if named:
            lines.append(f"Shares {markup.name(shared.name)} with {named}{more}.")
    return lines


def _growth_of_asset(
    baseline: BaselineUse, detail: AssetDetail, markup: MarkupBuilder
) -> str | None:
    """``Since the baseline: +1.2 kB (1,213 bytes): description +1 kB, ...``."""
    growth = detail.growth
    if growth is None or (growth.before is not None and not growth.fields):
        return None
    if growth.before is None:
        return f"New since the baseline.{_mismatch(baseline, markup)}"
    rows = [f"{markup.name(name)} {_signed(by)}" for name, by in growth.fields.items()]
    rest = list(growth.fields.values())[_GROWN_FIELDS:]
    if rest:
        rows = [*rows[:_GROWN_FIELDS], f"{counted(len(rest), 'other field')} {_signed(sum(rest))}"]
    by = _growth(detail.total_bytes - growth.before)
    return f"Since the baseline: {by}: {', '.join(rows)}.{_mismatch(baseline, markup)}"


def _growth_of_group(group: Group, markup: MarkupBuilder) -> str | None:
    """The same of all assets of a line."""
    changed = [row.growth_bytes for row in group.rows if row.growth_bytes]
    if not changed:
        return None
    by = _growth(sum(changed))
    of = f"in {len(changed):,} of {counted(len(group.rows), 'asset')}"
    return f"Since the baseline: {by}, {of}.{_mismatch(group.good.baseline, markup)}"


def _snapshot_growth(growth_bytes: int | None) -> str:
    """A cell of a table: bytes, or that the baseline has no such snapshot."""
    return "new" if growth_bytes is None else f"{growth_bytes:+,}"


def _repeats(detail: AssetDetail, markup: MarkupBuilder) -> Iterator[str]:
    """A line for each of the heaviest values that other assets repeat."""
    for repeat in detail.repeats[:_REPEATS]:
        yield _repeat(repeat, markup)
    rest = len(detail.repeats) - _REPEATS
    if rest > 0:
        yield "More of its values are repeated."


def _repeat(repeat: RepeatedValue, markup: MarkupBuilder) -> str:
    everywhere = "both" if repeat.others == 1 else f"all {repeat.others + 1:,}"
    return (
        f"{markup.name(repeat.field)} is the same on {counted(repeat.others, 'other asset')}:"
        f" removing it from {everywhere} saves {format_both(repeat.saved_bytes)}."
    )


def _signed(size: int) -> str:
    """``+1.2 kB``, ``-300 B``."""
    return f"{'+' if size >= 0 else '-'}{format_size(abs(size))}"


def _growth(size: int) -> str:
    return f"{'+' if size >= 0 else '-'}{format_both(abs(size))}" if size else "as many bytes"


def _mismatch(baseline: BaselineUse, markup: MarkupBuilder) -> str:
    if not baseline.mismatch:
        return ""
    why = "; and from ".join(map(markup.text, baseline.mismatch))
    return f" The baseline is from {why}: sizes may differ for that reason alone."
