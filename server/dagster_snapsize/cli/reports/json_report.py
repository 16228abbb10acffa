"""The JSON that other programs read: keys may be added, never renamed."""

from __future__ import annotations

import json
import sys
from typing import Any

from attrs import asdict

from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.budgets import snapshot_budget, snapshot_limits
from dagster_snapsize.core.growth import baseline_mismatch
from dagster_snapsize.core.model import (
    AssetCost,
    Failure,
    Finding,
    Ledger,
    ServerFacts,
    Snapshot,
    SourceLocation,
)

VERSION = 1
Json = dict[str, Any]


def print_report(report: Report, status: int, top: int = 0) -> None:
    """Write one JSON object to standard output."""
    whole = {
        "version": VERSION,
        "locations": [location_json(location) for location in report.locations],
        "findings": [finding_json(finding) for finding in report.findings],
        "notes": list(report.notes),
        "exit_status": status,
    }
    # As one text: json.dump writes it piece by piece, in Python, at five times the cost.
    sys.stdout.write(json.dumps(whole) + "\n")


def location_json(location: LocationReport) -> Json:
    """One code location; see docs/json.md for every key."""
    measurement = location.measurement
    seconds = measurement.seconds
    return {
        "name": measurement.name,
        "target": dict(measurement.target),
        "python": measurement.python,
        "python_source": location.interpreter.source,
        "python_version": measurement.python_version,
        "dagster_version": measurement.dagster_version,
        "seconds": {
            "load": round(seconds.load, 3),
            "build": round(seconds.build, 3),
            "total": round(seconds.total, 3),
        },
        "peak_rss_bytes": measurement.peak_rss_bytes,
        "snapshots": [_snapshot_json(snapshot, location) for snapshot in measurement.snapshots],
        "assets": [asset_json(asset) for asset in measurement.assets],
        "definition_files": list(measurement.definition_files),
        "definitions_location": place_json(measurement.definitions_location),
        "untracked_files": list(measurement.untracked_files),
        "cache": {
            "hit": location.cached.hit,
            "measured_at": location.cached.measured_at,
            "not_stored": list(location.cached.not_stored),
        },
        "baseline": _baseline_json(location),
        "server": _server_json(measurement.server),
        "error": failure_json(measurement.failure),
    }


def _server_json(server: ServerFacts | None) -> Json | None:
    return asdict(server) if server else None


def _baseline_json(location: LocationReport) -> Json | None:
    baseline, place = location.baseline, location.baseline.place if location.baseline else None
    if baseline is None or place is None:
        return None
    failed = location.measurement.failure
    return {
        "path": place.path,
        "dagster_version": baseline.dagster_version,
        "python_version": baseline.python_version,
        "seconds": baseline.seconds and asdict(baseline.seconds),
        "mismatch": [] if failed else list(baseline_mismatch(location.measurement, baseline)),
    }


def _snapshot_json(snapshot: Snapshot, location: LocationReport) -> Json:
    budget = snapshot_budget(snapshot, location.measurement, location.budgets)
    known = (
        location.baseline.snapshot(snapshot, location.measurement) if location.baseline else None
    )
    return {
        "id": snapshot.id,
        "kind": snapshot.kind,
        "name": snapshot.name,
        "repository": snapshot.repository,
        "stored_bytes": None if snapshot.is_refused else snapshot.stored_bytes,
        "wire_bytes": snapshot.wire_bytes,
        "compressed_bytes": snapshot.compressed_bytes,
        "snapshot_id": snapshot.snapshot_id,
        "measured_by": snapshot.measured_by,
        "reply_seconds": snapshot.reply_seconds and round(snapshot.reply_seconds, 3),
        "budget_bytes": budget.bytes,
        "budget_source": budget.source,
        "baseline_wire_bytes": known.wire_bytes if known else None,
        "limits": [
            {"name": x.name, "judges": x.judges, "bytes": x.bytes, "source": x.source}
            for x in snapshot_limits(snapshot, location.measurement)
        ],
        "owners": _owners_json(snapshot.ledger),
    }


def _owners_json(ledger: Ledger) -> list[Json]:
    rows = [(ledger.total(owner), owner) for owner in ledger.owners]
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
        "details": finding.details,
        "advice": finding.advice,
        "snapshot": finding.snapshot,
        "asset": finding.asset,
        "repository": finding.repository,
        "bytes": finding.bytes,
        "budget_bytes": finding.budget_bytes,
        "location": place_json(finding.location),
    }


def place_json(location: SourceLocation | None) -> Json | None:
    """A place in a file, or null."""
    return {"path": location.path, "line": location.line} if location else None


def failure_json(failure: Failure | None) -> Json | None:
    """Why a location could not be measured, or null."""
    if failure is None:
        return None
    return {
        "message": failure.message,
        "location": place_json(failure.location),
        "traceback": failure.traceback,
        "output": failure.output,
    }
