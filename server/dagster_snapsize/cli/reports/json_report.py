"""The JSON that other programs read: keys may be added, never renamed."""

from __future__ import annotations

import json
import sys
from typing import Any

from dagster_snapsize.cli.run import Judged, Outcome
from dagster_snapsize.core.findings import snapshot_budget, snapshot_limits
from dagster_snapsize.core.growth import foreign
from dagster_snapsize.core.model import (
    AssetCost,
    Failure,
    Finding,
    Ledger,
    Snapshot,
    SourceLocation,
)

VERSION = 1
Json = dict[str, Any]


def print_outcome(outcome: Outcome, status: int) -> None:
    """Write one JSON object to standard output."""
    whole = {
        "version": VERSION,
        "locations": [location_json(judged) for judged in outcome.judged],
        "findings": [finding_json(finding) for finding in outcome.findings],
        "notes": list(outcome.notes),
        "exit_status": status,
    }
    # As one text: json.dump writes it piece by piece, in Python, at five times the cost.
    sys.stdout.write(json.dumps(whole) + "\n")


def location_json(judged: Judged) -> Json:
    """One code location; see docs/json.md for every key."""
    measurement = judged.measurement
    seconds = measurement.seconds
    return {
        "name": measurement.name,
        "target": dict(measurement.target),
        "python": measurement.python,
        "python_source": judged.interpreter.source,
        "python_version": measurement.python_version,
        "dagster_version": measurement.dagster_version,
        "seconds": {
            "load": round(seconds.load, 3),
            "build": round(seconds.build, 3),
            "total": round(seconds.total, 3),
        },
        "peak_rss_bytes": measurement.peak_rss_bytes,
        "snapshots": [_snapshot_json(snapshot, judged) for snapshot in measurement.snapshots],
        "assets": [asset_json(asset) for asset in measurement.assets],
        "definition_files": list(measurement.definition_files),
        "definitions_location": place_json(measurement.definitions_location),
        "untracked_files": list(measurement.untracked_files),
        "cache": {
            "hit": judged.cached.hit,
            "measured_at": judged.cached.measured_at,
            "not_stored": list(judged.cached.not_stored),
        },
        "baseline": _baseline_json(judged),
        "error": _failure_json(measurement.failure),
    }


def _baseline_json(judged: Judged) -> Json | None:
    baseline, place = judged.baseline, judged.baseline.place if judged.baseline else None
    if baseline is None or place is None:
        return None
    failed = judged.measurement.failure
    return {
        "path": place.path,
        "dagster_version": baseline.dagster_version,
        "python_version": baseline.python_version,
        "foreign": [] if failed else list(foreign(judged.measurement, baseline)),
    }


def _snapshot_json(snapshot: Snapshot, judged: Judged) -> Json:
    budget = snapshot_budget(snapshot, judged.measurement, judged.budgets)
    known = judged.baseline.snapshot(snapshot, judged.measurement) if judged.baseline else None
    return {
        "id": snapshot.id,
        "kind": snapshot.kind,
        "name": snapshot.name,
        "repository": snapshot.repository,
        "stored_bytes": snapshot.stored_bytes,
        "wire_bytes": snapshot.wire_bytes,
        "budget_bytes": budget.bytes,
        "budget_source": budget.source,
        "baseline_wire_bytes": known.wire_bytes if known else None,
        "limits": [
            {"name": x.name, "judges": x.judges, "bytes": x.bytes, "source": x.source}
            for x in snapshot_limits(snapshot, judged.measurement)
        ],
        "owners": _owners_json(snapshot.ledger),
    }


def _owners_json(ledger: Ledger) -> list[Json]:
    rows = [
        (sum(share.bytes for share in fields.values()), owner)
        for owner, fields in ledger.owners.items()
    ]
    rows.sort(key=lambda row: (-row[0], row[1].kind, row[1].name))
    return [{"kind": owner.kind, "name": owner.name, "bytes": size} for size, owner in rows]


def asset_json(asset: AssetCost) -> Json:
    """One asset's bytes."""
    return {
        "key": asset.key,
        "repository": asset.repository,
        "total_bytes": asset.total_bytes,
        "exclusive_bytes": asset.exclusive_bytes,
        "shared_bytes": asset.shared_bytes,
        "dangling_bytes": asset.dangling_bytes,
        "check_bytes": asset.check_bytes,
        "by_snapshot": dict(asset.by_snapshot),
        "fields": dict(asset.fields),
        "location": place_json(asset.location),
    }


def finding_json(finding: Finding) -> Json:
    """One finding."""
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "message": finding.message,
        "snapshot": finding.snapshot,
        "asset": finding.asset,
        "bytes": finding.bytes,
        "budget_bytes": finding.budget_bytes,
        "location": place_json(finding.location),
    }


def place_json(location: SourceLocation | None) -> Json | None:
    """A place in a file, or null."""
    return {"path": location.path, "line": location.line} if location else None


def _failure_json(failure: Failure | None) -> Json | None:
    if failure is None:
        return None
    return {
        "message": failure.message,
        "location": place_json(failure.location),
        "traceback": failure.traceback,
        "output": failure.output,
    }
