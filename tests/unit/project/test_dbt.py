"""A dbt manifest against the files that it was made from.

The manifests here are made as dbt makes them: of each file's text without the space around it, the
SHA-256. The integration tests hold the same against dbt itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from dagster_snapsize.core.model import StaleInput
from dagster_snapsize.project.dbt import stale_inputs

FILES = {
    "models/orders.sql": "\n\nselect 1 as id, 'é' as name\n\n",
    "models/deep/users.sql": "select 2",
    "models/py.py": "def model(dbt, session): ...\n",
    "seeds/rates.csv": "a,b\n1,2\n",
    "snapshots/s.sql": "{% snapshot s %}{% endsnapshot %}",
    "tests/t.sql": "select 1 where false",
    "models/off.sql": "{{ config(enabled=false) }}",
    "models/schema.yml": "version: 2\n",
    "models/docs.md": "{% docs x %}{% enddocs %}",
    "macros/m.sql": "{% macro m() %}{% endmacro %}",
    "tests/generic/even.sql": "{% test even(model) %}{% endtest %}",
}
CHECKED = [p for p in FILES if p.endswith((".sql", ".py", ".csv")) and "macros" not in p][:7]


@pytest.fixture
def dbt(tmp_path: Path) -> Path:
    """A dbt project in a folder of its own, with a manifest that is up to date."""
    folder = tmp_path / "dbt"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "dbt_project.yml").write_text("name: shop\n")
    nodes = {name: _node(name, FILES[name].strip()) for name in CHECKED}
    disabled = {"off": [nodes.pop("models/off.sql")]}
    nodes["hook"] = {**_node("./dbt_project.yml", "select 1"), "resource_type": "operation"}
    nodes["other"] = {**_node("models/not_ours.sql", ""), "package_name": "package"}
    nodes["generic"] = {
        **_node("models/schema.yml", ""),
        "checksum": {"name": "none", "checksum": ""},
    }
    (folder / "target").mkdir()
    (folder / "target/manifest.json").write_text(
        json.dumps({"metadata": {"project_name": "shop"}, "nodes": nodes, "disabled": disabled})
    )
    _date_back(folder)
    return folder


def _node(path: str, text: str) -> dict[str, object]:
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return {
        "resource_type": "model",
        "package_name": "shop",
        "original_file_path": path,
        "checksum": {"name": "sha256", "checksum": checksum},
    }


def _date_back(folder: Path) -> None:
    """All files as old as each other, a minute ago."""
    past = time.time() - 60
    for path in folder.rglob("*"):
        os.utime(path, (past, past))


def stale(dbt: Path) -> tuple[StaleInput, ...]:
    return stale_inputs([str(dbt / "target/manifest.json")], dbt.parent)


def sources(dbt: Path) -> tuple[str, ...]:
    found = stale(dbt)
    return found[0].sources if found else ()


def test_a_manifest_that_matches_is_not_named(dbt: Path) -> None:
    assert stale(dbt) == ()


@pytest.mark.parametrize("name", CHECKED)
def test_touching_a_file_with_a_checksum_is_no_change(dbt: Path, name: str) -> None:
    (dbt / name).touch()
    assert stale(dbt) == ()


@pytest.mark.parametrize("name", CHECKED)
def test_changed_content_is_found_whatever_the_time(dbt: Path, name: str) -> None:
    path = dbt / name
    path.write_text(path.read_text("utf-8") + "x", encoding="utf-8")
    _date_back(dbt)
    assert sources(dbt) == (f"dbt/{name}",)


def test_space_around_a_text_is_no_change(dbt: Path) -> None:
    (dbt / "models/orders.sql").write_text(FILES["models/orders.sql"] + "\n \n", "utf-8")
    assert stale(dbt) == ()


def test_files_that_came_and_went(dbt: Path) -> None:
    (dbt / "models/orders.sql").rename(dbt / "models/sales.sql")
    assert sources(dbt) == ("dbt/models/orders.sql", "dbt/models/sales.sql")


def test_new_files_that_leave_no_node(dbt: Path) -> None:
    (dbt / "models/empty.sql").write_text("\n")
    (dbt / "models/notes.txt").write_text("x")
    assert stale(dbt) == ()
    (dbt / "models/new.sql").write_text("select 3")
    assert sources(dbt) == ("dbt/models/new.sql",)
    (dbt / ".dbtignore").write_text("models/new.sql\n")
    assert stale(dbt) == ()


@pytest.mark.parametrize(
    "name", ["models/schema.yml", "models/docs.md", "macros/m.sql", "dbt_project.yml"]
)
def test_what_has_no_checksum_is_judged_by_its_time(dbt: Path, name: str) -> None:
    (dbt / name).touch()
    assert sources(dbt) == (f"dbt/{name}",)


def test_folders_are_those_of_the_project_file(dbt: Path) -> None:
    (dbt / "dbt_project.yml").write_text("name: shop\nmodel-paths: [models, more]\n")
    (dbt / "more").mkdir()
    (dbt / "more/new.sql").write_text("select 3")
    _date_back(dbt)
    assert sources(dbt) == ("dbt/more/new.sql",)


def test_the_advice_can_be_pasted(dbt: Path) -> None:
    (dbt / "models/new.sql").write_text("select 3")
    [found] = stale(dbt)
    assert found.path == "dbt/target/manifest.json"
    assert found.advice == (
        'run `dbt parse` in dbt, or set prepare = [["dbt", "parse", "--project-dir", "dbt"]]'
    )
    (dbt / "profiles.yml").write_text("")
    assert '"--profiles-dir", "dbt"]]' in stale(dbt)[0].advice
    [here] = stale_inputs([str(dbt / "target/manifest.json")], dbt)
    assert here.advice == 'run `dbt parse`, or set prepare = [["dbt", "parse"]]'
    [elsewhere] = stale_inputs([str(dbt / "target/manifest.json")], dbt, dbt.parent)
    assert (elsewhere.path, elsewhere.advice) == ("dbt/target/manifest.json", here.advice)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"nodes": 3, "disabled": [], "metadata": 1}'])
def test_any_other_manifest_is_left_alone(dbt: Path, content: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(content)
    assert stale_inputs([str(tmp_path / "manifest.json"), "/gone/manifest.json"], tmp_path) == ()
    (dbt / "target/manifest.json").write_text(content)
    stale(dbt)  # whatever it says, it does not fail
