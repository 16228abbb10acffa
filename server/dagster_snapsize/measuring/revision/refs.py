"""Revisions of a git repository: which commit a name means, and what differs from it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.project.git import git, git_error

_SUBMODULES_TOO = "--ignore-submodules=none"  # whatever the settings of git ignore


@frozen
class Repository:
    """A git work tree: its top, and the folder in it where the user is."""

    top: Path
    folder: Path


@frozen
class Revision:
    """A commit, and the name that it was asked for by."""

    name: str
    commit: str

    def __str__(self) -> str:
        short = self.commit[:9]
        return short if self.commit.startswith(self.name) else f"{self.name} ({short})"


def find_repository(folder: Path) -> Repository:
    """The repository that ``folder`` is in; raises UserError where there is none to work with."""
    if shutil.which("git") is None:
        raise UserError(
            "git is not on PATH, and `diff` needs it to check out the other revision",
            "Install git, or compare with a file of sizes: dagster-snapsize baseline",
        )
    found = git(folder, "rev-parse", "--is-inside-work-tree", "--show-prefix")
    inside, _, prefix = os.fsdecode(found.stdout).partition("\n")
    if found.returncode or inside != "true":
        error = git_error(found)
        if "not a git repository" in error:
            raise UserError(
                f"{folder} is not in a git repository, so there is no revision to compare with",
                "To compare with sizes that were written down: dagster-snapsize baseline",
            )
        hint = "Run it in a checkout."
        if "dubious ownership" in error:  # as in a container of CI; git says no more than that
            hint = f"If you trust it: git config --global --add safe.directory {folder}"
        raise UserError(f"{folder} is not a git work tree{f': {error}' if error else ''}", hint)
    steps = Path(prefix.removesuffix("\n")).parts
    return Repository(folder.parents[len(steps) - 1] if steps else folder, folder)


def find_revision(repository: Repository, name: str) -> Revision:
    """The commit that ``name`` refers to. Raises UserError where there is none."""
    if name.startswith("-") or not name or "\n" in name:
        raise UserError(f"{name!r} is not a revision", "For example: dagster-snapsize diff main")
    top = repository.top
    found = git(top, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if found.returncode == 0:
        return Revision(name, found.stdout.decode("ascii").strip())
    if name == "HEAD":
        raise UserError("there is no commit yet to compare with", "Commit something first.")
    hint = "`git branch --all` and `git tag` list what there is."
    shallow = git(top, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
    if shallow:
        hint = (
            "This clone is shallow: get the rest with `git fetch --unshallow`, or more of it with"
            " `git fetch --deepen=100`; in GitHub's checkout action with `fetch-depth: 0`."
        )
    elif git(top, "remote").stdout.strip():
        hint = f"If a remote has it: git fetch origin {name}. {hint}"
    raise UserError(f"there is no commit `{name}` in {top}", hint)


def merge_base(repository: Repository, one: Revision, other: Revision) -> Revision:
    """The commit that both came from. Raises UserError where there is none."""
    found = git(repository.top, "merge-base", one.commit, other.commit)
    if found.returncode:
        raise UserError(
            f"{one} and {other} have no commit in common here",
            "If this clone is shallow: git fetch --unshallow",
        )
    return Revision(f"{one.name}...{other.name}", found.stdout.decode("ascii").strip())


def default_branch(repository: Repository) -> Revision:
    """The branch that others start from: the remote's, else main or master. Raises UserError."""
    named = git(repository.top, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    remote = named.stdout.decode("utf-8", "replace").strip()
    for name in filter(None, (remote, "origin/main", "origin/master", "main")):
        with suppress(UserError):
            return find_revision(repository, name)
    return find_revision(repository, "master")


def is_clean(repository: Repository) -> bool:
    """Whether the work tree is what HEAD says; files that git ignores do not count."""
    options = ("--porcelain", "--untracked-files=normal", _SUBMODULES_TOO)
    status = git(repository.top, "status", *options)
    return status.returncode == 0 and not status.stdout and not _has_unwatched(repository)


def has_tracked_changes(repository: Repository) -> bool:
    """Whether a file that git tracks differs from HEAD, staged or not, or may differ unseen."""
    compared = git(repository.top, "diff", "--quiet", "--no-ext-diff", _SUBMODULES_TOO, "HEAD")
    return compared.returncode != 0 or _has_unwatched(repository)


def _has_unwatched(repository: Repository) -> bool:
    """Whether git compares some file with nothing: assume-unchanged (in small letters here) or
    skip-worktree, as in a sparse checkout.
    """
    files = git(repository.top, "ls-files", "-v").stdout.splitlines()
    return any(line[:1].islower() or line.startswith(b"S") for line in files)


def changed_names(repository: Repository, old: Revision, new: Revision | None) -> list[str]:
    """Files that differ between two revisions, or a revision and the work tree; from the top."""
    names = [old.commit, *([new.commit] if new else [])]
    found = git(repository.top, "diff", "--name-only", "-z", *names, "--")
    return [os.fsdecode(name) for name in found.stdout.split(b"\0") if name]


def ignored(repository: Repository, paths: Sequence[Path]) -> list[Path]:
    """Those of the paths that git ignores."""
    given = b"\0".join(os.fsencode(path) for path in paths)
    found = git(repository.top, "check-ignore", "-z", "--stdin", stdin=given)
    return [Path(os.fsdecode(name)) for name in found.stdout.split(b"\0") if name]
