"""For the commit hook: whether the changes since a measurement can concern it.

The key of the cache takes every file of a project for an input, so with it a change of one
location's module or of a README has every location measured before a commit. Here a measurement
stands where only the content of files changed that it was not made from. docs/hook.md describes it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from dagster_snapsize.core.model import Measurement
from dagster_snapsize.measuring.cache.file_states import FileStates, digest
from dagster_snapsize.measuring.cache.project_files import ProjectFiles
from dagster_snapsize.project.layout import LOCATION_FILES, is_lock_file

# Libraries in C read these without a trace, so that nobody knows whether they were read.
_DATA = (
    *(".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".feather", ".avro"),
    *(".orc", ".db", ".duckdb", ".sqlite", ".sqlite3", ".xlsx", ".so", ".pyd", ".zip", ".gz"),
)


def in_commit_hook(environ: Mapping[str, str]) -> bool:
    """Whether pre-commit runs this process for a commit: in CI everything is measured."""
    return bool(environ.get("PRE_COMMIT")) and not environ.get("CI")


def record(project: ProjectFiles, files: FileStates) -> dict[str, Any]:
    """What is kept beside a measurement: the contents of known files, and all else in one."""
    contents = {path: files.state(path).digest.hex() for path in project.known}
    return {"contents": contents, "others": _others(project)}


def harmless_changes(
    recorded: Mapping[str, Any], project: ProjectFiles, measurement: Measurement
) -> tuple[str, ...] | None:
    """Files whose content changed since, where the measurement was made from none of them.

    None where it was, or where a file is new or gone, or one changed that git does not know.
    """
    contents: Mapping[str, str] = recorded["contents"]
    if contents.keys() != project.known.keys() or recorded["others"] != _others(project):
        return None
    files = FileStates()
    changed = [path for path in contents if files.state(path).digest.hex() != contents[path]]
    inputs = measurement.inputs
    assert inputs is not None
    read = {os.path.normpath(path) for path in (*inputs.read, *measurement.definition_files)}
    for path in changed:
        folder, name = os.path.split(path)
        if path in read or folder in measurement.folders or name.lower().endswith(_DATA):
            return None
        if name in LOCATION_FILES or name == "dagster.yaml" or is_lock_file(name):
            return None
    return tuple(changed)


def _others(project: ProjectFiles) -> str:
    outlines = (part for path, about in project.others.items() for part in (path, about))
    return digest(*(os.fsencode(part) for part in (*outlines, *sorted(project.folders))))
