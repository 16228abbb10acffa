"""What each asset costs, over all snapshots of its repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from attrs import define, field

from dagster_snapsize.core.model import AssetCost, Ledger, Snapshot, SourceLocation

_NONE: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@define
class _Sum:
    """One asset's bytes so far."""

    exclusive: int = 0
    shared: int = 0
    dangling: int = 0
    checks: int = 0
    by_snapshot: dict[str, int] = field(factory=dict)
    fields: dict[str, int] = field(factory=dict)


def asset_costs(
    repository: str,
    snapshots: Sequence[Snapshot],
    locations: Mapping[str, SourceLocation],
    groups: Mapping[str, str | None],
    deps: Mapping[str, tuple[str, ...]] = _NONE,
) -> tuple[AssetCost, ...]:
    """What each asset of a repository costs in bytes, heaviest first, then by key.

    ``snapshots`` may hold those of other repositories too; they do not count. ``locations``,
    ``groups`` (names) and ``deps`` (keys) are by asset key; an asset without one is listed all the
    same. ``fields`` are heaviest first.
    """
    sums: dict[str, _Sum] = {}
    own = [snapshot for snapshot in snapshots if snapshot.repository == repository]
    for snapshot in own:
        _add_owned(sums, snapshot.id, snapshot.ledger)
    for snapshot in own:
        _add_named(sums, snapshot.ledger)
    costs = [
        AssetCost(
            key=key,
            repository=repository,
            total_bytes=found.exclusive + found.shared,
            exclusive_bytes=found.exclusive,
            shared_bytes=found.shared,
            dangling_bytes=found.dangling,
            check_bytes=found.checks,
            by_snapshot=found.by_snapshot,
            fields=dict(sorted(found.fields.items(), key=lambda pair: (-pair[1], pair[0]))),
            location=locations.get(key),
            group=groups.get(key),
            deps=deps.get(key, ()),
        )
        for key, found in sums.items()
    ]
    return tuple(sorted(costs, key=lambda cost: (-cost.total_bytes, cost.key)))


def _add_owned(sums: dict[str, _Sum], snapshot: str, ledger: Ledger) -> None:
    """What assets own of one snapshot."""
    for owner, fields in ledger.owners.items():
        if owner.kind != "asset":
            continue
        found = sums.get(owner.name)
        if found is None:
            found = sums[owner.name] = _Sum()
        before = found.exclusive + found.shared
        for name, share in fields.items():
            found.exclusive += share.exclusive
            found.shared += share.shared
            found.fields[name] = found.fields.get(name, 0) + share.bytes
        added = found.exclusive + found.shared - before
        found.by_snapshot[snapshot] = found.by_snapshot.get(snapshot, 0) + added


def _add_named(sums: dict[str, _Sum], ledger: Ledger) -> None:
    """What others own in one snapshot and that goes with an asset."""
    for key, size in ledger.dangling_bytes.items():
        if key in sums:
            sums[key].dangling += size
    for key, size in ledger.check_bytes.items():
        if key in sums:
            sums[key].checks += size
