"""Every location of a real ``dagster dev`` is measured; one that fails has its own error."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import PROJECTS
from support.code_servers import server_environment
from support.command import measure_json
from support.databases import free_port, is_listening, serving

PROJECT = PROJECTS / "live"
WORKSPACE = """
load_from:
  - python_file: {relative_path: definitions.py, location_name: one}
  - python_file: {relative_path: definitions.py, location_name: two}
  - python_file: {relative_path: broken.py, location_name: broken}
"""

pytestmark = pytest.mark.matrix


@pytest.fixture
def url(environment: Callable[[str], Path], tmp_path: Path) -> Iterator[str]:
    """The URL of a ``dagster dev`` with three locations, one of which cannot be loaded."""
    python = environment("storage")
    (tmp_path / "workspace.yaml").write_text(WORKSPACE)
    for path in PROJECT.glob("*.py"):
        shutil.copy(path, tmp_path)
    (tmp_path / "home").mkdir()
    port = free_port()
    env = server_environment(
        DAGSTER_HOME=str(tmp_path / "home"),
        DAGSTER_TELEMETRY="0",
        PATH=f"{python.parent}{os.pathsep}{os.environ['PATH']}",
    )
    command = [str(python), "-m", "dagster", "dev", "-w", "workspace.yaml", "-p", str(port)]
    with serving(command, tmp_path, is_listening(port), env=env):
        yield f"http://127.0.0.1:{port}"


def test_every_location_of_dagster_dev_is_measured(
    url: str, environment: Callable[[str], Path], tmp_path: Path
) -> None:
    python = environment("storage")
    whole = measure_json("--webserver", url, "--python", python, cwd=tmp_path)
    own = measure_json("-f", "definitions.py", "--python", python, cwd=tmp_path)

    assert whole["exit_status"] == 3
    one, two, broken = whole["locations"]
    assert [one["name"], two["name"], broken["name"]] == ["one", "two", "broken"]
    (local,) = own["locations"]
    sizes = [
        [(s["stored_bytes"], s["wire_bytes"]) for s in location["snapshots"]]
        for location in (one, two, local)
    ]
    assert sizes[0] == sizes[1] == sizes[2] and len(sizes[0]) == 4
    assert "RuntimeError: the vault is sealed" in broken["error"]["message"]
    assert 'broken.py", line 3' in broken["error"]["traceback"]
