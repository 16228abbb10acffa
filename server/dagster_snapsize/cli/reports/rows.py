"""What every format shows of a location, a snapshot or an asset; the formats only print it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from attrs import frozen

from dagster_snapsize.cli.reports.lines import place, shown_path
from dagster_snapsize.cli.run import LocationReport
from dagster_snapsize.core.budgets import NO_LIMIT, judged_bytes, snapshot_budget, storage_limit
from dagster_snapsize.core.growth import capitalized, snapshot_label
from dagster_snapsize.core.model import (
    AssetCost,
    Limit,
    Measurement,
    Owner,
    Snapshot,
    SourceLocation,
)
from dagster_snapsize.core.sizes import counted, format_percent, format_size

_SCHEMA = "type schema"  # of a type of component
_OF_EVERY_JOB = ("execution config", "loggers config", "built-in types")


@frozen
class BudgetUse:
    """The budget of a snapshot, and the size of the snapshot that it is compared with."""

    budget: Limit
    bytes: int
    is_known: bool = True

    @property
    def size(self) -> str:
        """The budget as it is shown; a running server may have limits that nobody tells."""
        return format_size(self.budget.bytes) if self.is_known else "unknown"

    @property
    def is_over(self) -> bool:
        """Whether the snapshot is over its budget."""
        return self.bytes > self.budget.bytes

    @property
    def share(self) -> float:
        """How much of the budget is used; 1 is all of it."""
        return self.bytes / max(1, self.budget.bytes)

    @property
    def percent(self) -> str:
        """How much of the budget is used: ``86.8 %``."""
        return format_percent(self.bytes, self.budget.bytes) if self.is_known else ""


def stored_size(snapshot: Snapshot) -> str:
    """Its exact bytes; ``refused`` where a server did not send it."""
    return "refused" if snapshot.is_refused else f"{snapshot.stored_bytes:,}"


def budget_use(snapshot: Snapshot, location: LocationReport) -> BudgetUse:
    """How much of its budget a snapshot uses."""
    budget = snapshot_budget(snapshot, location.measurement, location.budgets)
    is_known = location.measurement.server is None or budget.name != NO_LIMIT
    return BudgetUse(budget, judged_bytes(snapshot, budget), is_known)


def versions(measurement: Measurement) -> str:
    """``Dagster 1.13.28, Python 3.11.7``; nothing where no Dagster was found."""
    if not measurement.dagster_version:
        return ""
    python = f", Python {measurement.python_version}" if measurement.python_version else ""
    return f"Dagster {measurement.dagster_version}{python}"


def interpreter(location: LocationReport) -> str:
    """The interpreter that measured the location, and what chose it; the address of a server."""
    if server := location.code_location.server:
        return f"running at {server.address} ({location.code_location.source})"
    return f"{shown_path(location.interpreter.path)} ({location.interpreter.source})"


def repository_suffix(
    kind: str, repository: str, repositories: Iterable[str], name: Callable[[str], str] = str
) -> str:
    """`` of REPOSITORY`` for a job, where the location has several repositories."""
    return f" of {name(repository)}" if kind == "job" and len(set(repositories)) > 1 else ""


def heaviest(sizes: Mapping[str, int]) -> tuple[str, int]:
    """The name with most bytes and its bytes; an empty name where there is none."""
    return max(sizes.items(), key=lambda item: item[1], default=("", 0))


def mostly(sizes: Mapping[str, int], name: Callable[[str], str] = str) -> str:
    """The name with most bytes and its size: ``description 1.2 kB``."""
    first, size = heaviest(sizes)
    return f"{name(first)} {format_size(size)}" if first else ""


def where(asset: AssetCost, measurement: Measurement) -> str:
    """Its file and line; of one that is only named in ``deps``, those of an asset that names it."""
    if asset.location:
        return place(asset.location)
    for other in measurement.assets:
        if asset.key in other.deps and other.location and other.repository == asset.repository:
            return f"{place(other.location)} (deps of {other.key})"
    return ""


@frozen
class OwnerCost:
    """An owner of a repository that is no asset: its bytes in all snapshots, and by field."""

    owner: Owner
    repository: str
    fields: Mapping[str, int]
    location: SourceLocation | None = None

    @property
    def total_bytes(self) -> int:
        """The bytes of all fields."""
        return sum(self.fields.values())


def other_owners(measurement: Measurement) -> list[OwnerCost]:
    """Everything with a name that owns bytes and is no asset, heaviest first."""
    found: dict[tuple[str, Owner], Counter[str]] = {}
    for snapshot in measurement.snapshots:
        for owner in snapshot.ledger.owners:
            if owner.kind not in ("asset", "structure"):
                fields = snapshot.ledger.by_field(owner)
                found.setdefault((snapshot.repository, owner), Counter()).update(fields)
    places = {(one.repository, one.owner): one.location for one in measurement.placed_owners}
    costs = [
        OwnerCost(owner, repository, fields, places.get((repository, owner)))
        for (repository, owner), fields in found.items()
    ]
    return sorted(costs, key=lambda cost: (-cost.total_bytes, cost.owner.label, cost.repository))


def heavy_others(measurement: Measurement, top: int) -> list[OwnerCost]:
    """Those of them that own a hundredth of all bytes, ``top`` at most."""
    least = stored_bytes(measurement) / 100
    return [cost for cost in other_owners(measurement) if cost.total_bytes >= least][:top]


def explanations(measurement: Measurement) -> Iterator[str]:
    """A sentence for each thing that is a tenth of all bytes and that no asset explains."""
    least = stored_bytes(measurement) / 10
    jobs = [snapshot for snapshot in measurement.snapshots if snapshot.kind == "job"]
    own = [snapshot.ledger.by_field(Owner("job", snapshot.name)) for snapshot in jobs]
    size = sum(fields.get(field, 0) for fields in own for field in _OF_EVERY_JOB)
    if jobs and size >= least:
        yield (
            f"Every job takes some {format_size(size // len(jobs))} for the configuration of its"
            " executor and loggers and for built-in types, whatever it runs."
        )
    schemas = [size for cost in other_owners(measurement) if (size := cost.fields.get(_SCHEMA, 0))]
    if schemas and sum(schemas) >= least:
        yield (
            f"The schemas of {counted(len(schemas), 'component type')} take"
            f" {format_size(sum(schemas))}: Dagster stores one for each type that an installed"
            " package registers, used or not."
        )


def fullest_row(measurement: Measurement) -> str:
    """The job that takes most of what MySQL stores of one; nothing where there is no such limit."""
    jobs = ((s.compressed_bytes, s) for s in measurement.snapshots if s.compressed_bytes)
    size, job = max(jobs, key=lambda row: row[0], default=(0, None))
    limit = storage_limit(job, measurement) if job else None
    if job is None or limit is None:
        return ""
    return (
        f"{capitalized(limit.name)}: {snapshot_label(job, measurement)} takes {size:,} of"
        f" {limit.bytes:,} bytes, compressed ({format_percent(size, limit.bytes)})"
    )


def stored_bytes(measurement: Measurement) -> int:
    """Bytes of all snapshots together."""
    return sum(snapshot.stored_bytes for snapshot in measurement.snapshots)
