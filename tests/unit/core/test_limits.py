"""The cascade of limits and timeouts, with where each value came from."""

from __future__ import annotations

import pytest

from dagster_snapsize.core.limits import (
    InstanceSettings,
    InstanceStorage,
    InstanceValue,
    Layer,
    StorageName,
    effective_environment,
    problems,
    server_environment,
)
from dagster_snapsize.core.model import Environment, Setting
from support.measurements import DEFAULTS


def environment(
    variables: dict[str, str] | None = None,
    *,
    dotenv: dict[str, str] | None = None,
    configured: dict[str, str] | None = None,
    instance: InstanceSettings | None = None,
    dagster_plus: str | None = None,
    defaults: dict[str, int | None] | None = None,
) -> Environment:
    layers = [
        Layer("the environment", variables or {}),
        Layer(".env", dotenv or {}),
        Layer("[tool.dagster-snapsize.env]", configured or {}),
    ]
    return effective_environment(
        defaults or DEFAULTS, layers, instance or InstanceSettings(), dagster_plus
    )


def setting(found: Environment, name: str) -> Setting:
    result = found.setting(name)
    assert result is not None
    return result


def test_without_any_variable_everything_is_dagsters_default() -> None:
    found = environment()
    values = {s.name: s.value for s in found.settings}
    assert values == {
        "DAGSTER_GRPC_MAX_RX_BYTES": 100_000_000,
        "DAGSTER_GRPC_MAX_SEND_BYTES": 100_000_000,
        "DAGSTER_GRPC_TIMEOUT_SECONDS": 60,
        "DAGSTER_REPOSITORY_GRPC_TIMEOUT_SECONDS": 180,
        "DAGSTER_SCHEDULE_GRPC_TIMEOUT_SECONDS": 60,
        "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": 60,
        "DAGSTER_GRPC_SHUTDOWN_GRACE_PERIOD": 60,
        "code_servers.local_startup_timeout": 180,
        "code_servers.reload_timeout": 180,
        "code_servers.wait_for_local_processes_on_shutdown": False,
        "Dagster+ snapshot limit": None,
        "instance storage": None,
        "DAGSTER_CLOUD_USE_STREAMING_EXTERNAL_REPOSITORY": False,
        "DAGSTER_CLOUD_EXTERNAL_JOB_GRPC_TIMEOUT": 180,
    }
    rx = setting(found, "DAGSTER_GRPC_MAX_RX_BYTES")
    assert rx.source == "Dagster's default"
    assert [(x.name, x.judges, x.bytes) for x in found.repository_limits] == [
        ("DAGSTER_GRPC_MAX_RX_BYTES", "wire", 100_000_000),
        ("DAGSTER_GRPC_MAX_SEND_BYTES", "wire", 100_000_000),
    ]
    assert found.job_limits == found.repository_limits
    assert problems(found) == ()


def test_an_older_dagster_has_its_own_numbers() -> None:
    old = {**DEFAULTS, "max_rx_bytes": 50_000_000, "max_send_bytes": None}
    found = environment(defaults=old)
    assert [(x.name, x.bytes) for x in found.job_limits] == [
        ("DAGSTER_GRPC_MAX_RX_BYTES", 50_000_000)
    ]
    assert setting(found, "DAGSTER_GRPC_MAX_SEND_BYTES").value is None


def test_later_layers_win_and_are_named() -> None:
    name = "DAGSTER_GRPC_MAX_RX_BYTES"
    found = environment({name: "1"}, dotenv={name: "2"})
    assert (setting(found, name).value, setting(found, name).source) == (2, ".env")
    found = environment({name: "1"}, dotenv={name: "2"}, configured={name: "3"})
    assert setting(found, name).value == 3
    assert setting(found, name).source == "[tool.dagster-snapsize.env]"
    assert found.repository_limits[0].source == "[tool.dagster-snapsize.env]"


def test_the_repository_timeout_follows_the_grpc_timeout_upwards_only() -> None:
    name = "DAGSTER_REPOSITORY_GRPC_TIMEOUT_SECONDS"
    higher = setting(environment({"DAGSTER_GRPC_TIMEOUT_SECONDS": "300"}), name)
    assert higher.value == 300
    assert higher.source == "Dagster's default: max(180, DAGSTER_GRPC_TIMEOUT_SECONDS)"
    assert setting(environment({"DAGSTER_GRPC_TIMEOUT_SECONDS": "30"}), name).value == 180
    both = {"DAGSTER_GRPC_TIMEOUT_SECONDS": "300", name: "90"}
    assert setting(environment(both), name).value == 90


def test_the_grace_period_is_the_longest_of_three() -> None:
    name = "DAGSTER_GRPC_SHUTDOWN_GRACE_PERIOD"
    found = environment({"DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": "240"})
    assert setting(found, name).value == 240
    assert setting(found, "DAGSTER_SCHEDULE_GRPC_TIMEOUT_SECONDS").value == 60
    found = environment({"DAGSTER_GRPC_TIMEOUT_SECONDS": "90"})
    assert setting(found, name).value == 90
    assert setting(found, "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS").value == 90


def test_an_empty_value_is_as_good_as_none_in_dagster() -> None:
    found = environment({"DAGSTER_GRPC_TIMEOUT_SECONDS": ""})
    grpc = setting(found, "DAGSTER_GRPC_TIMEOUT_SECONDS")
    assert grpc.value == 60
    assert grpc.source == "Dagster's default (empty in the environment)"


