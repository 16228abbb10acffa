"""`diff` against real git and real Dagster: what it says is the difference of two measurements."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from dagster_snapsize.cli.reports.diff.markdown import MARK
from support import ROOT
from support.command import Result, measure_json, snapsize, tree
from support.json_keys import check_documented, documented, keys_of
from support.patience import patience, wait_for

ASSETS = """import dagster as dg


@dg.asset(group_name="raw", description="Orders as the till writes them.")
def raw_orders(): ...


@dg.asset(deps=[raw_orders], metadata={"owner": "sales"})
def orders(): ...


@dg.asset(deps=[orders])
def revenue(): ...
"""
DEFINITIONS = """import dagster as dg

from shop import assets

everything = dg.load_assets_from_modules([assets])
defs = dg.Definitions(
    assets=dg.with_source_code_references(everything),
    jobs=[dg.define_asset_job("nightly", selection=dg.AssetSelection.groups("raw"))],
)
"""


class Project:
    """A git repository with a small project, which holds its own path in every snapshot."""

    def __init__(self, folder: Path, python: Path, below: str = "shop"):
        self.folder = folder
        self.package = folder / below
        self.package.mkdir(parents=True)
        (folder / ".venv").symlink_to(python.parent.parent)
        self.write(".gitignore", ".venv\n__pycache__\ntarget\n.env\n")
        self.write("pyproject.toml", '[tool.dagster]\nmodule_name = "shop.definitions"\n')
        self.write(f"{below}/__init__.py", "")
        self.write(f"{below}/assets.py", ASSETS)
        self.write(f"{below}/definitions.py", DEFINITIONS)
        self.git("init", "-q", "-b", "main")
        self.commit("The shop")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def git(self, *arguments: str) -> str:
        return git(self.folder, *arguments)

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def diff(self, *arguments: str, **options: Any) -> Result:
        return snapsize("diff", *arguments, cwd=self.folder, **options)

    def told(self, *arguments: str, **options: Any) -> Any:
        """The JSON of `diff`, whose every sum is checked first."""
        result = self.diff("--format", "json", *arguments, **options)
        assert result.status == 0, result.stderr + result.stdout
        whole = result.json
        check_sums(whole)
        return whole

    def sizes(self, *arguments: str | Path, **options: Any) -> dict[str, int]:
        """Stored bytes by snapshot, as `measure` says them now."""
        (location,) = measure_json(*arguments, cwd=self.folder, **options)["locations"]
        return {s["id"]: s["stored_bytes"] for s in location["snapshots"]}

    def state(self) -> tuple[dict[str, bytes], list[str]]:
        """Everything in the folder; of git's own, without objects and logs, names alone."""
        files = tree(self.folder)
        inner = {".git/index", ".git/HEAD", ".git/config", ".git/refs/stash"}
        kept = {
            n: c for n, c in files.items() if not n.startswith((".git/", ".venv/")) or n in inner
        }
        return kept, [n for n in files if n.startswith(".git/") and "/objects/" not in n]


