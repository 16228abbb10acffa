"""All files below a project: the content of those that git knows, and an outline of all others.

Definitions ask for more than they read: whether a file exists, how large it is, what a folder
contains; and libraries in C read without a trace. So the whole project counts, whatever is asked.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.measuring.cache.file_states import (
    FileStates,
    Stamp,
    TooMuch,
    digest,
    outline,
)
from dagster_snapsize.project.baseline_file import NAME as BASELINE
from dagster_snapsize.project.git import git
from dagster_snapsize.project.layout import (
    instance_storage,
    is_by_product,
    is_cache,
    is_environment,
)

MOST_FILES = 50_000


@frozen
class ProjectFiles:
    """The files of a project at one moment; all paths are absolute.

    ``digest`` covers all of them. ``known`` are those whose content counts, with stamps that show
    whether a file was written to since; ``others`` are the rest, with their outlines. ``folders``
    are those that were walked through.
    """

    digest: str
    known: Mapping[str, Stamp] = field(repr=False)
    others: Mapping[str, bytes] = field(repr=False)
    folders: frozenset[str] = field(repr=False)

    def has(self, path: str) -> bool:
        """Whether the digest covers the content of this file, or the names in this folder."""
        return path in self.known or path in self.folders

    def difference(self, later: ProjectFiles) -> str | None:
        """A file or folder that was changed between this moment and a later one."""
        old: dict[str, object] = {**self.known, **self.others}
        new: dict[str, object] = {**later.known, **later.others}
        changed = {path for path in old.keys() | new if old.get(path) != new.get(path)}
        return min(changed or self.folders ^ later.folders, default=None)


def read_project(root: Path, files: FileStates) -> ProjectFiles:
    """The project in ``root`` now. Raises TooMuch where there is too much of it."""
    walk = _Walk(str(root))
    parts = [os.fsencode(os.path.realpath(root))]
    known: dict[str, Stamp] = {}
    for path in sorted(walk.known):
        state = files.state(path)
        parts += [os.fsencode(path), state.digest]
        known[path] = state.stamp
    others = dict(sorted(walk.others.items()))
    for path, about in others.items():
        parts += [os.fsencode(path), about]
    folders = sorted(walk.folders)
    parts += map(os.fsencode, folders)
    return ProjectFiles(digest(*parts), known, others, frozenset(folders))


def ignored_files(root: Path) -> list[str]:
    """Absolute paths of the files in ``root`` that git ignores. Raises TooMuch as above."""
    return sorted(_Walk(str(root)).others)


class _Walk:
    """One walk through a project.

    Environments, caches, version control and what tools leave are left out, but for files in them
    that git tracks. Outside of git, and where git says nothing, it knows every file.
    """

    def __init__(self, top: str):
        self.known: list[str] = []
        self.others: dict[str, bytes] = {}
        self.folders: list[str] = []
        self._top = top
        self._tracked, untracked = _listed_by_git(top)
        self._listed = self._tracked | untracked
        self._is_in_git = bool(self._listed)
        pending = [top]
        while pending:
            pending += self._look_into(pending.pop())
        found = {*self.known, *self.folders}
        for path in self._tracked - found:
            if os.path.lexists(path) and not path.endswith(os.sep + BASELINE):
                self.known.append(path)

    def _look_into(self, folder: str) -> list[str]:
        """Sort the entries of a folder, and return its subfolders."""
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError:
            self.folders.append(folder)
            return []
        names = [entry.name for entry in entries]
        if folder != self._top:
            if is_environment(names) or is_cache(names):
                return []
            if ".git" in names and folder in self._listed:  # a submodule, a repository inside
                tracked, untracked = _listed_by_git(folder)
                self._tracked |= tracked
                self._listed |= tracked | untracked
        self.folders.append(folder)
        left_out = instance_storage(names)
        below = []
        for entry in entries:
            name, path = entry.name, entry.path
            if is_by_product(name) or name in left_out:
                continue
            if entry.is_dir(follow_symlinks=False):
                below.append(path)
            elif path in self._listed or not self._is_in_git:
                self.known.append(path)
            else:
                try:
                    self.others[path] = outline(path, entry.stat(follow_symlinks=False))
                except OSError:
                    continue  # just removed
        if len(self.known) + len(self.others) > MOST_FILES:
            raise TooMuch(f"there are more than {MOST_FILES:,} files in {self._top}")
        return below


def _listed_by_git(folder: str) -> tuple[set[str], set[str]]:
    """What git tracks in a folder, and what it neither tracks nor ignores."""
    arguments = ("ls-files", "-t", "-z", "--cached", "--others", "--exclude-standard")
    tracked: set[str] = set()
    untracked: set[str] = set()
    try:
        listing = git(folder, *arguments, timeout=60)
    except UserError:
        return tracked, untracked
    if listing.returncode == 0:
        for line in filter(None, listing.stdout.split(b"\0")):
            path = folder + os.sep + os.fsdecode(line[2:]).rstrip("/").replace("/", os.sep)
            (untracked if line.startswith(b"?") else tracked).add(path)
    return tracked, untracked
