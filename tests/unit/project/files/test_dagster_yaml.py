"""``$DAGSTER_HOME/dagster.yaml``: values with their lines, and what Dagster refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_snapsize.core.limits import InstanceSettings
from dagster_snapsize.project.files.dagster_yaml import read_instance


def read(folder: Path, text: str) -> InstanceSettings:
    (folder / "dagster.yaml").write_text(text)
    return read_instance(str(folder))


def test_without_an_instance_nothing_is_said(tmp_path: Path) -> None:
    assert read_instance(None) == InstanceSettings()
    assert read_instance("") == InstanceSettings()
    assert read_instance(str(tmp_path)) == InstanceSettings()
    gone = tmp_path / "gone"
    note = f"DAGSTER_HOME is {gone}, which is not a folder"
    assert read_instance(str(gone)) == InstanceSettings(note=note)
    assert read(tmp_path, "") == InstanceSettings()
    assert read(tmp_path, "telemetry: {enabled: false}\n").problem is None


def test_values_come_with_their_lines(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "# an instance\ncode_servers:\n  local_startup_timeout: 300\n  reload_timeout: 240\n"
        "  wait_for_local_processes_on_shutdown: yes\n",
    )
    path = tmp_path / "dagster.yaml"
    assert found.problem is None
    startup, wait = found.local_startup_timeout, found.wait_for_local_processes_on_shutdown
    assert startup is not None and (startup.value, startup.source) == (300, f"{path}:3")
    assert found.reload_timeout is not None and found.reload_timeout.value == 240
    assert wait is not None and wait.value is True  # YAML 1.1, as Dagster reads it


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            "{env: STARTUP}",
            '{"env": "STARTUP"} is not a whole number of seconds, like 180; Dagster',
        ),
        ("'300'", '"300" is not a whole number of seconds, like 180'),
        ("300 s", '"300 s" is not a whole number'),
        ("3.5", "3.5 is not a whole number"),
        ("true", "true is not a whole number"),
        ("", "null is not a whole number"),
        ("[1]", "[1] is not a whole number"),
    ],
)
def test_what_is_no_number_is_a_problem_with_its_line(
    tmp_path: Path, value: str, said: str
) -> None:
    found = read(tmp_path, f"code_servers:\n  local_startup_timeout: {value}\n")
    startup = found.local_startup_timeout
    assert startup is not None and startup.value is None and startup.problem is not None
    assert startup.problem.startswith(f"{tmp_path / 'dagster.yaml'}:2: ")
    assert f"`code_servers.local_startup_timeout`: {said}" in startup.problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code_servers: [\n", ":2: dagster.yaml is not valid YAML"),
        ("a: 1\n b: 2\n", ":2: dagster.yaml is not valid YAML"),
        ("- a\n", ":1: dagster.yaml is not a mapping"),
        ("\ncode_servers: 3\n", ":2: `code_servers` is not a mapping"),
        ("code_servers:\n  startup: 3\n", ":2: unknown key `startup` in `code_servers`"),
    ],
)
def test_a_file_that_dagster_refuses_is_a_problem(tmp_path: Path, text: str, said: str) -> None:
    problem = read(tmp_path, text).problem
    assert problem is not None and said in problem


def test_a_folder_called_dagster_yaml_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").mkdir()
    problem = read_instance(str(tmp_path)).problem
    assert problem is not None and "is a folder" in problem


@pytest.mark.parametrize(
    ("text", "name", "source"),
    [
        ("storage:\n  mysql:\n    mysql_url: {env: SECRET}\n", "mysql", ":1"),
        ("telemetry: {}\nstorage:\n  postgres: {postgres_db: {}}\n", "postgres", ":2"),
        ("storage: {sqlite: {base_dir: /x}}\n", "sqlite", ":1"),
        (
            "storage:\n  custom: {module: dagster_mysql, class: DagsterMySQLStorage}\n",
            "mysql",
            ":1",
        ),
        (
            "run_storage: {module: dagster_mysql.run_storage, class: MySQLRunStorage}\n",
            "mysql",
            ":1",
        ),
        ("run_storage: {module: dagster_postgres, class: PostgresRunStorage}\n", "postgres", ":1"),
        ("storage:\n  custom: {module: ours, class: Store}\n", None, ":1: ours.Store"),
        ("storage: {custom: {module: {env: SECRET}}}\n", None, ":1: custom"),
    ],
)
def test_the_storage_is_known_by_its_name(
    tmp_path: Path, text: str, name: str | None, source: str
) -> None:
    found = read(tmp_path, text).storage
    assert found is not None
    assert (found.name, found.source) == (name, f"{tmp_path / 'dagster.yaml'}{source}")


@pytest.mark.parametrize("text", ["storage:\n", "storage: []\n", "run_storage: 5\n", "x: 1\n"])
def test_a_storage_that_is_not_named_is_not_known(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).storage is None


def test_the_storage_is_known_where_the_code_servers_are_wrong(tmp_path: Path) -> None:
    found = read(tmp_path, "storage: {mysql: {}}\ncode_servers: 5\n")
    assert found.problem and found.storage and found.storage.name == "mysql"
