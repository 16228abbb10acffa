"""Write a measurement as bytes, and read it back: one entry of the cache.

An entry is a line that names the format, a line of JSON with the lengths of what follows and a
digest of it all, and then compressed JSON: what the measurement was made from, the measurement
without its ledgers, the files of its project, and each snapshot's ledger. Files and ledgers are
read when they are asked for. There is no pickle: reading an entry runs no code.

What there are thousands of, assets and their shares, is written as tuples. An entry is read only by
the very source that wrote it, since the cache's key holds a digest of that.
"""

from __future__ import annotations

import json
import zlib
from functools import partial
from operator import attrgetter
from typing import Any

from attrs import evolve, fields, frozen
from cattrs import Converter

from dagster_snapsize.core.model import (
    AssetCost,
    Ledger,
    Measurement,
    Owner,
    Share,
    SharedGroup,
    Snapshot,
    SourceLocation,
)
from dagster_snapsize.measuring.cache.file_states import digest

_FIRST_LINE = b"dagster-snapsize measurement 8\n"
_LEVEL = 1  # of compression: time counts, and a tenth remains all the same


class Damaged(Exception):
    """What was read is not an entry, or not a whole one."""


@frozen
class CacheEntry:
    """An entry, opened and checked; each part is parsed when it is asked for."""

    _parts: tuple[memoryview, ...]

    def about(self) -> Any:
        """What was written beside the measurement."""
        return _unpacked(self._parts[0])

    def measurement(self) -> Measurement:
        """The measurement; ledgers follow when they are asked for."""
        data = _unpacked(self._parts[1])
        ledgers = zip(data["snapshots"], self._parts[3:], strict=True)
        data["snapshots"] = [(*row, ledger) for row, ledger in ledgers]
        read: Measurement = _CONVERTER.structure(data, Measurement)
        return read

    def files(self) -> Any:
        """What was written of the project's files, of which there may be many thousands."""
        return _unpacked(self._parts[2])


def to_bytes(measurement: Measurement, about: Any, files: Any = None) -> bytes:
    """A measurement without failure, and ``about`` and ``files``, any JSON that goes with it."""
    parts = [
        _packed(about),
        _packed(_CONVERTER.unstructure(_without_stacks(measurement))),
        _packed(files),
        *(_packed(_ledger_row(snapshot.ledger)) for snapshot in measurement.snapshots),
    ]
    body = b"".join(parts)
    lengths = {"lengths": [len(part) for part in parts], "digest": digest(body)}
    return _FIRST_LINE + json.dumps(lengths).encode("ascii") + b"\n" + body


def from_bytes(content: bytes) -> CacheEntry:
    """Raises Damaged for anything that ``to_bytes`` of this very format did not make."""
    if not content.startswith(_FIRST_LINE):
        raise Damaged
    start = content.find(b"\n", len(_FIRST_LINE)) + 1
    body = memoryview(content)[start:]
    try:
        line = json.loads(content[len(_FIRST_LINE) : start])
        lengths, expected = line["lengths"], line["digest"]
        whole = start > 0 and sum(lengths) == len(body) and expected == digest(body)
    except (ValueError, TypeError, KeyError):
        raise Damaged from None
    if not whole or len(lengths) < 3:
        raise Damaged
    parts = []
    for length in lengths:
        parts.append(body[:length])
        body = body[length:]
    return CacheEntry(tuple(parts))


def _without_stacks(measurement: Measurement) -> Measurement:
    """Thousands of stacks are for a report of the measurement that has seen them."""
    load_time = measurement.load_time
    return evolve(measurement, load_time=load_time and evolve(load_time, stacks=()))


def _packed(data: Any) -> bytes:
    return zlib.compress(json.dumps(data, separators=(",", ":")).encode("ascii"), _LEVEL)


def _unpacked(part: memoryview) -> Any:
    return json.loads(zlib.decompress(part))


# -- as JSON -------------------------------------------------------------------------------------


def _asset_row(asset: AssetCost) -> tuple[Any, ...]:
    *values, place, group, deps = _values(asset)
    return (*values, (place.path, place.line) if place else None, group, deps)


def _asset(row: list[Any], _: object) -> AssetCost:
    *values, place, group, deps = row
    where = SourceLocation(*place) if place else None
    return AssetCost(*(*values, where, group, tuple(deps)))


def _snapshot_row(snapshot: Snapshot) -> tuple[Any, ...]:
    paths = [(owner.kind, owner.name, dict(of)) for owner, of in snapshot.paths.items()]
    names = (snapshot.id, snapshot.kind, snapshot.name, snapshot.repository)
    stored = (snapshot.compressed_bytes, snapshot.snapshot_id)
    return (*names, snapshot.stored_bytes, snapshot.wire_bytes, *stored, paths)


def _snapshot(row: tuple[Any, ...], _: object) -> Snapshot:
    *names, stored_bytes, wire_bytes, compressed_bytes, snapshot_id, paths, part = row
    ledger = partial(_ledger, part, stored_bytes)
    of_paths = {Owner(kind, name): sizes for kind, name, sizes in paths}
    sizes = (stored_bytes, wire_bytes)
    return Snapshot(*(*names, *sizes, ledger, of_paths, compressed_bytes, snapshot_id))


def _ledger_row(ledger: Ledger) -> tuple[Any, ...]:
    owners = [
        (owner.kind, owner.name, {name: (s.exclusive, s.shared) for name, s in shares.items()})
        for owner, shares in ledger.owners.items()
    ]
    groups = [(group.name, group.asset_keys, group.bytes) for group in ledger.shared_groups]
    by_asset = (dict(ledger.dangling_bytes), dict(ledger.check_bytes))
    return (ledger.stored_bytes, owners, *by_asset, groups)


def _ledger(part: memoryview, snapshot_bytes: int) -> Ledger:
    """Raises AssertionError where its sums are not what they must be."""
    stored_bytes, owners, dangling_bytes, check_bytes, groups = _unpacked(part)
    if stored_bytes != snapshot_bytes:
        raise AssertionError(f"a ledger of {stored_bytes} bytes is not of {snapshot_bytes}")
    return Ledger(
        stored_bytes,
        {
            Owner(kind, name): {field: Share(*share) for field, share in shares.items()}
            for kind, name, shares in owners
        },
        dangling_bytes,
        check_bytes,
        tuple(SharedGroup(name, tuple(keys), size) for name, keys, size in groups),
    )


_values = attrgetter(*(field.name for field in fields(AssetCost)))
_CONVERTER = Converter(detailed_validation=False)
_CONVERTER.register_unstructure_hook(AssetCost, _asset_row)
_CONVERTER.register_structure_hook(AssetCost, _asset)
_CONVERTER.register_unstructure_hook(Snapshot, _snapshot_row)
_CONVERTER.register_structure_hook(Snapshot, _snapshot)
_CONVERTER.register_structure_hook(int | float | bool | None, lambda value, _: value)
