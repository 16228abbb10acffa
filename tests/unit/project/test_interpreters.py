"""Which Python runs a location: real files and folders, nothing is run."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.project.discovery import Flags
from dagster_snapsize.project.interpreters import (
    Interpreter,
    ToolInterpreter,
    choose_interpreter,
    is_hook_environment,
)
from dagster_snapsize.project.locations import CodeLocation, find_locations


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in a repository, in a folder of its own."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    folder = tmp_path / "projects" / "shop"
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[tool.dagster]\nmodule_name = "shop"\n')
    return folder


def environment(folder: Path, name: str = "bin/python") -> str:
    python = folder / name
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    return str(python)


def locate(project: Path) -> CodeLocation:
    return find_locations(project, Flags(), {}).locations[0]


NO_DAGSTER = ToolInterpreter("/tool/bin/python", "/tool", has_dagster=False)


def choose(
    project: Path,
    flag: str | None = None,
    environ: dict[str, str] | None = None,
    editor: str | None = None,
    own: ToolInterpreter = NO_DAGSTER,
) -> Interpreter:
    return choose_interpreter(locate(project), flag, environ or {}, editor, own)


def refused(*arguments: object, **named: object) -> UserError:
    with pytest.raises(UserError) as raised:
        choose(*arguments, **named)  # type: ignore[arg-type]
    return raised.value


def test_the_order_is_the_documented_one(project: Path, tmp_path: Path) -> None:
    own = ToolInterpreter(environment(tmp_path / "tool"), str(tmp_path / "tool"), has_dagster=True)
    conda = environment(tmp_path / "conda")
    virtual = environment(tmp_path / "activated")
    environ = {"CONDA_PREFIX": str(tmp_path / "conda")}
    assert choose(project, own=own).path == own.executable
    assert choose(project, environ=environ, own=own) == Interpreter(conda, "CONDA_PREFIX")
    environ["VIRTUAL_ENV"] = str(tmp_path / "activated")
    assert choose(project, environ=environ, own=own) == Interpreter(virtual, "VIRTUAL_ENV")
    top = environment(tmp_path / "venv")
    assert choose(project, environ=environ, own=own).path == top
    beside = environment(project / ".venv")
    found = choose(project, environ=environ, own=own)
    assert found == Interpreter(beside, f".venv in {project}")
    environ["UV_PROJECT_ENVIRONMENT"] = "uv-env"
    assert choose(project, environ=environ, own=own).path == beside  # not made yet
    uv = environment(tmp_path / "uv-env")
    assert choose(project, environ=environ, own=own) == Interpreter(uv, "UV_PROJECT_ENVIRONMENT")
    editor = environment(tmp_path / "editor")
    assert choose(project, None, environ, editor, own).path == editor
    (project / ".env").write_text("DG_PROJECT_PYTHON_EXECUTABLE=dg/bin/python\n")
    (project / "pyproject.toml").write_text('[tool.dg.project]\nroot_module = "shop"\n')
    dg = environment(project / "dg")
    assert choose(project, None, environ, editor, own).path == dg
    configured = environment(project / "configured")
    (project / "snapsize.toml").write_text('python = "configured/bin/python"\n')
    found = choose(project, None, environ, editor, own)
    assert found == Interpreter(configured, "python in snapsize.toml")
    flag = environment(tmp_path / "flag")
    assert choose(project, flag, environ, editor, own) == Interpreter(flag, "--python")


def test_windows_and_folders_of_environments(project: Path) -> None:
    scripts = environment(project / ".venv", "Scripts/python.exe")
    assert choose(project).path == scripts
    (project / "snapsize.toml").write_text('python = "other"\n')
    other = environment(project / "other")
    assert choose(project).path == other


def test_a_name_is_looked_up_on_path(project: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "tools", "python3.99")
    environ = {"PATH": str(tmp_path / "tools")}
    assert choose(project, "python3.99", environ).path == python
    assert "neither on PATH" in refused(project, "python3.98", environ).message


def test_a_home_is_expanded(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    python = environment(tmp_path / "env")
    assert choose(project, "~/env/bin/python").path == python


def test_a_link_to_another_python_is_not_followed(project: Path) -> None:
    (project / ".venv/bin").mkdir(parents=True)
    (project / ".venv/bin/python").symlink_to(sys.executable)
    assert choose(project).path == str(project / ".venv/bin/python")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (None, "does not exist"),
        ("file", "is not executable"),
        ("folder", "is a folder without a Python in it"),
    ],
)
def test_an_explicit_choice_that_is_none_is_an_error(
    project: Path, make: str | None, said: str
) -> None:
    environment(project / ".venv")  # never the fallback
    (project / "snapsize.toml").write_text('python = "x/python"\n')
    if make == "file":
        (project / "x").mkdir()
        (project / "x/python").write_text("")
    if make == "folder":
        (project / "x/python").mkdir(parents=True)
    error = refused(project)
    assert error.message.startswith("python in snapsize.toml: x/python")
    assert said in error.message
    assert error.path == str(project / "snapsize.toml")
    assert "--python" in refused(project, str(project / "gone")).message


def test_our_own_environment_and_a_hooks_are_not_the_projects(
    project: Path, tmp_path: Path
) -> None:
    tool = tmp_path / "tool"
    own = ToolInterpreter(environment(tool), str(tool), has_dagster=False)
    error = refused(project, environ={"VIRTUAL_ENV": str(tool)}, own=own)
    assert f"VIRTUAL_ENV: {tool} is the environment of dagster-snapsize" in error.hint
    hook = tmp_path / "cache/repoabcd1234/py_env-python3.11"
    own = ToolInterpreter(environment(hook), str(hook), has_dagster=True)
    error = refused(project, environ={"VIRTUAL_ENV": str(hook)}, own=own)
    assert f"VIRTUAL_ENV: {hook} was made for a commit hook" in error.hint
    assert f"{own.executable}: made for a commit hook, never the project's" in error.hint


def test_nothing_found_says_all_that_was_tried(project: Path, tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    error = refused(project, environ={"CONDA_PREFIX": "/gone"})
    assert error.message == "no Python found for the code location shop"
    for line in (
        "--python, `python` in the configuration, executable_path: not given",
        f".venv in {tmp_path}: {tmp_path / '.venv'} has no Python",
        "VIRTUAL_ENV: not set",
        "CONDA_PREFIX: /gone is not a folder",
        "/tool/bin/python, which runs dagster-snapsize: has no dagster",
    ):
        assert line in error.hint
    assert 'python = ".venv/bin/python"' in error.hint


def test_the_search_ends_at_the_repository(tmp_path: Path) -> None:
    environment(tmp_path / ".venv")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/definitions.py").write_text("")
    assert ".venv and venv in" in refused(tmp_path / "shop").hint  # no repository: the folder
    subprocess.run(["git", "init", "-q", tmp_path / "shop"], check=True)
    refused(tmp_path / "shop")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    refused(tmp_path / "shop")


@pytest.mark.parametrize(
    ("path", "environ", "expected"),
    [
        ("/home/u/.cache/pre-commit/repoq1w2e3r4/py_env-python3.11/bin/python", {}, True),
        ("/c/repoq1w2e3r4/py_env-python3/bin/python", {}, True),
        ("/c/repoq1w2e3r4/conda-default/bin/python", {}, True),
        ("/hooks/any/bin/python", {"PRE_COMMIT_HOME": "/hooks"}, True),
        ("/x/pre-commit/any/bin/python", {"XDG_CACHE_HOME": "/x"}, True),
        ("/x/prek/hooks/python-1/bin/python", {"XDG_CACHE_HOME": "/x"}, True),
        ("/opt/conda-23.1/bin/python", {}, False),
        ("/home/u/work/pre-commit/.venv/bin/python", {}, False),
        ("/home/u/shop/.venv/bin/python", {}, False),
    ],
)
def test_environments_of_hooks_are_known(
    path: str, environ: dict[str, str], expected: bool
) -> None:
    assert is_hook_environment(path, environ) is expected


def test_the_tool_knows_itself() -> None:
    own = ToolInterpreter.current()
    assert own.executable == sys.executable
    assert os.path.isdir(own.prefix)  # noqa: PTH112
    assert "dagster" not in sys.modules


def digest(path: Path) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(str(path).encode()).digest()).decode()[:8]


@pytest.mark.parametrize("tool", ["Poetry", "pixi", "PDM", "Pipenv", "hatch", "pyenv"])
def test_environments_of_other_tools_are_found_where_they_make_them(
    tool: str, project: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    environ = {
        "POETRY_CACHE_DIR": str(cache),
        "WORKON_HOME": str(cache),
        "HATCH_DATA_DIR": str(cache),
        "PYENV_ROOT": str(cache),
    }
    folder = {
        "Poetry": cache / "virtualenvs" / f"shop-{digest(project)}-py3.12",
        "pixi": project / ".pixi" / "envs" / "default",
        "PDM": tmp_path / "elsewhere",
        "Pipenv": cache / f"shop-{digest(project / 'Pipfile')}",
        "hatch": cache / "env" / "virtual" / "shop" / digest(project) / "shop",
        "pyenv": cache / "versions" / "shop-3.12",
    }[tool]
    python = environment(folder)
    if tool == "Poetry":
        environment(folder.with_name(f"shop-{digest(project)}-py3.10"))
        text = f'[shop-{digest(project)}]\nminor = "3.12"\npatch = "3.12.1"\n'
        (folder.parent / "envs.toml").write_text(text)
    elif tool == "PDM":
        (project / ".pdm-python").write_text(python)
    elif tool == "Pipenv":
        (project / "Pipfile").write_text("[packages]\n")
    elif tool == "pyenv":
        (project / ".python-version").write_text("shop-3.12\n")
        assert "no Python found" in refused(project, environ=environ).message
        (folder / "lib/python3.12/site-packages/dagster").mkdir(parents=True)
    chosen = choose(project, environ=environ)
    assert chosen.path == python
    assert tool.casefold() in chosen.source.casefold()


@pytest.mark.parametrize(
    ("mark", "command"),
    [
        ("poetry.lock", "poetry env info --executable"),
        ("pixi.lock", "pixi run which python"),
        ("Pipfile", "pipenv --py"),
        ("environment.yml", "conda run --name NAME which python"),
    ],
)
def test_where_none_is_found_the_tools_command_that_prints_it_is_named(
    mark: str, command: str, project: Path, tmp_path: Path
) -> None:
    (tmp_path / mark).write_text("")
    assert f"Name the Python that `{command}` prints" in refused(project).hint


@pytest.mark.skipif(sys.platform == "win32", reason="names on PATH have an extension there")
def test_a_name_on_path_is_never_the_commit_hooks_python(project: Path, tmp_path: Path) -> None:
    hook = environment(tmp_path / "cache" / "repo1a2b3c4d" / "py_env-python3.12")
    own = environment(tmp_path / "own")
    with (project / "pyproject.toml").open("a") as file:
        file.write('[tool.dagster-snapsize]\npython = "python"\n')
    folders = [str(Path(python).parent) for python in (hook, own)]
    environ = {"PATH": os.pathsep.join(folders)}
    assert choose(project, environ=environ).path == own
    environ = {"PATH": folders[0]}
    assert "is neither on PATH" in refused(project, environ=environ).message
