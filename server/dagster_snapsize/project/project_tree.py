"""The projects of a folder that an editor has open, and what may change which they are."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.project.config import load_config
from dagster_snapsize.project.discovery import DEFINITIONS, Discovery, is_project
from dagster_snapsize.project.files.dagster_toml import dg_project_folders
from dagster_snapsize.project.layout import (
    LOCATION_FILES,
    WORKSPACE_FILES,
    is_source_folder,
    project_root,
    source_folders,
    source_tree,
)

# What is in those files that are Dagster's, of names that others use too.
_WORDS = {
    **dict.fromkeys(LOCATION_FILES, (b"",)),
    **dict.fromkeys(WORKSPACE_FILES, (b"load_from",)),
    "pyproject.toml": (b"dagster", b"tool.dg"),
    DEFINITIONS: (b"dagster", b"defs", b"Definitions"),
}
PROJECT_MARKS = frozenset(_WORDS)
"""Files of which one must be in the folder of a project."""


@frozen
class ProjectTree:
    """The projects of a folder that an editor has open, and where others may appear.

    ``projects`` are folders, the outer ones first. ``folders`` are all that were looked through,
    the nearer ones first, each with those of its files that can make it a project.
    """

    projects: tuple[str, ...]
    folders: Mapping[str, frozenset[str]]

    def may_change(self, paths: Iterable[str]) -> bool:
        """Whether there may be other projects after changes of these files and folders.

        In a project the text of a definitions.py, which is saved all the time, makes no difference.
        """
        root = os.path.join(next(iter(self.folders), ""), "")  # noqa: PTH118
        return any(self._may_change(p) for p in paths if os.path.join(p, "").startswith(root))  # noqa: PTH118

    def _may_change(self, path: str) -> bool:
        folder, name = os.path.split(path)
        if name in PROJECT_MARKS:
            is_known = name in self.folders.get(folder, frozenset()) and any(
                Path(path).is_relative_to(project) for project in self.projects
            )
            return name != DEFINITIONS or not is_known or not os.path.exists(path)  # noqa: PTH110
        if path not in self.folders and not is_source_folder(name):
            return False
        try:
            with os.scandir(path) as found:
                entries = {e.name: e.is_dir(follow_symlinks=False) for e in found}
        except OSError:
            return path in self.folders
        inside = source_folders([name for name, is_folder in entries.items() if is_folder], entries)
        return self.folders.get(path) != PROJECT_MARKS.intersection(entries) or any(
            os.path.join(path, name) not in self.folders  # noqa: PTH118
            for name in inside
        )


def project_tree(
    folder: Path,
    environ: Mapping[str, str],
    is_excluded: Callable[[str], bool] = lambda path: False,
) -> ProjectTree:
    """The projects in ``folder`` and below, at any depth.

    A folder that a project around it measures, such as one of a workspace, is none of its own; nor
    is one inside a project that has only a definitions.py. ``is_excluded`` is asked for paths
    relative to ``folder``, with slashes.
    """
    projects: list[Path] = []
    folders: dict[str, frozenset[str]] = {}
    measured: set[Path] = set()
    for place, entries in source_tree(folder, is_excluded=is_excluded):
        named = PROJECT_MARKS.intersection(entries)
        folders[str(place)] = named
        if place in measured or (place != folder and not _may_be_project(place, named)):
            continue
        if named == {DEFINITIONS} and any(place.is_relative_to(p) for p in projects):
            continue
        if is_project(place, environ):
            projects.append(place)
            measured |= _measured_folders(place, environ)
    return ProjectTree(tuple(map(str, projects)), folders)


def _may_be_project(folder: Path, named: Collection[str]) -> bool:
    """Whether one of its files that can make it a project is about Dagster: most are not."""
    return any(_mentions(folder / name, _WORDS[name]) for name in named)


def _mentions(path: Path, words: Sequence[bytes]) -> bool:
    try:
        text = path.read_bytes()
    except OSError:
        return False
    return any(word in text for word in words)


def _measured_folders(project: Path, environ: Mapping[str, str]) -> set[Path]:
    """The folders of the code that is measured with a project, whatever is wrong in one of them."""
    found: set[Path] = set()
    with contextlib.suppress(UserError):
        found.update(dg_project_folders(project) or ())
    with contextlib.suppress(UserError):
        for target in Discovery(project, environ).by_files(load_config(project)).targets:
            file = target.target.get("python_file")
            start = Path(file).parent if file else target.working_directory
            found |= {start, target.working_directory, project_root(start, project)}
    return found
