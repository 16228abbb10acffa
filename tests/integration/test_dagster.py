"""Assets that measure code locations, on a real Dagster."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support import ROOT
from support.code_servers import RECEIVE, SEND, code_server
from support.command import measure_json
from support.deployment import (
    Webserver,
    celery,
    dagster_dev,
    dg_project,
    own_variables,
    path_with_needs,
    runs,
    stub_servers,
)
from support.environments import OLDEST, SUPPORTED, environment
from support.patience import patience, wait_for
from support.versions import every_version

SHOP = """
import dagster as dg
from dagster_snapsize.dagster import build_snapshot_sizes_definitions

def build(number):
    @dg.asset(name=f"table_{{number}}", description="one of many " * 10)
    def table(): ...
    return table

defs = dg.Definitions.merge(
    dg.Definitions(assets=[build(n) for n in range({count})]),
    build_snapshot_sizes_definitions({arguments}),
)
"""
PLAIN = (
    SHOP.split("defs =")[0]
    + """
defs = dg.Definitions(assets=[build(n) for n in range({count})])
"""
)
SILENT = (
    "import warnings\n"
    + SHOP.split("defs =")[0]
    + """
def sizes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return build_snapshot_sizes_definitions(
            name="shop", cron="0 6 * * *", trigger="on_deploy", report_folder="."
        )

