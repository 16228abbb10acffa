"""The baseline: the sizes, and perhaps the load time, that a project had."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property

from attrs import evolve, field, frozen

from dagster_snapsize.core.model import (
    Measurement,
    Owner,
    Seconds,
    Snapshot,
    SourceLocation,
)
from dagster_snapsize.core.sizes import Allowance, counted, format_both

RENEW = "dagster-snapsize baseline"

Fields = Mapping[str, int]


@frozen
class KnownSnapshot:
    """The bytes of one snapshot by owner and field, and those that gRPC adds on the wire."""

    wrapper_bytes: int
    owners: Mapping[Owner, Fields]

    @cached_property
    def stored_bytes(self) -> int:
        """The size of the serialized snapshot: the sum of all fields of all owners."""
        return sum(sum(fields.values()) for fields in self.owners.values())

    @property
    def wire_bytes(self) -> int:
        """The size of the gRPC reply that carried it."""
        return self.stored_bytes + self.wrapper_bytes


@frozen
class KnownSeconds:
    """How long a location took to load, and its snapshots to make: seconds with one decimal."""

    load: float
    build: float

    @classmethod
    def of(cls, seconds: Seconds) -> KnownSeconds:
        """Those of a measurement."""
        return cls(round(seconds.load, 1), round(seconds.build, 1))

    @property
    def total(self) -> float:
        """What a code server takes until it has sent all snapshots."""
        return round(self.load + self.build, 1)

    def differs(self, now: KnownSeconds, allowance: Allowance) -> bool:
        """Whether it is another time, by more than is allowed; under a second never is."""
        by, before = abs(now.total - self.total), round(self.total * 1000)
        return round(by, 1) >= 1 and round(by * 1000) > allowance.of(before)


@frozen
class Baseline:
    """The sizes that one code location had.

    ``python_version`` is without its last part. ``snapshots`` are by id without the location's
    name, such as ``__repository__/job/nightly``. ``place`` is where it is in a file. ``seconds``
    are those that it took, where a file has them. Sizes of a git revision have its name in
    ``revision``. ``head`` are the sizes at HEAD, where they are known, and ``against`` those that
    growth is judged by instead of these.

    As it is written, the bytes of the project's own path are left out, since every checkout has
    others. What is compared has those of this checkout: ``with_local_paths``.
    """

    dagster_version: str
    python_version: str
    snapshots: Mapping[str, KnownSnapshot]
    place: SourceLocation | None = field(default=None, eq=False)
    seconds: KnownSeconds | None = None
    revision: str | None = None
    head: Baseline | None = field(default=None, eq=False)
    against: Baseline | None = field(default=None, eq=False)

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.revision or "the baseline"

    @property
    def versions(self) -> tuple[str, str]:
        """Of Dagster and of Python: with others, sizes and seconds may be different."""
        return self.dagster_version, self.python_version

    def snapshot(self, snapshot: Snapshot, measurement: Measurement) -> KnownSnapshot | None:
        """The sizes that this snapshot had, or None where it is new."""
        return self.snapshots.get(short_id(snapshot.id, measurement.name))

    @cached_property
    def owners(self) -> Mapping[tuple[str, Owner], dict[str, int]]:
        """By repository each owner's bytes by field, in all of its snapshots together."""
        found: dict[tuple[str, Owner], dict[str, int]] = {}
        for short, known in self.snapshots.items():
            repository = split_id(short)[0]
            for owner, fields in known.owners.items():
                sums = found.setdefault((repository, owner), {})
                for name, size in fields.items():
                    sums[name] = sums.get(name, 0) + size
        return found


def short_id(snapshot: str, location: str) -> str:
    """The id of a snapshot without the name of its location."""
    return snapshot.removeprefix(f"{location}/")


def split_id(short: str) -> tuple[str, str | None]:
    """The repository, and the job or None; a repository has no slash in its name."""
    repository, kind, *rest = short.split("/", 2)
    return repository, rest[0] if kind == "job" and rest else None


def minor(version: str) -> str:
    """``3.11`` of ``3.11.7``."""
    return ".".join(version.split(".")[:2])


def baseline_of(measurement: Measurement) -> Baseline:
    """The sizes that a location has now; the measurement has no failure."""
    return Baseline(
        dagster_version=measurement.dagster_version,
        python_version=minor(measurement.python_version),
        snapshots={
            short_id(snapshot.id, measurement.name): KnownSnapshot(
                snapshot.wire_bytes - snapshot.stored_bytes,
                {
                    owner: _without(fields, snapshot.paths, owner)
                    for owner, fields in snapshot.ledger.by_owner().items()
                },
            )
            for snapshot in measurement.snapshots
        },
    )


def _without(fields: Fields, paths: Mapping[Owner, Fields], owner: Owner) -> Fields:
    less = paths.get(owner)
    return {n: size - less.get(n, 0) for n, size in fields.items()} if less else fields


def with_seconds(
    baseline: Baseline, old: Baseline | None, measurement: Measurement, allowance: Allowance | None
) -> Baseline:
    """The sizes with the seconds that a file records beside them: none without an ``allowance``.

    Those of the ``old`` one stay where the new ones are within it, so that a file does not change
    with every run, and where they are not known.
    """
    known = old.seconds if old and old.versions == baseline.versions else None
    if allowance is None:
        return baseline
    if measurement.load_time is None:  # a fork loads faster
        return evolve(baseline, seconds=known)
    now = KnownSeconds.of(measurement.seconds)
    is_new = known is None or known.differs(now, allowance)
    return evolve(baseline, seconds=now if is_new else known)


def summary(baselines: Collection[Baseline], path_bytes: int = 0) -> str:
    """``1 location, 3 snapshots, 194.9 kB (194,887 bytes)``.

    ``path_bytes`` are those of the project's own path, which no baseline has.
    """
    snapshots = [known for baseline in baselines for known in baseline.snapshots.values()]
    counts = f"{counted(len(baselines), 'location')}, {counted(len(snapshots), 'snapshot')}"
    whole = path_bytes + sum(known.stored_bytes for known in snapshots)
    return f"{counts}, {format_both(whole)}"


def with_local_paths(baseline: Baseline, measurement: Measurement) -> Baseline:
    """The baseline with the bytes that the project's path takes in the folder that was measured.

    What is new, an asset or a field, has no part in it: its path counts as growth.
    """
    paths = {
        short_id(snapshot.id, measurement.name): snapshot.paths
        for snapshot in measurement.snapshots
        if snapshot.paths
    }
    if not paths:
        return baseline
    snapshots = {
        short: evolve(known, owners=_with(known.owners, paths[short])) if short in paths else known
        for short, known in baseline.snapshots.items()
    }
    return evolve(baseline, snapshots=snapshots)


def _with(owners: Mapping[Owner, Fields], paths: Mapping[Owner, Fields]) -> Mapping[Owner, Fields]:
    more = {
        owner: {name: size + added.get(name, 0) for name, size in owners[owner].items()}
        for owner, added in paths.items()
        if owner in owners
    }
    return {**owners, **more}


def with_path(baselines: Mapping[str, Baseline], path: str) -> dict[str, Baseline]:
    """The baselines, read from this file."""
    return {
        name: evolve(b, place=SourceLocation(path, b.place.line if b.place else 1))
        for name, b in baselines.items()
    }