def git(folder: Path, *arguments: str) -> str:
    """What git prints."""
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    allowed = ("-c", "protocol.file.allow=always")
    return subprocess.run(
        ["git", *who, *allowed, *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def check_sums(whole: Any) -> None:
    """Every level of a difference sums to the one above it."""
    for location in whole["locations"]:
        total = location["stored"]["difference_bytes"]
        assert total == (location["stored"]["new_bytes"] or 0) - (
            location["stored"]["old_bytes"] or 0
        )
        assert total == sum(s["stored"]["difference_bytes"] for s in location["snapshots"])
        assert total == sum(o["difference_bytes"] for o in location["owners"])
        assert total == sum(location["fields"].values())
        for owner in location["owners"]:
            assert owner["difference_bytes"] == sum(owner["fields"].values())
            assert owner["difference_bytes"] == sum(owner["by_snapshot"].values())


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """The folder for temporary files of the commands under test."""
    folder = tmp_path / "t"
    folder.mkdir()
    return folder


@pytest.fixture
def project(tmp_path: Path, temporary: Path, python: Path) -> Project:
    """The project, in a folder whose path is long enough for one of the same length."""
    return Project(tmp_path / "in-a-folder-of-some-length" / "shop", python)


@pytest.fixture
def run(temporary: Path) -> dict[str, Any]:
    """Options for a command: its temporary files are in `temporary`, and it has a cache."""
    cache = {"SNAPSIZE_NO_CACHE": "", "SNAPSIZE_CACHE_DIR": str(temporary.with_name("cache"))}
    return {"env": {"TMPDIR": str(temporary), **cache}}


def _add(project: Project) -> None:
    more = "def revenue(): ...\n\n\n@dg.asset(deps=[revenue])\ndef report(): ..."
    project.change("shop/assets.py", "def revenue(): ...", more)


def _rename(project: Project) -> None:
    project.change("shop/assets.py", "[revenue]", "[revenue_by_day]")
    project.change("shop/assets.py", "def revenue()", "def revenue_by_day()")


def _move_to_another_file(project: Project) -> None:
    project.change("shop/assets.py", "@dg.asset(deps=[revenue_by_day])\ndef report(): ...\n", "")
    moved = "import dagster as dg\n\n\n@dg.asset(deps=['revenue_by_day'])\ndef report(): ...\n"
    project.write("shop/money.py", moved)
    project.change("shop/definitions.py", "import assets", "import assets, money")
    project.change("shop/definitions.py", "modules([assets])", "modules([assets, money])")


def _move_to_another_group(project: Project) -> None:
    project.change("shop/assets.py", '"raw"', '"landing"')
    project.change("shop/definitions.py", '"raw"', '"landing"')


def _describe(project: Project) -> None:
    project.change("shop/assets.py", "Orders as the till writes them.", "注文 as they came.")


def _remove(project: Project) -> None:
    project.change("shop/definitions.py", "modules([assets, money])", "modules([assets])")


CHANGES = (_add, _rename, _move_to_another_file, _move_to_another_group, _describe, _remove)


def test_a_change_is_the_difference_of_two_measurements(
    project: Project, run: dict[str, Any], temporary: Path
) -> None:
    sizes = [project.sizes(**run)]
    for change in CHANGES:
        change(project)
        sizes.append(project.sizes(**run))
        state = project.state()
        whole = project.told(**run)
        assert project.state() == state, "the user's files, index and settings are as they were"
        assert list(temporary.iterdir()) == []
        must_be_the_difference(whole, *sizes[-2:])
        assert [n for n in whole["notes"] if "git does not track" not in n] == []
        project.commit(change.__name__)
    # What was measured once is not measured again, under whatever names it is asked for.
    project.write("shop/assets.py", "this is no Python")
    for names, old, new in (
        (("main~6", "main"), 0, 6),
        (("main~5..main~2",), 1, 4),
        (("main~3...",), 3, 6),
    ):
        whole = project.told(*names, **run)
        must_be_the_difference(whole, sizes[old], sizes[new])
    assert whole["old"]["commit"] == project.git("rev-parse", "main~3").strip()
    assert project.git("worktree", "list").count("\n") == 1


def must_be_the_difference(whole: Any, before: dict[str, int], after: dict[str, int]) -> None:
    (location,) = whole["locations"]
    told = {
        s["id"]: (s["stored"]["old_bytes"], s["stored"]["new_bytes"]) for s in location["snapshots"]
    }
    assert told == {name: (before.get(name), after.get(name)) for name in {**before, **after}}
    assert location["stored"]["difference_bytes"] == sum(after.values()) - sum(before.values())


def test_modules_that_are_installed_to_be_edited_are_those_of_the_revision(
    tmp_path: Path, temporary: Path, python: Path, run: dict[str, Any]
) -> None:
    project = Project(tmp_path / "in-a-folder-of-some-length" / "shop", python, "src/shop")
    environment = _environment_with(tmp_path / "environment", python)
    packages = environment.parent.parent / site_packages(environment)
    # As setuptools does it for a package whose folder is not called like it: by a finder.
    project.write("library/__init__.py", "WORDS = 'as it was'\n")
    finder = FINDER.replace("MAPPED", repr({"words": str(project.folder / "library")}))
    (packages / "__editable___words_finder.py").write_text(finder, encoding="utf-8")
    (packages / "words.pth").write_text(
        "import __editable___words_finder; __editable___words_finder.install()\n"
        f"{project.folder / 'src'}\n",
        encoding="utf-8",
    )
    more = (
        "import json, os, words\nfrom pathlib import Path\n\nimport dagster as dg\n\n"
        "made = json.loads(Path('target/made.json').read_text())\n"
        "assert Path('target/asked_for').exists()\n\n"
        "@dg.asset(description=words.WORDS + made + os.environ['FROM_DOTENV'])\ndef said(): ...\n"
    )
    project.write("src/shop/assets.py", more)
    project.commit("Say it")
    project.write("target/made.json", '" by what git ignores"')
    project.write("target/asked_for", "")
    project.write(".env", "FROM_DOTENV=' and so is this'\n")
    options = ("--python", str(environment))
    before = project.sizes(*options, **run)
    project.write("library/__init__.py", "WORDS = 'as it is now, which is longer'\n")
    project.write("src/shop/assets.py", more + "\n\n@dg.asset\ndef more(): ...\n")
    whole = project.told(*options, **run)
    must_be_the_difference(whole, before, project.sizes(*options, **run))
    assert [n for n in whole["notes"] if "that git ignores: target/made.json" in n]
    # A module that is named by its full path is not the revision's: no number rather than a wrong.
    path = project.folder / "library"
    by_path = f"import sys; sys.path.insert(0, {str(path.parent)!r}); import library\n"
    project.write("src/shop/assets.py", by_path + more)
    project.commit("By its path")
    project.write("src/shop/assets.py", more)
    result = project.diff(*options, **run)
    assert result.status == 3
    assert "read library/__init__.py of the work tree, and not the one of the rev" in result.stderr


FINDER = """import sys
from importlib.util import spec_from_file_location

MAPPING = MAPPED


class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in MAPPING:
            return spec_from_file_location(name, MAPPING[name] + "/__init__.py")


def install():
    sys.meta_path.append(Finder)
"""


def _environment_with(folder: Path, python: Path) -> Path:
    """A virtual environment of the test's own that has everything of another one."""
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    made = folder / "bin" / "python"
    other = python.parent.parent
    (folder / site_packages(made) / "other.pth").write_text(
        f"import site; site.PREFIXES.append({str(other)!r})\n"
        f"import site; site.addsitedir({str(other / site_packages(python))!r})\n",
        encoding="utf-8",
    )
    return made


def site_packages(python: Path) -> Path:
    """Where packages are, from the environment's folder."""
    folder = python.parent.parent
    return next(folder.glob("lib/python*/site-packages")).relative_to(folder)


def test_the_environment_of_the_old_side_can_be_another_one(
    project: Project, run: dict[str, Any], dagster_python: Callable[..., Path]
) -> None:
    older = dagster_python("1.12.22")
    before = project.sizes("--python", older, **run)
    whole = project.told("HEAD", "--old-python", str(older), **run)
    must_be_the_difference(whole, before, project.sizes(**run))
    (location,) = whole["locations"]
    assert location["old"]["dagster_version"] == "1.12.22"
    assert location["stored"]["difference_bytes"] < 0


def test_a_submodule_is_that_of_the_revision(
    project: Project, run: dict[str, Any], tmp_path: Path, temporary: Path
) -> None:
    words = tmp_path / "words"
    words.mkdir()
    git(words, "init", "-q", "-b", "main")
    (words / "__init__.py").write_text("WORDS = 'short'\n", encoding="utf-8")
    git(words, "add", "-A")
    git(words, "commit", "-q", "-m", "Words")
    project.git("submodule", "--quiet", "add", str(words), "words")
    project.change("shop/assets.py", '"Orders as the till writes them."', "words.WORDS")
    project.change(
        "shop/assets.py", "import dagster as dg\n", "import dagster as dg\nimport words\n"
    )
    project.commit("Words from elsewhere")
    before = project.sizes(**run)
    (project.folder / "words" / "__init__.py").write_text("WORDS = 'longer words'\n")
    git(project.folder / "words", "commit", "-q", "-a", "-m", "Longer")
    project.commit("Longer words")
    must_be_the_difference(project.told("HEAD~1", **run), before, project.sizes(**run))
    assert list(temporary.iterdir()) == []
    for administration in project.folder.glob(".git/**/worktrees"):
        raise AssertionError(administration)


def test_which_side_could_not_be_measured(project: Project, run: dict[str, Any]) -> None:
    project.write("shop/assets.py", "import dagster as dg\n\n1 / 0\n")
    project.commit("Broken")
    project.git("revert", "--no-edit", "HEAD")
    result = project.diff("HEAD~1", **run)
    commit = project.git("rev-parse", "HEAD~1")[:9]
    assert result.status == 3
    assert (
        "shop/assets.py:3: error: shop.definitions could not be measured in HEAD~1"
        f" ({commit}): ZeroDivisionError: division by zero" in result.stdout
    )
    assert "snapsize-" not in result.stdout, "nobody knows the temporary folder"
    assert "HEAD~1" not in (project.diff(**run).stdout)
    settings = (project.folder / "pyproject.toml").read_text()
    missing = settings + '[tool.dagster-snapsize]\nprepare = [["no-such-command"]]\n'
    project.write("pyproject.toml", missing)
    project.commit("Prepare")
    project.write("pyproject.toml", settings)
    result = project.diff(**run)
    assert result.status == 3
    assert f"{project.folder / 'pyproject.toml'}:4: `prepare`: there is no comm" in result.stderr
    moved = project.folder / "packages"
    moved.mkdir()
    for name in ("shop", "pyproject.toml"):
        project.git("mv", name, f"packages/{name}")
    project.commit("Into a folder")
    told = snapsize("diff", "HEAD~1", cwd=moved, **run)
    assert told.status == 3
    assert (
        f"HEAD~1 ({project.git('rev-parse', 'HEAD~1')[:9]}) has no folder packages" in told.stderr
    )


@pytest.mark.parametrize(
    "prepare, arguments, message, hint",
    [
        ("", ["nowhere"], "there is no commit `nowhere` in", "git branch --all"),
        ("", ["main..nowhere"], "there is no commit `nowhere` in", "git branch --all"),
        ("", ["--", "--output=x"], "'--output=x' is not a revision", "diff main"),
        ("", [""], "'' is not a revision", "diff main"),
        ("", ["main", "main", "main"], "3 revisions are too many", ""),
        ("orphan", ["main...other"], "have no commit in common", "--unshallow"),
        ("shallow", ["HEAD~1"], "there is no commit `HEAD~1` in", "git fetch --unshallow"),
        ("unborn", [], "there is no commit yet", "Commit something first"),
        ("none", [], "is not in a git repository", "dagster-snapsize baseline"),
        ("bare", [], "is not a git work tree", "Run it in a checkout"),
        ("no git", [], "git is not on PATH", "Install git"),
    ],
)
def test_what_cannot_be_compared_is_said_and_nothing_is_touched(
    tmp_path: Path, temporary: Path, prepare: str, arguments: list[str], message: str, hint: str
) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    if prepare not in ("none", "bare"):
        git(folder, "init", "-q", "-b", "main")
    if prepare == "bare":
        git(folder, "init", "-q", "--bare")
    if prepare not in ("none", "bare", "unborn"):
        for _ in range(2):
            git(folder, "commit", "-q", "--allow-empty", "-m", "Nothing")
    if prepare == "orphan":
        git(folder, "checkout", "-q", "--orphan", "other")
        git(folder, "commit", "-q", "--allow-empty", "-m", "Nothing else")
    if prepare == "shallow":
        git(tmp_path, "clone", "-q", "--depth=1", f"file://{folder}", "clone")
        folder = tmp_path / "clone"
    before = tree(folder)
    environ = {"TMPDIR": str(temporary), "GIT_CEILING_DIRECTORIES": str(tmp_path)}
    if prepare == "no git":
        environ["PATH"] = str(tmp_path)
    result = snapsize("diff", *arguments, cwd=folder, env=environ)
    assert result.status == 2, result.stdout + result.stderr
    assert message in result.stderr
    assert hint in result.stderr
    assert "Traceback" not in result.stderr
    assert tree(folder) == before
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_nothing_is_left_when_it_is_ended_midway(
    project: Project, temporary: Path, tmp_path: Path, name: str
) -> None:
    mark = tmp_path / "reached"
    asks = f"import time\nopen({str(mark)!r}, 'w').close()\nwhile True: time.sleep(1)\n"
    project.write("shop/money.py", asks)
    project.change("shop/definitions.py", "import assets", "import assets, money")
    project.commit("It never ends")
    project.git("revert", "--no-edit", "HEAD")
    before = project.state()
    environ = {**os.environ, "TMPDIR": str(temporary), "SNAPSIZE_TEST_MARK": str(mark)}
    command = [sys.executable, "-m", "dagster_snapsize", "diff", "HEAD~1"]
    process = subprocess.Popen(
        command,
        cwd=project.folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Whoever runs this in the background of a shell has it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_until(mark.exists, process)
    process.send_signal(getattr(signal, name))
    _, told = process.communicate(timeout=patience(30))
    assert b"Traceback" not in told
    wait_until(lambda: not list(marked(str(mark))))
    if name == "SIGKILL":
        # Nobody was there to clean up: the next one does.
        assert list(temporary.iterdir())
        assert project.diff("HEAD", env={"TMPDIR": str(temporary)}).status == 0
    assert list(temporary.iterdir()) == []
    assert project.state() == before
    assert project.git("worktree", "list").count("\n") == 1


def wait_until(
    condition: Callable[[], bool], process: subprocess.Popen[bytes] | None = None
) -> None:
    """Until it holds; a process that ends before that is a failure."""
    wait_for(lambda: condition() or (process is not None and process.poll() is not None))
    assert condition(), process and process.communicate()


def marked(mark: str) -> Iterator[str]:
    """Processes that were started with the mark in their environment."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"SNAPSIZE_TEST_MARK={mark}".encode() in (process / "environ").read_bytes():
                yield process.name
        except OSError:
            continue


def test_every_key_of_the_json_is_documented(project: Project, run: dict[str, Any]) -> None:
    _add(project)
    found = set(keys_of(project.told(**run)))
    project.write("shop/assets.py", "print('before')\n1 / 0\n")
    project.commit("Broken")
    project.write("shop/assets.py", "print('before')\n2 / 0\n")
    found |= set(keys_of(project.diff("--format", "json", **run).json))
    check_documented(found, documented("`diff`"))


SHOP_CHANGE = (
    '"""One row for each customer with an order."""\n',
    '"""One row for each customer with an order, those who came back first."""\n\n\n'
    '@dg.asset(group_name="marts", deps=[customers])\ndef best_customers() -> None:\n'
    '    """The hundred customers who spent most."""\n',
)


def test_the_pages_show_what_is_printed(
    tmp_path: Path, temporary: Path, python: Path, run: dict[str, Any]
) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(ROOT / "examples" / "shop", shop)
    (shop / ".venv").symlink_to(python.parent.parent)
    (shop / ".gitignore").write_text(".venv\n__pycache__\n", encoding="utf-8")
    git(shop, "init", "-q", "-b", "main")
    git(shop, "add", "-A")
    git(shop, "commit", "-q", "-m", "The shop")
    marts = shop / "shop_analytics" / "marts.py"
    text = marts.read_text(encoding="utf-8")
    marts.write_text(text.replace(*SHOP_CHANGE), encoding="utf-8")
    commit = git(shop, "rev-parse", "HEAD")[:9]
    environ = {**run["env"], "COLUMNS": "100"}
    for page, arguments in (
        ("diff.md", ("--top", "6")),
        ("ci.md", ("--top", "4", "--format", "markdown")),
    ):
        shown = (ROOT / "docs" / page).read_text(encoding="utf-8")
        printed = snapsize("diff", *arguments, cwd=shop, env=environ).stdout
        printed = printed.replace(commit, re.findall(r"HEAD \((\w{9})\)", shown)[0])
        for line in filter(None, printed.splitlines()[1 if page == "diff.md" else 0 :]):
            assert re.sub(r"Python [\d.]+", "Python N", line) in re.sub(
                r"Python [\d.]+", "Python N", shown
            ), line


@pytest.mark.parametrize("known", ["", "12\n34\n"])
def test_the_workflow_replaces_its_own_comment(tmp_path: Path, known: str) -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    (workflow,) = re.findall(r"```yaml\n(name: .*?)```", page, re.S)
    steps = YAML(typ="safe").load(workflow)["jobs"]["sizes"]["steps"]
    (script,) = [step["run"] for step in steps if step.get("name") == "Comment"]
    gh = tmp_path / "gh"
    said = tmp_path / "said"
    gh.write_text(
        f'#!/bin/sh\ncase "$*" in *--jq*) printf {known!r};; *) echo "$@" >> {said};; esac\n'
    )
    gh.chmod(0o755)
    environ = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "GITHUB_REPOSITORY": "o/r",
        "NUMBER": "7",
    }
    command = ["bash", "-e", "-o", "pipefail", "-c", script]
    subprocess.run(command, cwd=tmp_path, env=environ, check=True)
    where = "PATCH repos/o/r/issues/comments/12" if known else "POST repos/o/r/issues/7/comments"
    assert said.read_text() == f"api --method {where} -F body=@sizes.md\n"
    assert MARK in script
