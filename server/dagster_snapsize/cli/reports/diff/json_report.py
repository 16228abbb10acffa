"""A comparison as other programs read it: keys may be added, never renamed."""

from __future__ import annotations

import json
import sys

from dagster_snapsize.cli.diff import Compared, Comparison, Side
from dagster_snapsize.cli.reports.json_report import VERSION, Json, failure_json, place_json
from dagster_snapsize.cli.run import LocationReport
from dagster_snapsize.core.diff import Change, SnapshotChange


def print_comparison(comparison: Comparison, top: int = 0) -> None:
    """Print one JSON object."""
    sys.stdout.write(json.dumps(comparison_json(comparison)) + "\n")


def comparison_json(comparison: Comparison) -> Json:
    """The whole comparison; docs/json.md has every key."""
    return {
        "version": VERSION,
        "old": _side_json(comparison.old),
        "new": _side_json(comparison.new),
        "locations": [_location_json(compared) for compared in comparison.locations],
        "notes": list(comparison.notes),
        "exit_status": comparison.status,
    }


def _side_json(side: Side) -> Json:
    return {
        "label": side.label,
        "commit": side.commit,
        "failed": [
            {"name": one.measurement.name, **(failure_json(one.measurement.failure) or {})}
            for one in side.failed
        ],
    }


def _location_json(compared: Compared) -> Json:
    """One location on both sides."""
    change = compared.difference
    return {
        "name": compared.name,
        "old": _interpreter_json(compared.old),
        "new": _interpreter_json(compared.new),
        "stored": _change_json(change.size),
        "storage": {"rows": len(change.rows), "bytes": sum(change.rows)},
        "snapshots": [_snapshot_json(snapshot) for snapshot in change.snapshots],
        "owners": [
            {
                "kind": owner.owner.kind,
                "name": owner.owner.name,
                "repository": owner.repository,
                **_change_json(owner.size),
                "by_snapshot": {name: part.bytes for name, part in owner.by_snapshot.items()},
                "fields": {name: part.bytes for name, part in owner.fields.items()},
                "location": place_json(owner.location),
            }
            for owner in change.owners
        ],
        "fields": {name: part.bytes for name, part in change.fields.items()},
        "imports_added": [name for name, part in change.imports.items() if part.old is None],
        "imports_removed": [name for name, part in change.imports.items() if part.new is None],
    }


def _interpreter_json(location: LocationReport | None) -> Json | None:
    if location is None:
        return None
    measurement = location.measurement
    return {
        "name": measurement.name,
        "python": measurement.python,
        "python_version": measurement.python_version,
        "dagster_version": measurement.dagster_version,
    }


def _snapshot_json(snapshot: SnapshotChange) -> Json:
    return {
        "id": snapshot.id,
        "kind": snapshot.kind,
        "name": snapshot.name,
        "repository": snapshot.repository,
        "stored": _change_json(snapshot.stored),
        "wire": _change_json(snapshot.wire),
        "compressed": _change_json(snapshot.compressed),
    }


def _change_json(change: Change) -> Json:
    """Bytes before and after, each null where the thing does not exist, and the difference."""
    return {
        "old_bytes": change.old,
        "new_bytes": change.new,
        "difference_bytes": change.bytes,
        "change": change.kind,
    }
