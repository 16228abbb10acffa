"""What is said of limits, locations, .env files and manifests, held against Dagster and dbt."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagster_snapsize.core.limits import InstanceSettings, Layer, effective_environment
from dagster_snapsize.project.dbt import stale_inputs
from dagster_snapsize.project.discovery import Flags
from dagster_snapsize.project.dotenv import read_dotenv
from dagster_snapsize.project.locations import find_locations
from support.environments import NEWEST
from support.versions import every_version

FUNCTIONS = {
    "max_rx_bytes": "DAGSTER_GRPC_MAX_RX_BYTES",
    "max_send_bytes": "DAGSTER_GRPC_MAX_SEND_BYTES",
    "default_grpc_timeout": "DAGSTER_GRPC_TIMEOUT_SECONDS",
    "default_repository_grpc_timeout": "DAGSTER_REPOSITORY_GRPC_TIMEOUT_SECONDS",
    "default_schedule_grpc_timeout": "DAGSTER_SCHEDULE_GRPC_TIMEOUT_SECONDS",
    "default_sensor_grpc_timeout": "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS",
    "default_grpc_server_shutdown_grace_period": "DAGSTER_GRPC_SHUTDOWN_GRACE_PERIOD",
}
ENVIRONMENTS: list[dict[str, str]] = [
    {},
    {"DAGSTER_GRPC_TIMEOUT_SECONDS": "300"},
    {"DAGSTER_GRPC_TIMEOUT_SECONDS": "30"},
    {"DAGSTER_GRPC_TIMEOUT_SECONDS": "", "DAGSTER_GRPC_MAX_RX_BYTES": ""},
    {"DAGSTER_REPOSITORY_GRPC_TIMEOUT_SECONDS": "20", "DAGSTER_GRPC_TIMEOUT_SECONDS": "90"},
    {"DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": "400", "DAGSTER_GRPC_MAX_SEND_BYTES": " 1_000 "},
    {"DAGSTER_SCHEDULE_GRPC_TIMEOUT_SECONDS": "10", "DAGSTER_GRPC_SHUTDOWN_GRACE_PERIOD": "7"},
]
ASK = """
import json, os, sys
from dagster._grpc import utils
answers = []
for variables in json.loads(sys.argv[2]):
    for name in [n for n in os.environ if n.startswith("DAGSTER_")]:
        del os.environ[name]
    os.environ.update(variables)
    answers.append({name: getattr(utils, name)() for name in json.loads(sys.argv[1])})
print(json.dumps(answers))
"""


def ask(python: Path, program: str, *arguments: str, cwd: Path | None = None) -> Any:
    done = subprocess.run(
        [str(python), "-c", program, *arguments], capture_output=True, text=True, cwd=cwd
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "version",
    every_version(always=[NEWEST]),
)
def test_the_cascade_is_dagsters_own(dagster_python: Callable[[str], Path], version: str) -> None:
    python = dagster_python(version)
    answers = ask(python, ASK, json.dumps(list(FUNCTIONS)), json.dumps(ENVIRONMENTS))
    defaults = {**answers[0], "local_startup_timeout": 180}
    for variables, answer in zip(ENVIRONMENTS, answers, strict=True):
        layers = [Layer("the environment", variables)]
        found = effective_environment(defaults, layers, InstanceSettings(), None)
        values = {s.name: s.value for s in found.settings}
        assert {f: values[name] for f, name in FUNCTIONS.items()} == answer, variables


NAMES = """
import json, sys
from dagster._core.workspace.load import location_origins_from_yaml_paths
print(json.dumps([
    [o.location_name, *[getattr(o.loadable_target_origin, k) for k in json.loads(sys.argv[1])]]
    for o in location_origins_from_yaml_paths([sys.argv[2]])
]))
"""
WORKSPACE = """
load_from:
  - python_file: a/repo.py
  - python_file: {relative_path: a/repo.py, attribute: defs, working_directory: a}
  - python_file: {relative_path: a/repo.py, location_name: named, executable_path: ~/bin/python}
  - python_module: shop.definitions
  - python_module: {module_name: shop.more, attribute: defs, working_directory: /srv}
  - python_package: shop
  - autoload_defs_module: {module_name: shop.defs}
