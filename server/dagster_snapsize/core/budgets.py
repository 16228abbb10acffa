"""What limits a snapshot, an asset or another owner: Dagster's limits and the user's budgets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from dagster_snapsize.core import limits
from dagster_snapsize.core.errors import did_you_mean
from dagster_snapsize.core.model import Budgets, Limit, Measurement, Snapshot

CONFIGURATION = "the configuration"
ASSET_BUDGET = "budget.asset"
NO_LIMIT = "protobuf"
"""The name of the budget where neither a limit nor a budget is known."""


def snapshot_limits(snapshot: Snapshot, measurement: Measurement) -> tuple[Limit, ...]:
    """The limits that Dagster enforces on this snapshot, apart from the user's budgets."""
    environment = measurement.environment
    if snapshot.kind == "repository":
        return environment.repository_limits
    return environment.job_limits


def snapshot_budget(snapshot: Snapshot, measurement: Measurement, budgets: Budgets) -> Limit:
    """The budget of a snapshot: its bytes, which size it limits, and what sets it.

    A user's budget limits ``wire_bytes``. Without one it is the limit that leaves the least room,
    each compared with its own size.
    """
    if snapshot.kind == "repository":
        set_by = ("budget.repository", budgets.repository)
    elif snapshot.name in budgets.jobs:
        set_by = (f"budget.jobs.{snapshot.name}", budgets.jobs[snapshot.name])
    else:
        set_by = ("budget.job", budgets.job)
    name, size = set_by
    if size is not None:
        return Limit(name, "wire", size, CONFIGURATION)
    found = limits_on_loading(snapshot, measurement)
    if not found:
        return Limit(NO_LIMIT, "wire", limits.PROTOBUF_MAX_BYTES, "the largest gRPC message")
    return min(found, key=lambda limit: limit.bytes - judged_bytes(snapshot, limit))


def limits_on_loading(snapshot: Snapshot, measurement: Measurement) -> list[Limit]:
    """All but that of the instance's storage, which takes what was loaded when it is run."""
    return [x for x in snapshot_limits(snapshot, measurement) if x.judges != "compressed"]


def judged_bytes(snapshot: Snapshot, limit: Limit) -> int:
    """The size of the snapshot that this limit on loading is compared with."""
    # A refused reply is larger than what it stores, by some 160 bytes.
    is_stored = limit.judges == "stored" and not snapshot.is_refused
    return snapshot.stored_bytes if is_stored else snapshot.wire_bytes


def storage_limit(snapshot: Snapshot, measurement: Measurement) -> Limit | None:
    """What the instance's storage takes of it, compressed; None where it takes any size."""
    found = snapshot_limits(snapshot, measurement)
    return next((limit for limit in found if limit.judges == "compressed"), None)


def exceeded_limit(snapshot: Snapshot, measurement: Measurement) -> Limit | None:
    """The limit that the snapshot exceeds by most, or None."""
    found = [
        x for x in limits_on_loading(snapshot, measurement) if judged_bytes(snapshot, x) > x.bytes
    ]
    return min(found, key=lambda x: x.bytes - judged_bytes(snapshot, x), default=None)


def asset_budget(key: str, budgets: Budgets) -> Limit:
    """How much of one snapshot an asset may take before there is a finding, and what says so."""
    return named_budget("assets", budgets.assets, (key,)) or Limit(
        ASSET_BUDGET, "stored", budgets.asset, CONFIGURATION
    )


def named_budget(table: str, sizes: Mapping[str, int], names: Sequence[str]) -> Limit | None:
    """The budget of what has these names: by one of them, else by the first glob that fits."""
    exact = (name for name in names if name in sizes)
    globs = (glob for glob in sizes if any(fnmatchcase(name, glob) for name in names))
    found = next(exact, None) or next(globs, None)
    if found is None:
        return None
    return Limit(f"budget.{table}.{found}", "stored", sizes[found], CONFIGURATION)


def budgets_of_nothing(
    budgets: Budgets,
    jobs: Collection[str],
    assets: Collection[str],
    owners: Collection[str] | None = None,
) -> Iterator[tuple[tuple[str, str], str]]:
    """The keys below ``budget`` that name what there is not, and a message.

    ``jobs``, ``assets`` and ``owners`` are the names and keys in all locations that have these
    budgets; None where the names of owners are not known.
    """
    tables: list[tuple[str, str, Mapping[str, int], Collection[str]]] = [
        ("jobs", "job", dict.fromkeys(budgets.jobs, 0), jobs),
        ("assets", "asset", budgets.assets, assets),
    ]
    if owners is not None:
        tables.append(("owners", "definition", budgets.owners, owners))
    for table, noun, named, there in tables:
        for name in named:
            is_glob = table != "jobs"
            if name in there or (is_glob and any(fnmatchcase(key, name) for key in there)):
                continue
            guess = did_you_mean(name, there)
            message = f"there is no {noun} `{name}`, which budget.{table} names{guess}"
            yield (table, name), message
