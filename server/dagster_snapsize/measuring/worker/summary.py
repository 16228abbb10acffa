"""Make a LocationResult and its file of rows from a measurement and its baseline."""

from __future__ import annotations

import contextlib
import heapq
import io
import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from attrs import frozen

from dagster_snapsize.core.advice import advice_json, advise
from dagster_snapsize.core.baseline import Baseline, with_local_paths
from dagster_snapsize.core.budgets import judged_bytes, snapshot_budget
from dagster_snapsize.core.findings import judge, unused_ignores
from dagster_snapsize.core.growth import baseline_mismatch, differences
from dagster_snapsize.core.limits import ShownLimit
from dagster_snapsize.core.load_time import load_time_json
from dagster_snapsize.core.model import (
    AssetCost,
    Budgets,
    Finding,
    Measurement,
    Owner,
    Repeat,
    Snapshot,
)
from dagster_snapsize.measuring.worker.results import (
    AssetBytes,
    AssetRow,
    BaselineProblem,
    BaselineUse,
    LocationResult,
    MeasuredLoad,
    OtherOwner,
    SnapshotRow,
    unstructure,
)

_HEAVIEST = 5
_MOST_LINES = 50
_log = logging.getLogger(__name__)


def summarize(
    measurement: Measurement,
    budgets: Budgets,
    *,
    root: Path,
    config_path: str | None,
    python_source: str,
    rows: Path | None,
    one_of_several: bool = False,
    baseline: Baseline | None = None,
    baseline_path: str = "",
    baseline_name: str = "",
    baseline_problem: BaselineProblem | None = None,
    measured_at: float = 0.0,
) -> LocationResult:
    """Write the file of rows, where there is to be one and that is possible; return the summary.

    ``measured_at`` is in seconds since the epoch.
    """
    baseline = with_local_paths(baseline, measurement) if baseline else None
    since = _SinceBaseline(measurement, baseline)
    stream: IO[bytes]
    try:
        with rows.open("wb") if rows else io.BytesIO() as stream:
            assets = _write_rows(stream, measurement, since)
    except OSError as error:
        _log.warning("%s cannot be written, so details of assets are not shown: %s", rows, error)
        if rows:
            with contextlib.suppress(OSError):
                rows.unlink()
        rows = None
        assets = _write_rows(io.BytesIO(), measurement, since)
    return LocationResult(
        name=measurement.name,
        root=str(root),
        config_path=config_path,
        python=measurement.python,
        python_source=python_source,
        python_version=measurement.python_version,
        dagster_version=measurement.dagster_version,
        seconds=measurement.seconds.total,
        budgets=budgets,
        snapshots=tuple(
            _snapshot_row(s, measurement, budgets, baseline) for s in measurement.snapshots
        ),
        assets=tuple(assets),
        findings=_without_least_growth(
            judge(measurement, budgets, baseline, one_of_several=one_of_several), assets
        ),
        unused_ignores=unused_ignores(measurement, budgets, baseline),
        definitions_location=measurement.definitions_location,
        definition_files=measurement.definition_files,
        folders=measurement.folders,
        rows=str(rows or ""),
        failure=measurement.failure,
        baseline=BaselineUse(
            path=baseline_path,
            name=baseline_name or measurement.name,
            is_known=baseline is not None,
            mismatch=baseline_mismatch(measurement, baseline) if baseline is not None else (),
            problem=baseline_problem,
        ),
        limits=tuple(map(ShownLimit.of, measurement.environment.settings)),
        load=_load(measurement, measured_at),
    )


def _load(measurement: Measurement, measured_at: float) -> MeasuredLoad | None:
    took = measurement.load_time
    if took is None:
        return None
    return MeasuredLoad(measured_at, took.microseconds, tuple(took.lines), load_time_json(took))


# -- since the baseline --------------------------------------------------------------------------


@frozen
class _SinceBaseline:
    """Growth of assets since the baseline, if there is one."""

    measurement: Measurement
    baseline: Baseline | None

    def growth(self, asset: AssetCost) -> dict[str, Any] | None:
        """An AssetGrowth as what JSON can hold."""
        if self.baseline is None:
            return None
        old = self.baseline.owners.get((asset.repository, Owner("asset", asset.key)))
        before = None if old is None else sum(old.values())
        return {"before": before, "fields": differences(old or {}, asset.fields)}


def _write_rows(
    stream: IO[bytes], measurement: Measurement, since: _SinceBaseline
) -> list[AssetRow]:
    """Write an AssetDetail for each asset and the OtherOwners, a line each. Raises OSError."""
    by_id = {snapshot.id: snapshot for snapshot in measurement.snapshots}
    groups = _groups(measurement.snapshots)
    carried = _carried(measurement.repeats)
    assets = []
    offset = 0
    for asset in measurement.assets:
        detail = _detail(asset, by_id, groups)
        detail["growth"] = growth = since.growth(asset)
        detail["repeats"] = carried.get((asset.repository, asset.key), [])
        line = json.dumps(detail, separators=(",", ":")).encode("utf-8") + b"\n"
        stream.write(line)
        assets.append(
            AssetRow(
                key=asset.key,
                repository=asset.repository,
                total_bytes=asset.total_bytes,
                largest_bytes=max(asset.by_snapshot.values(), default=0),
                location=asset.location,
                offset=offset,
                length=len(line),
                growth_bytes=asset.total_bytes - (growth["before"] or 0) if growth else 0,
            )
        )
        offset += len(line)
    last = {
        "others": [unstructure(other) for other in _others(measurement.snapshots)],
        "advice": [advice_json(advice) for advice in advise(measurement)],
        "paths": [
            [snapshot.id, owner.kind, owner.name, dict(fields)]
            for snapshot in measurement.snapshots
            for owner, fields in snapshot.paths.items()
        ],
    }
    stream.write(json.dumps(last, separators=(",", ":")).encode("utf-8") + b"\n")
    return assets


