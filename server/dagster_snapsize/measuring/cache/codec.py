"""A measurement as bytes, and back: what the cache holds of it.

An entry is a line that names the format, a line of JSON with the lengths of what follows and a
digest of it all, and then compressed JSON: what the measurement was made from, the measurement
without its ledgers, and each snapshot's ledger. A ledger is read when it is asked for. No pickle:
reading an entry runs no code of anybody's.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from attrs import astuple, frozen

from dagster_snapsize.core.model import (
    AssetCost,
    Environment,
    IgnoreComment,
    Inputs,
    Ledger,
    Limit,
    Measurement,
    Owner,
    Repeat,
    Saving,
    Seconds,
    Setting,
    Share,
    SharedGroup,
    Snapshot,
    SourceLocation,
    StaleInput,
    Volatile,
)

_FIRST_LINE = b"dagster-snapsize measurement 3\n"
_LEVEL = 1  # of compression: time counts, and it makes a tenth of it all the same


class Damaged(Exception):
    """What was read is no entry, or not a whole one."""


@frozen
class CacheEntry:
    """What was written, opened and checked; each part is parsed when it is asked for."""

    _parts: tuple[memoryview, ...]

    def about(self) -> Any:
        """What was written beside the measurement."""
        return _unpacked(self._parts[0])

    def measurement(self) -> Measurement:
        """The measurement; ledgers follow when they are asked for."""
        return _measurement(_unpacked(self._parts[1]), self._parts[2:])


def to_bytes(measurement: Measurement, about: Any) -> bytes:
    """A measurement without failure, and ``about``, any JSON that goes with it."""
    parts = [
        _packed(about),
        _packed(_head(measurement)),
        *(_packed(_ledger_data(snapshot.ledger)) for snapshot in measurement.snapshots),
    ]
    body = b"".join(parts)
    lengths = {"lengths": [len(part) for part in parts], "digest": _digest(body)}
    return _FIRST_LINE + json.dumps(lengths).encode("ascii") + b"\n" + body


def from_bytes(content: bytes) -> CacheEntry:
    """Raises Damaged for anything that ``to_bytes`` of this very format did not make."""
    if not content.startswith(_FIRST_LINE):
        raise Damaged
    start = content.find(b"\n", len(_FIRST_LINE)) + 1
    body = memoryview(content)[start:]
    try:
        line = json.loads(content[len(_FIRST_LINE) : start])
        lengths, digest = line["lengths"], line["digest"]
        whole = start > 0 and sum(lengths) == len(body) and digest == _digest(body)
    except (ValueError, TypeError, KeyError):
        raise Damaged from None
    if not whole or len(lengths) < 2:
        raise Damaged
    parts = []
    for length in lengths:
        parts.append(body[:length])
        body = body[length:]
    return CacheEntry(tuple(parts))


def _digest(body: bytes | memoryview) -> str:
    return hashlib.blake2b(body, digest_size=20).hexdigest()


def _packed(data: Any) -> bytes:
    return zlib.compress(json.dumps(data, separators=(",", ":")).encode("ascii"), _LEVEL)


def _unpacked(part: memoryview) -> Any:
    return json.loads(zlib.decompress(part))


class _Names:
    """Texts that occur often, by number."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        return self.numbers.setdefault(name, len(self.numbers))

    def pairs(self, sizes: Mapping[str, int]) -> list[int]:
        """Numbers and sizes by turns."""
        flat: list[int] = []
        for name, size in sizes.items():
            flat += (self[name], size)
        return flat


