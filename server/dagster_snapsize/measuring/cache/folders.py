"""The one folder in which everything is kept: private, with what was not used for long removed."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import stat
import time
from collections.abc import Mapping
from pathlib import Path

from dagster_snapsize.measuring.file_lock import held
from dagster_snapsize.project.layout import CACHE_MARK

_LOCK = ".lock"
_MARK_TEXT = "Signature: 8a477f597d28d172789f06886806bc55\n"  # bford.info/cachedir


def cache_root(environ: Mapping[str, str]) -> Path:
    """SNAPSIZE_CACHE_DIR, or the user's folder for caches."""
    given = environ.get("SNAPSIZE_CACHE_DIR")
    if given:
        return Path(given)
    import platformdirs  # not needed where the folder is given

    return platformdirs.user_cache_path("dagster-snapsize")


def make_private(folder: Path) -> None:
    """Make a folder that only this user can read. Raises OSError."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.mkdir(exist_ok=True, mode=0o700)


def make_cache(folder: Path) -> None:
    """Make a private folder that is marked: in a project it is no input. Raises OSError."""
    make_private(folder)
    (folder / CACHE_MARK).write_text(_MARK_TEXT, encoding="ascii")


def lock_of(path: Path) -> Path:
    """The file that is locked while ``path`` is made or used: it is beside it."""
    return path.with_name(path.name + _LOCK)


def remove_unused(root: Path, keep: int = 0, days: float = 0.0) -> tuple[int, int]:
    """Remove all files and folders in ``root`` but the ``keep`` that changed last.

    Those whose lock is held stay, and those that changed in the last ``days``. Returns how many
    there were, and how many bytes were freed.
    """
    since = time.time() - days * 24 * 3600 if days else math.inf
    try:
        names = {name.removesuffix(_LOCK) for name in os.listdir(root)} - {CACHE_MARK}  # noqa: PTH208
    except OSError:
        return 0, 0
    count = freed = 0
    for path in sorted((root / name for name in names), key=_changed, reverse=True)[keep:]:
        if _changed(path) > since:
            continue
        lock = held(lock_of(path))
        if lock is None:
            continue
        with lock:
            if path.exists():
                files = [path, *path.rglob("*")]
                freed += sum(p.lstat().st_size for p in files if p.is_file())
                remove_folder(path)
                count += 1
            with contextlib.suppress(OSError):  # Windows removes no open file
                lock_of(path).unlink()
    return count, freed


def remove_folder(folder: Path) -> None:
    """Remove a folder, read-only files included, or a file."""
    with contextlib.suppress(OSError):
        folder.unlink()
    for _ in range(2):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        for place, below, names in os.walk(folder):
            for name in (*below, *names):
                path = Path(place) / name
                if not path.is_symlink():
                    with contextlib.suppress(OSError):
                        path.chmod(stat.S_IRWXU)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
