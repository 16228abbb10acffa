"""What every format shows of a location, a snapshot or an asset; the formats only print it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from attrs import frozen

from dagster_snapsize.cli.reports.lines import shown_path
from dagster_snapsize.cli.run import LocationReport
from dagster_snapsize.core.findings import judged_bytes, snapshot_budget
from dagster_snapsize.core.model import Limit, Measurement, Snapshot
from dagster_snapsize.core.sizes import format_percent, format_size


@frozen
class BudgetUse:
    """The budget of a snapshot, and the size of the snapshot that it is compared with."""

    budget: Limit
    bytes: int

    @property
    def is_over(self) -> bool:
        """Whether the snapshot is over its budget."""
        return self.bytes > self.budget.bytes

    @property
    def percent(self) -> str:
        """How much of the budget is used: ``86.8 %``."""
        return format_percent(self.bytes, self.budget.bytes)


def budget_use(snapshot: Snapshot, location: LocationReport) -> BudgetUse:
    """How much of its budget a snapshot uses."""
    budget = snapshot_budget(snapshot, location.measurement, location.budgets)
    return BudgetUse(budget, judged_bytes(snapshot, budget))


def versions(measurement: Measurement) -> str:
    """``Dagster 1.13.28, Python 3.11.7``; nothing where no Dagster was found."""
    if not measurement.dagster_version:
        return ""
    return f"Dagster {measurement.dagster_version}, Python {measurement.python_version}"


def interpreter(location: LocationReport) -> str:
    """The interpreter that measured the location, and what chose it."""
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


def stored_bytes(measurement: Measurement) -> int:
    """Bytes of all snapshots together."""
    return sum(snapshot.stored_bytes for snapshot in measurement.snapshots)
