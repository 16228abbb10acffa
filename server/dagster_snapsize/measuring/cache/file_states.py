"""Digests, and the state of files and folders at one moment.

Plain strings and os functions, for speed: all files of a project, perhaps thousands, are read
before each measurement.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator

from attrs import frozen

from dagster_snapsize.project.layout import is_by_product

MOST_BYTES = 2_000_000_000  # of all inputs together: hashing more takes longer than measuring
_CHUNK = 1 << 20
_DIGEST = 20

Stamp = tuple[int, ...]


def digest(*parts: bytes | memoryview) -> str:
    """A digest of these parts in this order."""
    whole = hashlib.blake2b(digest_size=_DIGEST)
    for part in parts:
        whole.update(b"%d:" % len(part))
        whole.update(part)
    return whole.hexdigest()


def digest_of_file(path: str) -> str:
    """A digest of the content of a file. Raises OSError where it cannot be read."""
    whole = hashlib.blake2b(digest_size=_DIGEST)
    with open(path, "rb", buffering=0) as stream:
        left = os.fstat(stream.fileno()).st_size  # /proc/kmsg and the like have none, and no end
        while left > 0 and (chunk := stream.read(min(left, _CHUNK))):
            whole.update(chunk)
            left -= len(chunk)
    return whole.hexdigest()


def digest_of_json(data: object) -> str:
    """A digest of anything that JSON can hold."""
    return digest(json.dumps(data, sort_keys=True).encode("ascii"))


class TooMuch(Exception):
    """Looking at the inputs would take longer than measuring; the text says what they are."""


@frozen
class FileState:
    """A file at one moment.

    ``digest`` is of its content, or says what else is there; ``stamp`` is what changes whenever the
    file is written to or replaced, empty where there is none.
    """

    digest: bytes
    stamp: Stamp


class FileStates:
    """Files at one moment; each is read once, however many inputs name it.

    Raises TooMuch once all of them together hold more than ``MOST_BYTES``.
    """

    def __init__(self) -> None:
        self._known: dict[str, FileState] = {}
        self._bytes = 0

    def state(self, path: str) -> FileState:
        """What is at this path."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = self._look(path)
        return known

    @staticmethod
    def is_database(path: str) -> bool:
        """Whether its first bytes are those of SQLite (sqlite.org/fileformat.html)."""
        if not os.path.isfile(path):
            return False
        try:
            with open(path, "rb", buffering=0) as stream:
                return stream.read(16) == b"SQLite format 3\0"
        except OSError:
            return False

    def seen(self) -> Iterator[tuple[str, FileState]]:
        """Every path that was asked for."""
        return iter(self._known.items())

    def _look(self, path: str) -> FileState:
        try:
            status = os.lstat(path)
            link = b""
            if stat.S_ISLNK(status.st_mode):
                link = _target(path)
                if not os.path.exists(path):
                    return FileState(link, _stamp(status))
                status = os.stat(path)
            if stat.S_ISREG(status.st_mode):
                executable = b"x" if status.st_mode & 0o111 else b"f"
                content = link + executable + self._content(path, status.st_size)
            else:  # anything else, such as a pipe, is not read
                content = link + b"other %o" % stat.S_IFMT(status.st_mode)
            # After reading: a write in the meantime changes the stamp.
            stamp = _stamp(os.lstat(path))
            return FileState(content, stamp + _stamp(os.stat(path)) if link else stamp)
        except (FileNotFoundError, NotADirectoryError):
            # A note of the report depends on whether the folder of dagster.yaml is there.
            around = b"beside" if os.path.isdir(os.path.dirname(path)) else b"nowhere"
            return FileState(b"gone " + around, ())
        except (OSError, ValueError) as error:
            return FileState(b"unreadable %d" % (getattr(error, "errno", 0) or 0), ())

    def _content(self, path: str, size: int) -> bytes:
        self._bytes += size
        if self._bytes > MOST_BYTES:
            raise TooMuch(f"its files hold more than {MOST_BYTES // 10**9} GB")
        return digest_of_file(path).encode("ascii")


def _stamp(status: os.stat_result) -> Stamp:
    # On Windows the last one is when the file was made.
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def outline(path: str, status: os.stat_result) -> bytes:
    """What is known of a file without reading it: kind, rights, size and time of writing.

    ``status`` is of the path itself, which may be a link: then where it leads to counts too. Of a
    folder there is its kind only, since its times change with what tools leave in it.
    """
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        return b"folder"
    known = b"%o %d %d" % (mode, status.st_size, status.st_mtime_ns)
    return known + _target(path) if stat.S_ISLNK(mode) else known


def _target(path: str) -> bytes:
    """Where a link leads to, and what is there."""
    real = os.path.realpath(path)
    try:
        there = outline(real, os.stat(real))
    except OSError:
        there = b"gone"
    return b" link %b %b %b " % (os.fsencode(os.readlink(path)), os.fsencode(real), there)


def folder_outline(folder: str) -> tuple[bytes, int]:
    """The entries of a folder outside of the project, and when one of them was last changed.

    By-products of tools are left out. The time is in nanoseconds since the epoch.
    """
    entries, changed = [], 0
    try:
        with os.scandir(folder) as listed:
            for entry in sorted(listed, key=lambda entry: entry.name):
                if not is_by_product(entry.name):
                    status = os.lstat(entry.path)
                    entries += [os.fsencode(entry.name), outline(entry.path, status)]
                    if not stat.S_ISDIR(status.st_mode):
                        changed = max(changed, *times(_stamp(status)))
    except OSError:
        return b"gone", changed
    return b"\0".join(entries), changed


def times(stamp: Stamp) -> Stamp:
    """When a file was last written to or replaced; a link has two stamps, its own and its target's.

    Nobody can set a ctime; Windows has none, its st_ctime is when the file was made.
    """
    return stamp[3::4] if os.name == "posix" else stamp[2::4]