defs = dg.Definitions.merge(dg.Definitions(assets=[build(n) for n in range({count})]), sizes())
"""
)
CENTRAL = """
from dagster_snapsize.dagster import build_snapshot_sizes_definitions
defs = build_snapshot_sizes_definitions(
    {{"repository": "1 MB", "job": "1 MB"}}, servers={servers}, batch=2
)
"""
BY_WEBSERVER = """
from dagster_snapsize.dagster import build_snapshot_sizes_definitions
defs = build_snapshot_sizes_definitions(
    webserver={{"url": "{url}", "locations": ["orders", "nowhere"]}}
)
"""
SIZES = ["snapshot_sizes", "shop"]
KEY = "/".join(SIZES)
BUDGET = '{"repository": "%s", "job": "1 MB", "growth": "5 %%"}'


def measured(folder: Path, *arguments: str | Path, path: str = "") -> Any:
    """The first location of ``measure``, with the environment that the deployment has."""
    options = {"env": {"PYTHONPATH": path or own_variables(folder / "home")["PYTHONPATH"]}}
    if "--python" not in arguments:
        arguments = ("--python", environment("deployment"), *arguments)
    return measure_json(*arguments, cwd=folder, **options)["locations"][0]


def differences(metadata: Any, location: Any) -> list[tuple[str, int, int]]:
    """Sizes in the metadata of a materialization that are others than those of ``measure``."""
    several = len({s["repository"] for s in location["snapshots"]}) > 1
    by_label = {label(s, several): s for s in location["snapshots"]}
    kinds = ("repository", "job")
    of_kind = [[s for s in location["snapshots"] if s["kind"] == kind] for kind in kinds]
    whole, job = (max(those, key=lambda s: s["wire_bytes"]) for those in of_kind)
    assert metadata["largest_job"] == job["name"]
    pairs = [("assets", metadata["assets"], len(location["assets"]))]
    pairs.append(("jobs", metadata["jobs"], len(of_kind[1])))
    sizes = ("stored_bytes", "wire_bytes", "compressed_bytes")
    pairs += [(k, metadata[f"repository_{k}"], whole[k]) for k in sizes[:2]]
    pairs += [(k, metadata[f"largest_job_{k}"], job[k]) for k in sizes]
    for row in metadata["snapshots"]:
        name = row["snapshot"]
        pairs.append((name, row["wire_bytes"], by_label[name]["wire_bytes"]))
    totals = {a["key"]: a["total_bytes"] for a in location["assets"]}
    pairs += [(r["asset"], r["bytes"], totals[r["asset"]]) for r in metadata["heaviest_assets"]]
    return [pair for pair in pairs if pair[1] != pair[2]]


def label(snapshot: Any, several: bool) -> str:
    """What a materialization calls a snapshot, of a location with several repositories or one."""
    if snapshot["kind"] == "repository":
        return f"repository {snapshot['name']}" if several else "repository"
    return f"job {snapshot['name']}" + f" of repository {snapshot['repository']}" * several


def measured_project(folder: Path, variables: Mapping[str, str]) -> Any:
    """The location of a project of dg."""
    options = {"env": {k: variables[k] for k in ("PYTHONPATH", "CRON") if k in variables}}
    python = ["--python", str(environment("deployment"))]
    return measure_json(*python, cwd=folder, **options)["locations"][0]


def kb(size: int) -> str:
    """As the documentation writes it."""
    return f"{size / 1_000:.1f} kB"


def wire_bytes(location: Any) -> int:
    """Of all snapshots of a location together."""
    return sum(snapshot["wire_bytes"] for snapshot in location["snapshots"])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project on three days: a third day's asset more, and a budget that it exceeds."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "pyproject.toml").write_text("")
    for day, count in enumerate((30, 31, 60), start=1):
        arguments = f'{BUDGET % "50 kB"}, name="shop", report_folder="reports", cron="0 6 * * *"'
        (folder / f"day{day}.py").write_text(SHOP.format(count=count, arguments=arguments))
    return folder


def test_a_location_measures_itself_in_its_own_runs(shop: Path) -> None:
    """In any process that an executor starts, over time, with the sizes of ``measure``."""
    first, second, third, unknown = runs(
        shop / "home",
        shop,
        {"file": "day1.py", "assets": [SIZES]},
        {"file": "day2.py", "assets": [SIZES], "executor": {"multiprocess": {}}},
        {"file": "day3.py", "assets": [SIZES]},
        {"file": "day3.py", "assets": [SIZES], "executor": "python"},
    )
    assert "This run has no repository to measure" in unknown["failures"][0]
    for day, run in enumerate((first, second, third), start=1):
        assert run["success"], run["failures"]
        metadata = run["assets"][KEY]
        assert metadata["assets"] == (31, 32, 61)[day - 1]
        used = run["checks"][f"{KEY}:within_budget"]["metadata"]["used_percent"]
        assert used == metadata["used_percent"]
        assert used == pytest.approx(metadata["repository_wire_bytes"] / 50_000 * 100)
    locations = [measured(shop, "-f", f"day{day}.py") for day in (2, 3)]
    wire = [wire_bytes(location) for location in locations]
    for run, location in zip((second, third), locations, strict=True):
        assert differences(run["assets"][KEY], location) == []
    over = third["checks"][f"{KEY}:within_budget"]
    assert first["checks"][f"{KEY}:within_budget"]["passed"]
    assert not over["passed"] and over["severity"] == "ERROR"
    assert over["description"].startswith("Repository at 127 % of 50 kB: ")
    assert over["metadata"]["snapshot"] == "repository"
    grown = [run["checks"][f"{KEY}:growth"] for run in (first, second, third)]
    assert [check["passed"] for check in grown] == [True, True, False]
    assert grown[0]["description"] == "the first materialization"
    assert "since the last materialization, within the 5 %" in grown[1]["description"]
    assert grown[2]["severity"] == "WARN" and "over the 5 %" in grown[2]["description"]
    grew = [check["metadata"]["growth_bytes"] for check in grown]
    assert grew[0] == 0 < grew[1]
    assert grew[2] == wire[1] - wire[0]
    assert second["assets"][KEY]["grown"][0]["owner"] == "table_30"
    report = Path(third["assets"][KEY]["report"])
    assert report.parent == shop / "reports" / "shop"
    assert report.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("version", every_version(always=[OLDEST]))
def test_every_dagster_measures_itself(version: str, tmp_path: Path) -> None:
    """Without a warning, in process and with a report, with the sizes of ``measure``."""
    python, path = environment(version), path_with_needs()
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "shop.py").write_text(SILENT.format(count=3))
    wanted = {"file": "shop.py", "assets": [SIZES]}
    # As Dagster+ runs it, with limits of gRPC that are above its own.
    plus = {"DAGSTER_CLOUD_DEPLOYMENT_NAME": "prod", RECEIVE: "200000000", SEND: "200000000"}
    variables = {"PYTHONPATH": path, **plus}
    (run,) = runs(tmp_path / "home", tmp_path, wanted, python=python, variables=variables)
    assert run["success"], run["failures"]
    location = measured(tmp_path, "-f", "shop.py", "--python", python, path=path)
    metadata = run["assets"][KEY]
    assert metadata["dagster_version"] == location["dagster_version"] == version
    assert version in (ROOT / "docs" / "dagster.md").read_text()
    assert differences(metadata, location) == []
    assert all(check["passed"] for check in run["checks"].values()) and len(run["checks"]) == 2
    budget = run["checks"][f"{KEY}:within_budget"]["metadata"]["budget_bytes"]
    assert budget == 130_000_000, "the limit of Dagster+"
    assert Path(metadata["report"]).is_file()


def test_a_worker_of_celery_measures_the_same(tmp_path: Path) -> None:
    """In its process, which has the definitions from a step's command."""
    (tmp_path / "pyproject.toml").write_text("")
    arguments = '{}, name="shop"), dg.Definitions(executor=celery_executor'
    program = "from dagster_celery import celery_executor\n"
    program += SHOP.format(count=3, arguments=arguments)
    (tmp_path / "shop.py").write_text(program)
    python = environment("celery")
    with celery(tmp_path, own_variables(tmp_path / "home")) as url:
        executor = {"broker": url, "backend": url}
        wanted = {"file": "shop.py", "assets": [SIZES], "executor": executor}
        (run,) = runs(tmp_path / "home", tmp_path, wanted, python=python)
        assert run["success"], run["failures"]

        def succeeded() -> list[str]:
            worker = (tmp_path / "log").read_text()
            return re.findall(r"Task execute_plan\[.*\] succeeded", worker)

        wait_for(lambda: bool(succeeded()))  # it hands the result over before it says so
        assert len(succeeded()) == 1
    location = measured(tmp_path, "-f", "shop.py", "--python", python)
    assert differences(run["assets"][KEY], location) == []


