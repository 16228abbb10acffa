"""What the server asks of the file system: contents in short, and folders that hold sources.

Nobody writes definitions in environments, caches and repositories of packages; they are huge, so
no walk and no watch enters them.
"""

# Paths are plain strings here: they are compared by the thousand.
# ruff: noqa: PTH100, PTH110, PTH112, PTH116, PTH118, PTH120

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator

from dagster_snapsize.measuring.cache.file_states import digest_of_file
from dagster_snapsize.project.dbt import DBT_OUTPUT, DBT_PROJECT_FILE
from dagster_snapsize.project.layout import ENVIRONMENT_MARKS, is_environment, source_folders

LARGE_FILE = 64_000_000
"""Above this many bytes a file is told by its size and time, not by its content."""


def normal(path: str) -> str:
    """The one spelling of a path that is compared: absolute, without ``..``."""
    return os.path.normcase(os.path.abspath(path))


def resolved(path: str) -> str:
    """``path`` with every symbolic link above it followed; itself it may be one."""
    folder, name = os.path.split(normal(path))
    return os.path.join(os.path.realpath(folder), name) if name else folder


class Disk:
    """The real file system. Nothing raises: what cannot be read is like nothing, or unlike all."""

    def digest(self, path: str) -> str | None:
        """A digest of a file; None where there is no file."""
        try:
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode):
                # A pipe would block its reader.
                return None if stat.S_ISDIR(status.st_mode) else "special"
            if status.st_size > LARGE_FILE:
                return f"{status.st_size} at {status.st_mtime_ns}"
            return digest_of_file(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError):
            return "unreadable"

    def exists(self, path: str) -> bool:
        """Whether there is a file of any kind, or a folder."""
        return os.path.lexists(path)

    def is_folder(self, path: str) -> bool:
        """Whether it is a folder, or a link to one."""
        return os.path.isdir(path)

    def touched(self, path: str) -> int:
        """When content or name last changed, in nanoseconds since the epoch; 0 for nothing."""
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            return 0
        return max(status.st_mtime_ns, status.st_ctime_ns)

    def now(self) -> int:
        """Nanoseconds since the epoch."""
        return time.time_ns()

    def scan(self, folder: str) -> tuple[list[str], list[str]]:
        """Names of the subfolders that can hold sources, and of the files; nothing if unreadable.

        Links to folders are subfolders.
        """
        folders: list[str] = []
        files: list[str] = []
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                (folders if _is_dir(entry) else files).append(entry.name)
        names = [*folders, *files]
        if is_environment(names):
            return [], []
        return sorted(source_folders(folders, names)), sorted(files)

    def is_among_sources(self, path: str, root: str) -> bool:
        """Whether no folder from ``path`` up to ``root`` is an environment or an output of dbt."""
        place = os.path.dirname(path)
        while place != root and os.path.dirname(place) != place:
            above, name = os.path.split(place)
            if any(os.path.exists(os.path.join(place, mark)) for mark in ENVIRONMENT_MARKS):
                return False
            if name in DBT_OUTPUT and os.path.exists(os.path.join(above, DBT_PROJECT_FILE)):
                return False
            place = above
        return True

    def walk(self, folder: str, at_most: int = 5000) -> Iterator[tuple[str, list[str]]]:
        """``folder`` and all folders with sources below it, each with the names of its files.

        The nearer ones come first, at most so many. Links are followed, none of them twice.
        """
        seen: set[str] = set()
        level = [folder]
        while level:
            below = []
            for place in level:
                real = os.path.realpath(place)
                if real in seen:
                    continue
                if len(seen) == at_most:
                    return
                seen.add(real)
                folders, files = self.scan(place)
                yield place, files
                below += [os.path.join(place, name) for name in folders]
            level = below


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
