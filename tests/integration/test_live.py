"""Running code servers are measured as exactly as the code that they run, and nothing is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import PROJECTS
from support.code_servers import StartedServer, code_server
from support.command import measure_json
from support.environments import NEWEST, SUPPORTED

PROJECT = PROJECTS / "live"
SIZES = {"JOB_BYTES": "300000", "REPOSITORY_BYTES": "200000"}
WAIT = ("--wait", "120 s")

# One worker starts each server once.
pytestmark = pytest.mark.xdist_group("live")

_OTHERS = [v for v in SUPPORTED if v != NEWEST]


@pytest.fixture(
    scope="module",
    params=[NEWEST, *(pytest.param(v, marks=pytest.mark.matrix) for v in _OTHERS)],
    ids=str,
)
def python(request: pytest.FixtureRequest, dagster_python: Callable[..., Path]) -> Path:
    """An interpreter with each supported Dagster."""
    return dagster_python(request.param)


@pytest.fixture(scope="module")
def local(python: Path) -> Any:
    """The location as it is measured from its code."""
    whole = measure_json("-f", "definitions.py", "--python", python, cwd=PROJECT, env=SIZES)
    return whole["locations"][0]


@pytest.fixture(scope="module")
def server(python: Path) -> Iterator[StartedServer]:
    with code_server(python, PROJECT, **SIZES) as server:
        yield server


def asked(python: Path, server: StartedServer, *flags: str) -> Any:
    """What ``measure --server`` says of a server."""
    where = ("--server", server.address, "--python", python)
    (location,) = measure_json(*where, *WAIT, *flags, cwd=PROJECT)["locations"]
    return location


def by_name(location: Any) -> dict[str, Any]:
    """The snapshots without what depends on the location's name, the time and the limits."""
    own = ("id", "reply_seconds", "budget_bytes", "budget_source", "limits")
    return {
        snapshot["name"]: {key: value for key, value in snapshot.items() if key not in own}
        for snapshot in location["snapshots"]
    }


def test_a_running_server_has_the_sizes_and_owners_of_its_code(
    python: Path, local: Any, server: StartedServer
) -> None:
    location = asked(python, server)

    assert by_name(location) == by_name(local)
    assert len(location["snapshots"]) == 4
    parts = ("key", "total_bytes", "exclusive_bytes", "shared_bytes", "dangling_bytes", "fields")
    for one, other in zip(location["assets"], local["assets"], strict=True):
        assert {k: one[k] for k in parts} == {k: other[k] for k in parts}
        assert one["location"] is None
    facts = location["server"]
    assert facts.pop("server_id")
    wire = max(snapshot["wire_bytes"] for snapshot in local["snapshots"])
    assert facts == {
        "address": server.address,
        "send_limit_bytes": None,
        "send_limit_source": None,
        "largest_reply_bytes": wire,
    }
    assert location["dagster_version"] == local["dagster_version"]
    assert local["server"] is None
