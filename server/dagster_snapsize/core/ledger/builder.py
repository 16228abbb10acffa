"""The book in which bytes are entered: claims while a snapshot is read, a Ledger at its end.

A claim belongs to one owner or to several that hold it together. Bytes are divided once, when the
book is closed, so that no owner collects the remainders of many small divisions.
"""

from __future__ import annotations

from collections.abc import Sequence

from dagster_snapsize.core.dagster_fields import printable
from dagster_snapsize.core.model import Ledger, Owner, OwnerKind, Share, SharedGroup


class Claim:
    """Bytes by field, held by one owner or by several in equal parts.

    ``asset`` is the key of the asset that takes all of it along when it goes with its checks, None
    where there is no such asset. ``group`` names what is held together.
    """

    __slots__ = ("asset", "fields", "group", "owners")

    def __init__(self, owners: tuple[Owner, ...], asset: str | None, group: str = "") -> None:
        self.owners = owners
        self.asset = asset
        self.group = group
        self.fields: dict[str, int] = {}

    def charge(self, field: str, size: int) -> None:
        """Enter that many bytes."""
        self.fields[field] = self.fields.get(field, 0) + size


class Book:
    """All claims on one snapshot."""

    def __init__(self) -> None:
        self._single: dict[tuple[OwnerKind, str], Claim] = {}
        self._joint: dict[tuple[tuple[Owner, ...], str], Claim] = {}
        self._dangling: dict[str, int] = {}

    def asset(self, key: str) -> Claim:
        """The claim of an asset."""
        return self._one("asset", key, key)

    def check(self, asset: str, name: str) -> Claim:
        """The claim of an asset's check."""
        return self._one("check", f"{asset}:{name}", asset)

    def of(self, kind: OwnerKind, name: str) -> Claim:
        """The claim of any other owner."""
        return self._one(kind, name, None)

    def row(self, name: str) -> Claim:
        """The bracketed row of that name."""
        return self._one("structure", f"[{name}]", None)

    def joint(self, claims: Sequence[Claim], group: str = "") -> Claim:
        """The claim that the owners of these claims hold together, in the order of their names."""
        if len(claims) == 1:
            return claims[0]
        distinct = {id(claim): claim for claim in claims}
        if len(distinct) == 1:
            return next(iter(distinct.values()))
        owners = tuple(
            sorted(
                {owner for claim in distinct.values() for owner in claim.owners},
                key=lambda owner: (owner.kind, owner.name),
            )
        )
        joint = self._joint.get((owners, group))
        if joint is None:
            assets = {claim.asset for claim in distinct.values()}
            joint = Claim(owners, assets.pop() if len(assets) == 1 else None, group)
            self._joint[(owners, group)] = joint
        return joint

    def edge(self, upstream: str, claim: Claim, size: int) -> None:
        """Note that these bytes of a claim name an asset, and go when it goes."""
        if claim.asset != upstream:
            self._dangling[upstream] = self._dangling.get(upstream, 0) + size

    def close(self, stored_bytes: int) -> Ledger:
        """The ledger; AssertionError where the claims are not the whole snapshot."""
        exclusive: dict[Owner, dict[str, int]] = {}
        shared: dict[Owner, dict[str, int]] = {}
        checks: dict[str, int] = {}
        groups: dict[tuple[str, tuple[str, ...]], int] = {}
        for claim in self._single.values():
            if claim.fields:
                exclusive[claim.owners[0]] = claim.fields
        for claim in self._joint.values():
            _divide(claim, shared)
            keys = tuple(owner.name for owner in claim.owners if owner.kind == "asset")
            if claim.fields and len(keys) > 1:
                group = (claim.group, keys)
                groups[group] = groups.get(group, 0) + sum(claim.fields.values())
        for claim in (*self._single.values(), *self._joint.values()):
            if claim.asset is not None and claim.fields and _are_checks(claim.owners):
                size = sum(claim.fields.values())
                checks[claim.asset] = checks.get(claim.asset, 0) + size
        return Ledger(
            stored_bytes=stored_bytes,
            owners=_rows(exclusive, shared),
            dangling_bytes=self._dangling,
            check_bytes=checks,
            shared_groups=tuple(
                SharedGroup(name, keys, size) for (name, keys), size in sorted(groups.items())
            ),
        )

    def _one(self, kind: OwnerKind, name: str, asset: str | None) -> Claim:
        name = printable(name)
        claim = self._single.get((kind, name))
        if claim is None:
            claim = self._single[(kind, name)] = Claim((Owner(kind, name),), asset)
        return claim


def _are_checks(owners: Sequence[Owner]) -> bool:
    return all(owner.kind == "check" for owner in owners)


def _divide(claim: Claim, shared: dict[Owner, dict[str, int]]) -> None:
    """Equal parts for all owners; the first ones carry the remainder, a byte each."""
    for field, size in claim.fields.items():
        part, remainder = divmod(size, len(claim.owners))
        for place, owner in enumerate(claim.owners):
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
