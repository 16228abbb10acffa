"""Limits of a real environment: variables, .env, settings, instance, and what they judge."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.command import Result, lines, measure_json, snapsize

Python = Callable[..., Path]

RX, SEND = "DAGSTER_GRPC_MAX_RX_BYTES", "DAGSTER_GRPC_MAX_SEND_BYTES"
TIMEOUT = "DAGSTER_GRPC_TIMEOUT_SECONDS"
STARTUP = "code_servers.local_startup_timeout"
SECRET = "correct-horse-battery"


@pytest.fixture
def shop(tmp_path: Path, dagster_python: Python) -> Path:
    """A project of one asset."""
    write_project(tmp_path, dagster_python())
    return tmp_path


def write_project(folder: Path, python: Path, settings: str = "") -> None:
    (folder / "definitions.py").write_text(
        "import dagster as dg\n\n@dg.asset\ndef orders(): ...\n\n"
        "defs = dg.Definitions(assets=[orders])\n"
    )
    text = f"python = {json.dumps(str(python))}\n{settings}"
    (folder / "snapsize.toml").write_text(text)


def limits(folder: Path, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Value and source of every setting, by its name."""
    found = snapsize("limits", "--format", "json", cwd=folder, env=env)
    assert found.status == 0, found.stderr
    (location,) = found.json["locations"]
    return {s["name"]: (s["value"], s["source"]) for s in location["settings"]}


