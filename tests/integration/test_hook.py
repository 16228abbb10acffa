"""The commit hook in real git repositories, installed by a real pre-commit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from attrs import frozen

from support import ROOT
from support.lsp_client import editor

pytestmark = pytest.mark.xdist_group("pre-commit")  # one hook environment serves them all

ASSETS = """
import dagster as dg


@dg.asset
def orders(): ...


@dg.asset(deps=[orders], description="{text}")
def customers(): ...


defs = dg.Definitions(assets=[orders, customers])
"""
PYPROJECT = """
[tool.dagster]
module_name = "shop"

[tool.dagster-snapsize.budget]
repository = "8 kB"
"""


@frozen
class Repository:
    """A git repository with a Dagster project whose commits pass the hook."""

    path: Path
    env: Mapping[str, str]

    def run(
        self, *command: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.path,
            env={**self.env, **(env or {})},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=300,
            check=False,
        )

    def git(self, *arguments: str) -> str:
        done = self.run("git", *arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def commit(self, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return self.run("git", "commit", "-m", "change", env=env)

    def pre_commit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "pre_commit", *arguments)

    def write(self, text: str) -> None:
        (self.path / "shop.py").write_text(ASSETS.format(text=text), encoding="utf-8")

    def configure_hook(self, source: Path, more: str = "") -> None:
        revision = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=source, text=True)
        (self.path / ".pre-commit-config.yaml").write_text(
            f"repos:\n- repo: {source}\n  rev: {revision.strip()}\n"
            f"  hooks:\n  - id: dagster-snapsize\n{more}",
            encoding="utf-8",
        )


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Variables for git and pre-commit that owe nothing to the machine's user."""
    home = tmp_path_factory.mktemp("home")
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("DAGSTER_", "PRE_COMMIT", "VIRTUAL_ENV", "PYTHONPATH"))
    }
    return {
        **kept,
        "HOME": str(home),
        "PRE_COMMIT_HOME": str(home / "pre-commit"),
        "GIT_AUTHOR_NAME": "test",
        "GIT_AUTHOR_EMAIL": "test@localhost",
        "GIT_COMMITTER_NAME": "test",
        "GIT_COMMITTER_EMAIL": "test@localhost",
    }


@pytest.fixture(scope="module")
def hook_source(tmp_path_factory: pytest.TempPathFactory, environ: Mapping[str, str]) -> Path:
    """This project as it stands, committed, as pre-commit clones it."""
    folder = tmp_path_factory.mktemp("hook") / "dagster-snapsize"
    skipped = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "server", folder / "server", ignore=skipped)
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", folder)
    source = Repository(folder, environ)
    source.git("init", "-q", "-b", "main")
    source.git("add", "-A")
    source.git("commit", "-qm", "hook")
    return folder


