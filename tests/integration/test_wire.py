"""``wire_bytes`` is what gRPC compares with its limits, proved against Dagster's code server."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from support import PROJECTS, ROOT
from support.code_servers import RECEIVE, SEND, code_server, server_environment
from support.command import measure_json
from support.environments import NEWEST, OLDEST

CLIENT = ROOT / "tests" / "support" / "wire_client.py"
PROJECT = PROJECTS / "wide"
JOBS = {"repository": (), "__ASSET_JOB": ("__ASSET_JOB",), "some_tables": ("some_tables",)}

# One worker measures once for all of them.
pytestmark = pytest.mark.xdist_group("wire")


@frozen
class Wide:
    """The project as it was measured: its Python, and ``wire_bytes`` by snapshot name."""

    python: Path
    wire_bytes: dict[str, int]


@pytest.fixture(
    scope="module", params=[NEWEST, pytest.param(OLDEST, marks=pytest.mark.matrix)], ids=str
)
def wide(request: pytest.FixtureRequest, dagster_python: Callable[..., Path]) -> Wide:
    python = dagster_python(request.param)
    (location,) = measure_json("-f", "definitions.py", "--python", python, cwd=PROJECT)["locations"]
    sizes = {
        "repository" if snapshot["kind"] == "repository" else snapshot["name"]: snapshot
        for snapshot in location["snapshots"]
    }
    assert set(sizes) == set(JOBS)
    assert sizes["repository"]["stored_bytes"] > 300_000
    return Wide(python, {name: snapshot["wire_bytes"] for name, snapshot in sizes.items()})


def ask(wide: Wide, socket: str, name: str, **variables: str) -> Any:
    """What Dagster's own client gets when it asks for one snapshot."""
    done = subprocess.run(
        [wide.python, "-W", "ignore", CLIENT, socket, *JOBS[name]],
        cwd=PROJECT,
        env=server_environment(**variables),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_refused(answer: Any, wire_bytes: int) -> None:
    """gRPC refused the reply, and printed the very size that we measured and its limit."""
    assert answer["code"] == "RESOURCE_EXHAUSTED", answer
    printed = re.search(r"larger than max \((\d+) vs\. (\d+)\)", answer["details"])
    assert printed, answer["details"]
    assert [int(number) for number in printed.groups()] == [wire_bytes, wire_bytes - 1]


@pytest.mark.parametrize("name", ["repository", "some_tables"])
def test_a_reply_is_sent_at_a_limit_of_wire_bytes_and_refused_below(wide: Wide, name: str) -> None:
    limit = wide.wire_bytes[name]

    with code_server(wide.python, PROJECT, **{SEND: str(limit)}) as server:
        assert ask(wide, server.socket, name)["passed"]
    with code_server(wide.python, PROJECT, **{SEND: str(limit - 1)}) as server:
        assert_refused(ask(wide, server.socket, name), limit)


def test_a_reply_is_received_at_a_limit_of_wire_bytes_and_refused_below(wide: Wide) -> None:
    with code_server(wide.python, PROJECT) as server:
        for name, limit in wide.wire_bytes.items():
            assert ask(wide, server.socket, name, **{RECEIVE: str(limit)})["passed"], name
            assert_refused(ask(wide, server.socket, name, **{RECEIVE: str(limit - 1)}), limit)
