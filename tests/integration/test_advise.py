"""What the advice says is true: do it to a real project, and the snapshots shrink by that much."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest
from levers_kinds import KINDS

from dagster_snapsize.core.ledger import draw_job, draw_repository
from dagster_snapsize.core.model import Repeat, Saving
from dagster_snapsize.core.observed import Observed
from environments import NEWEST, OLDEST, SUPPORTED

PROJECT = Path(__file__).with_name("levers_project.py")
VERSIONS = [
    pytest.param(version, marks=() if version in (NEWEST, OLDEST) else pytest.mark.matrix)
    for version in SUPPORTED
]


def texts(folder: Path) -> dict[str, bytes]:
    """The serialized snapshots in a folder, by name."""
    return {path.stem: path.read_bytes() for path in folder.iterdir()}


def levers(whole: Mapping[str, bytes]) -> list[Repeat | Saving]:
    """What is seen in these snapshots."""
    seen = Observed("r")
    _, index = draw_repository(whole["repository"], partial(seen.repository, "repository"))
    for name, text in whole.items():
        if name != "repository":
            draw_job(text, index, partial(seen.job, name))
    return [*seen.repeats(), *seen.savings()]


@pytest.fixture(scope="session")
def written(
    dagster_python: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """A function: Dagster version -> the folder of the project's texts in every variant."""
    known: dict[str, Path] = {}

    def write(version: str) -> Path:
        if version not in known:
            known[version] = tmp_path_factory.mktemp(f"levers-{version}")
            subprocess.run(
                [str(dagster_python(version)), str(PROJECT), str(known[version])],
                capture_output=True,
                timeout=300,
                check=True,
            )
        return known[version]

    return write


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_done_saves_what_was_said_to_the_byte(
    written: Callable[[str], Path], version: str, kind: str
) -> None:
    folder = written(version)
    whole, after = texts(folder / "whole"), texts(folder / kind.replace("/", "."))
    shrunk = {name: len(text) - len(after.get(name, b"")) for name, text in whole.items()}
    (said,) = [
        lever
        for lever in levers(whole)
        if (isinstance(lever, Repeat) and lever.field == kind)
        or (
            isinstance(lever, Saving)
            and lever.lever == kind
            and (kind != "job" or lever.field == "to_go")
        )
    ]
    assert dict(said.by_snapshot) == {name: size for name, size in shrunk.items() if size}
    assert said.saved_bytes > 1000
