"""Assets that measure code locations, on a real Dagster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.command import measure_json
from support.deployment import own_variables, runs
from support.environments import environment

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
SIZES = ["snapshot_sizes", "shop"]
KEY = "/".join(SIZES)
BUDGET = '{"repository": "%s", "job": "1 MB", "growth": "5 %%"}'


def measured(folder: Path, *arguments: str) -> Any:
    """The first location of ``measure``, with the environment that the deployment has."""
    options = {"env": {"PYTHONPATH": own_variables(folder / "home")["PYTHONPATH"]}}
    python = ["--python", str(environment("deployment"))]
    return measure_json(*python, *arguments, cwd=folder, **options)["locations"][0]


def differences(metadata: Any, location: Any) -> list[tuple[str, int, int]]:
    """Sizes in the metadata of a materialization that are others than those of ``measure``."""
    by_label = {
        "repository" if s["kind"] == "repository" else f"job {s['name']}": s
        for s in location["snapshots"]
    }
    largest = max(
        (s for s in location["snapshots"] if s["kind"] == "job"), key=lambda s: s["wire_bytes"]
    )
    pairs = [("assets", metadata["assets"], len(location["assets"]))]
    pairs.append(("jobs", metadata["jobs"], len(location["snapshots"]) - 1))
    assert metadata["largest_job"] == largest["name"]
    for kind in ("stored_bytes", "wire_bytes"):
        pairs.append((kind, metadata[f"repository_{kind}"], by_label["repository"][kind]))
        pairs.append((kind, metadata[f"largest_job_{kind}"], largest[kind]))
        pairs += [
            (r["snapshot"], r[kind], by_label[r["snapshot"]][kind]) for r in metadata["snapshots"]
        ]
    totals = {a["key"]: a["total_bytes"] for a in location["assets"]}
    pairs += [(r["asset"], r["bytes"], totals[r["asset"]]) for r in metadata["heaviest_assets"]]
    return [pair for pair in pairs if pair[1] != pair[2]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project on three days: a third day's asset more, and a budget that it exceeds."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "pyproject.toml").write_text("")
    for day, count in enumerate((30, 31, 60), start=1):
        arguments = f'{BUDGET % "50 kB"}, name="shop"'
        (folder / f"day{day}.py").write_text(SHOP.format(count=count, arguments=arguments))
    return folder


def test_a_location_measures_itself_in_its_own_runs(shop: Path) -> None:
    """In any process that an executor starts, over time, with the sizes of ``measure``."""
    first, second, third = runs(
        shop / "home",
        shop,
        {"file": "day1.py", "assets": [SIZES]},
        {"file": "day2.py", "assets": [SIZES], "executor": "multiprocess"},
        {"file": "day3.py", "assets": [SIZES]},
    )
    wire = []
    for day, run in enumerate((first, second, third), start=1):
        assert run["success"], run["failures"]
        location = measured(shop, "-f", f"day{day}.py")
        metadata = run["assets"][KEY]
        assert differences(metadata, location) == []
        wire.append(sum(s["wire_bytes"] for s in location["snapshots"]))
        used = metadata["repository_wire_bytes"] / 50_000 * 100
        assert (
            metadata["used_percent"]
            == run["checks"][f"{KEY}:within_budget"]["metadata"]["used_percent"]
            == pytest.approx(used)
        )
    over = third["checks"][f"{KEY}:within_budget"]
    assert first["checks"][f"{KEY}:within_budget"]["passed"]
    assert not over["passed"] and over["severity"] == "ERROR"
    assert over["description"].startswith("Repository at 126 % of 50 kB: ")
    assert over["metadata"]["snapshot"] == "repository"
    grown = [run["checks"][f"{KEY}:growth"] for run in (first, second, third)]
    assert [check["passed"] for check in grown] == [True, True, False]
    assert grown[0]["description"] == "the first materialization"
    assert "since the last materialization, within the 5 %" in grown[1]["description"]
    assert grown[2]["severity"] == "WARN" and "over the 5 %" in grown[2]["description"]
    assert [c["metadata"] for c in grown] == [
        {"growth_bytes": 0},
        {"growth_bytes": wire[1] - wire[0]},
        {"growth_bytes": wire[2] - wire[1]},
    ]
    assert second["assets"][KEY]["grown"][0]["owner"] == "table_30"


def test_the_component_itself_is_small(shop: Path) -> None:
    """Less than 6 kB of all snapshots together, with a schedule."""
    (shop / "with.py").write_text(SHOP.format(count=2, arguments='cron="0 6 * * *"'))
    without = SHOP.format(count=2, arguments="").replace(
        "build_snapshot_sizes_definitions()", "dg.Definitions()"
    )
    (shop / "without.py").write_text(without)
    added = [
        sum(s["stored_bytes"] for s in measured(shop, "-f", name)["snapshots"])
        for name in ("with.py", "without.py")
    ]
    assert 2_000 < added[0] - added[1] < 6_000
