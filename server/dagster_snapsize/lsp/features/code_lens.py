"""Sizes beside the code: code lenses above, inlay hints at the end of a line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from lsprotocol.types import CodeLens, InlayHint, MarkupContent, MarkupKind, Range

from dagster_snapsize.core.budgets import asset_budget
from dagster_snapsize.core.sizes import (
    counted,
    format_both,
    format_percent,
    format_size,
)
from dagster_snapsize.lsp.documents.places import View
from dagster_snapsize.lsp.features.asset_groups import (
    SHOW_ASSET,
    SHOW_LOAD_TIME,
    SHOW_REPORT,
    Group,
    command,
    groups,
)
from dagster_snapsize.lsp.features.load_time import hover_text, timed_lines, title
from dagster_snapsize.lsp.features.markup import (
    STALE_NOTE,
    MarkupBuilder,
    code,
    flat,
    repository_label,
)
from dagster_snapsize.lsp.state import LocationState
from dagster_snapsize.measuring.worker.results import LocationResult, SnapshotRow

_HEAVIEST = 5
_STALE = " (stale)"
_NOTEWORTHY = 0.01
_NEAR = 0.5  # of the budget of an asset
_NOTEWORTHY_BYTES = 100


def code_lenses(views: Iterable[View]) -> list[CodeLens]:
    """The lenses of a file, those of each project from the top down."""
    return [lens for view in views if view.settings.code_lens.enable for lens in _code_lenses(view)]


def inlay_hints(views: Iterable[View], within: Range) -> list[InlayHint]:
    """The same texts at the ends of the lines of a range, where no lens says them already."""
    return [
        hint
        for view in views
        if view.settings.inlay_hints.enable
        for hint in _inlay_hints(view, within)
    ]


def _code_lenses(view: View) -> list[CodeLens]:
    folder = view.state.folder
    found = [
        CodeLens(place, command(title, SHOW_REPORT, folder, location.name))
        for location, place, title in _definitions(view)
    ]
    found += [
        CodeLens(group.range, command(title, SHOW_ASSET, folder, group.state.name, group.rows[0]))
        for group, title in _assets(view, view.settings.code_lens.minimum_bytes)
    ]
    if view.settings.load_time.code_lens:
        found += [
            CodeLens(line.range, command(title(line), SHOW_LOAD_TIME, folder, line.state.name))
            for line in timed_lines(view)
        ]
    return sorted(found, key=lambda lens: lens.range.start.line)


def _inlay_hints(view: View, within: Range) -> list[InlayHint]:
    titles = [(place, title, location.name) for location, place, title in _definitions(view)]
    titles += [
        (group.range, title, _tooltip(group, view.markdown))
        for group, title in _assets(view, view.settings.inlay_hints.minimum_bytes)
    ]
    if view.settings.load_time.code_lens:
        markup = MarkupBuilder(view.markdown)
        titles += [(x.range, title(x), hover_text(x, markup)) for x in timed_lines(view)]
    kind = MarkupKind.Markdown if view.markdown else MarkupKind.PlainText
    has_lens = set()
    if view.shows_lenses and view.settings.code_lens.enable:
        has_lens = {lens.range.start.line for lens in _code_lenses(view)}
    return [
        InlayHint(
            position=view.places.line_range(view.path, place.start.line).end,
            label=title,
            tooltip=MarkupContent(kind, tooltip),
            padding_left=True,
        )
        for place, title, tooltip in sorted(titles, key=lambda t: t[0].start.line)
        if within.start.line <= place.start.line <= within.end.line
        and place.start.line not in has_lens
    ]


def _assets(view: View, minimum_bytes: int) -> list[tuple[Group, str]]:
    """The assets of each line that are worth a look, and take so many bytes together."""
    found = [g for g in groups(view) if g.total_bytes >= minimum_bytes and _is_notable(g)]
    locations: defaultdict[int, set[str]] = defaultdict(set)
    for group in found:
        locations[group.range.start.line].add(group.state.name)
    titles = []
    for group in found:
        # Assets of several locations may share a line.
        several = len(locations[group.range.start.line]) > 1
        of = f" {flat(group.state.name)}" if several else ""
        titles.append((group, _asset_title(group, of)))
    return titles


def _is_notable(group: Group) -> bool:
    """From 1 % of the location, or from half of what one asset may take of a snapshot, on."""
    budgets = group.good.budgets
    return group.total_bytes >= _NOTEWORTHY * group.good.total_bytes or any(
        row.largest_bytes >= _NEAR * asset_budget(row.key, budgets).bytes for row in group.rows
    )


def _asset_title(group: Group, of: str) -> str:
    """``4.9 kB · 2 % of location``."""
    count = f"{counted(len(group.rows), 'asset')} · " if len(group.rows) > 1 else ""
    share = format_percent(group.total_bytes, group.good.total_bytes)
    label = repository_label(group.good, group.repository)
    repository = "" if label == "repository" else f" · {label}"
    stale = _STALE if group.is_stale else ""
    return (
        f"{count}{format_size(group.total_bytes)} · {share} of location{of}{repository}"
        f"{_growth(group)}{stale}"
    )


def _growth(group: Group) -> str:
    """`` · +1.2 kB`` since the baseline, where it is large enough.

    None for new assets, whose whole size is growth.
    """
    by = sum(row.growth_bytes for row in group.rows if row.growth_bytes != row.total_bytes)
    share = _NOTEWORTHY * group.total_bytes
    is_notable = by >= max(_NOTEWORTHY_BYTES, share) and not group.good.baseline.mismatch
    return f" · +{format_size(by)}" if is_notable else ""


def _definitions(view: View) -> list[tuple[LocationState, Range, str]]:
    """One for each repository whose definitions are made in the file."""
    here = [
        (location, location.good, location.good.definitions_location)
        for location in view.state.locations
        if location.good is not None and view.is_here(location.good.definitions_location)
    ]
    return [
        (location, place, _repository_title(location, good, snapshot, several=len(here) > 1))
        for location, good, made_at in here
        if made_at is not None and (place := view.places.range_of(made_at)) is not None
        for snapshot in good.snapshots
        if snapshot.kind == "repository"
    ]


def _repository_title(
    location: LocationState, good: LocationResult, snapshot: SnapshotRow, *, several: bool
) -> str:
    """``Repository 87 % of 110 kB · 12 jobs, at most 62 % of 100 kB``."""
    label = repository_label(good, snapshot.repository)
    title = f"{label[0].upper()}{label[1:]}"
    if several:
        title = f"{flat(location.name)}: {label}"
    jobs = [s for s in good.snapshots if s.kind == "job" and s.repository == snapshot.repository]
    of_jobs = ""
    if jobs:
        most = ", at most" if len(jobs) > 1 else ""
        nearest = max(jobs, key=lambda job: job.share)
        of_jobs = f" · {counted(len(jobs), 'job')}{most} {_used(nearest)}"
    return f"{title} {_used(snapshot)}{of_jobs}{_STALE if location.is_stale else ''}"


def _used(snapshot: SnapshotRow) -> str:
    used = format_percent(snapshot.used_bytes, snapshot.budget_bytes)
    return f"{used} of {format_size(snapshot.budget_bytes)}"


def _tooltip(group: Group, markdown: bool) -> str:
    name = code if markdown else flat
    lines = [
        f"{name(row.key)}: {format_both(row.total_bytes)} in all snapshots"
        for row in group.rows[:_HEAVIEST]
    ]
    rest = group.rows[_HEAVIEST:]
    if rest:
        weight = format_both(sum(row.total_bytes for row in rest))
        lines.append(f"and {counted(len(rest), 'more asset')}: {weight}")
    if group.is_stale:
        lines.append(STALE_NOTE)
    return "\n\n".join(lines) if markdown else "\n".join(lines)