def _without_least_growth(
    findings: Sequence[Finding], assets: Sequence[AssetRow]
) -> tuple[Finding, ...]:
    """Keep info-level growth only for the lines that grew most: hovers show the rest.

    All assets of a line are kept or none, so that their sum is right.
    """
    grown = {(row.repository, row.key): row.growth_bytes for row in assets}
    lines: defaultdict[object, int] = defaultdict(int)
    for finding in findings:
        if _is_reported_by_line(finding):
            lines[_line(finding)] += grown.get((finding.repository or "", finding.asset or ""), 0)
    if len(lines) <= _MOST_LINES:
        return tuple(findings)
    most = set(heapq.nlargest(_MOST_LINES, lines, key=lambda line: lines[line]))
    return tuple(f for f in findings if not _is_reported_by_line(f) or _line(f) in most)


def _is_reported_by_line(finding: Finding) -> bool:
    return finding.rule == "asset-grew" and finding.severity == "information"


def _line(finding: Finding) -> object:
    """The line of a finding, or the asset where it has none."""
    return finding.location or (finding.repository, finding.asset)


# -- repeats and advice --------------------------------------------------------------------------


def _carried(repeats: Sequence[Repeat]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The RepeatedValues of each asset, by repository and key: those that save most, first."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for repeat in repeats:
        carried = {
            "field": repeat.field,
            "preview": repeat.preview,
            "others": len(repeat.assets) - 1,
            "saved_bytes": repeat.saved_bytes,
        }
        for key in repeat.assets:
            mine = found.setdefault((repeat.repository, key), [])
            if len(mine) < _HEAVIEST:
                mine.append(carried)
    return found


# -- snapshots and assets ------------------------------------------------------------------------


def _snapshot_row(
    snapshot: Snapshot, measurement: Measurement, budgets: Budgets, baseline: Baseline | None
) -> SnapshotRow:
    budget = snapshot_budget(snapshot, measurement, budgets)
    known = baseline.snapshot(snapshot, measurement) if baseline else None
    used = judged_bytes(snapshot, budget)
    growth = None
    if known is not None:
        growth = used - (known.stored_bytes if budget.judges == "stored" else known.wire_bytes)
    return SnapshotRow(
        id=snapshot.id,
        kind=snapshot.kind,
        name=snapshot.name,
        repository=snapshot.repository,
        stored_bytes=snapshot.stored_bytes,
        wire_bytes=snapshot.wire_bytes,
        used_bytes=used,
        budget_bytes=budget.bytes,
        budget_name=budget.name,
        budget_source=budget.source,
        heaviest=_heaviest(snapshot, measurement.assets),
        growth_bytes=growth,
    )


def _heaviest(snapshot: Snapshot, assets: Sequence[AssetCost]) -> tuple[AssetBytes, ...]:
    mine = (
        AssetBytes(a.key, a.by_snapshot[snapshot.id])
        for a in assets
        if a.repository == snapshot.repository and a.by_snapshot.get(snapshot.id)
    )
    return tuple(heapq.nlargest(_HEAVIEST, mine, key=lambda a: a.bytes))


def _others(snapshots: Sequence[Snapshot]) -> Iterator[OtherOwner]:
    for snapshot in snapshots:
        for owner in snapshot.ledger.owners:
            if owner.kind != "asset":
                fields = snapshot.ledger.by_field(owner)
                yield OtherOwner(snapshot.id, owner.kind, owner.name, fields)


def _groups(snapshots: Sequence[Snapshot]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """SharedWith of each asset, by repository and asset key."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for snapshot in snapshots:
        for group in snapshot.ledger.shared_groups:
            first = group.asset_keys[: _HEAVIEST + 1]
            for key in group.asset_keys:
                shared = {
                    "snapshot": snapshot.id,
                    "name": group.name,
                    "count": len(group.asset_keys),
                    "others": [other for other in first if other != key][:_HEAVIEST],
                }
                found.setdefault((snapshot.repository, key), []).append(shared)
    return found


def _detail(
    asset: AssetCost,
    by_id: Mapping[str, Snapshot],
    groups: Mapping[tuple[str, str], list[dict[str, Any]]],
) -> dict[str, Any]:
    """An AssetDetail as what JSON can hold.

    Not made of the class, for speed: there are a hundred cells for each of thousands of assets.
    """
    owner = Owner("asset", asset.key)
    place = asset.location
    return {
        "key": asset.key,
        "repository": asset.repository,
        "group": asset.group,
        "location": {"path": place.path, "line": place.line} if place else None,
        "total_bytes": asset.total_bytes,
        "exclusive_bytes": asset.exclusive_bytes,
        "shared_bytes": asset.shared_bytes,
        "dangling_bytes": asset.dangling_bytes,
        "check_bytes": asset.check_bytes,
        "fields": dict(asset.fields),
        "by_snapshot": dict(asset.by_snapshot),
        "cells": [
            {
                "snapshot": snapshot,
                "field": name,
                "exclusive": share.exclusive,
                "shared": share.shared,
            }
            for snapshot in asset.by_snapshot
            for name, share in by_id[snapshot].ledger.owners.get(owner, {}).items()
        ],
        "shared_with": groups.get((asset.repository, asset.key), []),
    }
