"""The sizes that a project had once, as text that merges: what a snapshot is compared with.

Two lines for each owner of bytes in one repository, sorted: its name, and its bytes by field; and a
line for each snapshot with what gRPC adds to it. No sum stands anywhere: sums are of the lines, so
that two branches which change different assets merge to what both together weigh. For git, changes
of neighbouring lines are a conflict, and so is what is added beside a line that was changed: the
name is the line between, and an empty one where there is no name.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any, get_args

from attrs import evolve, field, frozen

from dagster_snapsize.core.model import Measurement, Owner, OwnerKind, Snapshot, SourceLocation
from dagster_snapsize.core.sizes import counted, format_both

VERSION = 1
RENEW = "dagster-snapsize baseline"
KINDS: dict[str, OwnerKind] = {kind: kind for kind in get_args(OwnerKind)}
END = {"end": "of the baseline"}  # what is added last has a line after it too
_ORDER = {kind: number for number, kind in enumerate(KINDS)}

Fields = Mapping[str, int]


@frozen
class KnownSnapshot:
    """What one snapshot was: bytes by owner and field, and those that gRPC adds on the wire."""

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
class Baseline:
    """What one code location was.

    ``python_version`` is without its last part. ``snapshots`` are by id without the location's
    name, such as ``__repository__/job/nightly``. ``place`` is where it stands.

    As it is written, the bytes of the project's own path are left out, since every checkout has
    others. Compared is what it would be ``here``.
    """

    dagster_version: str
    python_version: str
    snapshots: Mapping[str, KnownSnapshot]
    place: SourceLocation | None = field(default=None, eq=False)

    def snapshot(self, snapshot: Snapshot, measurement: Measurement) -> KnownSnapshot | None:
        """What this snapshot was, or None where it is new."""
        return self.snapshots.get(short_id(snapshot.id, measurement.name))

    @cached_property
    def owners(self) -> Mapping[tuple[str, Owner], dict[str, int]]:
        """By repository each owner's bytes by field, in all of its snapshots together."""
        found: dict[tuple[str, Owner], dict[str, int]] = {}
        for short, known in self.snapshots.items():
            repository = _split(short)[0]
            for owner, fields in known.owners.items():
                sums = found.setdefault((repository, owner), {})
                for name, size in fields.items():
                    sums[name] = sums.get(name, 0) + size
        return found


def short_id(snapshot: str, location: str) -> str:
    """The id of a snapshot without the name of its location."""
    return snapshot.removeprefix(f"{location}/")


def _split(short: str) -> tuple[str, str | None]:
    """The repository, and the job or None; a repository has no slash in its name."""
    repository, kind, *rest = short.split("/", 2)
    return repository, rest[0] if kind == "job" and rest else None


def minor(version: str) -> str:
    """``3.11`` of ``3.11.7``."""
    return ".".join(version.split(".")[:2])


def baseline_of(measurement: Measurement) -> Baseline:
    """What a location is now; the measurement has no failure."""
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


def summary(baselines: Collection[Baseline], path_bytes: int = 0) -> str:
    """``1 location, 3 snapshots, 194.9 kB (194,887 bytes)``.

    ``path_bytes`` are those of the project's own path, which no baseline has.
    """
    snapshots = [known for baseline in baselines for known in baseline.snapshots.values()]
    counts = f"{counted(len(baselines), 'location')}, {counted(len(snapshots), 'snapshot')}"
    whole = path_bytes + sum(known.stored_bytes for known in snapshots)
    return f"{counts}, {format_both(whole)}"


def here(baseline: Baseline, measurement: Measurement) -> Baseline:
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


# -- writing -------------------------------------------------------------------------------------


def to_text(baselines: Mapping[str, Baseline]) -> str:
    """All locations of a project, by name, as the content of one file."""
    lines = [to_json({"snapsize-baseline": VERSION})]
    for name, baseline in sorted(baselines.items()):
        head: dict[str, Any] = {"location": name, "dagster": baseline.dagster_version}
        head["python"] = baseline.python_version
        lines.append(to_json(head))
        by_repository: dict[str, dict[str | None, KnownSnapshot]] = {}
        for short, known in baseline.snapshots.items():
            repository, job = _split(short)
            by_repository.setdefault(repository, {})[job] = known
        for repository, known_jobs in sorted(by_repository.items()):
            lines += _repository_lines(repository, known_jobs)
    lines.append(to_json(END))
    return "\n\n".join(lines) + "\n"


def _repository_lines(
    repository: str, snapshots: Mapping[str | None, KnownSnapshot]
) -> Iterator[str]:
    whole = snapshots.get(None)
    head: dict[str, Any] = {"repository": repository}
    yield to_json({**head, "wrapper": whole.wrapper_bytes} if whole else head)
    jobs = sorted((job, known) for job, known in snapshots.items() if job is not None)
    for job, known in jobs:
        yield to_json({"snapshot": job, "wrapper": known.wrapper_bytes})
    owners = {owner for known in snapshots.values() for owner in known.owners}
    for owner in sorted(owners, key=lambda o: (_ORDER[o.kind], o.name)):
        row: dict[str, Any] = {}
        if whole and owner in whole.owners:
            row["fields"] = _sorted(whole.owners[owner])
        groups: dict[tuple[tuple[str, int], ...], list[str]] = {}
        for job, known in jobs:
            if owner in known.owners:
                groups.setdefault(tuple(sorted(known.owners[owner].items())), []).append(job)
        if groups:
            row["jobs"] = [[names, dict(fields)] for fields, names in groups.items()]
        yield f"{to_json({owner.kind: owner.name})}\n{to_json(row)}"


def _sorted(fields: Fields) -> dict[str, int]:
    return dict(sorted(fields.items()))


def to_json(value: Any) -> str:
    """As compact as JSON can be, and ASCII."""
    return json.dumps(value, separators=(",", ":"))


def at(baselines: Mapping[str, Baseline], path: str) -> dict[str, Baseline]:
    """The baselines, which stand in this file."""
    return {
        name: evolve(b, place=SourceLocation(path, b.place.line if b.place else 1))
        for name, b in baselines.items()
    }
