"""Running code servers are measured as exactly as the code that they run, and nothing is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import PROJECTS
from support.code_servers import SEND, StartedServer, code_server
from support.command import measure_json, snapsize
from support.environments import NEWEST, SUPPORTED

PROJECT = PROJECTS / "live"
SIZES = {"JOB_BYTES": "4500000", "REPOSITORY_BYTES": "200000"}
WAIT = ("--wait", "120 s")


def _version(version: str) -> Any:
    # One worker starts each server once.
    marks = [pytest.mark.xdist_group(f"live {version}")]
    if version != NEWEST:
        marks.append(pytest.mark.matrix)
    return pytest.param(version, marks=marks)


@pytest.fixture(scope="module", params=map(_version, SUPPORTED), ids=str)
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


@pytest.fixture(scope="module")
def tight(python: Path, local: Any) -> Iterator[StartedServer]:
    """A server that may send all but the largest job, which is one byte too large."""
    limit = by_name(local)["heavy"]["wire_bytes"] - 1
    with code_server(python, PROJECT, **SIZES, **{SEND: str(limit)}) as server:
        yield server


def test_a_refused_job_has_its_exact_size_and_nothing_else(
    python: Path, local: Any, tight: StartedServer
) -> None:
    location = asked(python, tight)

    expected = by_name(local)
    size = expected["heavy"]["wire_bytes"]
    unknown = dict.fromkeys(("stored_bytes", "compressed_bytes", "snapshot_id"))
    expected["heavy"].update(unknown, measured_by="refusal", owners=[])
    assert by_name(location) == expected
    assert location["server"]["send_limit_bytes"] == size - 1
    assert location["server"]["send_limit_source"] == "it refused job heavy"
    limits = [limit for s in location["snapshots"] if s["kind"] == "job" for limit in s["limits"]]
    assert {(limit["name"], limit["bytes"]) for limit in limits} == {(SEND, size - 1)}


def test_a_check_of_a_server_that_refuses_a_job_fails(
    python: Path, local: Any, tight: StartedServer
) -> None:
    result = snapsize("check", "--server", tight.address, "--python", python, *WAIT, cwd=PROJECT)

    assert result.status == 1
    size = by_name(local)["heavy"]["wire_bytes"]
    assert f"{size:,} of {size - 1:,} bytes on the wire" in result.stdout
    assert "the server refuses to send it" in result.stdout


def test_what_was_refused_is_said_where_sums_are_without_it(
    python: Path, tight: StartedServer
) -> None:
    ask = ("--server", tight.address, "--python", python, *WAIT)
    result = snapsize("explain", "job heavy", *ask, cwd=PROJECT)

    assert result.status == 0, result.stderr
    assert "sums are without what servers refused to send: job heavy" in result.stdout


def test_inline_jobs_give_a_refused_job_its_owners(
    python: Path, local: Any, tight: StartedServer
) -> None:
    location = asked(python, tight, "--inline-jobs")

    assert by_name(location) == by_name(local)
    assert location["server"]["send_limit_source"] == "it refused job heavy"


def test_a_limit_below_one_piece_of_a_repository_tells_the_size_of_the_whole(
    python: Path, local: Any
) -> None:
    # The first piece passes, as its number 0 takes no bytes, and the second does not.
    sizes = {**SIZES, "REPOSITORY_BYTES": "8100000", SEND: "4000006"}
    with code_server(python, PROJECT, **sizes) as server:
        location = asked(python, server, "--inline-jobs")

    repository = by_name(location)["__repository__"]
    stored = by_name(local)["__repository__"]["stored_bytes"] + 8_100_000 - 200_000
    assert repository["wire_bytes"] == stored + 5
    assert repository["measured_by"] == "refusal"
    assert location["server"]["send_limit_bytes"] == 4_000_006


def test_a_diff_with_what_is_deployed_is_exact_to_the_byte(
    python: Path, local: Any, server: StartedServer
) -> None:
    larger = {**SIZES, "REPOSITORY_BYTES": "201000"}
    ask = ("--server", server.address, *WAIT, "-f", "definitions.py", "--python", python)
    result = snapsize("diff", "--format", "json", *ask, cwd=PROJECT, env=larger)

    assert result.status == 0, result.stderr
    assert result.json["old"]["label"] == server.address
    (location,) = result.json["locations"]
    assert location["stored"]["difference_bytes"] == 1000
    (owner,) = location["owners"]
    assert (owner["kind"], owner["name"], owner["difference_bytes"]) == (
        "schedule",
        "nightly",
        1000,
    )


def test_servers_of_a_workspace_are_measured_with_live_alone(
    python: Path, local: Any, server: StartedServer, tmp_path: Path
) -> None:
    entry = f"grpc_server: {{socket: {server.socket}, location_name: deployed}}"
    (tmp_path / "workspace.yaml").write_text(f"load_from:\n  - {entry}\n")
    skipped = snapsize("check", "--python", python, cwd=tmp_path)
    whole = measure_json("--live", "--python", python, *WAIT, cwd=tmp_path)

    assert skipped.status == 2
    assert "deployed is a running gRPC server and was skipped: measure it" in skipped.stderr
    (location,) = whole["locations"]
    assert location["name"] == "deployed"
    assert location["target"] == {"grpc_server": server.address}
    assert by_name(location) == by_name(local)


def test_the_budgets_and_the_server_are_those_of_the_project(
    python: Path, local: Any, server: StartedServer, tmp_path: Path
) -> None:
    (tmp_path / "snapsize.toml").write_text(
        f'python = "{python}"\n[budget]\njob = "4 MB"\n[server]\naddress = "{server.address}"\n'
    )
    result = snapsize("check", "--live", *WAIT, cwd=tmp_path)

    assert result.status == 1
    wire = by_name(local)["heavy"]["wire_bytes"]
    assert f"{wire:,} of 4,000,000 bytes on the wire" in result.stdout


@pytest.mark.matrix
def test_all_that_dagster_can_define_is_measured_alike(python: Path) -> None:
    target, folder = ("-m", "everything.definitions"), PROJECTS / "everything"
    with code_server(python, folder, target=target) as server:
        from_code = measure_json(*target, "--python", python, cwd=folder)["locations"][0]
        location = asked(python, server)

    assert by_name(location) == by_name(from_code)
    totals = [
        {asset["key"]: asset["total_bytes"] for asset in one["assets"]}
        for one in (location, from_code)
    ]
    assert totals[0] == totals[1] and len(totals[0]) > 50
