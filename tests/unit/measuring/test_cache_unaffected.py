"""In a commit hook a measurement stands while nothing changes that it was made from."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from dagster_snapsize.core.model import Inputs, Measurement
from dagster_snapsize.measuring.cache.file_states import FileStates
from dagster_snapsize.measuring.cache.project_files import read_project
from dagster_snapsize.measuring.cache.unaffected import harmless_changes, in_commit_hook, record
from support.lsp_projects import git
from support.measurements import measurement

FILES = ("shop.py", "billing.py", "README.md", "seeds.csv", "uv.lock", "dg.toml", "defs/note.txt")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose measurement read ``shop.py`` and listed ``defs``."""
    (tmp_path / "defs").mkdir()
    for name in FILES:
        (tmp_path / name).write_text("before", encoding="utf-8")
    (tmp_path / ".gitignore").write_text("made.txt\n", encoding="utf-8")
    (tmp_path / "made.txt").write_text("before", encoding="utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    return tmp_path


def made_of(root: Path) -> Measurement:
    read = (str(root / "shop.py"),)
    inputs = Inputs(read, (), (), (), (), (), ())
    return evolve(
        measurement(), inputs=inputs, definition_files=read, folders=(str(root / "defs"),)
    )


def changes(root: Path, *names: str) -> tuple[str, ...] | None:
    files = FileStates()
    recorded = record(read_project(root, files), files)
    for name in names:
        (root / name).write_text("after", encoding="utf-8")
    return harmless_changes(recorded, read_project(root, FileStates()), made_of(root))


@pytest.mark.parametrize("name", ["README.md", "billing.py"])
def test_what_was_not_read_may_change(root: Path, name: str) -> None:
    assert changes(root, name) == (str(root / name),)


@pytest.mark.parametrize(
    "name",
    [
        *("shop.py", "defs/note.txt", "uv.lock", "dg.toml"),
        *("seeds.csv", "made.txt", "new.py", "defs/new.yaml"),
    ],
    ids=["read", "listed", "lock", "settings", "data", "ignored", "new", "new and listed"],
)
def test_what_may_be_an_input_is_measured_again(root: Path, name: str) -> None:
    assert changes(root, "README.md", name) is None


def test_what_is_deleted_is_measured_again(root: Path) -> None:
    files = FileStates()
    recorded = record(read_project(root, files), files)
    (root / "billing.py").unlink()
    assert harmless_changes(recorded, read_project(root, FileStates()), made_of(root)) is None


def test_only_a_commit_hook_relies_on_it() -> None:
    assert in_commit_hook({"PRE_COMMIT": "1"})
    assert not in_commit_hook({"PRE_COMMIT": "1", "CI": "true"})
    assert not in_commit_hook({})
