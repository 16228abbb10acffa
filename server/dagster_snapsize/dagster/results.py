"""A measurement as Dagster shows it: metadata of a materialization, and results of checks.

The names of metadata and checks never change: plots over time are by name.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, frozen
from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSeverity,
    MetadataValue,
    TableColumn,
    TableRecord,
    TableSchema,
)

from dagster_snapsize.core.baseline import Baseline, baseline_of, with_local_paths
from dagster_snapsize.core.baseline_text import UnreadableBaseline, from_text, to_text
from dagster_snapsize.core.budgets import NO_LIMIT, judged_bytes, snapshot_budget
from dagster_snapsize.core.findings import judge
from dagster_snapsize.core.growth import growth_findings, snapshot_label, total_growth
from dagster_snapsize.core.model import Budgets, Finding, Limit, Measurement, Snapshot
from dagster_snapsize.core.sizes import counted

_SIZES = "sizes"
_BEFORE = "the last materialization"
_LISTED = 10
_FAILING = ("snapshot-over-budget", "snapshot-near-budget")
_ABOUT_BUDGETS = (*_FAILING, "asset-over-budget", "owner-over-budget", "load-time-over-budget")


@frozen
class JudgedSizes:
    """A measurement with what it is judged by.

    ``before`` are the sizes of the last materialization, None where there is none.
    """

    measurement: Measurement
    budgets: Budgets
    findings: tuple[Finding, ...]
    before: Baseline | None

    @classmethod
    def of(
        cls, measurement: Measurement, budgets: Budgets, last: Mapping[str, Any] | None
    ) -> JudgedSizes:
        """``last`` is the metadata of the last materialization."""
        before = _read_sizes(last or {})
        if before is not None:
            before = with_local_paths(before, measurement)
        return cls(measurement, budgets, judge(measurement, budgets), before)

    def metadata(self) -> dict[str, MetadataValue]:
        """What a materialization says."""
        measurement = self.measurement
        whole = _largest(s for s in measurement.snapshots if s.kind == "repository")
        job = _largest(s for s in measurement.snapshots if s.kind == "job")
        found: dict[str, MetadataValue] = {}
        for prefix, snapshot in (("repository", whole), ("largest_job", job)):
            if snapshot is not None:
                if not snapshot.is_refused:  # which has no text
                    found[f"{prefix}_stored_bytes"] = MetadataValue.int(snapshot.stored_bytes)
                found[f"{prefix}_wire_bytes"] = MetadataValue.int(snapshot.wire_bytes)
        if job is not None:
            if job.compressed_bytes is not None:
                found["largest_job_compressed_bytes"] = MetadataValue.int(job.compressed_bytes)
            found["largest_job"] = MetadataValue.text(job.name)
        nearest = self._nearest()
        if nearest is not None:
            label = snapshot_label(nearest, measurement)
            found["used_percent"] = MetadataValue.float(self._used_percent(nearest))
            found["nearest_to_budget"] = MetadataValue.text(label)
        jobs = [s for s in measurement.snapshots if s.kind == "job"]
        found["assets"] = MetadataValue.int(len(measurement.assets))
        found["jobs"] = MetadataValue.int(len(jobs))
        found["reply_seconds"] = MetadataValue.float(round(measurement.seconds.build, 3))
        found["dagster_version"] = MetadataValue.text(measurement.dagster_version)
        largest = sorted(measurement.snapshots, key=lambda s: -s.wire_bytes)
        found["snapshots"] = _table(
            {"snapshot": "string", "wire_bytes": "int"},
            [(snapshot_label(s, measurement), s.wire_bytes) for s in largest[:_LISTED]],
        )
        found["heaviest_assets"] = _table(
            {"asset": "string", "bytes": "int"},
            [(asset.key, asset.total_bytes) for asset in measurement.assets[:_LISTED]],
        )
        if self.before is not None:
            name = measurement.name
            changes = total_growth({name: self.before}, {name: self._now()})
            grown = [(c.owner.label, c.bytes) for c in changes if c.bytes > 0]
            found["growth_bytes"] = MetadataValue.int(self._growth_bytes())
            found["grown"] = _table({"owner": "string", "bytes": "int"}, grown[:_LISTED])
        found[_SIZES] = _sizes(measurement)
        return found

    def _now(self) -> Baseline:
        return with_local_paths(baseline_of(self.measurement), self.measurement)

    def within_budget(self, check: AssetCheckKey) -> AssetCheckResult:
        """Whether all snapshots are within their budgets: an error over it, a warning near it."""
        about = [f for f in self.findings if f.rule in _ABOUT_BUDGETS]
        over = [f for f in about if f.severity == "error"]
        near = [f for f in about if f.rule in _FAILING]
        nearest = self._nearest()
        metadata: dict[str, MetadataValue] = {}
        if nearest is not None:
            budget = self._budget(nearest)
            metadata = {
                "used_percent": MetadataValue.float(self._used_percent(nearest)),
                "bytes": MetadataValue.int(judged_bytes(nearest, budget)),
                "budget_bytes": MetadataValue.int(budget.bytes),
                "snapshot": MetadataValue.text(snapshot_label(nearest, self.measurement)),
            }
        counts = counted(len(self.measurement.snapshots), "snapshot")
        return AssetCheckResult(
            passed=not over and not near,
            asset_key=check.asset_key,
            check_name=check.name,
            severity=AssetCheckSeverity.ERROR if over else AssetCheckSeverity.WARN,
            description=_lines(about)
            or (f"{counts} within budget" if nearest else f"{counts}, and no budget for them"),
            metadata=metadata,
        )

    def growth(self, check: AssetCheckKey) -> AssetCheckResult:
        """Whether anything grew beyond what the budget allows since the last materialization."""
        found: Sequence[Finding] = ()
        if self.before is not None:
            found = tuple(growth_findings(self.measurement, self.budgets, self.before))
        nothing = "nothing grew" if self.before else "the first materialization"
        beyond = [f for f in found if f.severity == "error"]
        return AssetCheckResult(
            passed=not beyond,
            asset_key=check.asset_key,
            check_name=check.name,
            severity=AssetCheckSeverity.WARN,
            description=_lines([*beyond, *(f for f in found if f not in beyond)]) or nothing,
            metadata={"growth_bytes": MetadataValue.int(self._growth_bytes())},
        )

    def _growth_bytes(self) -> int:
        """By how much all snapshots together are larger on the wire; 0 for the first time."""
        if self.before is None:
            return 0
        before = sum(known.wire_bytes for known in self.before.snapshots.values())
        return sum(s.wire_bytes for s in self.measurement.snapshots) - before

    def _nearest(self) -> Snapshot | None:
        """The snapshot that uses most of its budget; None where nothing limits any."""
        limited = (s for s in self.measurement.snapshots if self._budget(s).name != NO_LIMIT)
        return max(limited, key=self._used_percent, default=None)

    def _budget(self, snapshot: Snapshot) -> Limit:
        return snapshot_budget(snapshot, self.measurement, self.budgets)

    def _used_percent(self, snapshot: Snapshot) -> float:
        budget = self._budget(snapshot)
        return round(100 * judged_bytes(snapshot, budget) / max(1, budget.bytes), 4)


def _largest(snapshots: Any) -> Snapshot | None:
    return max(snapshots, key=lambda s: s.wire_bytes, default=None)


def _lines(findings: Sequence[Finding]) -> str:
    """The findings in the words of the command line; what to run there is left out."""
    shown = [f"{f.message}. {f.details or ''}".strip() for f in findings[:_LISTED]]
    more = len(findings) - _LISTED
    return "\n".join([*shown, *([f"and {more:,} more"] if more > 0 else [])])


def _table(columns: Mapping[str, str], rows: Sequence[tuple[Any, ...]]) -> MetadataValue:
    return MetadataValue.table(
        [TableRecord(dict(zip(columns, row, strict=True))) for row in rows],
        TableSchema([TableColumn(name, type=kind) for name, kind in columns.items()]),
    )


def _sizes(measurement: Measurement) -> MetadataValue:
    """All sizes by owner and field as a baseline, for the next materialization to compare with."""
    text = to_text({measurement.name: baseline_of(measurement)})
    packed = base64.b64encode(zlib.compress(text.encode("ascii"), 9)).decode("ascii")
    return MetadataValue.json({"baseline": packed})


def _read_sizes(metadata: Mapping[str, Any]) -> Baseline | None:
    """The sizes of an earlier materialization; None where they cannot be read."""
    try:
        packed = metadata[_SIZES].value["baseline"]
        text = zlib.decompress(base64.b64decode(packed)).decode("ascii")
        (baseline,) = from_text(text).values()
    except (KeyError, TypeError, ValueError, zlib.error, UnreadableBaseline):
        return None
    return evolve(baseline, revision=_BEFORE, place=None)
