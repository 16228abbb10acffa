"""What was measured, where it stands in the editor's buffers now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from attrs import frozen
from lsprotocol.types import Command, Position, Range

from dagster_snapsize.core.model import SourceLocation
from dagster_snapsize.lsp.state import LocationState, ProjectState
from dagster_snapsize.measuring.worker.results import AssetDetail, AssetRow, LocationResult

SHOW_ASSET = "dagsterSnapsize.showAsset"
SHOW_REPORT = "dagsterSnapsize.showReport"
OPEN_HEAVIEST_FIELD = "dagsterSnapsize.openHeaviestField"
UPDATE_BASELINE = "dagsterSnapsize.updateBaseline"

P = TypeVar("P")
# An asset's fields, or None where they are not at hand.
DetailOf = Callable[[LocationResult, AssetRow], AssetDetail | None]


@frozen
class Places(Generic[P]):
    """Measured places in today's buffers.

    ``place_of`` takes an absolute path and the line (from 1) that was measured, and gives None
    where what stood there is gone. ``line_range`` is the whole text of a line (from 0) of the
    buffer, without its end, and that of the last line for one behind it. All ranges are in the
    encoding that was agreed with the client. ``names_on`` are the parts of the text that a pointer
    is on, those on one line (from 0) of the buffer; without it, the place's whole lines are.
    """

    place_of: Callable[[str, int], P | None]
    to_range: Callable[[str, P], Range]
    line_range: Callable[[str, int], Range]
    uri_of: Callable[[str], str]
    names_on: Callable[[str, P, int], Sequence[Range]] | None = None

    def is_at(self, location: SourceLocation, at: Position) -> bool:
        """Whether a pointer is on it, where it is now."""
        place = self.place_of(location.path, location.line)
        if place is None:
            return False
        if self.names_on is None:
            within = self.to_range(location.path, place)
            return within.start.line <= at.line <= within.end.line
        return any(
            _key(name.start) <= _key(at) <= _key(name.end)
            for name in self.names_on(location.path, place, at.line)
        )

    def range_of(self, location: SourceLocation) -> Range | None:
        """Where it is now, or None where it is gone."""
        place = self.place_of(location.path, location.line)
        return None if place is None else self.to_range(location.path, place)

    def range_or_line(self, location: SourceLocation) -> Range:
        """Where it is now, else the line that it had: for what must not disappear."""
        return self.range_of(location) or self.line_range(location.path, max(0, location.line - 1))


@frozen
class Group:
    """The assets of one repository that start at one line of a buffer, heaviest first.

    ``good`` is the measurement that they are from. ``lines`` are the lines (from 1) that they had
    when it was made.
    """

    state: LocationState
    good: LocationResult
    repository: str
    path: str
    range: Range
    lines: frozenset[int]
    rows: tuple[AssetRow, ...]

    @property
    def repository_bytes(self) -> int:
        """Their part of the repository snapshot."""
        return sum(row.repository_bytes for row in self.rows)

    @property
    def total_bytes(self) -> int:
        """Their part of all snapshots."""
        return sum(row.total_bytes for row in self.rows)

    @property
    def is_stale(self) -> bool:
        """Whether the sizes are older than the code."""
        return is_stale(self.state)


def _key(position: Position) -> tuple[int, int]:
    return position.line, position.character


def is_stale(location: LocationState) -> bool:
    """Whether the last good sizes are older than the code or than the configuration."""
    return location.stale or location.failed is not None or location.config_error is not None


def groups(
    state: ProjectState,
    path: str,
    places: Places[Any],
    wanted: Callable[[SourceLocation], bool] = lambda location: True,
) -> list[Group]:
    """The assets whose code is in a file, by line; those whose place is gone are not there.

    ``wanted`` chooses among the measured places.
    """
    found: list[Group] = []
    for location in state.locations:
        good = location.good
        if good is None:
            continue
        by_line = good.assets_of_file.get(path, {})
        chosen = {x: rows for x, rows in by_line.items() if wanted(SourceLocation(path, x))}
        found += _anchored(location, good, path, chosen, places)
    return sorted(found, key=lambda g: (g.range.start.line, g.state.name, g.repository))


def _anchored(
    location: LocationState,
    good: LocationResult,
    path: str,
    by_line: Mapping[int, Sequence[AssetRow]],
    places: Places[Any],
) -> list[Group]:
    ranges: dict[int, Range] = {}
    lines: defaultdict[tuple[int, str], set[int]] = defaultdict(set)
    rows: defaultdict[tuple[int, str], list[AssetRow]] = defaultdict(list)
    for line, assets in by_line.items():
        place = places.range_of(SourceLocation(path, line))
        if place is None:
            continue
        ranges.setdefault(place.start.line, place)
        for asset in assets:
            where = place.start.line, asset.repository
            lines[where].add(line)
            rows[where].append(asset)
    return [
        Group(
            state=location,
            good=good,
            repository=where[1],
            path=path,
            range=ranges[where[0]],
            lines=frozenset(lines[where]),
            rows=tuple(sorted(assets, key=lambda a: (-a.repository_bytes, -a.total_bytes, a.key))),
        )
        for where, assets in rows.items()
    ]


def command(title: str, name: str, folder: str, location: str, key: str | None = None) -> Command:
    """A command on a location or on one of its assets.

    Its arguments are the location's name, the asset's key (none for a location) and the project's
    folder, because two projects may have locations of one name.
    """
    arguments = [location, folder] if key is None else [location, key, folder]
    return Command(title=title, command=name, arguments=arguments)