@pytest.fixture
def repository(
    tmp_path: Path,
    environ: Mapping[str, str],
    hook_source: Path,
    dagster_python: Callable[..., Path],
) -> Repository:
    """A committed project within its budget, the hook installed, its Dagster in ``.venv``."""
    project = Repository(tmp_path / "project", environ)
    project.path.mkdir()
    (project.path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (project.path / ".gitignore").write_text(".venv\n__pycache__\n", encoding="utf-8")
    (project.path / ".venv").symlink_to(dagster_python().parent.parent)
    project.write("small")
    project.configure_hook(hook_source)
    project.git("init", "-q", "-b", "main")
    project.git("add", "-A")
    project.git("commit", "-qm", "start")
    installed = project.pre_commit("install", "--install-hooks")
    assert installed.returncode == 0, installed.stdout
    return project


def head(repository: Repository) -> str:
    return repository.git("rev-parse", "HEAD")


def test_a_commit_over_budget_is_blocked_until_it_is_mended(repository: Repository) -> None:
    before = head(repository)
    repository.write("x" * 9000)
    repository.git("add", "shop.py")
    blocked = repository.commit()
    assert blocked.returncode == 1
    assert head(repository) == before
    (line,) = [x for x in blocked.stdout.splitlines() if "[snapshot-over-budget]" in x]
    assert line.startswith("shop.py:13: error: ")
    assert "customers" in line and "description" in line and "8,000" in line

    repository.write("short again")
    repository.git("add", "shop.py")
    passed = repository.commit()
    assert passed.returncode == 0, passed.stdout
    assert head(repository) != before


def test_warnings_are_seen_and_let_the_commit_pass(repository: Repository) -> None:
    repository.write("x" * 4500)
    repository.git("add", "shop.py")
    passed = repository.commit()
    assert passed.returncode == 0, passed.stdout
    assert "warning: " in passed.stdout and "[snapshot-near-budget]" in passed.stdout


def test_what_is_staged_is_measured_not_what_lies_beside_it(repository: Repository) -> None:
    repository.write("staged")
    repository.git("add", "shop.py")
    repository.write("x" * 9000)
    assert repository.commit().returncode == 0
    assert "x" * 9000 in (repository.path / "shop.py").read_text(encoding="utf-8")

    repository.git("add", "shop.py")
    repository.write("light again, but not staged")
    assert repository.commit().returncode == 1


def test_untracked_files_that_the_definitions_read_are_named(repository: Repository) -> None:
    (repository.path / "texts.py").write_text("TEXT = 'hello'\n", encoding="utf-8")
    text = (repository.path / "shop.py").read_text(encoding="utf-8")
    (repository.path / "shop.py").write_text("import texts\n" + text, encoding="utf-8")
    repository.git("add", "shop.py")
    passed = repository.commit()
    assert passed.returncode == 0
    (note,) = [x for x in passed.stdout.splitlines() if x.startswith("note: ")]
    assert "texts.py" in note and "shop.py" not in note


@pytest.mark.parametrize(
    "arguments",
    [
        ["--all-files"],
        ["--all-files", "--hook-stage", "manual"],
        ["--all-files", "--hook-stage", "pre-push"],
        ["--files", "shop.py"],
    ],
    ids=" ".join,
)
def test_it_runs_by_hand_and_in_other_stages(repository: Repository, arguments: list[str]) -> None:
    assert repository.pre_commit("run", "dagster-snapsize", *arguments).returncode == 0
    repository.write("x" * 9000)
    repository.git("add", "shop.py")
    blocked = repository.pre_commit("run", "dagster-snapsize", *arguments)
    assert blocked.returncode == 1
    assert "[snapshot-over-budget]" in blocked.stdout


def test_a_commit_from_a_gui_with_a_bare_path_works(repository: Repository) -> None:
    bare = {"PATH": "/usr/bin:/bin"}
    repository.write("from a window")
    repository.git("add", "shop.py")
    passed = repository.commit(env=bare)
    assert passed.returncode == 0, passed.stdout
    repository.write("x" * 9000)
    repository.git("add", "shop.py")
    assert repository.commit(env=bare).returncode == 1


def test_a_worktree_is_measured_with_its_own_files(
    repository: Repository, dagster_python: Callable[..., Path]
) -> None:
    other = Repository(repository.path.with_name("other"), repository.env)
    repository.git("worktree", "add", "-q", str(other.path))
    (other.path / ".venv").symlink_to(dagster_python().parent.parent)
    other.write("x" * 9000)
    other.git("add", "shop.py")
    blocked = other.commit()
    assert blocked.returncode == 1
    assert "[snapshot-over-budget]" in blocked.stdout
    other.write("light")
    other.git("add", "shop.py")
    passed = other.commit()
    assert passed.returncode == 0, passed.stdout


def test_a_dagster_in_the_hooks_environment_is_never_the_fallback(
    repository: Repository, hook_source: Path
) -> None:
    (repository.path / ".venv").unlink()
    repository.configure_hook(hook_source, '    additional_dependencies: ["dagster"]\n')
    blocked = repository.pre_commit("run", "dagster-snapsize", "--all-files")
    assert blocked.returncode == 1
    assert "exit code: 2" in blocked.stdout
    assert ".venv" in blocked.stdout and "--python" in blocked.stdout


def test_the_local_variant_runs_the_tool_of_the_project(repository: Repository) -> None:
    (repository.path / ".pre-commit-config.yaml").write_text(
        "repos:\n- repo: local\n  hooks:\n  - id: dagster-snapsize\n    name: dagster-snapsize\n"
        f"    entry: {sys.executable} -m dagster_snapsize check\n    language: system\n"
        "    pass_filenames: false\n",
        encoding="utf-8",
    )
    assert repository.pre_commit("run", "--all-files").returncode == 0
    repository.write("x" * 9000)
    repository.git("add", "shop.py")
    assert repository.pre_commit("run", "--all-files").returncode == 1


def test_a_commit_that_changes_no_input_measures_nothing(
    repository: Repository, tmp_path: Path
) -> None:
    env = {"SNAPSIZE_NO_CACHE": "", "SNAPSIZE_CACHE_DIR": str(tmp_path / "cache"), "CI": ""}
    readme = repository.path / "README.md"
    readme.write_text("# Shop", encoding="utf-8")
    repository.git("add", "-A")
    assert repository.commit(env=env).returncode == 0
    readme.write_text("# The shop", encoding="utf-8")
    repository.git("add", "-A")
    passed = repository.commit(env=env)
    assert passed.returncode == 0
    assert "made from none of the files that have changed since" in passed.stdout
    assert "(README.md)" in passed.stdout

    repository.write("x" * 9000)
    repository.git("add", "-A")
    blocked = repository.commit(env=env)
    assert blocked.returncode == 1 and "from the cache" not in blocked.stdout


HALVES = {
    "first.py": 'TEXT = "{text}"\n',
    "second.py": 'TEXT = "{text}"\n',
    "shop.py": """import dagster as dg

import first
import second


@dg.asset(description=first.TEXT + second.TEXT)
def orders(): ...


defs = dg.Definitions(assets=[orders])
""",
}
"""A project that is over its budget when both of its texts are long."""


class Commits:
    """The ways to commit of docs/hook.md, each of which takes the snapshot over its budget."""

    def __init__(self, project: Repository):
        self.project = project
        for name, text in HALVES.items():
            (project.path / name).write_text(text.format(text="short"), encoding="utf-8")
        self.bypassing("commit", "-qam", "halves")
        for branch, half in (("one", "first.py"), ("other", "second.py")):
            project.git("checkout", "-q", "-b", branch, "main")
            self.lengthen(half)
            self.bypassing("commit", "-qam", f"a long {half}")
        project.git("checkout", "-q", "one")

    def bypassing(self, *arguments: str) -> None:
        self.project.git("add", "-A")
        self.project.git(*arguments, "--no-verify")

    def lengthen(self, half: str) -> None:
        text = HALVES[half].format(text="x" * 4000)
        (self.project.path / half).write_text(text, encoding="utf-8")

    def run(self, way: str) -> subprocess.CompletedProcess[str]:
        """Commit both long texts by that command."""
        git = self.project.run
        if way == "`git commit`":
            self.lengthen("second.py")
            return git("git", "commit", "-qam", "both")
        if way == "`git commit` of deletions only":
            self.project.git("rm", "-q", "second.py")
            return git("git", "commit", "-qm", "gone")
        if way == "`git commit --amend`":
            self.lengthen("second.py")
            return git("git", "commit", "-qa", "--amend", "--no-edit")
        if way == "`git merge`":
            return git("git", "merge", "-q", "--no-edit", "other")
        if way == "`git merge --no-commit`, then `git commit`":
            self.project.git("merge", "-q", "--no-commit", "other")
            return git("git", "commit", "-q", "--no-edit")
        if way == "`git revert`":
            self.lengthen("second.py")
            self.bypassing("commit", "-qam", "both")
            self.project.git("checkout", "-q", "other", "--", "first.py")
            (self.project.path / "first.py").write_text('TEXT = "short"\n', encoding="utf-8")
            self.bypassing("commit", "-qam", "one")
            return git("git", "revert", "--no-edit", "HEAD")
        if way == "`git cherry-pick`":
            return git("git", "cherry-pick", "other")
        if way == "`git rebase`":
            return git("git", "rebase", "-q", "other")
        if way == "`git commit --no-verify`":
            self.lengthen("second.py")
            return git("git", "commit", "-qam", "both", "--no-verify")
        assert way == "`git push` of another branch than the one that is checked out"
        self.lengthen("second.py")
        self.bypassing("commit", "-qam", "both")
        self.project.git("checkout", "-q", "main")
        return git("git", "status")


WAYS = dict(
    re.findall(r"^\| (`git .+?) \| `(pre-[a-z-]+)` \|$", (ROOT / "docs/hook.md").read_text(), re.M)
)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_commit_is_checked_where_the_page_says(
    way: str, repository: Repository, tmp_path: Path
) -> None:
    repository.pre_commit(
        *("install", "-t", "pre-commit", "-t", "pre-merge-commit", "-t", "pre-push")
    )
    commits = Commits(repository)
    done = commits.run(way)
    rule = "[measurement-failed]" if "deletions" in way else "[snapshot-over-budget]"
    if WAYS[way] != "pre-push":
        assert done.returncode != 0 and rule in done.stdout, done.stdout
        return
    assert done.returncode == 0 and "dagster-snapsize..." not in done.stdout, done.stdout
    if way not in ("`git revert`", "`git push` of another branch than the one that is checked out"):
        return  # what is pushed is the same
    repository.git("init", "-q", "--bare", str(tmp_path / "remote"))
    pushed = repository.run("git", "push", str(tmp_path / "remote"), "one")
    assert pushed.returncode != 0 and rule in pushed.stdout, pushed.stdout
    if "another branch" in way:
        assert "is what is pushed" in pushed.stdout
        assert repository.run("git", "push", str(tmp_path / "remote"), "main").returncode == 0


def test_a_baseline_of_what_is_pushed_is_named_where_it_is_in_the_repository(
    repository: Repository,
) -> None:
    baseline = repository.path / "snapsize-baseline.jsonl"
    baseline.write_text("this is none\n", encoding="utf-8")
    repository.git("add", "-A")
    repository.git("commit", "-qm", "damaged", "--no-verify")
    repository.git("branch", "damaged")
    repository.git("reset", "-q", "--hard", "HEAD~1")
    checked = repository.run(
        sys.executable, "-m", "dagster_snapsize", "check", env={"PRE_COMMIT_TO_REF": "damaged"}
    )
    assert checked.returncode == 3, checked.stdout
    assert f"{baseline}:1: " in checked.stdout


@pytest.mark.asyncio
async def test_what_was_measured_on_save_is_not_measured_again(
    repository: Repository, scratch: Path
) -> None:
    shared = {
        "SNAPSIZE_NO_CACHE": "",
        "SNAPSIZE_CACHE_DIR": str(scratch / "cache"),
        "TMPDIR": str(scratch / "tmp"),
        "PYTEST_CURRENT_TEST": "",
    }
    shop = repository.path / "shop.py"
    async with editor(scratch, repository.path, env={**repository.env, **shared}) as opened:
        await opened.ended(1)
        opened.open(shop)
        opened.save(shop, ASSETS.format(text="saved in an editor"))
        await opened.ended(2)
    repository.git("add", "shop.py")
    # What a terminal in that editor has, and its server has not.
    terminal = {**shared, "TERM_PROGRAM": "vscode", "SHLVL": "3", "VIRTUAL_ENV_PROMPT": "shop"}
    passed = repository.commit(env=terminal)
    assert passed.returncode == 0, passed.stdout
    assert "note: nothing has changed since" in passed.stdout, passed.stdout
    assert "sizes are from the cache" in passed.stdout

    repository.write("x" * 9000)
    repository.git("add", "shop.py")
    blocked = repository.commit(env=terminal)
    assert blocked.returncode == 1 and "from the cache" not in blocked.stdout
    again = repository.commit(env=terminal)
    assert again.returncode == 1 and "from the cache" in again.stdout
    assert "[snapshot-over-budget]" in again.stdout
