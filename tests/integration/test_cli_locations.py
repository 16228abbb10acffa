"""Every way to name a code location, and every interpreter that may run it, for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from dagster_snapsize.project.discovery import Flags
from dagster_snapsize.project.locations import find_locations
from support.command import lines, measure_json, snapsize, tree
from support.environments import NEWEST, OLDEST
from support.files import write
from support.patience import patience, wait_for

Python = Callable[..., Path]
Copy = Callable[[str], Path]

DEFINITIONS = """
import dagster as dg

@dg.asset
def orders(): ...

@dg.op
def say(): ...

@dg.job
def nightly():
    say()

def make():
    return dg.Definitions(assets=[orders])

defs = dg.Definitions(assets=[orders], jobs=[nightly])
"""


def link_environment(place: Path, python: Path) -> None:
    """Put the environment of ``python`` at ``place``, as a project has its own."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(python.parent.parent)


def snapshots(location: Mapping[str, Any]) -> list[str]:
    assert location["error"] is None, location["error"]
    return [f"{s['repository']}/{s['kind']}/{s['name']}" for s in location["snapshots"]]


def names(found: Mapping[str, Any]) -> list[str]:
    return [location["name"] for location in found["locations"]]


# --- targets ---------------------------------------------------------------------------------

THEIR_NAMES = """
import json
from dagster._core.workspace import load_target as lt
def target(cls, **values):
    fields = getattr(cls, "_fields", None) or cls.__annotations__
    return cls(**{**{f: None for f in fields}, **values})
targets = [
    target(lt.PythonFileTarget, python_file="definitions.py"),
    target(lt.PythonFileTarget, python_file="definitions.py", attribute="make"),
    target(lt.ModuleTarget, module_name="shop.definitions"),
    target(lt.ModuleTarget, module_name="shop.definitions", attribute="defs"),
    target(lt.PackageTarget, package_name="shop"),
    lt.PyProjectFileTarget("pyproject.toml"),
    lt.WorkspaceFileTarget(["elsewhere.yaml"]),
]
print(json.dumps([[o.location_name for o in t.create_origins()] for t in targets]))
"""


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_locations_are_called_what_dagster_calls_them(
    version: str, tmp_path: Path, dagster_python: Python
) -> None:
    python = dagster_python(version)
    write(tmp_path / "definitions.py", DEFINITIONS)
    write(tmp_path / "shop/__init__.py", "from .definitions import *\n")
    write(tmp_path / "shop/definitions.py", DEFINITIONS)
    write(
        tmp_path / "pyproject.toml",
        '[tool.dagster]\nmodule_name = "shop.definitions"\ncode_location_name = "my shop"\n',
    )
    write(
        tmp_path / "elsewhere.yaml",
        "load_from:\n  - python_file: definitions.py\n"
        "  - python_module: {module_name: shop.definitions, attribute: make}\n"
        "  - python_package: {package_name: shop, location_name: named}\n",
    )
    theirs = json.loads(subprocess.check_output([python, "-c", THEIR_NAMES], cwd=tmp_path))
    ours = [
        [location.name for location in find_locations(tmp_path, flags, {}).locations]
        for flags in (
            Flags(python_file=("definitions.py",)),
            Flags(python_file=("definitions.py",), attribute="make"),
            Flags(module_name=("shop.definitions",)),
            Flags(module_name=("shop.definitions",), attribute="defs"),
            Flags(package_name=("shop",)),
            Flags(),
            Flags(workspace=("elsewhere.yaml",)),
        )
    ]
    assert ours == theirs


