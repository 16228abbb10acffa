"""Two measurements of one code location in, what changed between them out, with sums that add up.

Snapshots are matched by repository, kind and name, not by id: a location may be called otherwise
before. Whatever has the same bytes on both sides is left out.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from typing import Literal

from attrs import evolve, field, frozen

from dagster_snapsize.core.model import (
    NO_LEDGER,
    Measurement,
    Owner,
    Snapshot,
    SnapshotKind,
    SourceLocation,
    sum_fields,
)

ChangeKind = Literal["added", "removed", "grew", "shrank", "unchanged"]
_SnapshotKey = tuple[str, SnapshotKind, str]
_NO_FIELDS: Mapping[str, int] = {}


@frozen
class Change:
    """Bytes of one thing before and after; None where it did not exist."""

    old: int | None
    new: int | None

    @property
    def bytes(self) -> int:
        """By how much it grew; negative where it shrank."""
        return (self.new or 0) - (self.old or 0)

    @property
    def kind(self) -> ChangeKind:
        """What kind of change it is; an added thing may have 0 bytes."""
        if self.old is None:
            return "unchanged" if self.new is None else "added"
        if self.new is None:
            return "removed"
        if self.new == self.old:
            return "unchanged"
        return "grew" if self.new > self.old else "shrank"


@frozen
class SnapshotChange:
    """One snapshot, before and after.

    ``id`` is the new one's, the old one's where it was removed. ``owners`` are those with a changed
    field, each with the fields that did: together they are ``stored.bytes``. ``compressed`` is of
    jobs only, and ``row_bytes`` what a job whose text is another adds to the instance's storage.
    """

    id: str
    kind: SnapshotKind
    name: str
    repository: str
    stored: Change
    wire: Change
    owners: Mapping[Owner, Mapping[str, Change]] = field(repr=False)
    compressed: Change = Change(None, None)
    row_bytes: int | None = None

    def __attrs_post_init__(self) -> None:
        _must_sum(
            f"the owners of {self.id}",
            (change for fields in self.owners.values() for change in fields.values()),
            self.stored.bytes,
        )


@frozen
class OwnerChange:
    """One owner over all snapshots of its repository.

    ``by_snapshot`` (by snapshot id) and ``fields`` hold what changed; either sums to ``size``.
    ``location`` is where an asset is defined now, or was.
    """

    owner: Owner
    repository: str
    size: Change
    by_snapshot: Mapping[str, Change]
    fields: Mapping[str, Change]
    location: SourceLocation | None = None

    def __attrs_post_init__(self) -> None:
        for what, changes in (("snapshots", self.by_snapshot), ("fields", self.fields)):
            _must_sum(f"the {what} of {self.owner.name}", changes.values(), self.size.bytes)


@frozen
class Difference:
    """What changed in one code location; ``size`` is of all its snapshots, stored.

    ``snapshots`` has every one, the repositories first and then by change. ``owners`` has those
    that changed, and ``fields`` what the bytes are made of, likewise: most bytes first, and either
    sums to ``size``. ``imports`` are the installed packages that are imported on one side only, by
    the number of their modules.
    """

    size: Change
    snapshots: tuple[SnapshotChange, ...]
    owners: tuple[OwnerChange, ...]
    fields: Mapping[str, Change]
    imports: Mapping[str, Change] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        for what, changes in (
            ("snapshots", (s.stored for s in self.snapshots)),
            ("owners", (o.size for o in self.owners)),
            ("fields", self.fields.values()),
        ):
            _must_sum(f"the {what} of the difference", changes, self.size.bytes)

    @property
    def rows(self) -> tuple[int, ...]:
        """The bytes of each row that jobs add to the instance's storage once they have run."""
        return tuple(s.row_bytes for s in self.snapshots if s.row_bytes is not None)

    @property
    def is_empty(self) -> bool:
        """Whether every byte belongs to whom it belonged before, and to the same field."""
        sizes = (size for s in self.snapshots for size in (s.stored, s.wire))
        return not self.owners and all(size.kind == "unchanged" for size in sizes)


