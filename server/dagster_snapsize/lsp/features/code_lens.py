"""Sizes beside the code: code lenses above, inlay hints at the end of a line."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from lsprotocol.types import CodeLens, InlayHint, MarkupContent, MarkupKind, Range

from dagster_snapsize.core.sizes import counted, format_both, format_exact
from dagster_snapsize.lsp.features.asset_groups import (
    SHOW_ASSET,
    SHOW_REPORT,
    Group,
    Places,
    command,
    groups,
    is_stale,
)
from dagster_snapsize.lsp.features.words import (
    STALE_NOTE,
    code,
    flat,
    repository_words,
    short_percent,
    short_size,
)
from dagster_snapsize.lsp.state import LocationState, ProjectState
from dagster_snapsize.measuring.worker.results import AssetRow, LocationResult, SnapshotRow

_HEAVIEST = 5
_STALE = " (stale)"
_NOTEWORTHY = 0.01
_NOTEWORTHY_BYTES = 100


def code_lenses(
    state: ProjectState, path: str, places: Places[Any], lens_minimum_bytes: int
) -> list[CodeLens]:
    """The lenses of a file, from the top down.

    Assets that take fewer bytes of the repository snapshot, all of a line together, have none.
    """
    found = [
        CodeLens(place, command(title, SHOW_REPORT, state.folder, location.name))
        for location, place, title in _definitions(state, path, places)
    ]
    found += [
        CodeLens(
            group.range,
            command(title, SHOW_ASSET, state.folder, group.state.name, group.rows[0].key),
        )
        for group, title in _assets(state, path, places, lens_minimum_bytes)
    ]
    return sorted(found, key=lambda lens: lens.range.start.line)


def inlay_hints(
    state: ProjectState,
    path: str,
    within: Range,
    places: Places[Any],
    inlay_minimum_bytes: int,
    *,
    markdown: bool = True,
) -> list[InlayHint]:
    """The same words at the ends of the lines of a range, from the top down."""
    titles = [
        (place, title, location.name)
        for location, place, title in _definitions(state, path, places)
    ]
    titles += [
        (group.range, title, _tooltip(group, markdown))
        for group, title in _assets(state, path, places, inlay_minimum_bytes)
    ]
    kind = MarkupKind.Markdown if markdown else MarkupKind.PlainText
    return [
        InlayHint(
            position=places.line_range(path, place.start.line).end,
            label=title,
            tooltip=MarkupContent(kind, tooltip),
            padding_left=True,
        )
        for place, title, tooltip in sorted(titles, key=lambda t: t[0].start.line)
        if within.start.line <= place.start.line <= within.end.line
    ]


def _assets(
    state: ProjectState, path: str, places: Places[Any], minimum_bytes: int
) -> list[tuple[Group, str]]:
    found = [g for g in groups(state, path, places) if g.repository_bytes >= minimum_bytes]
    locations: defaultdict[int, set[str]] = defaultdict(set)
    for group in found:
        locations[group.range.start.line].add(group.state.name)
    words = []
    for group in found:
        # Assets of several locations may share a line.
        several = len(locations[group.range.start.line]) > 1
        of = f" of {flat(group.state.name)}" if several else ""
        words.append((group, _asset_words(group, of)))
    return words


def _asset_words(group: Group, of: str) -> str:
    """``4.9 kB · 2 % of repository``."""
    count = f"{counted(len(group.rows), 'asset')} · " if len(group.rows) > 1 else ""
    stale = _STALE if group.is_stale else ""
    return (
        f"{count}{short_size(group.repository_bytes)} ·"
        f" {short_percent(group.repository_bytes, _repository_bytes(group))} of"
        f" {repository_words(group.good, group.repository)}{of}{_growth(group)}{stale}"
    )


def _growth(group: Group) -> str:
    """`` · +1.2 kB`` since the baseline, where it is worth a look.

    Of assets that are new nothing: their size is all growth.
    """
    by = sum(row.repository_growth_bytes for row in group.rows if not _is_new(row))
    share = _NOTEWORTHY * group.repository_bytes
    is_told = by >= max(_NOTEWORTHY_BYTES, share) and not group.good.baseline.mismatch
    return f" · +{short_size(by)}" if is_told else ""


def _is_new(row: AssetRow) -> bool:
    return row.growth_bytes == row.total_bytes


def _repository_bytes(group: Group) -> int:
    return sum(
        s.stored_bytes
        for s in group.good.snapshots
        if s.kind == "repository" and s.repository == group.repository
    )


def _definitions(
    state: ProjectState, path: str, places: Places[Any]
) -> list[tuple[LocationState, Range, str]]:
    """One for each repository whose definitions are made in the file."""
    here = [
        (location, location.good, location.good.definitions_location)
        for location in state.locations
        if location.good is not None
        and location.good.definitions_location is not None
        and location.good.definitions_location.path == path
    ]
    return [
        (location, place, _repository_lens(location, good, snapshot, several=len(here) > 1))
        for location, good, made_at in here
        if made_at is not None and (place := places.range_of(made_at)) is not None
        for snapshot in good.snapshots
        if snapshot.kind == "repository"
    ]


def _repository_lens(
    location: LocationState, good: LocationResult, snapshot: SnapshotRow, *, several: bool
) -> str:
    """``Repository 10.3 MB of 80 MB · 12 jobs, heaviest 4.1 MB``."""
    words = repository_words(good, snapshot.repository)
    title = f"{words[0].upper()}{words[1:]}"
    if several:
        title = f"{flat(location.name)}: {words}"
    jobs = [
        s.used_bytes
        for s in good.snapshots
        if s.kind == "job" and s.repository == snapshot.repository
    ]
    of_jobs = ""
    if jobs:
        heaviest = ", heaviest" if len(jobs) > 1 else ""
        of_jobs = f" · {counted(len(jobs), 'job')}{heaviest} {short_size(max(jobs))}"
    return (
        f"{title} {short_size(snapshot.used_bytes)} of {short_size(snapshot.budget_bytes)}"
        f"{of_jobs}{_STALE if is_stale(location) else ''}"
    )


def _tooltip(group: Group, markdown: bool) -> str:
    name = code if markdown else flat
    of_repository = repository_words(group.good, group.repository, name)
    lines = [
        f"{name(row.key)}: {format_both(row.repository_bytes)} of the {of_repository},"
        f" {format_exact(row.total_bytes)} in all snapshots"
        for row in group.rows[:_HEAVIEST]
    ]
    rest = group.rows[_HEAVIEST:]
    if rest:
        weight = format_both(sum(row.repository_bytes for row in rest))
        lines.append(f"and {counted(len(rest), 'more asset')}: {weight}")
    if group.is_stale:
        lines.append(STALE_NOTE)
    return "\n\n".join(lines) if markdown else "\n".join(lines)