def test_attributes_of_every_kind(
    tmp_path: Path, dagster_python: Python, copy_project: Copy
) -> None:
    write(tmp_path / "definitions.py", DEFINITIONS)
    python = dagster_python()
    everything = ["__repository__/repository/__repository__", "__repository__/job/__ASSET_JOB"]
    of_job = [
        f"__repository__nightly/{x}" for x in ("repository/__repository__nightly", "job/nightly")
    ]
    for attribute, expected in (
        ("defs", [*everything, "__repository__/job/nightly"]),
        ("make", everything),
        ("nightly", of_job),
    ):
        flags = ("-f", "definitions.py", "-a", attribute, "--python", python)
        (location,) = measure_json(*flags, cwd=tmp_path)["locations"]
        assert location["name"] == f"definitions.py:{attribute}"
        assert snapshots(location) == expected
    folder = copy_project("two_repositories")
    flags = ("-m", "repositories", "-a", "right", "--python", python)
    (location,) = measure_json(*flags, cwd=folder)["locations"]
    assert {s.partition("/")[0] for s in snapshots(location)} == {"right"}


def test_two_repositories_share_a_job(copy_project: Copy, dagster_python: Python) -> None:
    folder = copy_project("two_repositories")
    python = dagster_python(OLDEST)
    whole = measure_json("-f", "repositories.py", "--python", python, cwd=folder)
    (location,) = whole["locations"]
    assert location["dagster_version"] == OLDEST
    ids = [s["id"] for s in location["snapshots"]]
    assert len(ids) == len(set(ids))
    shared = [s for s in location["snapshots"] if s["name"] == "shared_job"]
    assert [s["repository"] for s in shared] == ["left", "right"]
    assert shared[0]["stored_bytes"] == shared[1]["stored_bytes"]


def test_several_files_at_once_and_none_twice(tmp_path: Path, dagster_python: Python) -> None:
    for name in ("a", "b"):
        write(tmp_path / name / "definitions.py", DEFINITIONS.replace("orders", f"orders_{name}"))
    flags = ("-f", "a/definitions.py", "-f", "b/definitions.py", "-f", "a/definitions.py")
    whole = measure_json(*flags, "--python", dagster_python(), cwd=tmp_path)
    assert names(whole) == ["a/definitions.py", "b/definitions.py"]
    assert [x["assets"][0]["location"]["path"] for x in whole["locations"]] == names(whole)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core measures one at a time")
def test_locations_are_measured_side_by_side(tmp_path: Path, dagster_python: Python) -> None:
    """Each of two waits for the other while it loads, and ends by itself after a while."""
    for name, other in (("a", "b"), ("b", "a")):
        wait = f"""
import pathlib, time
pathlib.Path("{name}.loads").touch()
end = time.monotonic() + {patience(10)}
while not pathlib.Path("{other}.loads").exists():
    assert time.monotonic() < end, "the other one does not load at the same time"
    time.sleep(0.01)
"""
        write(tmp_path / f"{name}.py", wait + DEFINITIONS.replace("orders", f"orders_{name}"))
    whole = measure_json("-f", "a.py", "-f", "b.py", "--python", dagster_python(), cwd=tmp_path)
    assert names(whole) == ["a.py", "b.py"]
    assert [x["assets"][0]["key"] for x in whole["locations"]] == ["orders_a", "orders_b"]


def test_where_one_location_has_no_dagster_the_others_end_too(
    tmp_path: Path, dagster_python: Python
) -> None:
    write(tmp_path / "one.py", "import time\ntime.sleep(1000)\n")
    write(tmp_path / "two.py", DEFINITIONS)
    write(
        tmp_path / "workspace.yaml",
        f"""
load_from:
  - python_file: {{relative_path: two.py, executable_path: {sys.executable}}}
  - python_file: {{relative_path: one.py, executable_path: {dagster_python()}}}
""",
    )
    result = snapsize("check", cwd=tmp_path)
    assert result.status == 2, result.stderr
    assert "Dagster is not installed in" in result.stderr
    wait_for(lambda: result.leftovers() == [])


