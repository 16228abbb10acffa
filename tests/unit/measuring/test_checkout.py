"""A revision is measured in its own files, whatever spelling of a path leads out of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from dagster_snapsize.core.errors import NotMeasured
from dagster_snapsize.core.model import Inputs, Measurement, UncacheableCall
from dagster_snapsize.measuring.revision import checkout
from dagster_snapsize.measuring.revision.checkout import (
    check_read_from_tree,
    copy_ignored,
    environ_in,
    unchecked_processes,
)
from dagster_snapsize.measuring.revision.refs import Repository, Revision
from dagster_snapsize.measuring.revision.worktree import Worktree
from dagster_snapsize.project.interpreters import Interpreter
from support.lsp_projects import git
from support.measurements import measurement
from support.questions import AskingProject

REVISION = Revision("main", "a" * 40)
PYTHON = Interpreter("/usr/bin/python3", "--python")


@pytest.fixture
def tree(tmp_path: Path) -> Worktree:
    """A repository and a revision of it, which both have ``lib/texts.csv`` and ``shop.py``."""
    for folder in ("repository", "revision"):
        (tmp_path / folder / "lib").mkdir(parents=True)
        (tmp_path / folder / "lib" / "texts.csv").write_text(folder)
        (tmp_path / folder / "shop.py").touch()
    (tmp_path / "link").symlink_to(tmp_path / "repository")
    top = tmp_path / "repository"
    return Worktree(Repository(top, top), REVISION, tmp_path / "revision", ())


def having(read: tuple[Path, ...] = (), listed: tuple[Path, ...] = ()) -> Measurement:
    inputs = Inputs(
        read=tuple(map(str, read)),
        listed=tuple(map(str, listed)),
        variables=(),
        installed=(),
        distributions=(),
        modules=(),
        uncacheable=(UncacheableCall("started a process", "/p/a.py", 3),),
    )
    return evolve(measurement(), inputs=inputs)


def test_a_variable_leads_to_the_revision_through_a_link_too(tree: Worktree) -> None:
    link = tree.top.parent / "link"
    environ = {"PYTHONPATH": f"{link}/lib:/elsewhere", "DATA": str(tree.repository.top / "lib")}
    moved = environ_in(tree, environ)
    assert moved["PYTHONPATH"].split(":")[1:] == [str(tree.top / "lib"), "/elsewhere"]
    assert moved["DATA"] == str(tree.top / "lib")
    assert environ_in(tree, {"X": str(tree.repository.top / "new")})["X"].endswith("/new")


def test_what_a_link_of_the_revision_leads_out_to_is_refused(tree: Worktree) -> None:
    (tree.top / "texts").symlink_to(tree.repository.top / "lib" / "texts.csv")
    with pytest.raises(NotMeasured, match=r"read lib/texts\.csv of the work tree"):
        check_read_from_tree(tree, having(read=(tree.top / "texts",)), PYTHON)


def test_a_folder_that_is_listed_by_its_full_path_is_refused(tree: Worktree) -> None:
    with pytest.raises(NotMeasured, match="read lib of the work tree"):
        check_read_from_tree(tree, having(listed=(tree.repository.top / "lib",)), PYTHON)


def test_files_of_the_revision_are_its_own_and_files_of_no_revision_are_named(
    tree: Worktree,
) -> None:
    (tree.repository.top / "made.json").touch()
    inside = having(read=(tree.top / "shop.py",), listed=(tree.top / "lib",))
    assert check_read_from_tree(tree, inside, PYTHON) == []
    made = having(read=(tree.repository.top / "made.json",))
    assert check_read_from_tree(tree, made, PYTHON) == ["made.json"]


def test_a_process_that_the_definitions_start_is_named(tree: Worktree) -> None:
    (note,) = unchecked_processes(tree, having())
    assert "/p/a.py:3 started a process" in note


def test_other_files_that_git_ignores_are_copied_up_to_a_limit(
    tree: Worktree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "MOST_BYTES", 100)
    top = tree.repository.top
    files = {
        ".gitignore": "made\n",
        "made/flag": "",
        "made/large": "x" * 101,
        "made/read": "x" * 101,
    }
    for name, text in {**files, "made/.venv/pyvenv.cfg": ""}.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    git(top, "init", "-q")
    git(top, "add", "-A")
    location = evolve(AskingProject(tree.top).location, root=tree.top)
    read = having(read=(top / "made" / "read",))
    assert copy_ignored(tree, [location], [read]) == (["made/read"], ["made/large"])
    copied = {p.name for p in (tree.top / "made").iterdir()}
    assert copied == {"flag", "read"}