def test_a_server_that_fails_fails_alone(shop: Path, tmp_path: Path) -> None:
    """One is down, one hangs and one refuses its jobs: all others have their sizes."""
    (shop / "plain.py").write_text(PLAIN.format(count=3))
    names = ["ok-0", "ok-1", "over-0", "hanging-0", "down-0"]
    with stub_servers(shop / "plain.py", "ok=2", "over=1", "hanging=1") as folder:
        servers = {name: f"unix:{folder}/{name}" for name in names}
        central = tmp_path / "central"
        central.mkdir()
        (central / "snapsize.toml").write_text(f'timeout = "{patience(4):.0f} s"\n')
        (central / "central.py").write_text(CENTRAL.format(servers=servers))
        assets = [["snapshot_sizes", name] for name in names]
        (run,) = runs(central / "home", central, {"file": "central.py", "assets": assets})
    assert not run["success"]
    assert sorted(run["assets"]) == [f"snapshot_sizes/{n}" for n in ("ok-0", "ok-1", "over-0")]
    location = measured(shop, "-f", "plain.py")
    assert [differences(run["assets"][f"snapshot_sizes/ok-{n}"], location) for n in (0, 1)] == [
        [],
        [],
    ]
    over = run["assets"]["snapshot_sizes/over-0"]
    job = next(s for s in location["snapshots"] if s["kind"] == "job")
    assert over["largest_job_wire_bytes"] == job["wire_bytes"]
    assert "largest_job_stored_bytes" not in over, "its text is not known"
    checks = {key: check["passed"] for key, check in run["checks"].items() if "budget" in key}
    assert checks == {
        "snapshot_sizes/ok-0:within_budget": True,
        "snapshot_sizes/ok-1:within_budget": True,
        "snapshot_sizes/over-0:within_budget": False,
    }
    # Two ops of two, and one that has only the server that is down.
    first, second = sorted(run["failures"])
    assert "1 of 1 code location could not be measured: down-0: " in first
    assert "1 of 2 code locations could not be measured: hanging-0: " in second
    assert "did not answer in" in second