def test_a_workspace_file_runs_each_location_with_its_own_python(
    tmp_path: Path, dagster_python: Python
) -> None:
    link_environment(tmp_path / ".venv", dagster_python())
    write(tmp_path / "one/definitions.py", DEFINITIONS)
    write(tmp_path / "two/src/two/definitions.py", "from .things import defs\n")
    write(tmp_path / "two/src/two/things.py", DEFINITIONS)
    write(tmp_path / "two/src/two/__init__.py", "")
    write(
        tmp_path / "workspace.yaml",
        f"""
load_from:
  - python_file:
      relative_path: one/definitions.py
      location_name: eins
      executable_path: {dagster_python(OLDEST)}
  - python_module: {{module_name: two.definitions, working_directory: two/src}}
  - grpc_server: {{host: localhost, port: 4266, location_name: remote}}
""",
    )
    whole = measure_json(cwd=tmp_path)
    assert names(whole) == ["eins", "two.definitions"]
    first, second = whole["locations"]
    assert first["dagster_version"] == OLDEST
    assert first["python_source"] == "executable_path of workspace.yaml:3"
    assert second["dagster_version"] == NEWEST
    assert second["python"] == str(tmp_path / ".venv/bin/python")
    assert second["assets"][0]["location"]["path"] == "two/src/two/things.py"
    (note,) = whole["notes"]
    assert note.startswith("workspace.yaml:8: remote is a running gRPC server and was skipped")


def test_a_dg_workspace_has_projects_with_environments_of_their_own(
    copy_project: Copy, dagster_python: Python
) -> None:
    folder = copy_project("dg_workspace")
    link_environment(folder / "projects/alpha/.venv", dagster_python())
    link_environment(folder / "projects/beta/.venv", dagster_python("1.12.22"))
    before = tree(folder)
    whole = measure_json(cwd=folder)
    assert names(whole) == ["alpha", "second"]
    assert [x["dagster_version"] for x in whole["locations"]] == [NEWEST, "1.12.22"]
    assert all(snapshots(location) for location in whole["locations"])
    assert tree(folder) == before
    # A project says the same of itself.
    (alone,) = measure_json(cwd=folder / "projects/alpha")["locations"]
    assert alone["name"] == "alpha"
    sizes = [[s["stored_bytes"] for s in x["snapshots"]] for x in (alone, whole["locations"][0])]
    assert sizes[0] == sizes[1]


MODULES = '[tool.dagster]\nmodules = [{type = "module", name = "shop.definitions"}]\n'


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (
            {"pyproject.toml": '[tool.dagster]\nmodule_name = "shop.definitions"\n'},
            "shop.definitions",
        ),
        ({"pyproject.toml": MODULES}, "shop.definitions"),
        ({"dg.toml": 'directory_type = "project"\n[project]\nroot_module = "shop"\n'}, "FOLDER"),
        (
            {
                "dagster_cloud.yaml": "locations:\n  - location_name: deployed\n"
                "    code_source: {package_name: shop.definitions}\n"
            },
            "deployed",
        ),
        ({"definitions.py": DEFINITIONS}, "definitions.py"),
        ({"snapsize.toml": 'package-name = "shop.definitions"\n'}, "shop.definitions"),
    ],
    ids=[
        "[tool.dagster]",
        "modules",
        "dg.toml",
        "dagster_cloud.yaml",
        "definitions.py",
        "settings",
    ],
)
def test_without_flags_a_location_is_found_where_dagster_finds_it(
    files: dict[str, str], name: str, tmp_path: Path, dagster_python: Python
) -> None:
    write(tmp_path / "shop/__init__.py", "")
    write(tmp_path / "shop/definitions.py", DEFINITIONS)
    for file, text in files.items():
        write(tmp_path / file, text)
    (location,) = measure_json("--python", dagster_python(), cwd=tmp_path)["locations"]
    assert location["name"] == name.replace("FOLDER", tmp_path.name)
    assert len(snapshots(location)) == 3
    (asset,) = location["assets"]
    expected = "definitions.py" if "definitions.py" in files else "shop/definitions.py"
    assert asset["location"] == {"path": expected, "line": 4}
    assert location["definitions_location"] == {"path": expected, "line": 17}