def _head(measurement: Measurement) -> Any:
    names = _Names()
    seconds, environment, inputs = measurement.seconds, measurement.environment, measurement.inputs
    return {
        "name": measurement.name,
        "target": dict(measurement.target),
        "python": measurement.python,
        "python_version": measurement.python_version,
        "dagster_version": measurement.dagster_version,
        "seconds": [
            *(seconds.load, seconds.build, seconds.total),
            *(dict(seconds.repositories), dict(seconds.jobs)),
        ],
        "peak_rss_bytes": measurement.peak_rss_bytes,
        "snapshots": [
            [s.id, s.kind, s.name, s.repository, s.stored_bytes, s.wire_bytes]
            for s in measurement.snapshots
        ],
        "assets": [_asset_data(asset, names) for asset in measurement.assets],
        "definition_files": measurement.definition_files,
        "settings": [astuple(s) for s in environment.settings],
        "repository_limits": [astuple(x) for x in environment.repository_limits],
        "job_limits": [astuple(x) for x in environment.job_limits],
        "definitions_location": _place_data(measurement.definitions_location),
        "folders": measurement.folders,
        "paths": [_paths_data(snapshot.paths) for snapshot in measurement.snapshots],
        "untracked_files": measurement.untracked_files,
        "stale_inputs": [[s.path, s.sources, s.advice] for s in measurement.stale_inputs],
        "ignores": [
            [*astuple(comment.location), comment.rules, comment.assets]
            for comment in measurement.ignores
        ],
        "inputs": _inputs_data(inputs) if inputs else None,
        **_levers_data(measurement),
        "stub_bytes": measurement.stub_bytes,
        "names": list(names.numbers),  # last, when all are known
    }


def _paths_data(paths: Mapping[Owner, Mapping[str, int]]) -> list[Any]:
    return [[owner.kind, owner.name, dict(fields)] for owner, fields in paths.items()]


def _paths(rows: list[Any]) -> dict[Owner, Mapping[str, int]]:
    return {Owner(kind, name): fields for kind, name, fields in rows}


def _asset_data(asset: AssetCost, names: _Names) -> list[Any]:
    place = asset.location
    return [
        *(asset.key, names[asset.repository], asset.total_bytes, asset.exclusive_bytes),
        *(asset.shared_bytes, asset.dangling_bytes, asset.check_bytes),
        *(names.pairs(asset.by_snapshot), names.pairs(asset.fields)),
        [names[place.path], place.line] if place else None,
        None if asset.group is None else names[asset.group],
        [names[key] for key in asset.deps],
    ]


def _levers_data(measurement: Measurement) -> Any:
    """What several assets carry, and which: as runs of neighbours among the sorted keys, which is
    one pair of numbers where all do."""
    keys = sorted({asset.key for asset in measurement.assets})
    numbers = {key: number for number, key in enumerate(keys)}

    def row(found: Repeat | Saving, *texts: str | int) -> list[Any]:
        members = [numbers[key] for key in found.assets]
        return [*texts, found.repository, dict(found.by_snapshot), runs(members)]

    return {
        "repeats": [row(r, r.field, r.preview, r.value_bytes) for r in measurement.repeats],
        "savings": [row(s, s.kind, s.field, s.preview) for s in measurement.savings],
    }


def runs(numbers: Iterable[int]) -> list[int]:
    """Rising numbers as pairs: where a run of neighbours begins, and how many they are."""
    flat: list[int] = []
    for number in numbers:
        if flat and number == flat[-2] + flat[-1]:
            flat[-1] += 1
        else:
            flat += (number, 1)
    return flat


def _members(flat: list[int], keys: list[str]) -> tuple[str, ...]:
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return tuple(key for start, count in pairs for key in keys[start : start + count])


def _place_data(place: SourceLocation | None) -> list[Any] | None:
    return [place.path, place.line] if place else None


def _place(data: list[Any] | None) -> SourceLocation | None:
    return SourceLocation(data[0], data[1]) if data else None