def difference(old: Measurement | None, new: Measurement | None) -> Difference:
    """What changed from ``old`` to ``new``; None where there was, or is, no such location.

    Neither may have a failure: then its sizes are not known. Of a snapshot that a running server
    refused to send, on either side, the bytes on the wire alone are compared.
    """
    before, after = _with_texts(_snapshots(old), _snapshots(new))
    changes = [_snapshot(before.get(key), after.get(key)) for key in {**before, **after}]
    changes.sort(key=lambda s: (s.kind != "repository", -abs(s.stored.bytes), s.id))
    return Difference(
        size=Change(_stored(old, before), _stored(new, after)),
        snapshots=tuple(changes),
        owners=_owners(changes, list(before.values()), list(after.values()), _places(old, new)),
        fields=_changes(_labelled_fields(before.values()), _labelled_fields(after.values())),
        imports=_imports(old, new),
    )


def _imports(old: Measurement | None, new: Measurement | None) -> dict[str, Change]:
    if not (old and old.inputs and new and new.inputs):
        return {}
    before, after = (Counter(map(_package, m.inputs.modules)) for m in (old, new) if m.inputs)
    one_sided = sorted(before.keys() ^ after.keys())
    return {
        name: Change(before.get(name), after.get(name))
        for name in one_sided
        if name not in sys.stdlib_module_names and not name.startswith("_")
    }


def _package(module: str) -> str:
    return module.partition(".")[0]


def _must_sum(what: str, parts: Iterable[Change], total: int) -> None:
    found = sum(part.bytes for part in parts)
    if found != total:
        raise AssertionError(f"{what} sum to {found}, not {total} bytes")


def _snapshots(measurement: Measurement | None) -> dict[_SnapshotKey, Snapshot]:
    if measurement is None:
        return {}
    assert measurement.failure is None, "a failure has no sizes"
    return {(s.repository, s.kind, s.name): s for s in measurement.snapshots}


def _with_texts(
    *sides: Mapping[_SnapshotKey, Snapshot],
) -> Iterator[Mapping[_SnapshotKey, Snapshot]]:
    """Each without the texts that the other side does not have, as they were refused."""
    refused = {key for side in sides for key, s in side.items() if s.is_refused}
    for side in sides:
        yield {
            key: evolve(s, stored_bytes=0, ledger=NO_LEDGER) if key in refused else s
            for key, s in side.items()
        }


def _stored(
    measurement: Measurement | None, snapshots: Mapping[_SnapshotKey, Snapshot]
) -> int | None:
    return None if measurement is None else sum(s.stored_bytes for s in snapshots.values())


def _snapshot(old: Snapshot | None, new: Snapshot | None) -> SnapshotChange:
    either = new or old
    assert either is not None
    owners = dict(
        _changed(old.ledger.by_owner() if old else {}, new.ledger.by_owner() if new else {})
    )
    is_moved = bool(new and new.paths) and not owners  # another checkout has another path in it
    is_new_row = not is_moved and not (old and new and _is_same_row(old, new))
    return SnapshotChange(
        id=either.id,
        kind=either.kind,
        name=either.name,
        repository=either.repository,
        stored=Change(old.stored_bytes if old else None, new.stored_bytes if new else None),
        wire=Change(old.wire_bytes if old else None, new.wire_bytes if new else None),
        owners=owners,
        compressed=Change(
            old.compressed_bytes if old else None, new.compressed_bytes if new else None
        ),
        row_bytes=new.compressed_bytes if new and is_new_row else None,
    )


def _is_same_row(old: Snapshot, new: Snapshot) -> bool:
    if old.is_refused or new.is_refused:
        return old.wire_bytes == new.wire_bytes
    return old.snapshot_id == new.snapshot_id


