"""Baselines in real projects: written, merged by git, judged by, heeded by a real commit hook."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen

from support.cached_project import CachedProject, cached_project
from support.command import Result, check_sums, snapsize, tree

NAME = "snapsize-baseline.jsonl"
DEFINITIONS = """\
import dagster as dg

from shop import customers, orders

defs = dg.Definitions(
    assets=dg.load_assets_from_modules([customers, orders]),
    jobs=[dg.define_asset_job("nightly", selection=["orders"])],
)
"""
MODULE = """\
import dagster as dg


@dg.asset(description="{text}")
def {name}(): ...
"""
PYPROJECT = """\
[tool.dagster]
module_name = "shop.definitions"

[tool.dagster-snapsize.budget]
growth = "5 %"
asset-growth = "200 B"
"""


@frozen
class Shop:
    """A git repository with two assets in modules of their own, and a cache."""

    path: Path
    env: dict[str, str] = field(factory=dict)

    def write(self, name: str, text: str) -> None:
        module = self.path / "shop" / f"{name}.py"
        module.write_text(MODULE.format(name=name, text=text), encoding="utf-8")

    def snapsize(self, *arguments: str) -> Result:
        return snapsize(*arguments, cwd=self.path, env=self.env)

    def baseline(self) -> None:
        result = self.snapsize("baseline")
        assert result.status == 0, result.stdout + result.stderr

    def git(self, *arguments: str, status: int = 0) -> str:
        done = self.run("git", *arguments)
        assert done.returncode == status, done.stdout
        return done.stdout

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PRE_COMMIT")}
        who = {f"GIT_{x}_{y}": "test" for x in ("AUTHOR", "COMMITTER") for y in ("NAME", "EMAIL")}
        return subprocess.run(
            command,
            cwd=self.path,
            env={**kept, **who, "PYTHONUTF8": "1", **self.env},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=300,
            check=False,
        )


@pytest.fixture
def shop(tmp_path: Path, python: Path) -> Shop:
    cache = {"SNAPSIZE_NO_CACHE": "", "SNAPSIZE_CACHE_DIR": str(tmp_path / "cache")}
    project = Shop(tmp_path / "project", {**cache, "PRE_COMMIT_HOME": str(tmp_path / "hooks")})
    (project.path / "shop").mkdir(parents=True)
    files = {
        "shop/__init__.py": "",
        "shop/definitions.py": DEFINITIONS,
        "pyproject.toml": PYPROJECT,
        ".gitignore": ".venv\n__pycache__/\n",
    }
    for name, text in files.items():
        (project.path / name).write_text(text, encoding="utf-8")
    project.write("orders", "All orders.")
    project.write("customers", "All customers.")
    (project.path / ".venv").symlink_to(python.parents[1])
    project.git("init", "-q", "-b", "main")
    project.commit("start")
    return project


def totals(lines: str) -> dict[str, int]:
    """The sizes of the snapshots as anybody would sum them up from the file."""
    sums: dict[str, int] = {}
    for row in map(json.loads, filter(None, lines.splitlines())):
        for job, size in (("", sum(row.get("fields", {}).values())),):
            sums[job] = sums.get(job, 0) + size
        for jobs, fields in row.get("jobs", []):
            for job in jobs:
                sums[job] = sums.get(job, 0) + sum(fields.values())
    return sums


def test_branches_merge_to_what_both_weigh(shop: Shop) -> None:
    shop.baseline()
    shop.commit("a baseline")
    shop.git("checkout", "-qb", "one")
    shop.write("orders", "All orders of this year, and no others.")
    shop.baseline()
    shop.commit("orders")
    shop.git("checkout", "-q", "main")
    shop.write("customers", "Customers.")
    (shop.path / "shop" / "definitions.py").write_text(
        DEFINITIONS.replace("customers, orders]", "customers, orders, deliveries]").replace(
            "customers, orders\n", "customers, orders, deliveries\n"
        ),
        encoding="utf-8",
    )
    shop.write("deliveries", "What was sent.")
    shop.baseline()
    shop.commit("customers and deliveries")
    shop.git("merge", "-q", "--no-edit", "one")
    merged = shop.snapsize("baseline", "--check")
    assert (merged.stdout, merged.status) == (f"{NAME} is up to date\n", 0), merged.stderr
    measured = shop.snapsize("check", "--format", "json").json
    check_sums(measured)
    (location,) = measured["locations"]
    assert totals((shop.path / NAME).read_text()) == {
        "" if s["kind"] == "repository" else s["name"]: s["stored_bytes"]
        for s in location["snapshots"]
    }
    assert all(s["baseline_wire_bytes"] == s["wire_bytes"] for s in location["snapshots"])
    assert location["baseline"]["path"] == NAME and location["baseline"]["mismatch"] == []


def test_two_lines_of_one_asset_are_an_error_until_the_baseline_is_renewed(shop: Shop) -> None:
    (shop.path / ".gitattributes").write_text(f"{NAME} merge=union\n")
    shop.baseline()
    shop.commit("a baseline")
    shop.git("checkout", "-qb", "one")
    shop.write("orders", "All orders of this year.")
    shop.baseline()
    shop.commit("one text")
    shop.git("checkout", "-q", "main")
    shop.write("orders", "All.")
    shop.baseline()
    shop.commit("another text")
    shop.git("merge", "-q", "-X", "ours", "--no-edit", "one")
    before = tree(shop.path / "shop")
    for arguments in (
        ["check"],
        ["measure"],
        ["baseline", "--check"],
        ["baseline", "-m", "shop.definitions"],
    ):
        found = shop.snapsize(*arguments)
        assert found.status == 2, arguments
        assert f"{NAME}:16: error: asset orders appears twice in the baseline" in found.stderr
        assert "dagster-snapsize baseline" in found.stderr
        assert found.stdout == ""
    assert tree(shop.path / "shop") == before
    mended = shop.snapsize("baseline")
    assert mended.status == 0 and "could not be read: asset orders appears" in mended.stdout
    assert shop.snapsize("check").status == 0


def test_the_hook_blocks_what_grows_and_lets_pass_what_was_inherited(shop: Shop) -> None:
    (shop.path / ".pre-commit-config.yaml").write_text(
        "repos:\n- repo: local\n  hooks:\n  - id: dagster-snapsize\n    name: dagster-snapsize\n"
        f"    entry: {sys.executable} -m dagster_snapsize check\n    language: system\n"
        "    pass_filenames: false\n    verbose: true\n",
        encoding="utf-8",
    )
    shop.baseline()
    shop.commit("a baseline")
    installed = shop.run(sys.executable, "-m", "pre_commit", "install")
    assert installed.returncode == 0, installed.stdout

    shop.write("orders", "All orders. " + "x" * 300)
    shop.git("add", "-A")
    blocked = shop.run("git", "commit", "-m", "a long text")
    assert blocked.returncode == 1
    (line,) = [x for x in blocked.stdout.splitlines() if "[asset-grew]" in x]
    assert line.startswith("shop/orders.py:4: error: Asset grew by ")
    assert "description +903 B" in line and "dagster-snapsize baseline" in line
    # Meant after all: the sizes are part of the commit.
    shop.baseline()
    shop.git("add", "-A")
    assert shop.run("git", "commit", "-m", "a long text, meant").returncode == 0

    text = (shop.path / "pyproject.toml").read_text()
    (shop.path / "pyproject.toml").write_text(f'{text}repository = "2 kB"\n')
    shop.write("customers", "All customer.")
    shop.git("add", "-A")
    passed = shop.run("git", "commit", "-m", "a budget that is exceeded already")
    assert passed.returncode == 0, passed.stdout
    assert "warning: Repository at " in passed.stdout
    assert "already over the limit in the baseline and is 1 byte smaller now" in passed.stdout
    shop.write("customers", "All the customers.")
    shop.git("add", "-A")
    blocked = shop.run("git", "commit", "-m", "and more")
    assert blocked.returncode == 1
    (line,) = [x for x in blocked.stdout.splitlines() if "[snapshot-over-budget]" in x]
    assert ": error: Repository at " in line
    assert "has grown by 4 bytes since. Grown: customers by 4 B (description 4 B)." in line


def test_of_growth_that_others_left_in_the_baseline_the_change_has_its_own_part(shop: Shop) -> None:
    def said(finding: dict[str, str]) -> str:
        return f"{finding['message']}. {finding['details']}"

    def grown(status: int) -> dict[str, str]:
        found = shop.snapsize("check", "--format", "json")
        assert found.status == status, found.stdout + found.stderr
        errors = [f for f in found.json["findings"] if f["severity"] == "error"]
        return {f["asset"] or f["snapshot"].rsplit("/", 1)[-1]: said(f) for f in errors}

    shop.baseline()
    shop.commit("a baseline")
    shop.write("orders", "All orders. " + "x" * 300)
    shop.commit("growth without a new baseline")
    assert " HEAD" not in str(grown(1))  # nothing changed since
    shop.write("customers", "All the customers.")
    found = grown(1)
    assert found["orders"].endswith(" None of this is in the change since HEAD.")
    assert found["repository"].endswith(" Of this, 4 bytes in the change since HEAD.")

    text = (shop.path / "pyproject.toml").read_text()
    (shop.path / "pyproject.toml").write_text(f'{text}growth-against = "HEAD"\n')
    assert grown(0) == {}
    shop.write("customers", "All the customers. " + "x" * 300)
    assert set(grown(1)) == {"customers", "repository"}
    assert " since HEAD (" in grown(1)["customers"]
    shop.git("checkout", "-qb", "feature")
    shop.commit("growth on a branch")
    (shop.path / "pyproject.toml").write_text(f'{text}growth-against = "merge-base"\n')
    assert " since main...HEAD (" in grown(1)["customers"]


def test_growth_without_a_baseline_is_a_note(shop: Shop) -> None:
    found = shop.snapsize("check")
    assert found.status == 0
    assert found.stdout.startswith(
        "note: budget.growth has no effect on shop.definitions without a baseline"
    )
    missing = shop.snapsize("baseline", "--check")
    assert (missing.status, missing.stdout) == (
        1,
        f"there is no {NAME}: run `dagster-snapsize baseline` to write it\n",
    )
    assert not (shop.path / NAME).exists()


def test_a_load_time_that_grew_is_a_warning_until_it_is_recorded(shop: Shop) -> None:
    slow = f"import time\n\ntime.sleep(1.2)\n{DEFINITIONS}"
    (shop.path / "shop" / "definitions.py").write_text(slow, encoding="utf-8")
    settings = shop.path / "pyproject.toml"
    without = settings.read_text("utf-8")
    settings.write_text(f'{without}load-time-growth = "25 %"\n', encoding="utf-8")
    shop.baseline()
    file = shop.path / NAME
    written = file.read_text("utf-8")
    seconds = json.loads(written.split("\n\n")[1])["seconds"]
    assert shop.snapsize("baseline").stdout == f"{NAME} is up to date\n"
    assert shop.snapsize("check").stdout == ""

    quick = json.dumps({"load": 0.1, "build": 0.1}, separators=(",", ":"))
    file.write_text(written.replace(json.dumps(seconds, separators=(",", ":")), quick), "utf-8")
    found = shop.snapsize("check", "--format", "json")
    (finding,) = found.json["findings"]
    assert (found.status, finding["rule"], finding["severity"]) == (0, "load-time-grew", "warning")
    assert finding["location"]["path"] == "shop/definitions.py"
    assert " longer to load than the baseline's 0.20 s, over the 25 % of " in finding["message"]
    assert shop.snapsize("baseline", "--check").stdout == f"{NAME} is up to date\n"
    said = shop.snapsize("baseline").stdout
    assert "\nSame size as before. shop.definitions takes " in said
    assert said.endswith(" to load, not 0.20 s.\n")
    assert file.read_text("utf-8") == written

    settings.write_text(without, encoding="utf-8")
    shop.baseline()
    assert '"seconds"' not in file.read_text("utf-8")
    settings.write_text(f'{without}load-time-growth = "25 %"\n', encoding="utf-8")
    assert "whose baseline is without a load time: `dagster-snapsize baseline` adds it" in (
        shop.snapsize("check").stdout
    )


def test_informations_are_in_the_json_alone(shop: Shop) -> None:
    shop.baseline()
    shop.write("orders", "All orders!!")
    for arguments in (["check"], ["check", "--format", "github"], ["measure"]):
        result = shop.snapsize(*arguments)
        assert result.status == 0 and "grew" not in result.stdout
    findings = shop.snapsize("check", "--format", "json").json["findings"]
    assert {(f["rule"], f["severity"]) for f in findings} == {
        ("snapshot-grew", "information"),
        ("asset-grew", "information"),
    }
    stale = shop.snapsize("baseline", "--check")
    assert stale.status == 1
    assert "3 bytes more than before. Grown: orders by 3 B (description 3 B)." in stale.stdout


def test_writing_it_measures_nothing_again_unless_it_is_read(tmp_path: Path, python: Path) -> None:
    project: CachedProject = cached_project(tmp_path, python)
    first = project.run("baseline")
    assert first.status == 0 and first.stdout.startswith(
        f"wrote the current sizes to {NAME}: 1 location, 2 snapshots"
    )
    assert project.hits()
    (project.folder / NAME).write_text("")
    assert project.run("check").status == 2
    assert project.run("baseline").status == 0
    assert "from the cache" in project.run("check").stderr

    definitions = project.folder / "shop" / "definitions.py"
    definitions.write_text(
        definitions.read_text() + f"\n(HERE / '{NAME}').read_text()\n", encoding="utf-8"
    )
    assert not project.hits()
    assert project.hits()
    with (project.folder / NAME).open("a") as stream:
        stream.write("\n")
    assert not project.hits()


def workspace(folder: Path, names: Mapping[str, str]) -> None:
    for name, text in names.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    entries = "".join(f"  - python_file: {name}.py\n" for name in names)
    (folder / "workspace.yaml").write_text(f"load_from:\n{entries}", encoding="utf-8")


def location_names(folder: Path) -> list[str]:
    rows = map(json.loads, filter(None, (folder / NAME).read_text().splitlines()))
    return [row["location"] for row in rows if "location" in row]


def test_several_locations_are_in_one_file_and_stay_until_they_are_gone(
    tmp_path: Path, python: Path
) -> None:
    here: dict[str, Any] = {"cwd": tmp_path}
    one = "import dagster as dg\n\n@dg.asset\ndef {}(): ...\n"
    workspace(tmp_path, {"a": one.format("x"), "b": one.format("y")})
    flags = ("--python", str(python))
    assert snapsize("baseline", *flags, **here).status == 0
    assert location_names(tmp_path) == ["a.py", "b.py"]
    before = (tmp_path / NAME).read_text()

    # One that is named alone leaves the lines of the others as they are.
    (tmp_path / "a.py").write_text(one.format("xx"))
    assert snapsize("baseline", *flags, "-f", "a.py", **here).status == 0
    after = (tmp_path / NAME).read_text()
    marker = '{"location":"b.py"'
    assert after.split(marker)[1] == before.split(marker)[1]
    assert after.split(marker)[0] != before.split(marker)[0]

    # A location that cannot be measured leaves all as it was.
    (tmp_path / "a.py").write_text("1 / 0\n")
    failed = snapsize("baseline", *flags, **here)
    assert failed.status == 3
    assert "a.py:1: error: Could not be measured: ZeroDivisionError" in failed.stdout
    assert (tmp_path / NAME).read_text() == after

    workspace(tmp_path, {"b": one.format("y")})
    dropped = snapsize("baseline", *flags, **here)
    assert dropped.status == 0 and "Location a.py was removed." in dropped.stdout
    assert location_names(tmp_path) == ["b.py"]


def test_the_path_of_the_checkout_is_no_growth(tmp_path: Path, python: Path) -> None:
    here = tmp_path / "here"
    (here / "shop").mkdir(parents=True)
    (here / "shop" / "definitions.py").write_text(
        "import dagster as dg\n\n@dg.asset\ndef orders(): ...\n\n"
        "@dg.asset(deps=[orders], description=__file__)\ndef customers(): ...\n\n"
        "assets = dg.with_source_code_references([orders, customers])\n"
        "nightly = dg.define_asset_job('nightly', description=__file__)\n"
        "defs = dg.Definitions(assets, jobs=[nightly])\n",
        encoding="utf-8",
    )
    # dg calls a project as its folder is called.
    (here / "pyproject.toml").write_text(
        '[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "shop"\n'
        '[tool.dagster-snapsize.budget]\ngrowth = "0 %"\n',
        encoding="utf-8",
    )
    flags = ("--python", str(python))
    assert snapsize("baseline", *flags, cwd=here).status == 0
    assert snapsize("check", *flags, cwd=here).stdout == ""
    there = Path(shutil.copytree(here, tmp_path / "some" / "where else"))
    for arguments in (["check", "--format", "json"], ["baseline", "--check"]):
        found = snapsize(*arguments, *flags, cwd=there)
        assert found.status == 0, found.stdout
        if "json" in arguments:
            assert found.json["findings"] == []
            for one in found.json["locations"][0]["snapshots"]:
                assert one["wire_bytes"] == one["baseline_wire_bytes"]
    measured = snapsize("measure", "--format", "json", *flags, cwd=here).json
    wider = snapsize("measure", "--format", "json", *flags, cwd=there).json
    for one, other in zip(found_sizes(measured), found_sizes(wider), strict=True):
        assert one < other


def found_sizes(whole: Any) -> list[int]:
    (location,) = whole["locations"]
    return [s["stored_bytes"] for s in location["snapshots"]]
