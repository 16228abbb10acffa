"""Run git, whatever hook this process was started by, and leave the repository as it is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from dagster_snapsize.core.errors import UserError

_TIMEOUT = 600.0  # seconds for one command: a large checkout, a download of LFS
_AT_ONCE = 500
# Hooks are for the user's own checkouts, and a daemon would outlive the folder.
_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
# The other variables of git are set for a hook, and would make git take the folder for another.
_KEPT = ("GIT_CONFIG", "GIT_SSH", "GIT_CEILING")
# Without optional locks `git status` leaves the user's index as it is.
# What is pushed is the commit itself, and not the one that `git replace` shows in its place.
_SET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}


def git(
    folder: str | Path, *arguments: str, stdin: bytes = b"", timeout: float = _TIMEOUT
) -> subprocess.CompletedProcess[bytes]:
    """Run ``git`` with these arguments in ``folder``, whatever its exit status.

    Raises UserError where git cannot be run or takes longer than ``timeout`` seconds.
    """
    environ = {
        k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k.startswith(_KEPT)
    }
    command = ["git", *_QUIET, *arguments]
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env={**environ, **_SET},
            input=stdin,
            capture_output=True,
            timeout=timeout,
        )
    except OSError:
        raise UserError(f"git cannot be run in {folder}") from None
    except subprocess.TimeoutExpired:
        words = " ".join(arguments[:2])
        raise UserError(f"`git {words}` took more than {timeout:.0f} s in {folder}") from None


def git_error(done: subprocess.CompletedProcess[bytes]) -> str:
    """The first line of git's output that says what is wrong."""
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    wrong = [x for x in lines if x.startswith(("fatal:", "error:"))] or lines
    return wrong[0].removeprefix("fatal: ").removeprefix("error: ") if wrong else ""


def untracked_files(files: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Those of ``files`` (absolute paths) that a commit in ``folder`` would leave out.

    Files that git ignores are not named: they are left out on purpose. Empty outside a repository
    and where there is no git.
    """
    found: list[str] = []
    below = [f for f in files if Path(f).is_relative_to(folder)]
    for start in range(0, len(below), _AT_ONCE):
        some = below[start : start + _AT_ONCE]
        arguments = ("ls-files", "--others", "--exclude-standard", "-z", "--", *some)
        try:
            listing = git(folder, *arguments, timeout=30)
        except UserError:
            return ()
        if listing.returncode:
            return ()
        names = listing.stdout.decode("utf-8", "replace").split("\0")
        found += [str(folder / name) for name in names if name]
    return tuple(sorted(found))


def ignored_folders(folder: Path) -> frozenset[str]:
    """The folders below ``folder`` that git ignores, as absolute paths.

    Empty where git does not say, as in a folder that is ignored itself.
    """
    arguments = ("--others", "--ignored", "--exclude-standard", "--directory", "-z")
    try:
        listing = git(folder, "ls-files", *arguments, timeout=30)
    except UserError:
        return frozenset()
    if listing.returncode:
        return frozenset()
    names = os.fsdecode(listing.stdout).split("\0")
    return frozenset(str(folder / name) for name in names if name.endswith("/") and name != "./")