def test_nothing_found_says_what_was_tried_and_what_is_near(tmp_path: Path) -> None:
    write(tmp_path / "projects/shop/pyproject.toml", '[tool.dagster]\nmodule_name = "shop"\n')
    found = snapsize("measure", cwd=tmp_path)
    assert (found.status, found.stdout) == (2, "")
    assert found.stderr.startswith(f"error: no code location found in {tmp_path}")
    tried = (
        "-m, -f",
        "snapsize.toml",
        "workspace.yaml",
        "dg.toml",
        "[tool.dagster]",
        "definitions.py",
    )
    assert all(what in found.stderr for what in (*tried, "dagster_cloud.yaml"))
    assert "dagster-snapsize measure -d projects/shop" in found.stderr
    # From a package inside of the project it is the project that is near, not the package.
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    write(tmp_path / "projects/shop/shop/__init__.py", "")
    write(tmp_path / "projects/shop/shop/definitions.py", "")
    inside = write(tmp_path / "projects/shop/shop/defs/assets.py", "").parent
    assert "dagster-snapsize measure -d ../..\n" in snapsize("check", cwd=inside).stderr


def test_nothing_found_names_the_module_that_looks_like_the_definitions(tmp_path: Path) -> None:
    write(tmp_path / "src/shop/__init__.py", "")
    write(tmp_path / "src/shop/definitions.py", "")
    found = snapsize("check", cwd=tmp_path)
    assert found.stderr.endswith("for example:\n  dagster-snapsize measure -m shop.definitions\n")


def test_odd_paths_and_links_change_no_size(tmp_path: Path, dagster_python: Python) -> None:
    plain, odd = tmp_path / "plain", tmp_path / "mit Leerzeichen ünd 数据 %41"
    for folder in (plain, odd):
        write(folder / "définitions datei.py", DEFINITIONS)
    (tmp_path / "link").symlink_to(odd, target_is_directory=True)
    sizes = []
    for path, cwd in (
        ("définitions datei.py", plain),
        ("définitions datei.py", odd),
        ("link/définitions datei.py", tmp_path),
    ):
        found = measure_json("-f", path, "--python", dagster_python(), cwd=cwd)
        (location,) = found["locations"]
        assert location["assets"][0]["location"] == {"path": path, "line": 4}
        assert path in location["definition_files"]
        sizes.append([s["stored_bytes"] for s in location["snapshots"]])
    assert sizes == sizes[:1] * 3


def test_specs_are_shown_where_they_were_made(tmp_path: Path, dagster_python: Python) -> None:
    source = """import dagster as dg

first = dg.AssetSpec("first")
second = dg.AssetSpec(
    "second", deps=[first]
).replace_attributes(group_name="more")

defs = dg.Definitions(assets=[first, second, dg.AssetSpec("third")])
"""
    write(tmp_path / "definitions.py", source)
    for version in (OLDEST, NEWEST):
        text = source if version == NEWEST else source.replace(").replace_attributes", ")._replace")
        write(tmp_path / "definitions.py", text)
        found = measure_json("--python", dagster_python(version), cwd=tmp_path)
        places = {a["key"]: a["location"]["line"] for a in found["locations"][0]["assets"]}
        assert places == {"first": 3, "second": 4, "third": 8}


# --- interpreters ----------------------------------------------------------------------------