def _measurement(head: Any, ledgers: tuple[memoryview, ...]) -> Measurement:
    names: list[str] = head["names"]
    assets = tuple(_asset(row, names) for row in head["assets"])
    keys = sorted({asset.key for asset in assets})
    load, build, total, repositories, jobs = head["seconds"]
    inputs = head["inputs"]
    return Measurement(
        name=head["name"],
        target=head["target"],
        python=head["python"],
        python_version=head["python_version"],
        dagster_version=head["dagster_version"],
        seconds=Seconds(load, build, total, repositories, jobs),
        peak_rss_bytes=head["peak_rss_bytes"],
        snapshots=tuple(
            Snapshot(
                *(i, kind, name, repository, stored, wire),
                ledger=partial(_ledger, part, stored),
                paths=_paths(paths),
            )
            for (i, kind, name, repository, stored, wire), part, paths in zip(
                head["snapshots"], ledgers, head["paths"], strict=True
            )
        ),
        assets=assets,
        definition_files=tuple(head["definition_files"]),
        environment=Environment(
            tuple(Setting(*row) for row in head["settings"]),
            tuple(Limit(*row) for row in head["repository_limits"]),
            tuple(Limit(*row) for row in head["job_limits"]),
        ),
        definitions_location=_place(head["definitions_location"]),
        folders=tuple(head["folders"]),
        untracked_files=tuple(head["untracked_files"]),
        stale_inputs=tuple(
            StaleInput(path, tuple(sources), advice)
            for path, sources, advice in head["stale_inputs"]
        ),
        ignores=tuple(
            IgnoreComment(SourceLocation(path, line), tuple(rules), tuple(assets))
            for path, line, rules, assets in head["ignores"]
        ),
        inputs=_inputs(inputs) if inputs else None,
        stub_bytes=head["stub_bytes"],
        repeats=tuple(
            Repeat(name, preview, size, _members(members, keys), repository, by_snapshot)
            for name, preview, size, repository, by_snapshot, members in head["repeats"]
        ),
        savings=tuple(
            Saving(kind, name, preview, _members(members, keys), repository, by_snapshot)
            for kind, name, preview, repository, by_snapshot, members in head["savings"]
        ),
    )


def _inputs_data(inputs: Inputs) -> list[Any]:
    return [
        *(inputs.read, inputs.listed, inputs.missing, inputs.installed),
        *(inputs.distributions, inputs.modules, [astuple(doing) for doing in inputs.volatile]),
    ]


def _inputs(row: list[Any]) -> Inputs:
    read, listed, missing, installed, distributions, modules, volatile = row
    return Inputs(
        *(tuple(read), tuple(listed), tuple(missing)),
        tuple((path, size, mtime) for path, size, mtime in installed),
        *(tuple(distributions), tuple(modules)),
        tuple(Volatile(*doing) for doing in volatile),
    )


def _asset(row: list[Any], names: list[str]) -> AssetCost:
    key, repository, total, exclusive, shared, dangling, checks, snapshots, fields = row[:9]
    place, group, deps = row[9:]
    return AssetCost(
        *(key, names[repository], total, exclusive, shared, dangling, checks),
        {names[n]: size for n, size in zip(snapshots[::2], snapshots[1::2], strict=True)},
        {names[n]: size for n, size in zip(fields[::2], fields[1::2], strict=True)},
        SourceLocation(names[place[0]], place[1]) if place else None,
        None if group is None else names[group],
        tuple(names[key] for key in deps),
    )


def _ledger_data(ledger: Ledger) -> Any:
    names = _Names()
    owners = []
    for owner, fields in ledger.owners.items():
        flat: list[int] = []
        for name, share in fields.items():
            flat += (names[name], share.exclusive, share.shared)
        owners.append((names[owner.kind], owner.name, flat))
    return {
        "stored_bytes": ledger.stored_bytes,
        "owners": owners,
        "dangling_bytes": dict(ledger.dangling_bytes),
        "check_bytes": dict(ledger.check_bytes),
        "shared_groups": [[g.name, g.asset_keys, g.bytes] for g in ledger.shared_groups],
        "names": list(names.numbers),
    }


def _ledger(part: memoryview, stored_bytes: int) -> Ledger:
    """Raises AssertionError where its sums are not what they must be."""
    data = _unpacked(part)
    names = data["names"]
    ledger = Ledger(
        stored_bytes=data["stored_bytes"],
        owners={
            Owner(names[kind], name): {
                names[flat[i]]: Share(flat[i + 1], flat[i + 2]) for i in range(0, len(flat), 3)
            }
            for kind, name, flat in data["owners"]
        },
        dangling_bytes=data["dangling_bytes"],
        check_bytes=data["check_bytes"],
        shared_groups=tuple(
            SharedGroup(name, tuple(keys), size) for name, keys, size in data["shared_groups"]
        ),
    )
    if ledger.stored_bytes != stored_bytes:
        raise AssertionError(f"a ledger of {ledger.stored_bytes} bytes is not of {stored_bytes}")
    return ledger
