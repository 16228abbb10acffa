"""What a job takes in an instance's storage, proved with real databases and a real webserver."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from support import ROOT
from support.command import snapsize
from support.databases import free_port, is_listening, mariadb, postgresql, serving
from support.patience import patience

CLIENT = ROOT / "tests" / "support" / "storage_client.py"
MOST = 65_535
SIZES = {"fits": MOST, "over": MOST + 1}
TOO_LONG = "1406 (22001): Data too long for column 'snapshot_body' at row 1"
WIDEN = "ALTER TABLE snapshots MODIFY snapshot_body LONGBLOB NOT NULL;"
DEFINITIONS = """from pathlib import Path
import dagster as dg
@dg.asset(description=Path(__file__).with_name("filler.txt").read_text())
def heavy(): ...
@dg.asset
def light(): ...
@dg.op
def first(): ...
@dg.op
def second(): ...
@dg.job
def both(): first(), second()
# A job with a selection names its parent by the id of that snapshot.
defs = dg.Definitions(assets=[heavy, light], jobs=[both.get_subset(op_selection=["first"])])
"""
LAUNCH = """mutation ($of: ExecutionParams!) { launchRun(executionParams: $of) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""

# One worker makes the two projects for all of them.
pytestmark = pytest.mark.xdist_group("storage")


@frozen
class Deployment:
    """Two code locations, whose ``__ASSET_JOB`` is as large as MySQL takes and a byte larger."""

    python: Path
    folder: Path

    def client(self, *arguments: str, home: Path | None = None, url: str = "") -> Any:
        """What storage_client.py prints; ``url`` is that of the database."""
        done = subprocess.run(
            [self.python, "-W", "ignore", CLIENT, *arguments],
            cwd=self.folder,
            env={"DAGSTER_HOME": str(home or self.folder), "DATABASE": url},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def check(self, name: str, home: Path) -> tuple[int, Any, dict[str, int]]:
        """What ``check`` says, which does not know the URL: the exit status and the finding.

        And the bytes that each job will take, by the id of its snapshot; ``__ASSET_JOB`` first.
        """
        command = ("check", "-f", "definitions.py", "--python", str(self.python))
        env = {"DAGSTER_HOME": str(home)}
        done = snapsize(*command, "--format", "json", cwd=self.folder / name, env=env)
        assert done.stdout, done.stderr
        (location,) = done.json["locations"]
        repository, *jobs = location["snapshots"]
        assert repository["compressed_bytes"] is repository["snapshot_id"] is None
        rules = {finding["rule"]: finding for finding in done.json["findings"]}
        rows = {job["snapshot_id"]: job["compressed_bytes"] for job in jobs}
        return done.status, rules.get("snapshot-over-storage"), rows


@pytest.fixture(scope="module")
def deployment(
    tmp_path_factory: pytest.TempPathFactory, environment: Callable[[str], Path]
) -> Deployment:
    made = Deployment(environment("storage"), tmp_path_factory.mktemp("deployment"))
    for name, size in SIZES.items():
        (made.folder / name).mkdir()
        (made.folder / name / "definitions.py").write_text(DEFINITIONS)
        made.client("fill", name, str(size))
    return made


def write_instance(home: Path, kind: str) -> None:
    # A queue that no daemon empties: the run is created and stored, and never executed.
    (home / "dagster.yaml").write_text(
        f"storage: {{{kind}: {{{kind}_url: {{env: DATABASE}}}}}}\n"
        "run_coordinator: {module: dagster._core.run_coordinator, class: QueuedRunCoordinator}\n"
        "telemetry: {enabled: false}\n"
    )


def test_a_row_is_as_long_as_the_size_that_was_measured(
    deployment: Deployment, tmp_path: Path
) -> None:
    write_instance(tmp_path, "postgres")
    expected = {}
    for name, size in SIZES.items():
        status, finding, rows = deployment.check(name, tmp_path)
        assert (status, finding) == (0, None)  # PostgreSQL takes both
        assert next(iter(rows.values())) == size
        expected |= rows
    with postgresql() as url:
        for name in SIZES:
            deployment.client("store", name, home=tmp_path, url=url)
        assert deployment.client("rows", home=tmp_path, url=url) == expected


@contextmanager
def webserver(deployment: Deployment, url: str) -> Iterator[str]:
    """The address of one with both locations."""
    locations = [
        {"python_file": {"relative_path": f"{name}/definitions.py", "location_name": name}}
        for name in SIZES
    ]
    (deployment.folder / "workspace.yaml").write_text(json.dumps({"load_from": locations}))
    port = free_port()
    command = [str(deployment.python), "-m", "dagster_webserver", "-p", str(port)]
    env = {"DAGSTER_HOME": str(deployment.folder), "DATABASE": url}
    with serving(command, deployment.folder, is_listening(port), env=env):
        yield f"http://127.0.0.1:{port}/graphql"


def test_mysql_refuses_a_run_exactly_where_check_says_so(deployment: Deployment) -> None:
    home = deployment.folder
    write_instance(home, "mysql")
    passes, warning, (fits, *_) = deployment.check("fits", home)
    fails, error, (too_large, *_) = deployment.check("over", home)
    assert (passes, warning["severity"]) == (0, "warning")
    assert (fails, error["severity"]) == (1, "error")
    assert (error["bytes"], error["budget_bytes"]) == (MOST + 1, MOST)
    assert f"{home / 'dagster.yaml'}:1" in error["details"]
    assert TOO_LONG in error["details"] and WIDEN in error["details"]

    with mariadb() as url, webserver(deployment, url) as address:
        assert "LaunchRunSuccess" in launch(address, "fits")
        refused = launch(address, "over")
        assert "LaunchRunSuccess" not in refused and TOO_LONG in refused
        rows = deployment.client("rows", url=url)
        assert rows[fits] == MOST and too_large not in rows

        deployment.client("run", WIDEN, url=url)
        assert "LaunchRunSuccess" in launch(address, "over")
        assert deployment.client("rows", url=url)[too_large] == MOST + 1
    (home / "over" / "snapsize.toml").write_text('storage-limit = "16 MB"\n')
    assert deployment.check("over", home)[:2] == (0, None)


def launch(address: str, location: str) -> str:
    """What the webserver says where one asset of the location is to be materialized."""
    selector = {
        "repositoryLocationName": location,
        "repositoryName": "__repository__",
        "jobName": "__ASSET_JOB",
        "assetSelection": [{"path": ["light"]}],
        "assetCheckSelection": [],
    }
    body = {"query": LAUNCH, "variables": {"of": {"selector": selector, "mode": "default"}}}
    request = urllib.request.Request(
        address, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        reply = urllib.request.urlopen(request, timeout=patience(60))
    except urllib.error.HTTPError as error:
        reply = error
    with reply:
        return reply.read().decode()