def used(
    cwd: Path, *arguments: str | Path, env: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """The interpreter of the one location of ``cwd`` and its Dagster's default size limit."""
    found = snapsize("limits", *arguments, cwd=cwd, env=env)
    assert found.status == 0, found.stderr
    headline, *table = lines(found.stdout)
    size = next(line.split() for line in table if line.startswith("DAGSTER_GRPC_MAX_RX_BYTES"))
    return headline, size[1]


def test_the_interpreter_is_the_projects_own_and_every_report_names_it(
    tmp_path: Path, dagster_python: Python, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Old environments have a default of 50 MB, new ones of 100 MB: so it is seen which one ran."""
    new, old = dagster_python(), dagster_python(OLDEST)
    write(tmp_path / "definitions.py", DEFINITIONS)
    elsewhere = str(old.parent.parent)
    for variable in ("UV_PROJECT_ENVIRONMENT", "VIRTUAL_ENV", "CONDA_PREFIX"):
        headline, size = used(tmp_path, env={variable: elsewhere})
        assert size == "50"
        assert headline.endswith(f"({variable})")
    for name in ("venv", ".venv"):
        link_environment(tmp_path / name, new)
        headline, size = used(tmp_path, env={"VIRTUAL_ENV": elsewhere, "CONDA_PREFIX": elsewhere})
        assert size == "100"
        assert f"{name}/bin/python ({name} in " in headline
    headline, size = used(tmp_path, env={"UV_PROJECT_ENVIRONMENT": elsewhere})
    assert size == "50"
    settings = tmp_path_factory.mktemp("settings")
    link_environment(settings / "environments/one", old)
    write(settings / "project/definitions.py", DEFINITIONS)
    write(settings / "project/snapsize.toml", 'python = "../environments/one"\n')
    headline, size = used(settings, "-d", "project")
    assert size == "50"
    assert headline.endswith("(python in snapsize.toml)")
    headline, size = used(settings, "-d", "project", "--python", new)
    assert size == "100"
    assert headline.endswith("(--python)")


def test_without_an_interpreter_all_that_was_tried_is_listed(tmp_path: Path) -> None:
    write(tmp_path / "definitions.py", DEFINITIONS)
    (tmp_path / ".venv").mkdir()
    env = {"CONDA_PREFIX": str(tmp_path / "gone"), "UV_PROJECT_ENVIRONMENT": "nowhere"}
    found = snapsize("check", cwd=tmp_path, env=env)
    assert (found.status, found.stdout) == (2, "")
    first, second, *tried = found.stderr.splitlines()
    assert first == "error: no Python found for the code location definitions.py"
    assert second == "Tried, in this order:"
    for line, said in zip(
        tried,
        (
            "--python, `python` in the configuration, executable_path: not given",
            "UV_PROJECT_ENVIRONMENT: ",
            ".venv in ",
            "VIRTUAL_ENV: not set",
            "CONDA_PREFIX: ",
            ", which runs dagster-snapsize: has no dagster",
        ),
        strict=False,
    ):
        assert said in line
    assert '  python = ".venv/bin/python"' in tried


def test_an_environment_without_dagster_is_never_passed_over(
    tmp_path: Path, dagster_python: Python, environment: Callable[[str], Path]
) -> None:
    write(tmp_path / "definitions.py", DEFINITIONS)
    link_environment(tmp_path / ".venv", environment("bare"))
    found = snapsize(
        "check", cwd=tmp_path, env={"VIRTUAL_ENV": str(dagster_python().parent.parent)}
    )
    assert (found.status, found.stdout) == (2, "")
    assert f"error: Dagster is not installed in {tmp_path}/.venv/bin/python" in found.stderr


def test_an_old_python_with_an_old_dagster_is_measured(
    tmp_path: Path, environment: Callable[[str], Path]
) -> None:
    write(tmp_path / "definitions.py", DEFINITIONS)
    (location,) = measure_json("--python", environment("py39"), cwd=tmp_path)["locations"]
    assert location["python_version"].startswith("3.9.")
    assert len(snapshots(location)) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_project_opened_through_a_link_has_its_paths_below_the_link(
    tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    package = tmp_path / "real" / "src" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "import dagster as dg\n\n\n@dg.asset\ndef orders(): ...\n\n\n"
        "defs = dg.Definitions(assets=[orders])\n"
    )
    (tmp_path / "real" / "pyproject.toml").write_text('[tool.dagster]\nmodule_name = "shop"\n')
    (tmp_path / "link").symlink_to(tmp_path / "real")
    # As the .pth file of an editable installation has it.
    environ = {"PYTHONPATH": str(tmp_path / "real" / "src")}
    python = dagster_python()
    whole = measure_json("-d", "link", "--python", python, cwd=tmp_path, env=environ)
    (location,) = whole["locations"]
    assert location["assets"][0]["location"] == {"path": "link/src/shop/__init__.py", "line": 4}
    assert location["definition_files"] == ["link/src/shop/__init__.py"]
