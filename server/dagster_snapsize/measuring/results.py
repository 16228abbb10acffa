"""A measurement as compact numbers: what the worker hands to the language server.

The summary of a location is small (a few dozen bytes for each asset); what only a hover or a report
needs, an asset's fields in every snapshot, lies in a file of rows, one JSON object a line, found by
offset. So a server holds numbers for 10,000 assets and never a serialized text.
"""

from __future__ import annotations

import heapq
import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import cattrs
from attrs import frozen

from dagster_snapsize.core.budgets import judge, judged_bytes, snapshot_budget, unused_ignores
from dagster_snapsize.core.model import (
    AssetCost,
    Budgets,
    Failure,
    Finding,
    Measurement,
    Owner,
    Snapshot,
    SourceLocation,
    UnusedIgnore,
)

_HEAVIEST = 5


@frozen
class AssetBytes:
    """What one asset takes of one snapshot."""

    key: str
    bytes: int


@frozen
class SnapshotRow:
    """One snapshot against its budget; ``used_bytes`` is the size that the budget judges.

    ``heaviest`` names the few assets that take most of it.
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


@frozen
class AssetRow:
    """One asset, heaviest first in its location.

    ``repository_bytes`` is its part of the repository snapshot. ``offset`` and ``length`` (bytes)
    find its AssetDetail in the file of rows.
    """

    key: str
    repository: str
    total_bytes: int
    repository_bytes: int
    location: SourceLocation | None
    offset: int
    length: int


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
class AssetDetail:
    """Everything that is known of one asset."""

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


@frozen
class OtherOwner:
    """What someone else than an asset has of one snapshot: bytes by field."""

    snapshot: str
    kind: str
    name: str
    fields: Mapping[str, int]


@frozen
class LocationResult:
    """One measured code location. All paths are absolute.

    ``folders`` are those that the definitions listed: a new file in one of them may be a new
    definition. ``rows`` is the file of AssetDetails, whose last line lists the OtherOwners: both
    together tile every snapshot. With a ``failure`` there are no snapshots.
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

    def rank(self, asset: AssetRow) -> int:
        """How many assets are heavier, and one."""
        return 1 + bisect_left(self.assets, -asset.total_bytes, key=lambda a: -a.total_bytes)


def summarize(
    measurement: Measurement,
    budgets: Budgets,
    *,
    root: Path,
    config_path: str | None,
    python_source: str,
    rows: Path,
) -> LocationResult:
    """Write the file of rows and return the summary that goes with it."""
    by_id = {snapshot.id: snapshot for snapshot in measurement.snapshots}
    repositories = {s.repository: s.id for s in measurement.snapshots if s.kind == "repository"}
    groups = _groups(measurement.snapshots)
    assets = []
    offset = 0
    with rows.open("wb") as stream:
        for asset in measurement.assets:
            detail = _detail(asset, by_id, groups)
            line = json.dumps(detail, separators=(",", ":")).encode("utf-8") + b"\n"
            stream.write(line)
            assets.append(
                AssetRow(
                    key=asset.key,
                    repository=asset.repository,
                    total_bytes=asset.total_bytes,
                    repository_bytes=asset.by_snapshot.get(repositories[asset.repository], 0),
                    location=asset.location,
                    offset=offset,
                    length=len(line),
                )
            )
            offset += len(line)
        others = [unstructure(other) for other in _others(measurement.snapshots)]
        stream.write(json.dumps({"others": others}, separators=(",", ":")).encode("utf-8") + b"\n")
    return LocationResult(
        name=measurement.name,
        root=str(root),
        config_path=config_path,
        python=measurement.python,
        python_source=python_source,
        python_version=measurement.python_version,
        dagster_version=measurement.dagster_version,
        seconds=measurement.seconds.total,
        budgets=budgets,
        snapshots=tuple(_snapshot_row(s, measurement, budgets) for s in measurement.snapshots),
        assets=tuple(assets),
        findings=judge(measurement, budgets),
        unused_ignores=unused_ignores(measurement, budgets),
        definitions_location=measurement.definitions_location,
        definition_files=measurement.definition_files,
        folders=measurement.folders,
        rows=str(rows),
        failure=measurement.failure,
    )


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


