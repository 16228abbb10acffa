"""Collects bytes by owner while a snapshot is read, and divides shared bytes, into a Ledger.

An attribution belongs to one owner or to several that share it. Shared bytes are divided once, when
the ledger is built, so that no owner collects the remainders of many small divisions.
"""

from __future__ import annotations

from collections.abc import Sequence

from dagster_snapsize.core.dagster_fields import printable
from dagster_snapsize.core.model import Ledger, Owner, OwnerKind, Share, SharedGroup


class Attribution:
    """Bytes by field that belong to one owner, or to several in equal parts.

    ``asset`` is the key of the asset whose removal, with its checks, removes all of these bytes;
    None where there is none. ``group`` names what the owners share.
    """

    __slots__ = ("asset", "fields", "group", "owners")

    def __init__(self, owners: tuple[Owner, ...], asset: str | None, group: str = "") -> None:
        self.owners = owners
        self.asset = asset
        self.group = group
        self.fields: dict[str, int] = {}

    def add(self, field: str, size: int) -> None:
        """Add that many bytes to a field."""
        self.fields[field] = self.fields.get(field, 0) + size


class LedgerBuilder:
    """Collects the attributions of one snapshot."""

    def __init__(self) -> None:
        self._single: dict[tuple[OwnerKind, str], Attribution] = {}
        self._joint: dict[tuple[tuple[Owner, ...], str], Attribution] = {}
        self._dangling: dict[str, int] = {}

    def asset(self, key: str) -> Attribution:
        """The attribution of an asset."""
        return self._one("asset", key, key)

    def check(self, asset: str, name: str) -> Attribution:
        """The attribution of a check of an asset."""
        return self._one("check", f"{asset}:{name}", asset)

    def owner(self, kind: OwnerKind, name: str) -> Attribution:
        """The attribution of any other owner."""
        return self._one(kind, name, None)

    def row(self, name: str) -> Attribution:
        """The bracketed row of that name."""
        return self._one("structure", f"[{name}]", None)

    def joint(self, attributions: Sequence[Attribution], group: str = "") -> Attribution:
        """The attribution that the owners of these share, sorted by kind and name."""
        if len(attributions) == 1:
            return attributions[0]
        distinct = {id(attribution): attribution for attribution in attributions}
        if len(distinct) == 1:
            return next(iter(distinct.values()))
        owners = tuple(
            sorted(
                {owner for attribution in distinct.values() for owner in attribution.owners},
                key=lambda owner: (owner.kind, owner.name),
            )
        )
        joint = self._joint.get((owners, group))
        if joint is None:
            assets = {attribution.asset for attribution in distinct.values()}
            joint = Attribution(owners, assets.pop() if len(assets) == 1 else None, group)
            self._joint[(owners, group)] = joint
        return joint

    def add_edge(self, upstream: str, attribution: Attribution, size: int) -> None:
        """Note that these bytes name an upstream asset, and go when that asset is removed."""
        if attribution.asset != upstream:
            self._dangling[upstream] = self._dangling.get(upstream, 0) + size

    def build(self, stored_bytes: int) -> Ledger:
        """The ledger. Raises AssertionError where the attributions do not sum to the snapshot."""
        exclusive: dict[Owner, dict[str, int]] = {}
        shared: dict[Owner, dict[str, int]] = {}
        checks: dict[str, int] = {}
        groups: dict[tuple[str, tuple[str, ...]], int] = {}
        for attribution in self._single.values():
            if attribution.fields:
                exclusive[attribution.owners[0]] = attribution.fields
        for attribution in self._joint.values():
            _divide(attribution, shared)
            keys = tuple(owner.name for owner in attribution.owners if owner.kind == "asset")
            if attribution.fields and len(keys) > 1:
                group = (attribution.group, keys)
                groups[group] = groups.get(group, 0) + sum(attribution.fields.values())
        for attribution in (*self._single.values(), *self._joint.values()):
            if (
                attribution.asset is not None
                and attribution.fields
                and _are_checks(attribution.owners)
            ):
                size = sum(attribution.fields.values())
                checks[attribution.asset] = checks.get(attribution.asset, 0) + size
        return Ledger(
            stored_bytes=stored_bytes,
            owners=_rows(exclusive, shared),
            dangling_bytes=self._dangling,
            check_bytes=checks,
            shared_groups=tuple(
                SharedGroup(name, keys, size) for (name, keys), size in sorted(groups.items())
            ),
        )

    def _one(self, kind: OwnerKind, name: str, asset: str | None) -> Attribution:
        name = printable(name)
        attribution = self._single.get((kind, name))
        if attribution is None:
            attribution = self._single[(kind, name)] = Attribution((Owner(kind, name),), asset)
        return attribution


def _are_checks(owners: Sequence[Owner]) -> bool:
    return all(owner.kind == "check" for owner in owners)


def _divide(attribution: Attribution, shared: dict[Owner, dict[str, int]]) -> None:
    """Equal parts for all owners; the first ones carry the remainder, a byte each."""
    for field, size in attribution.fields.items():
        part, remainder = divmod(size, len(attribution.owners))
        for place, owner in enumerate(attribution.owners):
            fields = shared.setdefault(owner, {})
            fields[field] = fields.get(field, 0) + part + (place < remainder)


def _rows(
    exclusive: dict[Owner, dict[str, int]], shared: dict[Owner, dict[str, int]]
) -> dict[Owner, dict[str, Share]]:
    """Both parts as shares. Equal shares are one object: big projects have millions of rows."""
    known: dict[tuple[int, int], Share] = {}
    rows: dict[Owner, dict[str, Share]] = {}
    for owner in (*exclusive, *(owner for owner in shared if owner not in exclusive)):
        own, common = exclusive.get(owner, {}), shared.get(owner, {})
        fields: dict[str, Share] = {}
        for name in (*own, *(name for name in common if name not in own)):
            amounts = (own.get(name, 0), common.get(name, 0))
            share = known.get(amounts)
            if share is None:
                share = known[amounts] = Share(*amounts)
            fields[name] = share
        rows[owner] = fields
    return rows
