"""Check out a revision into a temporary folder, and remove it afterwards.

The folder is a linked work tree (git-worktree(1)): the user's index, stash and files are not
touched, and git can be asked there. Its part of ``.git/worktrees`` is removed with it, after Ctrl-C
as well. What a killed process leaves is removed by the next one.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import stat
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from attrs import frozen

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.measuring.cache.file_states import digest
from dagster_snapsize.measuring.cache.folders import remove_folder
from dagster_snapsize.measuring.file_lock import held
from dagster_snapsize.measuring.revision.refs import Repository, Revision
from dagster_snapsize.project.git import git, git_error

_SHORTEST, _LENGTH, _LONGEST = 3, 15, 200  # characters of the temporary folder's name
_PREFIX = "snapsize-"
_NAME = re.compile(rf"(?:{_PREFIX}|{_PREFIX[0]})[0-9a-f]+")
_MARK = "snapsize.lock"  # in the folder
_FORCE = ("--force", "--force")  # also where a killed git left it locked


@frozen
class Worktree:
    """The files of a revision, in ``top`` instead of ``repository.top``.

    ``notes`` are for the user.
    """

    repository: Repository
    revision: Revision
    top: Path
    notes: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """The user's folder in this tree; perhaps it does not exist in this revision."""
        return self.moved(self.repository.folder) or self.top

    def moved(self, path: Path) -> Path | None:
        """A path of the repository in this tree; None for other paths."""
        if not path.is_relative_to(self.repository.top):
            return None
        return self.top / path.relative_to(self.repository.top)

    def back(self, path: Path) -> Path:
        """A path of this tree in the repository; other paths as they are."""
        inside = path.is_relative_to(self.top)
        return self.repository.top / path.relative_to(self.top) if inside else path


@contextmanager
def checked_out(
    repository: Repository, revision: Revision, on_step: Callable[[str], None] = lambda text: None
) -> Iterator[Worktree]:
    """Check out a revision while the block runs, and remove it afterwards.

    ``on_step`` is given a line for progress. Raises UserError where git cannot check it out.
    """
    top = repository.top
    folder, mark = _make_folder(top, revision.commit)
    notes: list[str] = []
    with ExitStack() as stack:
        on_step(f"checking out {revision}")
        stack.callback(_give_up, folder.parent, mark)
        stack.enter_context(_worktree(top, revision.commit, folder, str(revision)))
        _submodules(top, revision, folder, stack, notes)
        if _json_bytes(folder) != _json_bytes(top):
            longer = len(str(folder)) - len(str(top))
            notes.append(
                f"{revision} was measured in a folder whose path is {abs(longer)} characters"
                f" {'longer' if longer > 0 else 'shorter'} than {top}: sizes of what holds paths,"
                " such as code references, differ by that"
            )
        yield Worktree(repository, revision, folder, tuple(notes))


def _make_folder(top: Path, commit: str) -> tuple[Path, IO[bytes]]:
    """A temporary folder whose path has as many bytes in a snapshot as ``top``, if possible.

    Its last part is that of ``top``, since a location may be named after it. The path is always the
    same for the same commit, so that the cache finds it. Only its parent is made here, with a lock
    that says that it is in use: git makes the folder itself. Raises UserError where that cannot be
    done.
    """
    name = top.name or "root"
    known = digest(os.fsencode(top), commit.encode("ascii"))
    for same_length in (True, False):
        for digits in (known, uuid.uuid4().hex):  # another process may have the first one
            for base in _temporary_folders():
                length = _LENGTH
                if same_length:
                    length = _json_bytes(top)[0] - _json_bytes(base / "x" / name)[0] + 1
                if not _SHORTEST <= length <= _LONGEST:
                    continue
                prefix = _PREFIX if length >= _LENGTH else _PREFIX[0]
                folder = base / (prefix + digits * _LONGEST)[:length] / name
                is_right = not same_length or _json_bytes(folder) == _json_bytes(top)
                if is_right and (mark := _made(folder.parent)):
                    return folder, mark
    raise UserError("no temporary folder can be made", "Set TMPDIR to a folder with room in it.")


def _json_bytes(path: Path) -> tuple[int, int]:
    """Bytes of a path in JSON, and in JSON inside JSON, as in a job's configuration."""
    once = json.dumps(str(path))
    return len(once), len(json.dumps(once))


def _made(folder: Path) -> IO[bytes] | None:
    """The lock of a folder that is made now, accessible to nobody else; None where it exists."""
    try:
        folder.mkdir(mode=0o700)
    except OSError:
        return None
    return held(folder / _MARK)


def _give_up(folder: Path, mark: IO[bytes]) -> None:
    if os.name == "nt":  # which removes no open file
        mark.close()
    with contextlib.suppress(OSError):
        (folder / _MARK).unlink()
        folder.rmdir()  # not where another process has its lock there
    mark.close()


