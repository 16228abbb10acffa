"""The assets of a file by the line on which they are defined in its buffer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from attrs import frozen
from lsprotocol.types import Command, Range

from dagster_snapsize.core.model import SourceLocation
from dagster_snapsize.lsp.documents.places import Places, View
from dagster_snapsize.lsp.state import LocationState
from dagster_snapsize.measuring.worker.results import AssetRow, LocationResult

SHOW_ASSET = "dagsterSnapsize.showAsset"
SHOW_REPORT = "dagsterSnapsize.showReport"
SHOW_LOAD_TIME = "dagsterSnapsize.showLoadTime"
OPEN_HEAVIEST_FIELD = "dagsterSnapsize.openHeaviestField"
UPDATE_BASELINE = "dagsterSnapsize.updateBaseline"


@frozen
class Group:
    """The assets of one repository that start at one line of a buffer, heaviest first.

    ``good`` is the measurement that they are from.
    """

    state: LocationState
    good: LocationResult
    repository: str
    range: Range
    rows: tuple[AssetRow, ...]

    @property
    def total_bytes(self) -> int:
        """Their part of all snapshots."""
        return sum(row.total_bytes for row in self.rows)

    @property
    def is_stale(self) -> bool:
        """Whether the sizes are older than the code."""
        return self.state.is_stale


def groups(
    view: View, wanted: Callable[[SourceLocation], bool] = lambda location: True
) -> list[Group]:
    """The assets whose code is in a file, by line; those whose line was deleted are left out.

    ``wanted`` chooses among the measured source locations.
    """
    found: list[Group] = []
    for location in view.state.locations:
        good = location.good
        for path in good.assets_of_file if good is not None else ():
            if good is not None and view.holds(path):
                by_line = good.assets_of_file[path]
                chosen = {x: r for x, r in by_line.items() if wanted(SourceLocation(path, x))}
                found += _by_line(location, good, path, chosen, view.places)
    return sorted(found, key=lambda g: (g.range.start.line, g.state.name, g.repository))


def _by_line(
    location: LocationState,
    good: LocationResult,
    path: str,
    by_line: Mapping[int, Sequence[AssetRow]],
    places: Places,
) -> list[Group]:
    ranges: dict[int, Range] = {}
    rows: defaultdict[tuple[int, str], list[AssetRow]] = defaultdict(list)
    for line, assets in by_line.items():
        place = places.range_of(SourceLocation(path, line))
        if place is None:
            continue
        ranges.setdefault(place.start.line, place)
        for asset in assets:
            where = place.start.line, asset.repository
            rows[where].append(asset)
    return [
        Group(
            state=location,
            good=good,
            repository=where[1],
            range=ranges[where[0]],
            rows=tuple(sorted(assets, key=lambda a: (-a.total_bytes, a.key))),
        )
        for where, assets in rows.items()
    ]


def command(
    title: str, name: str, folder: str, location: str, row: AssetRow | None = None
) -> Command:
    """A command on a location or on one of its assets.

    Its arguments are the location's name, the asset's key (none for a location), the project's
    folder, because two projects may have locations of one name, and the asset's repository.
    """
    arguments = [location, folder]
    if row is not None:
        arguments = [location, row.key, folder, row.repository]
    return Command(title=title, command=name, arguments=arguments)
