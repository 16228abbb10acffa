"""Attribution is true: take an asset out, and the snapshots shrink by what the ledger said.

The asset goes with its checks and every dependent's reference to it, so that exclusive, dangling
and check bytes go with it. Two assets of each partitioning stay, and two users of each resource in
each job: the last one of a kind takes more along (a partition set, a resource's default).
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dagster_snapsize.core.ledger import AssetIndex
from dagster_snapsize.core.model import Ledger
from support import ROOT
from support.command import measure_json
from support.environments import NEWEST
from support.ledgers import (
    attribute_job,
    attribute_repository,
    bracketed,
    exclusive,
    fields_of,
    shared,
)
from support.versions import every_version

PROJECT = ROOT / "tests" / "support" / "attribution_project.py"
TOLERANCE = 0.02

KINDS = {
    "plain": "plain",
    "a dependent": "after_plain",
    "static partitions": "static_second",
    "upstream of partitioned ones": "static_first",
    "daily partitions": "daily_second",
    "multi partitions": "multi_second",
    "dynamic partitions": "dynamic_second",
    "member of a multi-asset that can subset": "sub_two",
    "member with an input of its own": "sub_three",
    "member of a multi-asset": "fix_two",
    "graph asset with nested graphs": "graphed",
    "member of a graph multi-asset": "gm_one",
    "member with a nested graph": "gm_two",
    "observable source asset": "observed",
    "external asset": "external",
    "asset with checks": "checked",
    "asset with config and resources": "configured",
    "automation condition": "automated",
    "non-Latin description": "wh/orders",
    "named in selections": "named_in_selections",
    "in several jobs": "in_many_jobs",
}
VERSIONS = every_version("attribution")


class Measured:
    """The project in one Dagster version: texts by snapshot, whole and without each asset."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.whole = self.texts("whole")
        self.ledgers, self.index = drawn(self.whole)

    def texts(self, part: str) -> dict[str, bytes]:
        """The serialized snapshots of a part of the project."""
        return {path.stem: path.read_bytes() for path in (self.folder / part).iterdir()}

    def without(self, asset: str) -> dict[str, bytes]:
        """The snapshots without that asset."""
        return self.texts(f"without-{asset.replace('/', '.')}")


def drawn(texts: Mapping[str, bytes]) -> tuple[dict[str, Ledger], AssetIndex]:
    """The ledgers of all snapshots of a project."""
    repository, index = attribute_repository(texts["repository"])
    ledgers = {name: attribute_job(t, index) for name, t in texts.items() if name != "repository"}
    return {"repository": repository, **ledgers}, index


@pytest.fixture(scope="session")
def measured(
    dagster_python: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Measured]:
    """A function: Dagster version -> the project as that Dagster serializes it."""
    known: dict[str, Measured] = {}

    def measure(version: str) -> Measured:
        if version not in known:
            folder = tmp_path_factory.mktemp(version)
            ran = subprocess.run(
                [str(dagster_python(version)), str(PROJECT), str(folder), *KINDS.values()],
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert ran.returncode == 0, ran.stderr
            known[version] = Measured(folder)
        return known[version]

    return measure


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_snapshots_shrink_by_what_the_asset_was_said_to_cost(measured, version, kind):
    project, asset = measured(version), KINDS[kind]
    assert asset in project.index.assets
    after = project.without(asset)
    drawn(after)  # every byte has an owner there, too
    said = sum(
        exclusive(ledger, "asset", asset)
        + ledger.dangling_bytes.get(asset, 0)
        + ledger.check_bytes.get(asset, 0)
        for ledger in project.ledgers.values()
    )
    shrunk = sum(len(text) - len(after[name]) for name, text in project.whole.items())
    assert shrunk > 500
    assert abs(said - shrunk) <= TOLERANCE * shrunk, f"said {said}, shrunk by {shrunk} bytes"


@pytest.mark.parametrize("version", VERSIONS)
def test_bracketed_rows_are_few_and_nothing_is_unknown(measured, version):
    for name, ledger in measured(version).ledgers.items():
        rows = bracketed(ledger)
        assert "[unknown]" not in rows, name
        assert sum(rows.values()) < 0.1 * ledger.stored_bytes, (name, rows)
        # No op of an asset job is left without its assets or its checks.
        if name != "job-op_job":
            assert not [owner for owner in ledger.owners if owner.kind == "op"], name


@pytest.mark.parametrize("version", VERSIONS)
def test_assets_own_their_fields_in_real_snapshots(measured, version):
    project = measured(version)
    plain = fields_of(project.ledgers["repository"], "asset", "plain")
    assert plain["description"] > 150
    assert plain["metadata: dagster/column_schema"] > 500
    assert plain["jobs"] > 0
    eager = fields_of(project.ledgers["repository"], "asset", "automated")
    assert eager["automation"] > 1000
    partitions = fields_of(project.ledgers["repository"], "asset", "static_first")
    assert partitions["partitions"] > 300
    in_job = fields_of(project.ledgers["job-many"], "asset", "configured")
    assert in_job["config"] > 500
    assert shared(project.ledgers["job-more"], "asset", "gm_one") > 0
    groups = {group.name for group in project.ledgers["job-more"].shared_groups}
    assert {"can_subset", "cannot_subset", "graph_multi"} <= groups
    assert fields_of(project.ledgers["job-op_job"], "op", "count")


SETS = """
import dagster as dg

names = ["a", "bb", "ccc", "dddd", "eeeee"]

def made(name):
    @dg.asset(name=name, required_resource_keys={"warehouse", "queue"})
    def asset(): ...

    return asset

@dg.multi_asset(
    outs={f"{name}_out": dg.AssetOut() for name in names},
    deps=names,
    internal_asset_deps={f"{name}_out": {dg.AssetKey(name)} for name in names},
)
def multi(): ...

@dg.asset_check(asset="a", additional_deps=names[1:])
def check(): ...

named = dg.AssetSelection.assets(*names)

@dg.sensor(asset_selection=named.downstream() | named)
def sensor(): ...

defs = dg.Definitions(
    assets=[*map(made, names), multi],
    asset_checks=[check],
    jobs=[dg.define_asset_job("some", selection=named)],
    sensors=[sensor],
    resources={"warehouse": 1, "queue": 2},
)
"""


@pytest.mark.parametrize("version", ["1.8.13", "1.10.21", NEWEST])
def test_no_size_depends_on_the_order_of_a_set(dagster_python, tmp_path, version):
    """Python orders sets by hashes that are other ones in each process."""
    (tmp_path / "definitions.py").write_text(SETS)
    found = []
    for seed in ("1", "2", "3"):
        whole = measure_json(
            *("-f", "definitions.py", "--python", dagster_python(version), "--no-cache"),
            cwd=tmp_path,
            env={"PYTHONHASHSEED": seed},
        )
        (location,) = whole["locations"]
        found.append(([s["owners"] for s in location["snapshots"]], location["assets"]))
    assert found[0] == found[1] == found[2]
