"""User code that exits, hangs, crashes and forks, in a child of a process that must live on."""

from __future__ import annotations

import sys
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagster_snapsize.project.discovery import Flags
from support.command import tree
from support.forkservers import Kept, Measured, kept, locations, run
from support.hostile import DEFINITIONS, FAILS, HANGS, LOADS, marked_line
from support.patience import patience, patiently, wait_for

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only"),
    pytest.mark.xdist_group("forked"),  # one process that is forked from serves them all
]

FLAGS = Flags(python_file=("pipeline.py",))


@pytest.fixture(scope="module")
def ready(
    tmp_path_factory: pytest.TempPathFactory, dagster_python: Callable[..., Path]
) -> Iterator[Kept]:
    """One process for all of them: the modules of a measurement that went well."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "pipeline.py").write_text(DEFINITIONS, encoding="utf-8")
    (location,) = locations(folder, FLAGS)
    cold = run(location, dagster_python()).measurement
    assert cold.inputs is not None
    with kept(location, dagster_python(), cold.inputs.modules, uuid.uuid4().hex) as found:
        assert found.news["type"] == "ready"
        yield found


@pytest.mark.parametrize("name", FAILS)
def test_what_cannot_be_loaded_is_shown_where_it_broke(
    name: str, tmp_path: Path, ready: Kept, dagster_python: Callable[..., Path]
) -> None:
    (tmp_path / "pipeline.py").write_text(textwrap.dedent(FAILS[name]), encoding="utf-8")
    before = tree(tmp_path)
    (location,) = locations(tmp_path, FLAGS)
    line = marked_line(tmp_path)

    def is_shown(measured: Measured) -> bool:
        failure = measured.measurement.failure
        assert failure is not None
        location = failure.location
        return line is None or (
            location is not None and (location.path, location.line) == ("pipeline.py", line)
        )

    measured = patiently(
        lambda seconds: run(location, dagster_python(), ready.parent, timeout=seconds),
        is_shown,
        seconds=4 if name in HANGS else 60,
    )
    assert is_shown(measured), measured.measurement.failure
    assert measured.measurement.snapshots == ()
    if name not in ("segfault", "abort", "killed"):  # those are measured anew, to be sure
        assert measured.forked
    wait_for(lambda: ready.others() == [])
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", LOADS)
def test_what_does_load_is_measured_right(
    name: str, tmp_path: Path, ready: Kept, dagster_python: Callable[..., Path]
) -> None:
    (location,) = locations(_with(tmp_path, DEFINITIONS), FLAGS)
    plain = run(location, dagster_python(), ready.parent).measurement
    before = tree(_with(tmp_path, textwrap.dedent(LOADS[name]) + DEFINITIONS))
    measured = run(location, dagster_python(), ready.parent, timeout=patience(60))
    assert measured.forked
    assert measured.measurement.failure is None
    sizes = [{s.id: s.stored_bytes for s in m.snapshots} for m in (plain, measured.measurement)]
    assert sizes[0] == sizes[1]
    wait_for(lambda: ready.others() == [])
    assert tree(tmp_path) == before


def test_it_forks_as_ever_after_all_of_that(
    tmp_path: Path, ready: Kept, dagster_python: Callable[..., Path]
) -> None:
    (location,) = locations(_with(tmp_path, DEFINITIONS), FLAGS)
    assert run(location, dagster_python(), ready.parent).forked


def _with(folder: Path, text: str) -> Path:
    (folder / "pipeline.py").write_text(text, encoding="utf-8")
    return folder