def _changed(
    old: Mapping[Owner, Mapping[str, int]], new: Mapping[Owner, Mapping[str, int]]
) -> Iterator[tuple[Owner, Mapping[str, Change]]]:
    for owner in {**old, **new}:
        before, after = old.get(owner, _NO_FIELDS), new.get(owner, _NO_FIELDS)
        if before == after:
            continue
        yield owner, _changes(before, after)


def _changes(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, Change]:
    """What is not the same, most bytes first."""
    found = {
        name: Change(before.get(name), after.get(name))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    }
    return dict(sorted(found.items(), key=lambda pair: (-abs(pair[1].bytes), pair[0])))


def _owners(
    changes: Collection[SnapshotChange],
    before: Collection[Snapshot],
    after: Collection[Snapshot],
    places: Mapping[tuple[str, str], SourceLocation | None],
) -> tuple[OwnerChange, ...]:
    touched = {(s.repository, owner) for s in changes for owner in s.owners}
    old, new = _by_field(before, touched), _by_field(after, touched)
    ids = {(s.repository, s.kind, s.name): s.id for s in changes}
    old_by_snapshot = _by_snapshot(before, touched, ids)
    new_by_snapshot = _by_snapshot(after, touched, ids)
    found = []
    for key in touched:
        repository, owner = key
        sums = (old.get(key), new.get(key))
        by_snapshot = _changes(
            old_by_snapshot.get(key, _NO_FIELDS), new_by_snapshot.get(key, _NO_FIELDS)
        )
        found.append(
            OwnerChange(
                owner=owner,
                repository=repository,
                size=Change(*(None if s is None else sum(s.values()) for s in sums)),
                by_snapshot=by_snapshot,
                fields=_changes(sums[0] or _NO_FIELDS, sums[1] or _NO_FIELDS),
                location=places.get((repository, owner.name)) if owner.kind == "asset" else None,
            )
        )
    return tuple(sorted(found, key=_by_weight))


def _by_weight(change: OwnerChange) -> tuple[int, int, str, str, str]:
    moved = sum(abs(part.bytes) for part in change.fields.values())
    owner = change.owner
    return (-abs(change.size.bytes), -moved, owner.kind, owner.name, change.repository)


def _by_field(
    snapshots: Iterable[Snapshot], wanted: Container[tuple[str, Owner]]
) -> dict[tuple[str, Owner], dict[str, int]]:
    """Bytes by field of those owners, over all snapshots of their repository."""
    found: dict[tuple[str, Owner], list[dict[str, int]]] = {}
    for snapshot in snapshots:
        for owner in snapshot.ledger.owners:
            key = (snapshot.repository, owner)
            if key in wanted:
                found.setdefault(key, []).append(snapshot.ledger.by_field(owner))
    return {key: sum_fields(parts) for key, parts in found.items()}


def _by_snapshot(
    snapshots: Iterable[Snapshot],
    wanted: Container[tuple[str, Owner]],
    ids: Mapping[_SnapshotKey, str],
) -> dict[tuple[str, Owner], dict[str, int]]:
    """Bytes by snapshot id of those owners."""
    found: dict[tuple[str, Owner], dict[str, int]] = {}
    for snapshot in snapshots:
        name = ids[snapshot.repository, snapshot.kind, snapshot.name]
        for owner in snapshot.ledger.owners:
            key = (snapshot.repository, owner)
            if key in wanted:
                found.setdefault(key, {})[name] = snapshot.ledger.total(owner)
    return found


def _labelled_fields(snapshots: Iterable[Snapshot]) -> Mapping[str, int]:
    """The bytes of snapshots by field, of all owners together."""
    sums: Counter[str] = Counter()
    for snapshot in snapshots:
        for owner, fields in snapshot.ledger.by_owner().items():
            for name, size in fields.items():
                sums[owner.field_label(name)] += size
    return sums


def _places(*measurements: Measurement | None) -> dict[tuple[str, str], SourceLocation | None]:
    return {(a.repository, a.key): a.location for m in measurements if m for a in m.assets}
