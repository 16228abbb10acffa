"""Keep entries of the cache in a folder, bounded in number and size.

Several processes may use it at the same time: an entry is written to a scratch file and renamed,
and one that is removed while it is read is still read whole. A folder that cannot be used is not an
error: then there is no cache.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from dagster_snapsize.measuring.cache.folders import cache_root, make_cache, make_private

MOST_BYTES = 500_000_000
MOST_ENTRIES = 8  # of one location
_END = ".measurement"
_OFF = "off"
_SCRATCH_AGE = 3600.0  # seconds after which an unfinished file is removed


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where measurements are kept."""
    return cache_root(environ) / "measurements"


class CacheFolder:
    """The entries of one location, in the folder ``key`` of ``root``."""

    def __init__(self, root: Path, key: str):
        self._root = root
        self._folder = root / key

    def entries(self, beginning: str) -> Iterator[Path]:
        """Entries whose names begin so, the last used first."""
        found = [p for p in _listed(self._folder) if p.name.startswith(beginning)]
        return iter(sorted((p for p in found if p.suffix == _END), key=_used, reverse=True))

    def read(self, path: Path) -> bytes | None:
        """The content of an entry, which then counts as used; None where it is gone."""
        try:
            content = path.read_bytes()
        except OSError:
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return content

    def write(self, name: str, content: bytes) -> OSError | None:
        """Put an entry in place, whole or not at all; what prevented it."""
        path = self._folder / f"{name}{_END}"
        scratch = self._folder / f"{uuid.uuid4().hex}.scratch"
        try:
            make_cache(self._root)
            make_private(self._folder)
            with open(  # noqa: PTH123
                os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as stream:
                stream.write(content)
            scratch.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                scratch.unlink()
            return error
        for old in list(self.entries(""))[MOST_ENTRIES:]:
            _remove(old)
        _make_room(self._root)
        return None

    def remove_all(self) -> None:
        """Remove every entry of this location."""
        for path in list(self.entries("")):
            _remove(path)

    @property
    def is_off(self) -> bool:
        """Whether the cache was found to be wrong for this location."""
        return any(path.name == _OFF for path in _listed(self._folder))

    def switch_off(self, why: str) -> None:
        """Use no entry of this location any more, until the cache is cleared."""
        with contextlib.suppress(OSError):
            (self._folder / _OFF).write_text(why + "\n", encoding="utf-8")
        self.remove_all()


def clear(root: Path) -> tuple[int, int]:
    """Remove everything; how many entries there were, and how many bytes were freed."""
    count = freed = 0
    for folder in _listed(root):
        for path in _listed(folder):
            size = _size(path)
            if _remove(path):
                freed += size
                count += path.suffix == _END
        with contextlib.suppress(OSError):
            folder.rmdir()
    return count, freed


def _make_room(root: Path) -> None:
    """Remove what was used longest ago, until the rest is small enough."""
    found = [path for folder in _listed(root) for path in _listed(folder)]
    for path in found:
        if path.suffix == ".scratch" and _used(path) < time.time() - _SCRATCH_AGE:
            _remove(path)
    entries = sorted((p for p in found if p.suffix == _END), key=_used)
    total = sum(map(_size, entries))
    for path in entries:
        if total <= MOST_BYTES:
            break
        total -= _size(path)
        _remove(path)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True
