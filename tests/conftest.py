"""Fixtures that every test may ask for: real environments and copies of the test projects."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import environments

PROJECTS = Path(__file__).parent / "projects"


@pytest.fixture(scope="session")
def dagster_python() -> Callable[..., Path]:
    """A function: Dagster version (the newest unless said) -> an interpreter that has it."""
    return environments.dagster_python


@pytest.fixture(scope="session")
def environment() -> Callable[[str], Path]:
    """A function: ``dbt``, ``dg``, ``bare`` or a Dagster version -> the environment's Python."""
    return environments.environment


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
