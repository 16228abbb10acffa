"""``dagsterSnapsize/measurement``: the numbers for clients that draw more than diagnostics.

Without ``rows`` the answer has every location with its snapshots and totals. With ``rows``, an
object of ``folder``, ``location``, ``offset`` and ``limit``, it has a page of that location's
assets, heaviest first; the fields of each are in the file ``rowsFile``, one JSON object a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dagster_snapsize.lsp.state import LocationState, ProjectState
from dagster_snapsize.measuring.results import AssetRow, unstructure

_MOST_ROWS = 1000


def status_of(project: ProjectState | None) -> dict[str, Any]:
    """What ``dagsterSnapsize/status`` says of a project; None where there is no project."""
    if project is None:
        return {"folder": None, "phase": "no-location"}
    return {
        "folder": project.folder,
        "phase": project.phase,
        "text": project.text,
        "done": project.done,
        "of": project.of,
        "locations": [x.name for x in project.locations],
        "stale": any(x.stale for x in project.locations),
        "totalBytes": sum(x.good.total_bytes for x in project.locations if x.good),
    }


def measurement_answer(projects: Sequence[ProjectState], params: Any) -> dict[str, Any]:
    """The answer to the request; unknown folders and locations have no rows."""
    wanted = getattr(params, "rows", None)
    if wanted is None:
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
    offset = max(0, int(getattr(wanted, "offset", 0)))
    limit = min(_MOST_ROWS, max(0, int(getattr(wanted, "limit", _MOST_ROWS))))
    for project in projects:
        if project.folder == getattr(wanted, "folder", None):
            for location in project.locations:
                if location.name == getattr(wanted, "location", None) and location.good:
                    page = location.good.assets[offset : offset + limit]
                    return {
                        "total": len(location.good.assets),
                        "rowsFile": location.good.rows,
                        "rows": [_row(asset) for asset in page],
                    }
    return {"total": 0, "rowsFile": None, "rows": []}


def _location(location: LocationState) -> dict[str, Any]:
    good = location.good
    failure = location.failed.failure if location.failed else None
    return {
        "name": location.name,
        "root": location.root,
        "stale": location.stale,
        "error": failure.message if failure else None,
        "mistake": location.mistake.message if location.mistake else None,
        "python": good.python if good else None,
        "dagsterVersion": good.dagster_version if good else None,
        "totalBytes": good.total_bytes if good else 0,
        "assets": len(good.assets) if good else 0,
        "snapshots": [unstructure(snapshot) for snapshot in good.snapshots] if good else [],
    }


def _row(asset: AssetRow) -> dict[str, Any]:
    return {
        "key": asset.key,
        "repository": asset.repository,
        "totalBytes": asset.total_bytes,
        "repositoryBytes": asset.repository_bytes,
        "location": unstructure(asset.location) if asset.location else None,
        "offset": asset.offset,
        "length": asset.length,
    }
