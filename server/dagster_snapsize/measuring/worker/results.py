"""A measurement as compact numbers, which the worker sends to the language server.

The summary of a location is small (a few dozen bytes for each asset); what only a hover or a report
needs, an asset's fields in every snapshot, lies in a file of rows, one JSON object a line, found by
offset. So a server holds numbers for 10,000 assets and never a serialized text.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import cattrs
from attrs import frozen

from dagster_snapsize.core.limits import ShownLimit
from dagster_snapsize.core.model import (
    Budgets,
    Failure,
    Finding,
    SourceLocation,
    TimeOwner,
    UnusedIgnore,
)


@frozen
class AssetBytes:
    """What one asset takes of one snapshot."""

    key: str
    bytes: int


@frozen
class SnapshotRow:
    """One snapshot against its budget; ``used_bytes`` is the size that the budget judges.

    ``heaviest`` names the few assets that take most of it. ``growth_bytes`` is by how much it is
    larger than in the baseline, None where that does not have it.
    """

    id: str
    kind: str
    name: str
    repository: str
    stored_bytes: int
    wire_bytes: int
    used_bytes: int
    budget_bytes: int
    budget_name: str
    budget_source: str
    heaviest: tuple[AssetBytes, ...] = ()
    growth_bytes: int | None = None

    @property
    def share(self) -> float:
        """How much of its budget it uses; 1 is all of it."""
        return self.used_bytes / max(1, self.budget_bytes)

    @property
    def is_wire(self) -> bool:
        """Whether the budget judges what goes over the wire, not what is stored."""
        return self.used_bytes == self.wire_bytes


@frozen
class AssetRow:
    """One asset, heaviest first in its location.

    ``total_bytes`` is what it takes of all snapshots together, which is its size wherever one is
    shown, and ``largest_bytes`` what it takes of one of them at most, which its budget judges.
    ``offset`` and ``length`` (bytes) find its AssetDetail in the file of rows. ``growth_bytes`` is
    by how much it is larger than in the baseline: wholly where it is new, 0 where there is none.
    """

    key: str
    repository: str
    total_bytes: int
    largest_bytes: int
    location: SourceLocation | None
    offset: int
    length: int
    growth_bytes: int = 0


@frozen
class FieldBytes:
    """Bytes of one field in one snapshot."""

    snapshot: str
    field: str
    exclusive: int
    shared: int


@frozen
class SharedWith:
    """What an asset shares in one snapshot.

    ``count`` assets share it, this one included; ``others`` names the first few of the others, not
    all: a multi-asset may have thousands of outputs, and each of them such a list.
    """

    snapshot: str
    name: str
    count: int
    others: tuple[str, ...]


@frozen
class AssetGrowth:
    """Growth of an asset since the baseline, over all snapshots.

    ``before`` is None where it is new. ``fields`` are the differences, most growth first.
    """

    before: int | None
    fields: Mapping[str, int]


@frozen
class RepeatedValue:
    """A value of an asset that so many ``others`` carry too.

    ``saved_bytes`` is what would go from all snapshots together if none of them did.
    """

    field: str
    preview: str
    others: int
    saved_bytes: int


@frozen
class AssetDetail:
    """All details of one asset.

    ``growth`` is None where there is no baseline; ``repeats`` are those that save most.
    """

    key: str
    repository: str
    group: str | None
    location: SourceLocation | None
    total_bytes: int
    exclusive_bytes: int
    shared_bytes: int
    dangling_bytes: int
    check_bytes: int
    fields: Mapping[str, int]
    by_snapshot: Mapping[str, int]
    cells: tuple[FieldBytes, ...]
    shared_with: tuple[SharedWith, ...]
    growth: AssetGrowth | None = None
    repeats: tuple[RepeatedValue, ...] = ()

    @property
    def heaviest_field(self) -> str | None:
        """The field with most bytes, None where it has none."""
        return max(self.fields, key=lambda name: self.fields[name], default=None)


@frozen
class OtherOwner:
    """Bytes by field of an owner in one snapshot that is not an asset."""

    snapshot: str
    kind: str
    name: str
    fields: Mapping[str, int]


@frozen
class BaselineProblem:
    """Why a baseline could not be read; ``line`` counts from 1.

    ``is_damaged`` says that nothing is lost if it is written again.
    """

    message: str
    hint: str
    line: int
    is_damaged: bool


@frozen
class BaselineUse:
    """What a result was compared with: the file at ``path``, which need not be there.

    ``name`` is what the location is called in it, and ``is_known`` says that it has it.
    ``mismatch`` are the reasons for which sizes may differ from it though no definition does.
    """

    path: str
    name: str = ""
    is_known: bool = False
    mismatch: tuple[str, ...] = ()
    problem: BaselineProblem | None = None


@frozen
class MeasuredLoad:
    """Where the time went when a location was last loaded from nothing, in microseconds.

    ``measured_at`` is when that was (seconds since the epoch). ``lines`` are those of the project
    that took any, where they are in the files of the newest measurement, and ``report`` is all of
    it as it was (``load_time_json``).
    """

    measured_at: float
    microseconds: int
    lines: tuple[TimeOwner, ...]
    report: Mapping[str, Any]


@frozen
class LocationResult:
    """One measured code location. All paths are absolute.

    ``folders`` are those that the definitions listed: a new file in one of them may be a new
    definition. ``rows`` is the file of AssetDetails (empty if it could not be written), whose last
    line lists the OtherOwners: both together tile every snapshot. With a ``failure`` there are no
    snapshots. ``load`` is None where the location was not loaded from nothing.
    """

    name: str
    root: str
    config_path: str | None
    python: str
    python_source: str
    python_version: str
    dagster_version: str
    seconds: float
    budgets: Budgets
    snapshots: tuple[SnapshotRow, ...]
    assets: tuple[AssetRow, ...]
    findings: tuple[Finding, ...]
    unused_ignores: tuple[UnusedIgnore, ...]
    definitions_location: SourceLocation | None
    definition_files: tuple[str, ...]
    folders: tuple[str, ...]
    rows: str
    failure: Failure | None
    baseline: BaselineUse
    limits: tuple[ShownLimit, ...] = ()
    load: MeasuredLoad | None = None

    @property
    def total_bytes(self) -> int:
        """Stored bytes of all snapshots."""
        return sum(s.stored_bytes for s in self.snapshots)

    @cached_property
    def assets_of_file(self) -> Mapping[str, Mapping[int, Sequence[AssetRow]]]:
        """The assets by absolute path and line of where they are defined, heaviest first."""
        found: defaultdict[str, defaultdict[int, list[AssetRow]]]
        found = defaultdict(lambda: defaultdict(list))
        for row in self.assets:
            if row.location is not None:
                found[row.location.path][row.location.line].append(row)
        return found

    @cached_property
    def location_of(self) -> Mapping[tuple[str, str], SourceLocation]:
        """Where an asset is defined, by repository and key; those that are nowhere are not here."""
        return {(a.repository, a.key): a.location for a in self.assets if a.location is not None}

    @cached_property
    def growth_of(self) -> Mapping[tuple[str, str], int]:
        """By how many bytes assets grew, by repository and key."""
        return {
            (row.repository, row.key): row.growth_bytes
            for row in self.assets
            if row.growth_bytes > 0
        }

    def row(self, key: str, repository: str | None = None) -> AssetRow | None:
        """The row of an asset; the heaviest one of all repositories where none is named."""
        return next(
            (a for a in self.assets if a.key == key and repository in (None, a.repository)), None
        )

    def rank(self, asset: AssetRow) -> int:
        """One more than the number of heavier assets."""
        return 1 + bisect_left(self.assets, -asset.total_bytes, key=lambda a: -a.total_bytes)


def read_detail(rows: str, asset: AssetRow) -> AssetDetail:
    """One asset's detail. Raises OSError or ValueError where the file is gone or was replaced."""
    with Path(rows).open("rb") as stream:
        stream.seek(asset.offset)
        line = stream.read(asset.length)
    detail: AssetDetail = structure(json.loads(line), AssetDetail)
    if detail.key != asset.key:
        raise ValueError(f"the rows of {asset.key} were replaced")
    return detail


def detail_of(result: LocationResult, asset: AssetRow) -> AssetDetail | None:
    """One asset's detail, or None where it cannot be read any more."""
    try:
        return read_detail(result.rows, asset)
    except (OSError, ValueError):
        return None


_CONVERTER = cattrs.Converter()


def unstructure(thing: Any) -> Any:
    """Attrs classes as what JSON can hold."""
    return _CONVERTER.unstructure(thing)


def structure(data: Any, cls: type[Any]) -> Any:
    """The attrs class that ``unstructure`` made ``data`` of."""
    return _CONVERTER.structure(data, cls)
