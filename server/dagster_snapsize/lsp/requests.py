"""The server's own requests and notifications, for clients that draw more than diagnostics.

``dagsterSnapsize/measurement`` answers every location with its snapshots and totals. Its assets are
in the file ``rowsFile``, one JSON object a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from dagster_snapsize.lsp.state import LocationState, ProjectState
from dagster_snapsize.measuring.worker.results import unstructure

MEASUREMENT = "dagsterSnapsize/measurement"
STATUS = "dagsterSnapsize/status"
FOCUS = "dagsterSnapsize/focus"
VISIBLE = "dagsterSnapsize/visible"
Level = Literal["none", "within", "near", "over"]


def status_of(project: ProjectState | None) -> dict[str, Any]:
    """What ``dagsterSnapsize/status`` says of a project; None where there is no project."""
    if project is None:
        return {"folder": None, "phase": "no-location"}
    findings = [f for x in project.locations if x.good for f in x.good.findings]
    return {
        "folder": project.folder,
        "phase": project.phase,
        "text": project.text,
        "done": project.done,
        "of": project.of,
        "locations": [x.name for x in project.locations],
        "stale": any(x.stale for x in project.locations),
        "totalBytes": sum(x.good.total_bytes for x in project.locations if x.good),
        "nearest": _nearest(project.locations),
        "level": _level(project.locations),
        "over": [f.snapshot for f in findings if f.rule == "snapshot-over-budget"],
        "message": _wrong(project),
    }


def _nearest(locations: Sequence[LocationState]) -> dict[str, Any] | None:
    """The snapshot that uses the largest share of its budget."""
    snapshots = [(x.name, s) for x in locations if x.good for s in x.good.snapshots]
    if not snapshots:
        return None
    name, nearest = max(snapshots, key=lambda found: found[1].share)
    return {
        "location": name,
        "snapshot": nearest.id,
        "usedBytes": nearest.used_bytes,
        "budgetBytes": nearest.budget_bytes,
    }


def _level(locations: Sequence[LocationState]) -> Level:
    """How the snapshots stand to their budgets, the worst of them."""
    measured = [x.good for x in locations if x.good]
    rules = {finding.rule for good in measured for finding in good.findings}
    if "snapshot-over-budget" in rules:
        return "over"
    if "snapshot-near-budget" in rules:
        return "near"
    return "within" if measured else "none"


def _wrong(project: ProjectState) -> str | None:
    """What keeps the project from being measured."""
    mistakes = [project.config_error, *(x.config_error for x in project.locations)]
    for mistake in mistakes:
        if mistake is not None:
            return mistake.message
    failures = [x.failed.failure for x in project.locations if x.failed]
    messages = [failure.message for failure in failures if failure]
    messages += (x.unparsed for x in project.locations if x.unparsed)
    return next(iter(messages), None)


def measurement_answer(projects: Sequence[ProjectState]) -> dict[str, Any]:
    """The answer to ``dagsterSnapsize/measurement``."""
    return {
        "projects": [
            {
                "folder": project.folder,
                "phase": project.phase,
                "locations": [_location(x) for x in project.locations],
            }
            for project in projects
        ]
    }


def _location(location: LocationState) -> dict[str, Any]:
    good = location.good
    failed = location.failed
    failure = failed.failure if failed else None
    findings = [f for result in (good, failed) if result for f in result.findings]
    load = good.load if good else None
    limits = next((x.limits for x in (failed, good) if x and x.limits), ())
    return {
        "name": location.name,
        "root": location.root,
        "stale": location.stale,
        "error": failure.message if failure else None,
        "mistake": location.config_error.message if location.config_error else None,
        "python": good.python if good else None,
        "dagsterVersion": good.dagster_version if good else None,
        "totalBytes": good.total_bytes if good else 0,
        "assets": len(good.assets) if good else 0,
        "assetBudgetBytes": good.budgets.asset if good else None,
        "level": _level([location]),
        "rowsFile": (good.rows or None) if good else None,
        "definitionsLocation": unstructure(good.definitions_location) if good else None,
        "failedLocation": unstructure(failure.location) if failure else None,
        "limits": [unstructure(limit) for limit in limits],
        "findings": [unstructure(finding) for finding in findings],
        "snapshots": [unstructure(snapshot) for snapshot in good.snapshots] if good else [],
        "load": {"measuredAt": load.measured_at, "report": load.report} if load else None,
    }
