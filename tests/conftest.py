"""Fixtures that every test may ask for: real environments and copies of the test projects."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from support import PROJECTS, environments

# In CI the examples are the same in every run; elsewhere they are new ones. Machines are busy.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("local", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# Git is nobody's: neither that of whoever runs the tests, nor that of a hook which runs them.
for name in [name for name in os.environ if name.startswith("GIT_")]:
    del os.environ[name]
os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}

# Tests of measuring measure; those of the cache switch it on, with a folder of their own.
os.environ["SNAPSIZE_NO_CACHE"] = "1"


@pytest.fixture(scope="session")
def dagster_python() -> Callable[..., Path]:
    """A function: Dagster version (the newest unless said) -> an interpreter that has it."""
    return environments.dagster_python


@pytest.fixture
def python(dagster_python: Callable[..., Path]) -> Path:
    """An interpreter with the newest Dagster."""
    return dagster_python()


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder for a language server: its cache, its temporary files, its working directory."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def environment() -> Callable[[str], Path]:
    """A function: ``dbt``, ``dg``, ``bare`` or a Dagster version -> the environment's Python.

    A test that asks for ``py39`` is skipped on a machine that has no Python 3.9.
    """

    def get(name: str) -> Path:
        try:
            return environments.environment(name)
        except RuntimeError as error:
            if name != "py39":
                raise
            pytest.skip(f"no Python 3.9 here: {error}")

    return get


@pytest.fixture
def dbt_project(copy_project: Callable[[str], Path], parsed_manifest: Path) -> Path:
    """A copy of the dbt project with the manifest that dbt made of it, newer than its sources."""
    folder = copy_project("dbt_project")
    target = folder / "jaffle" / "target"
    target.mkdir()
    shutil.copyfile(parsed_manifest, target / "manifest.json")
    return folder


@pytest.fixture(scope="session")
def parsed_manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest that ``dbt parse`` makes of the dbt project; made once."""
    python = environments.environment("dbt")
    jaffle = tmp_path_factory.mktemp("dbt") / "jaffle"
    shutil.copytree(PROJECTS / "dbt_project" / "jaffle", jaffle)
    subprocess.run(
        [python.with_name("dbt"), "--no-version-check", "parse", "--profiles-dir", "."],
        cwd=jaffle,
        env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        check=True,
        capture_output=True,
    )
    return jaffle / "target" / "manifest.json"


@pytest.fixture
def copy_project(tmp_path: Path) -> Callable[[str], Path]:
    """A function: name of a test project -> a copy of it that the test may change."""

    def copy(name: str) -> Path:
        return Path(
            shutil.copytree(
                PROJECTS / name,
                tmp_path / name,
                ignore=shutil.ignore_patterns("__pycache__", "target", "logs"),
            )
        )

    return copy
