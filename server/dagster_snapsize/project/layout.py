"""Where a project begins and ends on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

_PROJECT_FILES = ("pyproject.toml", "snapsize.toml", "dg.toml", "setup.py", "setup.cfg")
_SKIPPED = {"node_modules", "__pycache__", "site-packages", "target", "dbt_packages"}
_DEEP = 2
_AT_MOST = 5


def repository_root(folder: Path) -> Path | None:
    """The top of the git work tree that ``folder`` is in; ``.git`` is a file in a linked one."""
    return next((p for p in (folder, *folder.parents) if (p / ".git").exists()), None)


def project_root(start: Path, folder: Path) -> Path:
    """The folder of the project that ``start`` belongs to.

    The nearest one from ``start`` upwards with a project file, not above ``folder`` if ``start`` is
    in it, nor above the repository; without any, ``folder``, or ``start`` where that is elsewhere.
    """
    inside = start.is_relative_to(folder)
    last = folder if inside else repository_root(start)
    for place in (start, *start.parents):
        if place == folder and inside:
            break
        if any((place / name).is_file() for name in _PROJECT_FILES):
            return place
        if place == last or last is None:
            break
    return folder if inside else start


def nearby_projects(folder: Path, is_project: Callable[[Path], bool]) -> list[str]:
    """Projects in the folders below (two levels), else in those above; relative to ``folder``."""
    found = []
    for place in _below(folder, _DEEP):
        if is_project(place):
            found.append(place.relative_to(folder).as_posix())
            if len(found) == _AT_MOST:
                break
    last = repository_root(folder)
    if found or last is None or last == folder:
        return found
    for place in folder.parents:
        if is_project(place):
            return [Path(os.path.relpath(place, folder)).as_posix()]
        if place == last:
            break
    return []


def _below(folder: Path, levels: int) -> Iterator[Path]:
    try:
        names = sorted(e.name for e in os.scandir(folder) if e.is_dir(follow_symlinks=False))
    except OSError:
        return
    for name in names:
        place = folder / name
        if name.startswith(".") or name in _SKIPPED or (place / "pyvenv.cfg").exists():
            continue
        yield place
        if levels > 1:
            yield from _below(place, levels - 1)