@pytest.mark.matrix
def test_one_component_measures_servers_of_every_dagster(tmp_path: Path) -> None:
    """With the sizes of ``measure`` on each, whatever Dagster the component has itself."""
    path, target = path_with_needs(), ("-f", "plain.py")
    (tmp_path / "plain.py").write_text(PLAIN.format(count=3))
    with ExitStack() as stack:
        started = {
            version: stack.enter_context(
                code_server(environment(version), tmp_path, target=target, PYTHONPATH=path)
            )
            for version in SUPPORTED
        }
        addresses = {version: server.address for version, server in started.items()}
        (tmp_path / "central.py").write_text(CENTRAL.format(servers=addresses))
        wait_for(lambda: all(server.is_up() for server in started.values()), 120)
        assets = [["snapshot_sizes", version] for version in SUPPORTED]
        (run,) = runs(tmp_path / "home", tmp_path, {"file": "central.py", "assets": assets})
    assert run["success"], run["failures"]
    for version in SUPPORTED:
        location = measured(tmp_path, *target, "--python", environment(version), path=path)
        metadata = run["assets"][f"snapshot_sizes/{version}"]
        assert metadata["dagster_version"] == version
        assert differences(metadata, location) == []


REPOSITORIES = """
import dagster as dg
from dagster_snapsize.dagster import build_snapshot_sizes_definitions

@dg.op
def step(): ...

def build(name, count):
    @dg.asset(name=f"{name}_table", description="of a repository" * count)
    def table(): ...

    @dg.job(name=f"{name}_job")
    def job():
        for n in range(count):
            step.alias(f"step_{n}")()

    sizes = build_snapshot_sizes_definitions(
        {}, name=name, cron="0 6 * * *", trigger="on_deploy"
    )

    @dg.repository(name=name)
    def repository():
        return [table, job, *sizes.assets, *sizes.schedules, *sizes.sensors]

    return repository

left, right = build("left", 2), build("right", 5)
"""
CENTRAL_OF_REPOSITORIES = """
from dagster_snapsize.dagster import build_snapshot_sizes_definitions
defs = build_snapshot_sizes_definitions({{}}, servers={{"both": "{address}"}})
"""


def test_each_repository_of_a_location_measures_itself_and_a_server_has_all(tmp_path: Path) -> None:
    """The sizes of both are those of ``measure``."""
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "two.py").write_text(REPOSITORIES)
    path = own_variables(tmp_path / "home")["PYTHONPATH"]
    target = ("-f", "two.py")
    python = environment("deployment")
    with code_server(python, tmp_path, target=target, PYTHONPATH=path) as server:
        central = CENTRAL_OF_REPOSITORIES.format(address=server.address)
        (tmp_path / "central.py").write_text(central)
        location = measured(tmp_path, *target)
        wait_for(server.is_up)
        *own, both = runs(
            tmp_path / "home",
            tmp_path,
            *(
                {"file": "two.py", "attribute": name, "assets": [["snapshot_sizes", name]]}
                for name in ("left", "right")
            ),
            {"file": "central.py", "assets": [["snapshot_sizes", "both"]]},
        )
    for run in (*own, both):
        assert run["success"], run["failures"]
    for name, run in zip(("left", "right"), own, strict=True):
        metadata = run["assets"][f"snapshot_sizes/{name}"]
        part = {
            kind: [one for one in location[kind] if one["repository"] == name]
            for kind in ("snapshots", "assets")
        }
        assert differences(metadata, part) == []
        assert [a["asset"] for a in metadata["heaviest_assets"]].count(f"{name}_table") == 1
    metadata = both["assets"]["snapshot_sizes/both"]
    assert differences(metadata, location) == []
    assert metadata["jobs"] == 4 and metadata["assets"] == 4


