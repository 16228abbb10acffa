"""How a project is laid out on disk: the files that name code locations, and the folders to skip.

No other module has a list of such names, but for ``probe/user_files.py``, which imports nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path

from dagster_snapsize.project.baseline_file import NAME as BASELINE
from dagster_snapsize.project.dbt import DBT_OUTPUT, DBT_PROJECT_FILE
from dagster_snapsize.project.git import ignored_folders

_TOML_FILES = ("pyproject.toml", "snapsize.toml", "dg.toml")
WORKSPACE_FILES = ("workspace.yaml", "workspace.yml")
DAGSTER_CLOUD_FILES = ("dagster_cloud.yaml", "dagster_cloud.yml")
LOCATION_FILES = (*_TOML_FILES, *WORKSPACE_FILES, *DAGSTER_CLOUD_FILES)
"""Files that name code locations and their settings."""
_ROOT_FILES = (*_TOML_FILES, "setup.py", "setup.cfg")

ENVIRONMENT_MARKS = ("pyvenv.cfg", "conda-meta")
"""An entry of either name makes a folder a Python environment."""
CACHE_MARK = "CACHEDIR.TAG"
"""A file of this name makes a folder a cache (bford.info/cachedir)."""
# What Dagster writes all the time in the folder that DAGSTER_HOME names, and how to know it.
_INSTANCE_MARKS = frozenset(("history", "schedules", "storage"))
_INSTANCE_STORAGE = _INSTANCE_MARKS | {"logs", "compute_logs", ".logs_queue", ".telemetry", ".nux"}
_BY_PRODUCTS = frozenset(
    (
        *("__pycache__", ".git", ".hg", ".svn", ".venv", "venv", "node_modules", ".tox", ".nox"),
        *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".ipynb_checkpoints"),
        *(".eggs", ".coverage", ".DS_Store", ".idea", ".vscode", ".import_linter_cache"),
        BASELINE,  # what is measured is compared with it, and does not depend on it
    )
)
_BY_PRODUCT_ENDS = (".pyc", ".swp", "~", ".egg-info", ".log")
_BY_PRODUCT_STARTS = (".tmp_dagster_home_", ".#")

_LOCK_FILES = (
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "pixi.lock",
    "Pipfile.lock",
    "conda-lock.yml",
)

_DEEP = 2


def is_lock_file(name: str) -> bool:
    """Whether a file of this name lists the packages to install."""
    return name in _LOCK_FILES or (name.startswith("requirements") and name.endswith(".txt"))


def is_by_product(name: str) -> bool:
    """Whether tools leave a file or folder of this name behind, whether or not git ignores it."""
    return (
        name in _BY_PRODUCTS
        or name.endswith(_BY_PRODUCT_ENDS)
        or name.startswith(_BY_PRODUCT_STARTS)
    )


def is_source_folder(name: str) -> bool:
    """Whether a folder of this name can hold files that people write."""
    return not name.startswith(".") and name != "site-packages" and not is_by_product(name)


def is_environment(names: Collection[str]) -> bool:
    """Whether a folder with these entries is a Python environment."""
    return any(mark in names for mark in ENVIRONMENT_MARKS)


def is_cache(names: Collection[str]) -> bool:
    """Whether a folder with these entries is marked as a cache."""
    return CACHE_MARK in names


def instance_storage(names: Collection[str]) -> frozenset[str]:
    """Those of the entries of a folder that a Dagster instance keeps its runs and state in."""
    return _INSTANCE_STORAGE if _INSTANCE_MARKS.issubset(names) else frozenset()


def source_folders(folders: Iterable[str], entries: Collection[str]) -> list[str]:
    """Those of the ``folders`` that can hold files that people write.

    They are subfolders of one folder, whose ``entries`` are files and folders: beside a
    dbt_project.yml the output of dbt is left out, and all of them in an environment.
    """
    if is_environment(entries):
        return []
    skipped = DBT_OUTPUT if DBT_PROJECT_FILE in entries else frozenset()
    return [name for name in folders if is_source_folder(name) and name not in skipped]


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
        if any((place / name).is_file() for name in _ROOT_FILES):
            return place
        if place == last or last is None:
            break
    return folder if inside else start


def nearby_projects(folder: Path, is_project: Callable[[Path], bool]) -> list[str]:
    """Projects in the folders below (two levels), else in those above; relative to ``folder``."""
    below = islice(source_tree(folder, levels=_DEEP), 1, None)
    found = [p.relative_to(folder).as_posix() for p, _ in below if is_project(p)]
    last = repository_root(folder)
    if found or last is None or last == folder:
        return found
    for place in folder.parents:
        if is_project(place):
            return [Path(os.path.relpath(place, folder)).as_posix()]
        if place == last:
            break
    return []


def source_tree(
    folder: Path,
    *,
    levels: int | None = None,
    is_excluded: Callable[[str], bool] = lambda path: False,
) -> Iterator[tuple[Path, Collection[str]]]:
    """``folder`` and the folders below it that people write in, with the names of their entries.

    The nearer ones come first, at most ``levels`` below. Left out: environments, caches, what tools
    write, what git ignores, and all for which ``is_excluded`` is true of the path relative to
    ``folder``, with slashes. Links are not followed.
    """
    ignored = ignored_folders(folder) if repository_root(folder) else frozenset()
    level = [folder]
    while level:
        below: list[Path] = []
        for place in level:
            try:
                with os.scandir(place) as found:
                    entries = {e.name: e.is_dir(follow_symlinks=False) for e in found}
            except OSError:
                continue
            if place != folder and (is_environment(entries) or is_cache(entries)):
                continue
            yield place, entries.keys()
            if ".git" in entries and place != folder:
                ignored |= ignored_folders(place)
            names = sorted(name for name, is_folder in entries.items() if is_folder)
            for inner in (place / name for name in source_folders(names, entries)):
                path = inner.relative_to(folder).as_posix()
                if str(inner) not in ignored and not is_excluded(path):
                    below.append(inner)
        if levels is not None:
            levels -= 1
        level = below if levels is None or levels >= 0 else []