"""


def test_locations_of_a_workspace_are_dagsters(
    dagster_python: Callable[[], Path], tmp_path: Path
) -> None:
    (tmp_path / "ws/a").mkdir(parents=True)
    (tmp_path / "ws/a/repo.py").touch()
    (tmp_path / "ws/workspace.yaml").write_text(WORKSPACE)
    kinds = ["python_file", "module_name", "package_name", "autoload_defs_module_name", "attribute"]
    keys = [*kinds, "working_directory", "executable_path"]
    # Absolute: of a relative path to a folder below, Dagster appends the folder twice.
    path = str(tmp_path / "ws/workspace.yaml")
    theirs = ask(dagster_python(), NAMES, json.dumps(keys), path, cwd=tmp_path)
    found = find_locations(tmp_path, Flags(workspace=("ws/workspace.yaml",)), {})
    ours = [
        [
            location.name,
            *(location.target.get(kind) for kind in kinds),
            str(location.working_directory),
            location.executable_path,
        ]
        for location in found.locations
    ]
    # Where Dagster sets no working directory it is the one that it runs in.
    directory = 1 + keys.index("working_directory")
    for location in theirs:
        location[directory] = location[directory] or str(tmp_path)
    assert ours == theirs


DOTENV = r"""
# a comment
PLAIN=value
export EXPORTED=yes   # why
SPACED = a b c
EMPTY=
HASH=#not-a-comment
COMMENT= # nothing
SINGLE='a \'b\' ${PLAIN} \n'
DOUBLE="a \"b\"\n${PLAIN}" # why
LINES="one
two"
EXPANDED=${PLAIN}-${GONE:-default}-${GONE}-${OUTSIDE}
'quoted key'=1
NO_VALUE
BROKEN='x
LAST=1"""


def test_env_files_are_read_as_dagster_reads_them(
    dagster_python: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTSIDE", "from outside")
    (tmp_path / ".env").write_text(DOTENV)
    program = (
        "import json; from dagster._core.secrets.env_file import get_env_var_dict as read;"
        "print(json.dumps(read('.')))"
    )
    theirs = ask(dagster_python(), program, cwd=tmp_path)
    assert read_dotenv(tmp_path / ".env", os.environ) == theirs
    assert theirs["LINES"] == "one\ntwo"


def test_a_manifest_that_dbt_made_matches_until_a_model_changes(
    environment: Callable[[str], Path], tmp_path: Path
) -> None:
    files = {
        "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\non-run-start: select 1\n",
        "profiles.yml": "shop:\n  target: dev\n  outputs:\n"
        "    dev: {type: duckdb, path: shop.duckdb}\n",
        "models/orders.sql": "\n\nselect 1 as id, 'é' as name\n\n",
        "models/off.sql": "{{ config(enabled=false) }} select 2",
        "models/empty.sql": "",
        "models/py.py": 'def model(dbt, session):\n    return dbt.ref("orders")\n',
        "models/schema.yml": "models:\n  - name: orders\n    columns:\n"
        "      - {name: id, tests: [even]}\n",
        "seeds/rates.csv": "id,rate\n1,2\n\n",
        "snapshots/s.sql": "{% snapshot s %}{{ config(target_schema='x', unique_key='id',"
        " strategy='check', check_cols='all') }} select * from {{ ref('orders') }}"
        "{% endsnapshot %}",
        "tests/t.sql": "select 1 where false",
        "tests/generic/even.sql": "{% test even(model, column_name) %} select 1 where false"
        " {% endtest %}",
        "macros/m.sql": "{% macro m() %}1{% endmacro %}",
        "analyses/a.sql": "select 3",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    dbt = environment("dbt").parent / "dbt"
    done = subprocess.run([dbt, "parse"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    opened = [str(tmp_path / "target/manifest.json")]
    assert stale_inputs(opened, tmp_path) == ()
    for name in ("models/orders.sql", "models/off.sql", "seeds/rates.csv", "snapshots/s.sql"):
        path = tmp_path / name
        path.touch()
        assert stale_inputs(opened, tmp_path) == ()
        before = path.read_text("utf-8")
        path.write_text(before + " x", encoding="utf-8")
        assert [s.sources for s in stale_inputs(opened, tmp_path)] == [(name,)]
        path.write_text(before, encoding="utf-8")
    (tmp_path / "models/new.sql").write_text("select 4")
    assert [s.sources for s in stale_inputs(opened, tmp_path)] == [("models/new.sql",)]
