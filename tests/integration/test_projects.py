"""Whole projects, found the way that Dagster finds them, and where each asset is defined."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support import PROJECTS, environments
from support.command import measure_json, snapsize, tree
from support.environments import NEWEST, OLDEST


def places(location: Any) -> dict[str, str | None]:
    """``path:line`` of every asset, None where the report has none."""
    return {
        asset["key"]: asset["location"] and "{path}:{line}".format(**asset["location"])
        for asset in location["assets"]
    }


def line_of(path: Path, start: str) -> int:
    """The 1-based line of a file that starts so; there must be one of them."""
    (line,) = (
        number
        for number, text in enumerate(path.read_text("utf-8").splitlines(), 1)
        if text.strip().startswith(start)
    )
    return line


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_asset_defined_in_code_has_its_file_and_line(
    dagster_python: Callable[..., Path], version: str
) -> None:
    folder = PROJECTS / "everything"
    (location,) = measure_json("--python", dagster_python(version), cwd=folder)["locations"]

    at = places(location)
    expected = {
        # Where the source begins to speak of an asset, by file: its key -> the start of the line.
        "assets": {
            "raw_events": "raw_events = dg.AssetSpec(",
            "raw_customers": "raw_customers = dg.AssetSpec(",
            "upstream_file": "@dg.observable_source_asset",
            "feed_a": "@dg.multi_observable_source_asset",
            "feed_b": "@dg.multi_observable_source_asset",
            "legacy/source": "old_source =",
            "split/clicks": "@dg.multi_asset(\n    specs",
            "scaled_events": "@dg.graph_asset",
            "graphs/small": "@dg.graph_multi_asset",
            "graphs/large": "@dg.graph_multi_asset",
            "daily_report": "report =",
            "eager_asset": "@dg.asset(deps=[events], automation_condition",
            "customers": '@dg.asset(group_name="core", required',
            "fresh_asset": "@dg.asset(deps=[events], **_freshness)",
        },
        "warehouse/dimensions": {
            "warehouse/core/dim_day": "@dg.multi_asset",
            "warehouse/core/dim_hour": "@dg.multi_asset",
            "warehouse/core/dim_customer": "@dg.asset",
        },
        "warehouse/facts": {"warehouse/core/fact_revenue": "@dg.asset(deps"},
        "lake/tables": {"lake/landing": '@dg.asset(io_manager_key="lake")'},
        "factories": {
            "factory/tables/table_0": "@dg.asset(name=name",
            "factory/tables/all_tables": "@dg.asset(name=name",
            "factory/specs/spec_0": "SPECS =",
            "factory/specs/spec_2": "SPECS =",
        },
    }
    found = {}
    wanted = {}
    for name, starts in expected.items():
        path = folder / "everything" / f"{name}.py"
        text = path.read_text("utf-8")
        for key, start in starts.items():
            assert text.count("\n" + start) + text.count("    " + start) == 1, start
            line = text[: text.index(start)].count("\n") + 1
            wanted[key] = f"everything/{name}.py:{line}"
            found[key] = at[key]
    assert found == wanted
    assert [key for key, place in at.items() if place is None] == []


def test_a_project_with_components_has_the_line_of_its_yaml(
    dagster_python: Callable[..., Path],
) -> None:
    folder = PROJECTS / "components"
    before = tree(folder)

    (location,) = measure_json("--python", dagster_python(), cwd=folder)["locations"]

    second = line_of(folder / "parts/defs/named/defs.yaml", "---") + 1
    assert places(location) == {
        "plain": "parts/defs/plain.py:4",
        "sales/orders": "parts/defs/tables/defs.yaml:1",
        "sales/lines": "parts/defs/tables/defs.yaml:1",
        "sales/refunds": "parts/defs/tables/defs.yaml:1",
        "people/customers": "parts/defs/named/defs.yaml:1",
        "places/shops": f"parts/defs/named/defs.yaml:{second}",
        "places/cities": f"parts/defs/named/defs.yaml:{second}",
    }
    assert tree(folder) == before


def test_a_component_that_fails_is_shown_at_its_yaml_with_the_cause(
    copy_project: Callable[[str], Path], dagster_python: Callable[..., Path]
) -> None:
    folder = copy_project("components")
    file = folder / "parts/defs/tables/defs.yaml"
    given = file.read_text("utf-8")
    for old, new, line, cause in (
        ("sales", "\"{{ env('SHOP_SCHEMA') }}\"", 1, "variable SHOP_SCHEMA is not set"),
        ("sales", "sales\n  colour: red", 5, "Extra inputs are not permitted"),
    ):
        file.write_text(given.replace(f"schema_name: {old}", f"schema_name: {new}"), "utf-8")
        result = snapsize("check", "--format", "json", "--python", dagster_python(), cwd=folder)
        (finding,) = result.json["findings"]
        assert finding["location"] == {"path": "parts/defs/tables/defs.yaml", "line": line}
        assert cause in finding["message"]
        assert "which led to Error while loading component tables[0]" in finding["message"]


def test_two_repositories_of_one_file_are_told_apart(dagster_python: Callable[..., Path]) -> None:
    whole = measure_json("--python", dagster_python(), cwd=PROJECTS / "two_repositories")

    (location,) = whole["locations"]
    ids = [snapshot["id"].partition("/")[2] for snapshot in location["snapshots"]]
    assert sorted(ids) == [
        "left/job/__ASSET_JOB",
        "left/job/shared_job",
        "left/repository",
        "right/job/__ASSET_JOB",
        "right/job/assets_of_right",
        "right/job/own_job",
        "right/job/shared_job",
        "right/repository",
    ]
    assert {(a["key"], a["repository"]) for a in location["assets"]} == {
        ("left_asset", "left"),
        ("left_dependent", "left"),
        ("right_asset", "right"),
    }


def test_every_location_of_a_workspace_file_is_measured(
    dagster_python: Callable[..., Path],
) -> None:
    whole = measure_json("--python", dagster_python(), cwd=PROJECTS / "workspace_yaml")

    assert {location["name"]: places(location) for location in whole["locations"]} == {
        "first.py": {"of_first": "first.py:4"},
        "the_second": {"of_second": "more/second.py:5"},
        "a_module": {"of_package": "package_location/definitions.py:4"},
        "package_location": {"of_package": "package_location/definitions.py:4"},
    }


def test_every_project_of_a_dg_workspace_runs_its_own_environment(
    dagster_python: Callable[..., Path],
    environment: Callable[[str], Path],
    copy_project: Callable[[str], Path],
) -> None:
    folder = copy_project("dg_workspace")
    # Two environments with different Dagsters; what else they have does not matter here.
    for project, python in (("alpha", dagster_python()), ("beta", environment("dbt"))):
        (folder / "projects" / project / ".venv").symlink_to(python.parents[1])

    whole = measure_json(cwd=folder)

    alpha, beta = whole["locations"]
    assert (alpha["name"], alpha["dagster_version"]) == ("alpha", NEWEST)
    assert (beta["name"], beta["dagster_version"]) == ("second", "1.13.27")
    assert places(alpha) == {"of_alpha": "projects/alpha/alpha/defs/assets.py:4"}
    assert set(places(beta)) == {"of_beta", "after_beta"}


def test_a_folder_with_nothing_but_definitions_is_found(
    dagster_python: Callable[..., Path],
) -> None:
    whole = measure_json("--python", dagster_python(), cwd=PROJECTS / "single_files")

    (location,) = whole["locations"]
    assert set(places(location)) == {"found_by_name"}


@pytest.mark.parametrize("said", ["project", "project and references", "manifest"])
def test_a_dbt_project_is_measured_with_its_models_places(
    environment: Callable[[str], Path], dbt_project: Path, said: str
) -> None:
    definitions = dbt_project / "definitions.py"
    if said == "manifest":
        source = definitions.read_text(encoding="utf-8")
        definitions.write_text(source.replace("    project=project,\n", ""), encoding="utf-8")
    references = "1" if "references" in said else ""
    before = tree(dbt_project)

    whole = measure_json(
        "--python",
        environment("dbt"),
        cwd=dbt_project,
        env={"CODE_REFERENCES": references},
    )

    (location,) = whole["locations"]
    assert location["error"] is None, location["error"]
    at = places(location)
    assert at["customer_orders"] == "jaffle/models/marts/customer_orders.sql:1"
    assert at["stg_orders"] == "jaffle/models/staging/stg_orders.sql:1"
    assert at["raw_orders"] == "jaffle/seeds/raw_orders.csv:1"
    defined = [key for key in at if not key.startswith("app/")]
    assert [key for key in defined if at[key] is None] == []
    kinds = {owner["kind"] for snapshot in location["snapshots"] for owner in snapshot["owners"]}
    assert "check" in kinds, "the tests of the models are asset checks"
    changed = {name for name, text in tree(dbt_project).items() if before.get(name) != text}
    assert changed == set()


def test_a_scaffolded_project_is_measured_with_no_configuration(
    environment: Callable[[str], Path], tmp_path: Path
) -> None:
    create = environment("dg").with_name("create-dagster")
    quiet = {**os.environ, "DAGSTER_DISABLE_TELEMETRY": "1", "HOME": str(tmp_path)}
    subprocess.run(
        [create, "project", "my-analytics", "--no-uv-sync"],
        cwd=tmp_path,
        env=quiet,
        check=True,
        capture_output=True,
    )
    project = tmp_path / "my-analytics"
    shutil.copy(PROJECTS / "single_files" / "only_assets.py", project / "src/my_analytics/defs")
    dagster = re.search(r"dagster==[\w.]+", (project / "pyproject.toml").read_text())
    assert dagster, "the scaffold pins its Dagster"
    install_project(project)

    whole = measure_json(cwd=project)

    assert whole["findings"] == []
    (location,) = whole["locations"]
    assert location["name"] == "my-analytics"
    assert location["python"].endswith(".venv/bin/python")
    assert places(location) == {
        "alone": "src/my_analytics/defs/only_assets.py:6",
        "together": "src/my_analytics/defs/only_assets.py:11",
    }


def install_project(project: Path) -> None:
    """Give a project its own ``.venv`` with itself in it, as the scaffold's README says."""
    for arguments in (
        ("venv", "--python", environments.base_python(), ".venv"),
        ("pip", "install", "--python", ".venv/bin/python", "--editable", "."),
    ):
        environments.uv(*arguments, cwd=project)