def _temporary_folders() -> list[Path]:
    found = [Path(tempfile.gettempdir())]
    if os.name == "posix":  # that of macOS has a long name
        found.append(Path("/tmp"))
    # Resolved, as Python does with the current folder: that is the path that snapshots hold.
    return list(dict.fromkeys(path.resolve() for path in found if os.access(path, os.W_OK)))


@contextmanager
def _worktree(top: Path, commit: str, folder: Path, name: str) -> Iterator[None]:
    known = _administrations(top)
    try:
        folder.mkdir(exist_ok=True)  # a submodule's is there
        done = git(top, "worktree", "add", "--detach", *_FORCE, str(folder), commit)
        if done.returncode:
            why = git_error(done)
            raise UserError(
                f"git cannot check out {name}: {why}",
                "In a partial clone the missing files are fetched: is its remote reachable?"
                if "promisor" in why or "remote" in why
                else "",
            )
        yield
    finally:
        with no_interruption():
            remove_folder(folder)
            for administration in _of(known, folder):
                remove_folder(administration)
            _remove_empty(known)


def _administrations(top: Path) -> Path:
    """The folder in which git keeps a folder for each linked work tree."""
    common = git(top, "rev-parse", "--git-common-dir").stdout.removesuffix(b"\n")
    return top / os.fsdecode(common) / "worktrees"


def _of(administrations: Path, folder: Path | None = None) -> list[Path]:
    """What git keeps of the work tree ``folder``, or of all of them."""
    try:
        found = list(administrations.iterdir())
    except OSError:
        return []
    return [each for each in found if folder is None or _folder_of(each) == folder]


def _folder_of(administration: Path) -> Path | None:
    """The work tree that it is of; the file names the ``.git`` in it (gitrepository-layout(5))."""
    try:
        named = administration / (administration / "gitdir").read_text("utf-8").strip()
        return Path(os.path.normpath(named)).parent
    except (OSError, ValueError):
        return None


def sweep(repository: Repository) -> None:
    """Remove what killed processes left: no process holds its lock any more."""
    known = [(each, _folder_of(each)) for each in _of(_administrations(repository.top))]
    ours = [(each, path) for each, path in known if path and _NAME.fullmatch(path.parent.name)]
    left = {mark.parent for base in _temporary_folders() for mark in base.glob(f"s*/{_MARK}")}
    for folder in left | {path.parent for _, path in ours if (path.parent / _MARK).is_file()}:
        mark = held(folder / _MARK) if _is_own(folder) else None
        if mark is not None:
            for path in folder.iterdir():
                if path.name != _MARK:
                    remove_folder(path)
            _give_up(folder, mark)
    for administration, path in ours:
        if not path.exists():
            remove_folder(administration)


def _is_own(folder: Path) -> bool:
    """Whether it has a name of ours and belongs to this user."""
    status = folder.lstat()
    is_users = os.name == "nt" or status.st_uid == os.geteuid()
    return stat.S_ISDIR(status.st_mode) and is_users and bool(_NAME.fullmatch(folder.name))


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # where it is not empty, or not there
        folder.rmdir()


@contextmanager
def no_interruption() -> Iterator[None]:
    """Ignore signals, so that a second Ctrl-C does not stop what the first one began."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = [signal.SIGINT, signal.SIGTERM]
    before = {name: signal.signal(name, signal.SIG_IGN) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


# -- submodules ----------------------------------------------------------------------------------


def _submodules(
    top: Path, revision: Revision, folder: Path, stack: ExitStack, notes: list[str]
) -> None:
    """Check out submodules that the user has checked out too; the others stay empty."""
    if not (folder / ".gitmodules").is_file():
        return
    listing = git(top, "ls-tree", "-r", "-z", revision.commit).stdout
    for line in listing.split(b"\0"):
        about, _, name = line.partition(b"\t")
        if not about.startswith(b"160000 "):  # gitlink, git-fast-import(1)
            continue
        path, commit = Path(os.fsdecode(name)), about.split()[2].decode("ascii")
        if not (top / path / ".git").exists():
            notes.append(
                f"submodule {path.as_posix()} is not checked out, nor was it in {revision}"
            )
            continue
        inner = Revision(commit, commit)
        if git(top / path, "cat-file", "-e", f"{commit}^{{commit}}").returncode:
            raise UserError(
                f"{revision} has submodule {path.as_posix()} at commit {commit[:9]}, which is not"
                " here",
                f"Get it with: git -C {path.as_posix()} fetch",
            )
        shown = f"submodule {path.as_posix()} of {revision}"
        stack.enter_context(_worktree(top / path, commit, folder / path, shown))
        _submodules(top / path, inner, folder / path, stack, notes)
