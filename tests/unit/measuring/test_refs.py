"""Whether the checkout is what a commit says, whatever git was told not to look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_snapsize.measuring.revision.refs import (
    Repository,
    has_tracked_changes,
    is_clean,
)
from support.lsp_projects import git


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A clean checkout with a text and a submodule."""
    for name in ("library", "shop"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "text.txt").write_text("one")
        git(folder, "init", "-q")
        git(folder, "add", ".")
        git(folder, "commit", "-qm", "one")
    top = tmp_path / "shop"
    source = str(tmp_path / "library")
    git(top, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", source, "library")
    git(top, "commit", "-qm", "two")
    checkout = Repository(top, top)
    assert is_clean(checkout) and not has_tracked_changes(checkout)
    return checkout


@pytest.mark.parametrize("mark", ["--assume-unchanged", "--skip-worktree"])
def test_files_that_git_does_not_compare_may_have_changed(
    repository: Repository, mark: str
) -> None:
    git(repository.top, "update-index", mark, "text.txt")
    (repository.top / "text.txt").write_text("two")
    assert has_tracked_changes(repository) and not is_clean(repository)


def test_a_submodule_that_settings_ignore_has_changed(repository: Repository) -> None:
    git(repository.top, "config", "diff.ignoreSubmodules", "all")
    git(repository.top, "config", "submodule.library.ignore", "all")
    (repository.top / "library" / "text.txt").write_text("two")
    assert has_tracked_changes(repository) and not is_clean(repository)