MATERIALIZATIONS = """
query($path: [String!]!) {
  assetNodes(assetKeys: [{path: $path}]) {
    assetMaterializations(limit: 10) {
      runId
      metadataEntries {
        label
        ... on IntMetadataEntry { intValue }
        ... on TextMetadataEntry { text }
        ... on TableMetadataEntry { table { records } }
      }
    }
    assetChecksOrError {
      ... on AssetChecks {
        checks { name executionForLatestMaterialization { evaluation { success description } } }
      }
    }
  }
}
"""
LAUNCH = """
mutation($assets: [AssetKeyInput!]!, $checks: [AssetCheckHandleInput!]!) {
  launchRun(executionParams: {
    selector: {
      repositoryLocationName: "orders", repositoryName: "__repository__",
      jobName: "__ASSET_JOB", assetSelection: $assets, assetCheckSelection: $checks
    }
  }) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }
}
"""


START_SENSOR = """
mutation {
  startSensor(sensorSelector: {
    repositoryLocationName: "orders", repositoryName: "__repository__", sensorName: "oversized"
  }) { __typename }
}
"""
TRY_SCHEDULE = """
mutation {
  scheduleDryRun(timestamp: 1, selectorData: {
    repositoryLocationName: "orders", repositoryName: "__repository__",
    scheduleName: "snapshot_sizes"
  }) {
    ... on DryRunInstigationTick {
      evaluationResult { runRequests { assetSelection { path } } }
    }
    ... on PythonError { message }
  }
}
"""
ALERTS = """
import dagster as dg

def notify(severity, key, description):
    with open({file!r}, "a") as file:
        file.write(f"{{severity.name}} of {{key.to_user_string()}}: {{description}}\\n")

{documented}
"""


def documented(language: str) -> list[str]:
    """The code of that language in the documentation of the component."""
    page = (ROOT / "docs" / "dagster.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", page, re.S)


def materializations(webserver: Webserver) -> list[dict[str, Any]]:
    """Those that there are now."""
    data = webserver.ask(MATERIALIZATIONS, path=["snapshot_sizes", "orders"])
    return materializations_of(data) if data else []


def materializations_of(data: Any) -> list[dict[str, Any]]:
    """Metadata of each, the newest first, with the run's id."""
    nodes = data["assetNodes"]
    return [
        {
            "run": one["runId"],
            **{
                entry["label"]: entry.get("intValue")
                or entry.get("text")
                or [json.loads(r) for r in entry.get("table", {}).get("records", [])]
                for entry in one["metadataEntries"]
            },
        }
        for node in nodes
        for one in node["assetMaterializations"]
    ]


def evaluations(webserver: Webserver) -> dict[str, Any]:
    """Those of the checks, by name, since the latest materialization."""
    data = webserver.ask(MATERIALIZATIONS, path=["snapshot_sizes", "orders"])
    checks = data["assetNodes"][0]["assetChecksOrError"]["checks"]
    latest = {check["name"]: check["executionForLatestMaterialization"] for check in checks}
    return {name: found and found["evaluation"] for name, found in latest.items()}


