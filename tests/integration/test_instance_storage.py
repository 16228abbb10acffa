"""What a job takes in an instance's storage, proved with real databases and a real webserver."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
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
TOO_LONG = "Data too long for column 'snapshot_body' at row 1"
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

    def client(self, *arguments: str, home: Path | None = None) -> Any:
        env = {"DAGSTER_HOME": str(home or self.folder)}
        done = subprocess.run(
            [self.python, "-W", "ignore", CLIENT, *arguments],
            cwd=self.folder,
            env=env,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def check(self, name: str, **env: str) -> Any:
        command = ("check", "-f", "definitions.py", "--python", str(self.python))
        done = snapsize(*command, "--format", "json", cwd=self.folder / name, env=env)
        assert done.stdout, done.stderr
        return done.json

    def judged(self, name: str, **env: str) -> tuple[int, Any]:
        """The exit status, and the finding on storage or None; the asset is a heavy one too."""
        found = self.check(name, **env)
        rules = {finding["rule"]: finding for finding in found["findings"]}
        return found["exit_status"], rules.get("snapshot-over-storage")

    def rows(self, name: str) -> dict[str, int]:
        """The bytes that each job will take, by the id of its snapshot; ``__ASSET_JOB`` first."""
        (location,) = self.check(name)["locations"]
        repository, *jobs = location["snapshots"]
        assert repository["compressed_bytes"] is repository["snapshot_id"] is None
        return {job["snapshot_id"]: job["compressed_bytes"] for job in jobs}


@pytest.fixture(scope="module")
def deployment(
    tmp_path_factory: pytest.TempPathFactory, environment: Callable[[str], Path]
) -> Deployment:
    made = Deployment(environment("storage"), tmp_path_factory.mktemp("deployment"))
    for name, size in (("fits", MOST), ("over", MOST + 1)):
        (made.folder / name).mkdir()
        (made.folder / name / "definitions.py").write_text(DEFINITIONS)
        made.client("fill", name, str(size))
    return made


def write_instance(home: Path, kind: str, url: str) -> None:
    # A queue that no daemon empties: the run is created and stored, and never executed.
    (home / "dagster.yaml").write_text(
        f"storage:\n  {kind}:\n    {kind}_url: {{env: DATABASE}}\n".replace(
            "{env: DATABASE}", json.dumps(url)
        )
        + "run_coordinator: {module: dagster._core.run_coordinator, class: QueuedRunCoordinator}\n"
        "telemetry: {enabled: false}\n"
    )


def test_a_row_is_as_long_as_the_size_that_was_measured(
    deployment: Deployment, tmp_path: Path
) -> None:
    fits, over = (deployment.rows(name) for name in ("fits", "over"))
    assert [next(iter(rows.values())) for rows in (fits, over)] == [MOST, MOST + 1]
    with postgresql() as url:
        write_instance(tmp_path, "postgres", url)
        for name in ("fits", "over"):
            deployment.client("store", name, home=tmp_path)
        assert deployment.client("rows", home=tmp_path) == fits | over
    assert deployment.judged("over", DAGSTER_HOME=str(tmp_path)) == (0, None)


@pytest.fixture
def webserver(deployment: Deployment) -> Iterator[str]:
    """The address of one whose instance is in MariaDB."""
    with mariadb() as url:
        write_instance(deployment.folder, "mysql", url)
        locations = [
            {"python_file": {"relative_path": f"{name}/definitions.py", "location_name": name}}
            for name in ("fits", "over")
        ]
        (deployment.folder / "workspace.yaml").write_text(json.dumps({"load_from": locations}))
        port = free_port()
        command = [str(deployment.python), "-m", "dagster_webserver", "-p", str(port)]
        env = {"DAGSTER_HOME": str(deployment.folder), "PATH": str(deployment.python.parent)}
        with serving(command, deployment.folder, is_listening(port), env=env):
            yield f"http://127.0.0.1:{port}/graphql"


def test_mysql_refuses_a_run_exactly_where_check_says_so(
    deployment: Deployment, webserver: str
) -> None:
    home = {"DAGSTER_HOME": str(deployment.folder)}
    (passes, warning), (fails, error) = (deployment.judged(x, **home) for x in ("fits", "over"))
    assert (passes, warning["severity"]) == (0, "warning")
    assert (fails, error["severity"]) == (1, "error")
    assert (error["bytes"], error["budget_bytes"]) == (MOST + 1, MOST)
    assert f"{deployment.folder / 'dagster.yaml'}:1" in error["details"]

    assert "LaunchRunSuccess" in launch(webserver, "fits")
    refused = launch(webserver, "over")
    assert "LaunchRunSuccess" not in refused and TOO_LONG in refused
    assert TOO_LONG in error["details"]  # word for word as users see it
    fits, too_large = (next(iter(deployment.rows(name))) for name in ("fits", "over"))
    rows = deployment.client("rows")
    assert rows[fits] == MOST and too_large not in rows

    deployment.client("widen")
    (deployment.folder / "over" / "snapsize.toml").write_text('storage-limit = "16 MB"\n')
    assert "LaunchRunSuccess" in launch(webserver, "over")
    assert deployment.client("rows")[too_large] == MOST + 1
    assert deployment.judged("over", **home) == (0, None)


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