def _snapshot_row(snapshot: Snapshot, measurement: Measurement, budgets: Budgets) -> SnapshotRow:
    budget = snapshot_budget(snapshot, measurement, budgets)
    return SnapshotRow(
        id=snapshot.id,
        kind=snapshot.kind,
        name=snapshot.name,
        repository=snapshot.repository,
        stored_bytes=snapshot.stored_bytes,
        wire_bytes=snapshot.wire_bytes,
        used_bytes=judged_bytes(snapshot, budget),
        budget_bytes=budget.bytes,
        budget_name=budget.name,
        budget_source=budget.source,
        heaviest=_heaviest(snapshot, measurement.assets),
    )


def _heaviest(snapshot: Snapshot, assets: Sequence[AssetCost]) -> tuple[AssetBytes, ...]:
    mine = (
        AssetBytes(a.key, a.by_snapshot[snapshot.id])
        for a in assets
        if a.repository == snapshot.repository and a.by_snapshot.get(snapshot.id)
    )
    return tuple(heapq.nlargest(_HEAVIEST, mine, key=lambda a: a.bytes))


def _others(snapshots: Sequence[Snapshot]) -> Iterator[OtherOwner]:
    for snapshot in snapshots:
        for owner, fields in snapshot.ledger.owners.items():
            if owner.kind != "asset":
                sizes = {name: share.bytes for name, share in fields.items()}
                yield OtherOwner(snapshot.id, owner.kind, owner.name, sizes)


def _groups(snapshots: Sequence[Snapshot]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """SharedWith of each asset, by repository and asset key."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for snapshot in snapshots:
        for group in snapshot.ledger.shared_groups:
            first = group.asset_keys[: _HEAVIEST + 1]
            for key in group.asset_keys:
                shared = {
                    "snapshot": snapshot.id,
                    "name": group.name,
                    "count": len(group.asset_keys),
                    "others": [other for other in first if other != key][:_HEAVIEST],
                }
                found.setdefault((snapshot.repository, key), []).append(shared)
    return found


def _detail(
    asset: AssetCost,
    by_id: Mapping[str, Snapshot],
    groups: Mapping[tuple[str, str], list[dict[str, Any]]],
) -> dict[str, Any]:
    """An AssetDetail as what JSON can hold.

    Not made of the class: a location has a hundred cells for each of thousands of assets, and
    whoever has saved a file waits for all of them.
    """
    owner = Owner("asset", asset.key)
    place = asset.location
    return {
        "key": asset.key,
        "repository": asset.repository,
        "group": asset.group,
        "location": {"path": place.path, "line": place.line} if place else None,
        "total_bytes": asset.total_bytes,
        "exclusive_bytes": asset.exclusive_bytes,
        "shared_bytes": asset.shared_bytes,
        "dangling_bytes": asset.dangling_bytes,
        "check_bytes": asset.check_bytes,
        "fields": dict(asset.fields),
        "by_snapshot": dict(asset.by_snapshot),
        "cells": [
            {
                "snapshot": snapshot,
                "field": name,
                "exclusive": share.exclusive,
                "shared": share.shared,
            }
            for snapshot in asset.by_snapshot
            for name, share in by_id[snapshot].ledger.owners.get(owner, {}).items()
        ],
        "shared_with": groups.get((asset.repository, asset.key), []),
    }


_CONVERTER = cattrs.Converter()


def unstructure(thing: Any) -> Any:
    """Attrs classes as what JSON can hold."""
    return _CONVERTER.unstructure(thing)


def structure(data: Any, cls: type[Any]) -> Any:
    """The attrs class that ``unstructure`` made ``data`` of."""
    return _CONVERTER.structure(data, cls)