def test_numbers_are_read_as_dagster_reads_them() -> None:
    name = "DAGSTER_GRPC_MAX_RX_BYTES"
    assert setting(environment({name: " 1_000 "}), name).value == 1000
    for text in ("100 MB", "1e8", "100000000.0"):
        found = environment({name: text})
        [problem] = problems(found)
        assert f'{name} is "{text}" in the environment' in problem
        assert "not a whole number of bytes" in problem
        assert setting(found, name).value is None
        # What Dagster takes by itself still judges.
        assert found.job_limits[0].bytes == 100_000_000


def test_more_than_grpc_takes_is_a_problem_and_minus_one_is_no_limit() -> None:
    name = "DAGSTER_GRPC_MAX_RX_BYTES"
    [problem] = problems(environment({name: "3000000000"}))
    assert "more than gRPC takes" in problem
    unlimited = environment({name: "-1"})
    assert problems(unlimited) == ()
    assert unlimited.job_limits[0].bytes == 2_147_483_647
    assert "no limit but protobuf's own" in unlimited.job_limits[0].source


def test_dagster_plus_judges_what_is_stored() -> None:
    found = environment(dagster_plus="dagster_cloud.yaml")
    for limits in (found.repository_limits, found.job_limits):
        [plus] = [x for x in limits if x.judges == "stored"]
        assert (plus.name, plus.bytes) == ("Dagster+ snapshot limit", 130_000_000)
        assert plus.source == "dagster_cloud.yaml"
    assert setting(found, "Dagster+ snapshot limit").value == 130_000_000


def test_a_streaming_agent_lifts_the_grpc_limit_of_repositories_alone() -> None:
    name = "DAGSTER_CLOUD_USE_STREAMING_EXTERNAL_REPOSITORY"
    found = environment({name: "false"})  # any value turns it on
    assert setting(found, name).value is True
    assert [(x.judges, x.bytes) for x in found.repository_limits] == [("stored", 130_000_000)]
    assert [x.judges for x in found.job_limits] == ["wire", "wire", "stored"]
    assert setting(environment({name: ""}), name).value is False


def test_the_agent_trips_over_an_empty_timeout() -> None:
    name = "DAGSTER_CLOUD_EXTERNAL_JOB_GRPC_TIMEOUT"
    assert setting(environment({name: "600"}), name).value == 600
    assert len(problems(environment({name: ""}))) == 1


def test_the_instance_is_heard() -> None:
    found = environment(
        instance=InstanceSettings(
            local_startup_timeout=InstanceValue(300, "/home/dagster.yaml:3"),
            reload_timeout=InstanceValue(None, "/home/dagster.yaml:4", "not so"),
        )
    )
    startup = setting(found, "code_servers.local_startup_timeout")
    assert (startup.value, startup.source) == (300, "/home/dagster.yaml:3")
    assert problems(found) == ("not so",)
    broken = environment(instance=InstanceSettings(source="/h/dagster.yaml", problem="no YAML"))
    assert problems(broken) == ("no YAML",)


@pytest.mark.parametrize(
    ("version", "judged"),
    [
        ("1.8.13", False),
        ("1.11.14", False),
        ("1.11.15", True),
        ("1.13.28", True),
        ("1!0+dev", True),
    ],
)
def test_a_dagster_that_asks_in_chunks_has_no_grpc_limit_for_repositories(
    version: str, judged: bool
) -> None:
    found = effective_environment(DEFAULTS, [], InstanceSettings(), None, version)
    assert bool(found.repository_limits) is judged
    assert found.job_limits
    assert (found.setting("repositories in chunks") is None) is judged


@pytest.mark.parametrize(
    ("named", "limit", "shown", "applies"),
    [
        (None, None, ("instance storage", None), None),
        ("mysql", None, ("instance storage (mysql)", 65_535), 65_535),
        ("mysql", 16_000_000, ("instance storage (mysql)", 16_000_000), 16_000_000),
        ("postgres", None, ("instance storage (postgres)", None), None),
        ("sqlite", 16_000_000, ("instance storage (sqlite)", None), None),
    ],
)
def test_only_mysql_limits_what_an_instance_stores(
    named: StorageName | None,
    limit: int | None,
    shown: tuple[str, int | None],
    applies: int | None,
) -> None:
    instance = InstanceSettings(storage=InstanceStorage(named, "here") if named else None)
    found = effective_environment(DEFAULTS, [], instance, None, storage_limit=limit)
    assert setting(found, shown[0]).value == shown[1]
    compressed = [x.bytes for x in found.job_limits if x.judges == "compressed"]
    assert compressed == ([applies] if applies else [])
    assert all(x.judges != "compressed" for x in found.repository_limits)


def test_the_configuration_says_more_than_the_instance_of_this_machine() -> None:
    here = InstanceSettings(storage=InstanceStorage("sqlite", "dagster.yaml:1"))
    deployed = InstanceStorage("mysql", "the configuration")
    found = effective_environment(DEFAULTS, [], here, None, storage=deployed)
    assert setting(found, "instance storage (mysql)").source == "the configuration"


def test_what_stores_the_runs_of_a_live_server_is_known_from_the_configuration() -> None:
    deployed = InstanceStorage("mysql", "the configuration")
    found = server_environment(None, "not known", None, "1.13.28", deployed)
    (limit,) = found.job_limits
    assert (limit.judges, limit.bytes, limit.source) == ("compressed", 65_535, "the configuration")
    assert server_environment(None, "not known", None, "1.13.28").job_limits == ()
