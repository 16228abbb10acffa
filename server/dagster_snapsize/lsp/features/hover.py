"""Hovers: an asset's bytes by field and snapshot, a location's snapshots, failures, load time."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from lsprotocol.types import Hover, MarkupContent, MarkupKind, Position, Range

from dagster_snapsize.core.sizes import (
    counted,
    format_both,
    format_exact,
    format_growth,
    format_percent,
    format_seconds,
    format_size,
)
from dagster_snapsize.lsp.documents.places import View
from dagster_snapsize.lsp.features.asset_groups import Group, groups
from dagster_snapsize.lsp.features.field_source import field_source
from dagster_snapsize.lsp.features.load_time import hover_text, timed_lines
from dagster_snapsize.lsp.features.markup import (
    STALE_NOTE,
    MarkupBuilder,
    escaped,
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
_SNAPSHOTS = 4
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
    """The assets at a position, the definitions, where a location failed, or what took time."""
    markup = MarkupBuilder(view.markdown)
    parts: list[tuple[Range, str]] = []
    for location in view.state.locations:
        parts += _location_parts(location, view, at, markup)
    parts += [
        (group.range, _group_text(group, view, markup))
        for group in groups(view, lambda place: view.places.is_at(place, at))
    ]
    parts += [
        (line.range, hover_text(line, markup))
        for line in timed_lines(view, wanted=lambda place: view.places.is_at(place, at))
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
        # An editor shows what it was sent for that line, with the frames, in the same hover.
        is_told = view.related_information and _is_published(view, "measurement-failed", within)
        if failed is not None and failed.failure is not None and not is_told:
            texts.append(_failure_text(location, failed, markup))
        if good is not None and place == made_at:
            texts.append(_definitions_text(location, good, markup))
        if texts:
            return [(within, "\n\n".join(texts))]
    return []


def _is_published(view: View, rule: str, within: Range) -> bool:
    lines = [d.range.start.line for d in view.published if d.code == rule]
    return within.start.line in lines


def _failure_text(location: LocationState, failed: LocationResult, markup: MarkupBuilder) -> str:
    failure = failed.failure
    assert failure is not None, "asked for locations that failed only"
    parts = [
        markup.strong(f"{markup.name(location.name)} could not be measured:"),
        markup.block(failure.message),
    ]
    lines = failure.traceback.rstrip().splitlines()
    while lines and lines[-1] in failure.message.splitlines():
        lines.pop()
    if lines:
        parts.append(markup.block("\n".join(lines[-_TRACEBACK_LINES:])))
    return "\n\n".join(parts)


def _definitions_text(location: LocationState, good: LocationResult, markup: MarkupBuilder) -> str:
    repositories = [s for s in good.snapshots if s.kind == "repository"]
    jobs = sorted((s for s in good.snapshots if s.kind == "job"), key=lambda s: -s.used_bytes)
    compared = good.baseline.is_known
    # A budget is compared with what goes over the wire or with what is stored, as it says.
    titles = ["snapshot", "stored", "on the wire", "budget", "used", "budget set by"]
    rows = [
        (
            snapshot_label(good, snapshot),
            f"{snapshot.stored_bytes:,}",
            f"{snapshot.wire_bytes:,}",
            f"{format_size(snapshot.budget_bytes)}{'' if snapshot.is_wire else ' stored'}",
            format_percent(snapshot.used_bytes, snapshot.budget_bytes),
            snapshot.budget_name,
            *([_snapshot_growth(snapshot.growth_bytes)] if compared else []),
        )
        for snapshot in [*repositories, *jobs[:_JOB_ROWS]]
    ]
    parts = [
        f"{markup.name(location.name)}: {counted(len(good.assets), 'asset')},"
        f" {counted(len(good.snapshots), 'snapshot')}, {format_both(good.total_bytes)} stored;"
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


def _group_text(group: Group, view: View, markup: MarkupBuilder) -> str:
    grew = not _is_published(view, "asset-grew", group.range)
    if len(group.rows) == 1:
        detail = view.detail_of(group.good, group.rows[0])
        parts = _asset_parts(group, group.rows[0], detail, markup, with_growth=grew)
        if link := _source_link(group, detail, view):
            parts.append(link)
    else:
        parts = _factory_parts(group, markup, with_growth=grew)
    if group.is_stale:
        parts.append(markup.note(STALE_NOTE))
    return "\n\n".join(parts)


def _source_link(group: Group, detail: AssetDetail | None, view: View) -> str | None:
    """A link to where the heaviest field is written, if that is on another line."""
    text = view.edits.read(view.path)
    heaviest = detail.heaviest_field if detail is not None else None
    if not view.markdown or heaviest is None or text is None:
        return None
    suffix, line = posixpath.splitext(view.path)[1], group.range.start.line
    span = field_source(text, suffix, line, heaviest)
    if span is None or span[0] == line:
        return None
    uri = view.places.uri_of(view.path)
    return f"[Go to {escaped(heaviest)}](<{uri}#L{span[0] + 1}>)"


def _factory_parts(group: Group, markup: MarkupBuilder, *, with_growth: bool) -> list[str]:
    rows = [
        (row.key, format_size(row.total_bytes), f"{row.total_bytes:,}")
        for row in sorted(group.rows, key=lambda r: (-r.total_bytes, r.key))[:_HEAVIEST]
    ]
    rows.append(("together", format_size(group.total_bytes), f"{group.total_bytes:,}"))
    growth = _growth_of_group(group, markup) if with_growth else None
    return [
        f"{markup.strong(counted(len(group.rows), 'asset'))} defined on this line:"
        f" {format_both(group.total_bytes)}, {_share(group)} of {markup.name(group.state.name)}",
        *([growth] if growth else []),
        markup.table(("heaviest", "size", "bytes"), rows),
    ]


def _share(group: Group) -> str:
    return format_percent(group.total_bytes, group.good.total_bytes)


def asset_report(
    location: LocationState, good: LocationResult, row: AssetRow, detail: AssetDetail | None
) -> str:
    """Everything about one asset, in Markdown: a hover that needs no place in a buffer."""
    nowhere = Range(Position(0, 0), Position(0, 0))
    group = Group(location, good, row.repository, nowhere, (row,))
    markup = MarkupBuilder(markdown=True)
    return "\n\n".join(_asset_parts(group, row, detail, markup, with_growth=True))


def location_report(location: LocationState, good: LocationResult) -> str:
    """The snapshots of a location and its heaviest assets, in Markdown."""
    markup = MarkupBuilder(markdown=True)
    rows = [
        (
            asset.key,
            format_size(asset.total_bytes),
            f"{asset.total_bytes:,}",
            f"{asset.location.path}:{asset.location.line}" if asset.location else "unknown",
        )
        for asset in good.assets[:_REPORT_ASSETS]
    ]
    titles = ("heaviest assets", "size", "bytes", "defined at")
    table = markup.table(titles, rows, left=(0, 3))
    return "\n\n".join([_definitions_text(location, good, markup), table])


def _asset_parts(
    group: Group,
    row: AssetRow,
    detail: AssetDetail | None,
    markup: MarkupBuilder,
    *,
    with_growth: bool,
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
    by_id = {s.id: s for s in good.snapshots}
    mine = [by_id[i] for i, size in detail.by_snapshot.items() if size and i in by_id]
    mine.sort(key=lambda s: (-detail.by_snapshot[s.id], s.id))
    parts.append(_by_snapshot(good, detail, mine, markup))
    # Before the table, which reaches below the edge of many a hover.
    if with_growth and (growth := _growth_of_asset(good.baseline, detail, markup)):
        parts.append(growth)
    if same := list(_repeats(detail, markup)):
        parts.append(markup.points(same))
    parts.append(_fields_table(detail, mine, markup))
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


def _by_snapshot(
    good: LocationResult,
    detail: AssetDetail,
    mine: Sequence[SnapshotRow],
    markup: MarkupBuilder,
) -> str:
    """``Repository 83.9 kB, job nightly 2.2 kB and 3 other snapshots 4 kB.``"""
    named = [
        f"{snapshot_label(good, s, markup.name)} {format_size(detail.by_snapshot[s.id])}"
        for s in mine[:_SNAPSHOTS]
    ]
    rest = mine[_SNAPSHOTS:]
    if rest:
        size = format_size(sum(detail.by_snapshot[s.id] for s in rest))
        named.append(f"{counted(len(rest), 'other snapshot')} {size}")
    return f"In {', '.join(named)}." if named else "In no snapshot."


def _fields_table(detail: AssetDetail, mine: Sequence[SnapshotRow], markup: MarkupBuilder) -> str:
    """One row for each field; columns for the repository and the jobs, and for what is shared."""
    jobs = {s.id for s in mine if s.kind == "job"}
    has_both = 0 < len(jobs) < len(mine)
    in_jobs, shared = Counter[str](), Counter[str]()
    for cell in detail.cells:
        shared[cell.field] += cell.shared
        if cell.snapshot in jobs:
            in_jobs[cell.field] += cell.exclusive + cell.shared
    fields = sorted(detail.fields.items(), key=lambda item: (-item[1], item[0]))
    kept, rest = fields[:_FIELDS], [name for name, _ in fields[_FIELDS:]]
    lines: list[tuple[str, Sequence[str]]] = [(name, (name,)) for name, _ in kept]
    if rest:
        lines.append((counted(len(rest), "other field"), rest))
    lines.append(("together", tuple(detail.fields)))
    titles = ["field", "size", "bytes"]
    titles += ["shared"] if detail.shared_bytes else []
    titles += ["repository", "jobs"] if has_both else []
    rows = []
    for title, names in lines:
        size, of_jobs = (sum(found[name] for name in names) for found in (detail.fields, in_jobs))
        row = [title, format_size(size), f"{size:,}"]
        row += [f"{sum(shared[name] for name in names):,}"] if detail.shared_bytes else []
        row += [f"{size - of_jobs:,}", f"{of_jobs:,}"] if has_both else []
        rows.append(row)
    return markup.table(titles, rows)


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
    rows = [f"{markup.name(name)} {format_growth(by)}" for name, by in growth.fields.items()]
    rest = list(growth.fields.values())[_GROWN_FIELDS:]
    if rest:
        others = f"{counted(len(rest), 'other field')} {format_growth(sum(rest))}"
        rows = [*rows[:_GROWN_FIELDS], others]
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


def _growth(size: int) -> str:
    return f"{'+' if size >= 0 else '-'}{format_both(abs(size))}" if size else "as many bytes"


def _mismatch(baseline: BaselineUse, markup: MarkupBuilder) -> str:
    if not baseline.mismatch:
        return ""
    why = "; and from ".join(map(markup.text, baseline.mismatch))
    return f" The baseline is from {why}: sizes may differ for that reason alone."