def test_the_component_measures_in_a_real_deployment(tmp_path: Path) -> None:
    """Scaffolded by dg, started by its sensor and by hand, read back from the webserver."""
    variables = dg_project(tmp_path)
    scaffold = ["dg", "scaffold", "defs", "dagster_snapsize.SnapshotSizes", "sizes"]
    subprocess.run(scaffold, cwd=tmp_path, env=variables, check=True, capture_output=True)
    yaml = tmp_path / "src" / "orders" / "defs" / "sizes" / "defs.yaml"
    assert yaml.read_text().startswith("type: dagster_snapsize.SnapshotSizes\n")
    yaml.write_text(
        "type: dagster_snapsize.SnapshotSizes\n"
        'attributes: {cron: "{{ env.CRON }}", trigger: on_deploy, location: "{{ env.NOT_SET }}"}\n'
    )
    variables = {**variables, "CRON": "0 6 * * *"}
    alerts = tmp_path / "alerts"
    (sensor,) = (code for code in documented("python") if "run_status_sensor" in code)
    program = ALERTS.format(file=str(alerts), documented=sensor)
    (tmp_path / "src" / "orders" / "defs" / "alerts.py").write_text(program)
    started = {"startSensor": {"__typename": "Sensor"}}
    with dagster_dev(tmp_path, variables) as webserver:
        wait_for(lambda: webserver.ask(START_SENSOR) == started, 120)
        (request,) = webserver.ask(TRY_SCHEDULE)["scheduleDryRun"]["evaluationResult"][
            "runRequests"
        ]
        assert request == {"assetSelection": [{"path": ["snapshot_sizes", "orders"]}]}
        wait_for(lambda: bool(materializations(webserver)), 120)
        wait_for(lambda: all(evaluations(webserver).values()))
        # As the webserver starts it where checks are left out, and one check alone.
        key = {"path": ["snapshot_sizes", "orders"]}
        without = webserver.ask(LAUNCH, assets=[key], checks=[])["launchRun"]["run"]["runId"]
        wait_for(lambda: any(m["run"] == without for m in materializations(webserver)), 120)
        check = {"assetKey": key, "name": "within_budget"}
        assert "run" in webserver.ask(LAUNCH, assets=[], checks=[check])["launchRun"]
        wait_for(lambda: evaluations(webserver)["within_budget"] is not None, 120)
        checks = evaluations(webserver)
        wait_for(lambda: alerts.exists() and alerts.read_text().endswith("\n"), 120)
        (tmp_path / "central.py").write_text(BY_WEBSERVER.format(url=webserver.url))
        assets = [["snapshot_sizes", name] for name in ("orders", "nowhere")]
        (central,) = runs(tmp_path / "other", tmp_path, {"file": "central.py", "assets": assets})
        data = webserver.ask(MATERIALIZATIONS, path=["snapshot_sizes", "orders"])
    location = measured_project(tmp_path, variables)
    found = materializations_of(data)
    assert len(found) == 2
    for metadata in found:
        assert differences(metadata, location) == []
    (asked,) = central["assets"].values()
    assert differences(asked, location) == []
    assert "the webserver has no code location of that name" in central["failures"][0]
    assert checks["growth"] is None
    assert checks["within_budget"]["success"] is False
    assert "% of 80 kB" in checks["within_budget"]["description"], "the project's own budget"
    (alert, *_) = alerts.read_text().splitlines()
    assert alert.startswith("WARN of snapshot_sizes/orders: Repository at ")


def test_the_component_adds_as_much_as_the_documentation_says(tmp_path: Path) -> None:
    """Less than 6 kB to all snapshots together, with the schema of its type."""
    variables = dg_project(tmp_path)
    bare = {"PYTHONPATH": variables["PYTHONPATH"].replace(str(tmp_path / "installed"), "")}
    without = wire_bytes(measured_project(tmp_path, bare))
    installed = wire_bytes(measured_project(tmp_path, variables)) - without
    scaffolded = tmp_path / "src" / "orders" / "defs" / "sizes" / "defs.yaml"
    scaffolded.parent.mkdir()
    scaffolded.write_text('type: dagster_snapsize.SnapshotSizes\nattributes: {cron: "0 6 * * *"}\n')
    found = measured_project(tmp_path, variables)
    # Both the asset and the schedule have a reference to the file.
    added = wire_bytes(found) - without - 2 * len(f"{tmp_path}/")
    assert added < 6_000
    page = " ".join((ROOT / "docs" / "dagster.md").read_text().split())
    assert f"adds {kb(added)} to all snapshots together: " in page
    assert (
        f"the schedule {kb(added - installed)}, and the schema of its type {kb(installed)}." in page
    )
    assert f"It adds {kb(added)} to a" in (ROOT / "README.md").read_text()


