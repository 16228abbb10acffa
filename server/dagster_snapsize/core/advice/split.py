"""Where a code location could be split: along groups, key prefixes or folders, with few edges cut.

Each part has its own assets and checks. Resources, schedules, sensors and bracketed rows are in
every part, and a job is in every part that has assets of it. An asset of another part that is
depended on becomes a stub, and its edge gets shorter in the jobs there.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal

from attrs import field, frozen

from dagster_snapsize.core.advice.partition import TooFewUnits, partition
from dagster_snapsize.core.model import AssetCost, Measurement, Snapshot
from dagster_snapsize.core.sizes import counted

Kind = Literal["group", "key prefix", "folder", "file"]
_KINDS: tuple[Kind, ...] = ("group", "key prefix", "folder", "file")
_MOST_UNITS = 1_000  # beyond it a cut takes minutes
# Bytes that an input loses when its upstream is in another location, without the two names.
_EDGE = len('{"__class__": "OutputHandleSnap", "output_name": "", "solid_name": ""}')
_PART = re.compile(r"(?:[^\\/]|\\.)+")


@frozen
class PredictedSnapshot:
    """The predicted size of one snapshot of a part: stored, and as its budget counts."""

    name: str
    kind: str
    stored_bytes: int
    used_bytes: int
    budget_bytes: int

    @property
    def share(self) -> float:
        """How much of its budget it takes."""
        return self.used_bytes / max(1, self.budget_bytes)


@frozen
class SplitPart:
    """One proposed location: its units, its assets, and its snapshots, the repository's first.

    ``stubs`` are the assets of other parts that its own depend on.
    """

    units: tuple[str, ...]
    assets: tuple[str, ...]
    stubs: tuple[str, ...]
    snapshots: tuple[PredictedSnapshot, ...]

    @property
    def repository(self) -> PredictedSnapshot:
        """The repository snapshot."""
        return self.snapshots[0]

    @property
    def largest_job(self) -> PredictedSnapshot | None:
        """The job that takes most of its budget."""
        return max(self.snapshots[1:], key=lambda s: s.share, default=None)

    @property
    def fullest(self) -> float:
        """The largest share of a budget that one of its snapshots takes."""
        return max(s.share for s in self.snapshots)


@frozen
class Split:
    """A proposal: ``crossing`` counts the dependencies between parts by pair of units, upstream
    first; ``edges`` are all dependencies, ``stub_bytes`` what the stubs of all parts take."""

    kind: Kind
    parts: tuple[SplitPart, ...]
    edges: int
    crossing: Mapping[tuple[str, str], int] = field(factory=dict)
    stub_bytes: int = 0

    @property
    def crossing_count(self) -> int:
        """How many dependencies lead from one part to another."""
        return sum(self.crossing.values())

    @property
    def imbalance(self) -> float:
        """How much larger the largest repository snapshot is than the mean, as a share of it."""
        sizes = [part.repository.stored_bytes for part in self.parts]
        return max(sizes) * len(sizes) / sum(sizes) - 1

    @property
    def score(self) -> float:
        """The share of dependencies that are cut, plus the imbalance: the smaller the better."""
        return self.crossing_count / max(1, self.edges) + self.imbalance


class NoSplit(Exception):
    """Why a location cannot be split that way, in one sentence."""


Budget = Callable[[Snapshot], tuple[int, bool]]
"""What a snapshot may take in bytes, and whether that judges the reply and not what is stored."""


def propose(measurement: Measurement, count: int, budget: Budget, headroom: float) -> Split:
    """The best split into that many locations along one kind of unit.

    Every snapshot shall leave ``headroom``, a share, of its budget free; where none can, the split
    that comes nearest. Raises NoSplit where there is nothing to split, or not into so many.
    """
    whole = Whole.of(measurement, budget)
    if len(whole.assets) < 2:
        raise NoSplit(
            "it has no assets, and nothing to split"
            if not whole.assets
            else "it has one asset, which cannot be split"
        )
    found: list[Split] = []
    counts: dict[str, int] = {}
    for kind in _KINDS:
        if kind == "file" and found:
            break  # only where nothing larger can be told apart
        units = whole.units(kind)
        counts[kind] = len(set(units.values()))
        if not count <= counts[kind] <= _MOST_UNITS:
            continue
        try:
            found.append(_split(whole, kind, units, count))
        except TooFewUnits:
            continue
    if not found:
        had = ", ".join(counted(number, kind) for kind, number in counts.items())
        raise NoSplit(
            f"it has {had}; for {count} locations there must be {count} to {_MOST_UNITS:,} of one"
            " kind, where what one op computes stays together"
        )
    return min(found, key=lambda s: (max(0.0, _fullest(s) - (1 - headroom)), s.score))


def _fullest(split: Split) -> float:
    return max(part.fullest for part in split.parts)


def _split(whole: Whole, kind: Kind, units: Mapping[str, str], count: int) -> Split:
    weights: Counter[str] = Counter()
    for key, unit in units.items():
        weights[unit] += whole.weight(key)
    between: Counter[tuple[str, str]] = Counter()
    for upstream, key in whole.edges:
        if units[upstream] != units[key]:
            between[(units[upstream], units[key])] += 1
    groups = partition(weights, between, count)
    part_of = {unit: number for number, group in enumerate(groups) for unit in group}
    parts = []
    for number, group in enumerate(groups):
        keys = frozenset(key for key, unit in units.items() if part_of[unit] == number)
        parts.append(whole.part(tuple(sorted(group)), keys, number == 0))
    crossing = {pair: n for pair, n in between.items() if part_of[pair[0]] != part_of[pair[1]]}
    ranked = dict(sorted(crossing.items(), key=lambda item: (-item[1], item[0])))
    stubs = sum(whole.stub(key) for part in parts for key in part.stubs)
    return Split(kind, tuple(parts), len(whole.edges), ranked, stubs)


@frozen
class Whole:
    """The repository that is split: its assets by key, its own snapshot and those of its jobs."""

    assets: Mapping[str, AssetCost]
    snapshots: tuple[Snapshot, ...]
    stub_bytes: int
    budget: Budget

    @classmethod
    def of(cls, measurement: Measurement, budget: Budget) -> Whole:
        """The repository that has most assets."""
        names = Counter(asset.repository for asset in measurement.assets)
        name = max(names, key=lambda n: (names[n], n), default="")
        mine = [s for s in measurement.snapshots if s.repository == name]
        mine.sort(key=lambda s: (s.kind != "repository", s.id))
        assets = {a.key: a for a in measurement.assets if a.repository == name}
        return cls(assets, tuple(mine), measurement.stub_bytes, budget)

    @cached_property
    def edges(self) -> list[tuple[str, str]]:
        """Every dependency between two of the assets: upstream, and who depends on it."""
        return [
            (dep, key)
            for key, asset in self.assets.items()
            for dep in asset.deps
            if dep in self.assets
        ]

    def weight(self, key: str) -> int:
        """Bytes of an asset in the repository snapshot and in its heaviest job."""
        sizes = self.assets[key].by_snapshot
        own = sizes.get(self.snapshots[0].id, 0)
        return own + max((n for i, n in sizes.items() if i != self.snapshots[0].id), default=0)

    def units(self, kind: Kind) -> dict[str, str]:
        """The unit of each asset; units that one op joins are one."""
        units = {key: _unit(asset, kind) for key, asset in self.assets.items()}
        joined: dict[str, str] = {}

        def first(unit: str) -> str:
            while unit in joined:
                unit = joined[unit]
            return unit

        for snapshot in self.snapshots:
            for group in snapshot.ledger.shared_groups:
                roots = sorted({first(units[key]) for key in group.asset_keys if key in units})
                for other in roots[1:]:
                    joined[other] = roots[0]
        return {key: first(unit) for key, unit in units.items()}

    def part(self, units: tuple[str, ...], keys: frozenset[str], is_first: bool) -> SplitPart:
        """What a location of these assets would be; what has no assets goes with the first part."""
        stubs = {dep for key in keys for dep in self.assets[key].deps} - keys
        new_stubs = sorted(stub for stub in stubs if stub in self.assets)
        snapshots = []
        jobs = set()
        for snapshot in self.snapshots[1:]:
            there = self._there(snapshot)
            mine = there & keys
            if mine or (is_first and not there):
                jobs.add(snapshot.name)
                snapshots.append(self._predicted(snapshot, self._job(snapshot, there, mine)))
        repository = self.snapshots[0]
        size = sum(self._of_repository(repository, keys, jobs))
        size += sum(self.stub(key) for key in new_stubs)
        return SplitPart(
            units,
            tuple(sorted(keys)),
            tuple(new_stubs),
            (self._predicted(repository, size), *snapshots),
        )

    def _predicted(self, snapshot: Snapshot, size: int) -> PredictedSnapshot:
        budget, on_the_wire = self.budget(snapshot)
        more = snapshot.wire_bytes - snapshot.stored_bytes if on_the_wire else 0
        return PredictedSnapshot(snapshot.name, snapshot.kind, size, size + more, budget)

    def _there(self, snapshot: Snapshot) -> frozenset[str]:
        return frozenset(k for k, a in self.assets.items() if a.by_snapshot.get(snapshot.id))

    def _job(self, snapshot: Snapshot, there: frozenset[str], mine: frozenset[str]) -> int:
        size = sum(_kept(snapshot, mine))
        for key in mine:
            for dep in self.assets[key].deps:
                if dep in there and dep not in mine:
                    size -= _EDGE + _names(dep)
        return size

    def _of_repository(
        self, repository: Snapshot, keys: frozenset[str], jobs: set[str]
    ) -> Iterator[int]:
        named = {snapshot.name for snapshot in self.snapshots[1:]}
        for owner in repository.ledger.owners:
            job = owner.name.removesuffix("_partition_set")
            if owner.kind in ("job", "partition_set") and job in named and job not in jobs:
                continue
            if owner.kind not in ("asset", "check") or _asset_of(owner.kind, owner.name) in keys:
                yield repository.ledger.total(owner)

    def stub(self, key: str) -> int:
        """The node of an asset that another location has."""
        path = [re.sub(r"\\(.)", r"\1", part) for part in _PART.findall(key)]
        return self.stub_bytes + len(json.dumps(path))


def _kept(snapshot: Snapshot, keys: frozenset[str]) -> Iterator[int]:
    """Bytes of a job that stay where it has these assets only."""
    for owner in snapshot.ledger.owners:
        if owner.kind not in ("asset", "check") or _asset_of(owner.kind, owner.name) in keys:
            yield snapshot.ledger.total(owner)


def _asset_of(kind: str, name: str) -> str:
    return name.rpartition(":")[0] if kind == "check" else name


def _names(key: str) -> int:
    """How long the names of an asset's node and output are, where it has an op of its own."""
    return len("result") + len(key.replace("/", "__"))


def _unit(asset: AssetCost, kind: Kind) -> str:
    if kind == "group":
        return asset.group or "default"
    if kind == "key prefix":
        parts = _PART.findall(asset.key)
        return "/".join(parts[:-1][:2]) or "[no prefix]"
    if asset.location is None:
        return "[no source location]"
    path = asset.location.path
    return path if kind == "file" else path.rpartition("/")[0] or "."


def names_of(units: Iterable[str], most: int) -> str:
    """The first few of them, and how many more there are."""
    listed: Sequence[str] = list(units)
    more = f" and {len(listed) - most:,} more" if len(listed) > most else ""
    return f"{', '.join(listed[:most])}{more}"
