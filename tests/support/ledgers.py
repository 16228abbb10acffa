"""The way by which every test draws a ledger: what must hold for all of them is checked here."""

from __future__ import annotations

from collections.abc import Mapping

from dagster_snapsize.core import ledger
from dagster_snapsize.core.ledger import AssetIndex
from dagster_snapsize.core.model import Ledger, Owner, OwnerKind


def attribute_repository(payload: bytes) -> tuple[Ledger, AssetIndex]:
    """The ledger of a repository snapshot, and its index."""
    drawn, index = ledger.attribute_repository(payload)
    return whole(drawn, payload), index


def attribute_job(payload: bytes, index: AssetIndex) -> Ledger:
    """The ledger of a job snapshot."""
    return whole(ledger.attribute_job(payload, index), payload)


def whole(drawn: Ledger, payload: bytes) -> Ledger:
    """The ledger, of which every byte has one owner."""
    assert drawn.stored_bytes == len(payload)
    shares = [share for fields in drawn.owners.values() for share in fields.values()]
    assert sum(share.exclusive + share.shared for share in shares) == len(payload)
    assert all(share.exclusive >= 0 and share.shared >= 0 for share in shares)
    assert all(fields for fields in drawn.owners.values())
    assert sum(group.bytes for group in drawn.shared_groups) <= len(payload)
    assert all(0 < size <= len(payload) for size in drawn.dangling_bytes.values())
    assert sum(drawn.check_bytes.values()) <= sum(
        share.bytes
        for owner, fields in drawn.owners.items()
        for share in fields.values()
        if owner.kind == "check"
    )
    return drawn


def fields_of(drawn: Ledger, kind: OwnerKind, name: str) -> Mapping[str, int]:
    """An owner's bytes by field, exclusive and shared together; empty where it owns nothing."""
    return {f: share.bytes for f, share in drawn.owners.get(Owner(kind, name), {}).items()}


def exclusive(drawn: Ledger, kind: OwnerKind, name: str) -> int:
    """Bytes that go with the owner."""
    return sum(s.exclusive for s in drawn.owners.get(Owner(kind, name), {}).values())


def shared(drawn: Ledger, kind: OwnerKind, name: str) -> int:
    """An owner's part of what it shares."""
    return sum(s.shared for s in drawn.owners.get(Owner(kind, name), {}).values())


def bracketed(drawn: Ledger) -> dict[str, int]:
    """The bytes of all bracketed rows."""
    return {
        owner.name: sum(share.bytes for share in fields.values())
        for owner, fields in drawn.owners.items()
        if owner.kind == "structure"
    }