FINGERPRINTS = """
import dagster as dg
from dagster_snapsize.dagster.own_location import (
    find_adapter, fingerprint, serialize_repository)

class Warehouse(dg.ConfigurableResource):
    password: str

def repository(description):
    @dg.asset(description=description)
    def table(): ...

    # Dagster writes who uses a variable in the order of a set.
    of_all = {f"warehouse_{n}": Warehouse(password=dg.EnvVar("PASSWORD")) for n in range(9)}
    return dg.Definitions(assets=[table], resources=of_all).get_repository_def()

first = repository("one")
text = bytes(serialize_repository(find_adapter(dg.__version__), first).payload).decode()
print(text)
print(*map(fingerprint, (first, repository("one"), repository("two"))))
"""


def test_a_deploy_is_known_by_its_definitions_in_every_process() -> None:
    """Whatever the order of sets in the text of a snapshot, which differs between processes."""
    texts, found = [], []
    for seed in ("1", "2"):
        variables = {"PYTHONPATH": str(ROOT / "server"), "PYTHONHASHSEED": seed}
        command = [environment("deployment"), "-c", FINGERPRINTS]
        done = subprocess.run(command, env=variables, check=True, capture_output=True, text=True)
        text, fingerprints = done.stdout.splitlines()
        texts.append(text)
        found.append(fingerprints.split())
    assert texts[0] != texts[1]
    assert found[0] == found[1]
    first, again, changed = found[0]
    assert first == again != changed


def test_the_package_is_free_of_dagster_until_the_component_is_used() -> None:
    program = """
import sys, dagster_snapsize
assert "SnapshotSizes" in dir(dagster_snapsize), "dg finds it there"
assert "dagster" not in sys.modules
dagster_snapsize.SnapshotSizes
assert "dagster_snapsize.measuring" not in sys.modules, "what only a run needs"
for arguments, wrong in [
    (dict(trigger="sometimes"), "can be 'on_deploy' only"),
    (dict(trigger="on_deploy", servers={"a": "a:1"}), "not those of servers"),
    (dict(webserver={"url": "http://a", "locations": ["a"]}, servers={"a": "a:1"}), "do not go"),
    (dict(servers={"a": "a:1"}, batch=0), "must be 1 or more"),
    (dict(servers={"a-b": "a:1", "a b": "a:1"}), "a name too much like `a-b`"),
]:
    try:
        dagster_snapsize.dagster.build_snapshot_sizes_definitions(**arguments)
    except Exception as error:
        assert wrong in str(error), error
    else:
        raise AssertionError(arguments)
"""
    variables = {"PYTHONPATH": str(ROOT / "server")}
    subprocess.run([environment("deployment"), "-c", program], env=variables, check=True)


RESOLVED = """
import json, sys, dagster, yaml
from dagster_snapsize import SnapshotSizes
for text in json.loads(sys.argv[1]):
    text = text if text.startswith("type:") else "attributes:\\n" + text
    component = SnapshotSizes.resolve_from_dict(yaml.safe_load(text)["attributes"])
    assets = dagster.build_defs_for_component(component).resolve_asset_graph()
    print(*sorted(key.path[-1] for key in assets.get_all_asset_keys()), component.servers)
"""


def test_the_documented_attributes_are_taken_and_variables_anywhere_in_them() -> None:
    of_variable = "type: any\nattributes: {servers: {a: 'a:{{ env.PORT }}'}}"
    variables = {"PYTHONPATH": str(ROOT / "server"), "PORT": "4000"}
    texts = json.dumps([*documented("yaml"), of_variable])
    command = [environment("deployment"), "-W", "ignore", "-c", RESOLVED, texts]
    done = subprocess.run(command, env=variables, check=True, capture_output=True, text=True)
    own, *central, by_variable = done.stdout.splitlines()
    assert own == "test None"
    assert all(line.startswith("finance sales ") for line in central) and len(central) == 2
    assert by_variable == "a {'a': 'a:4000'}"