def test_settings_win_over_env_file_and_env_file_over_the_environment(
    shop: Path, dagster_python: Python, tmp_path: Path
) -> None:
    env = {
        RX: "1",
        SEND: "2",
        "DAGSTER_REPOSITORY_GRPC_TIMEOUT_SECONDS": "3",
        "DAGSTER_CLOUD_USE_STREAMING_EXTERNAL_REPOSITORY": "false",
    }
    (shop / ".env").write_text(
        f"export {RX}='200000000' # why\nthis is no binding\n{SEND}=\"4\"\n{TIMEOUT}=300\n"
    )
    write_project(shop, dagster_python(), f'[env]\n{SEND} = "300000000"\n')
    found = limits(shop, env)
    assert found[RX] == (200_000_000, ".env")
    assert found[SEND] == (300_000_000, "[tool.dagster-snapsize.env]")
    assert found[TIMEOUT] == (300, ".env")
    assert found["DAGSTER_REPOSITORY_GRPC_TIMEOUT_SECONDS"] == (3, "the environment")
    for follower in ("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "DAGSTER_GRPC_SHUTDOWN_GRACE_PERIOD"):
        assert found[follower][0] == 300
        assert TIMEOUT in found[follower][1]
    # Dagster+ agents take any text for on, "false" too.
    streaming = "DAGSTER_CLOUD_USE_STREAMING_EXTERNAL_REPOSITORY"
    assert found[streaming] == (True, "the environment")


def test_defaults_are_those_of_the_projects_own_dagster(shop: Path, dagster_python: Python) -> None:
    new = limits(shop)
    assert new[RX] == new[SEND] == (100_000_000, "Dagster's default")
    assert new[TIMEOUT] == (60, "Dagster's default")
    assert new["DAGSTER_REPOSITORY_GRPC_TIMEOUT_SECONDS"][0] == 180
    assert new[STARTUP] == (180, "Dagster's default")
    assert new["Dagster+ snapshot limit"][0] is None
    write_project(shop, dagster_python("1.8.13"), "dagster-plus = true\n")
    old = limits(shop)
    assert old[RX] == old[SEND] == (50_000_000, "Dagster's default")
    assert old["Dagster+ snapshot limit"] == (
        130_000_000,
        "[tool.dagster-snapsize] dagster-plus",
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "code_servers:\n  local_startup_timeout: {env: X}\n",
            "dagster.yaml:2: .*takes no {env: NAME}",
        ),
        ("code_servers:\n  local_startup_timeot: 5\n", "dagster.yaml:2: unknown key `local_star"),
        ("run_queue: [\n", "dagster.yaml:2: dagster.yaml is not valid YAML"),
    ],
)
def test_an_instance_that_dagster_refuses_is_an_error(
    content: str, said: str, shop: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").write_text(content)
    env = {"DAGSTER_HOME": str(home)}
    for command in ("limits", "check"):
        found = snapsize(command, cwd=shop, env=env)
        assert found.status == 2
        assert_says(found, said)


def assert_says(found: Result, said: str) -> None:
    errors = [line for line in lines(found.stdout + found.stderr) if "error: " in line]
    assert len(errors) == 1, errors
    assert re.search(said.replace("{", r"\{"), errors[0]), errors
    assert "Traceback" not in found.stderr


def test_the_instance_is_asked_and_one_that_is_gone_is_named(
    shop: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").write_text("code_servers:\n  local_startup_timeout: 7\n")
    found = limits(shop, {"DAGSTER_HOME": str(home)})
    assert found[STARTUP] == (7, f"{home / 'dagster.yaml'}:2")
    gone = limits(shop, {"DAGSTER_HOME": str(home / "gone")})
    note = f"DAGSTER_HOME is {home / 'gone'}, which is not a folder"
    assert gone[STARTUP] == (180, f"Dagster's default ({note})")
    assert list(home.iterdir()) == [home / "dagster.yaml"]


@pytest.mark.parametrize("where", ["environment", ".env", "settings"])
@pytest.mark.parametrize("name", [RX, TIMEOUT])
def test_a_value_that_is_no_number_is_an_error_with_its_place(
    name: str, where: str, shop: Path, dagster_python: Python
) -> None:
    env = {name: "100 MB"} if where == "environment" else {}
    if where == ".env":
        (shop / ".env").write_text(f"{name}=100 MB\n")
    if where == "settings":
        write_project(shop, dagster_python(), f'[env]\n{name} = "100 MB"\n')
    place = {"environment": "the environment", "settings": "[tool.dagster-snapsize.env]"}
    command = "limits" if name == RX else "check"
    found = snapsize(command, cwd=shop, env=env)
    assert found.status == 2
    said = f'{name} is "100 MB" in {place.get(where, where)}, which is not a whole number'
    assert said in found.stdout + found.stderr
    assert "Traceback" not in found.stderr


def test_a_limit_judges_the_reply_to_the_byte(shop: Path) -> None:
    (location,) = measure_json(cwd=shop)["locations"]
    sizes = {s["kind"]: s["wire_bytes"] for s in location["snapshots"]}
    assert sizes["job"] > sizes["repository"]
    exact = str(sizes["job"])
    passes = snapsize("check", cwd=shop, env={RX: exact, SEND: exact})
    assert passes.status == 0
    assert passes.stdout.count("[snapshot-near-budget]") == 1
    assert "warning: Job __ASSET_JOB at 100 % of " in passes.stdout
    less = str(sizes["job"] - 1)
    fails = snapsize("check", "--format", "json", cwd=shop, env={RX: exact, SEND: less})
    assert fails.status == fails.json["exit_status"] == 1
    over, mismatch = fails.json["findings"]
    assert (over["rule"], over["severity"]) == ("snapshot-over-budget", "error")
    assert over["bytes"] == int(exact) and over["budget_bytes"] == int(less)
    assert f"({SEND}, the environment)" in over["details"]
    assert over["location"] == {"path": "definitions.py", "line": 6}
    assert (mismatch["rule"], mismatch["severity"]) == ("grpc-limit-mismatch", "warning")
    assert f"{RX} is {int(exact):,}" in mismatch["message"]


def test_a_dagster_plus_deployment_has_a_limit_of_what_is_stored(shop: Path) -> None:
    (shop / "dagster_cloud.yaml").write_text(
        "locations:\n  - location_name: deployed\n    code_source:\n"
        "      python_file: definitions.py\n"
    )
    raised = {RX: "2000000000", SEND: "2000000000"}
    (location,) = measure_json(cwd=shop, env=raised)["locations"]
    assert location["name"] == "deployed"
    for snapshot in location["snapshots"]:
        assert (snapshot["budget_bytes"], snapshot["budget_source"]) == (
            130_000_000,
            "dagster_cloud.yaml",
        )
        judges = {limit["name"]: limit["judges"] for limit in snapshot["limits"]}
        assert judges == {RX: "wire", SEND: "wire", "Dagster+ snapshot limit": "stored"}


def test_the_env_file_reaches_the_definitions_and_its_secrets_no_output(
    shop: Path, dagster_python: Python
) -> None:
    (shop / ".env").write_text(
        f"VAULT='{SECRET}'\nDAGSTER_CLOUD_API_TOKEN=agent:{SECRET}\nOVERRULED={SECRET}\n"
    )
    write_project(shop, dagster_python(), '[env]\nOVERRULED = "by the settings"\n')
    source = (shop / "definitions.py").read_text()
    (shop / "definitions.py").write_text(
        "import os\nassert os.environ['VAULT'].startswith('correct-')\n"
        f"assert os.environ['OVERRULED'] == 'by the settings'\n{source}"
    )
    outputs = [
        snapsize(*command, cwd=shop)
        for command in (
            ["measure", "--format", "json"],
            ["limits", "--format", "json"],
            ["explain", "orders"],
        )
    ]
    (shop / "definitions.py").write_text(
        "import os\nraise RuntimeError(len(os.environ['VAULT']))\n"
    )
    failed = snapsize("check", cwd=shop)
    assert [o.status for o in (*outputs, failed)] == [0, 0, 0, 3], outputs[0].stdout
    for output in (*outputs, failed):
        assert SECRET not in output.stdout + output.stderr


def test_an_env_file_that_dagster_cannot_read_is_an_error(shop: Path) -> None:
    (shop / ".env").write_bytes("NAME=größe\n".encode("latin-1"))
    for command in ("check", "limits"):
        found = snapsize(command, cwd=shop)
        assert (found.status, found.stdout) == (2, "")
        (first, *_) = found.stderr.splitlines()
        assert re.search(r"\.env.* error: |^error: .*\.env", first) and "cannot be read" in first
