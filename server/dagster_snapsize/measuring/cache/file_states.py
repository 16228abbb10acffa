"""Digests, and the state of files and folders at one moment.

Plain strings and os functions, for speed: all files of a project, perhaps thousands, are read
before each measurement.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator

from attrs import frozen

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.project.baseline_file import NAME as BASELINE
from dagster_snapsize.project.git import git
from dagster_snapsize.project.layout import is_by_product, is_environment

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
        while chunk := stream.read(_CHUNK):
            whole.update(chunk)
    return whole.hexdigest()


def digest_of_json(data: object) -> str:
    """A digest of anything that JSON can hold."""
    return digest(json.dumps(data, sort_keys=True).encode("ascii"))


class TooManyBytes(Exception):
    """The inputs are so large that looking at them takes longer than measuring."""


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

    Raises TooManyBytes once all of them together hold more than ``MOST_BYTES``.
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
                link = b"link " + os.fsencode(os.readlink(path)) + b" "
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
            raise TooManyBytes
        return digest_of_file(path).encode("ascii")


def _stamp(status: os.stat_result) -> Stamp:
    # On Windows the last one is when the file was made.
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def names_in(folder: str) -> list[str] | None:
    """The names in a folder, without by-products; None where there is no folder."""
    try:
        return sorted(name for name in os.listdir(folder) if not is_by_product(name))
    except OSError:
        return None


def project_files(root: str) -> list[str]:
    """Every file of the project in ``root`` that git does not ignore, in order.

    Files of submodules and of repositories inside are among them. Outside of git, and where git
    says nothing, these are all files but those of environments, caches and version control.
    """
    found = _listed_by_git(root) or _walk(root)
    return sorted(dict.fromkeys(found))


def _listed_by_git(root: str) -> list[str]:
    arguments = ("ls-files", "-t", "-z", "--cached", "--others", "--exclude-standard")
    try:
        listing = git(root, *arguments, timeout=60)
    except UserError:
        return []
    if listing.returncode:
        return []
    tracked: list[str] = []
    others: list[str] = []
    for line in filter(None, listing.stdout.split(b"\0")):
        (others if line.startswith(b"?") else tracked).append(os.fsdecode(line[2:]))
    tracked = [name for name in tracked if os.path.basename(name) != BASELINE]
    # A virtual environment that git does not ignore.
    ends = "pyvenv.cfg"
    environments = tuple(n[: -len(ends)] for n in others if n.endswith("/" + ends))
    others = [
        name
        for name in others
        if not name.startswith(environments) and not any(map(is_by_product, name.split("/")))
    ]
    return list(_with_nested(root, [*tracked, *others]))


def _with_nested(root: str, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        path = os.path.join(root, name.rstrip("/"))
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            continue  # removed, and not yet committed so
        if stat.S_ISDIR(mode):
            yield from project_files(path)
        else:
            yield path


def _walk(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            listed = list(entries)
    except OSError:
        return
    if is_environment([entry.name for entry in listed]):
        return
    for entry in listed:
        if is_by_product(entry.name):
            continue
        try:
            is_folder = entry.is_dir(follow_symlinks=False)
        except OSError:
            is_folder = False
        if is_folder:
            yield from _walk(entry.path)
        else:
            yield entry.path
