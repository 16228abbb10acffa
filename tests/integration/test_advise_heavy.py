"""What takes much by itself: do what is advised, and the snapshots shrink by what was said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.command import snapsize
from support.environments import NEWEST, OLDEST

PROJECT = """
import dagster as dg

OPTION = dg.Field(str, is_required=False, description="d" * 200)
SCHEMA = {f"option_{n:03}": OPTION for n in range(300)}


@dg.resource(config_schema=SCHEMA)
def engine(_):
    return 1


@dg.asset(description="long " * 8_000, required_resource_keys={"engine"})
def orders():
    return 1


@dg.asset(deps=[orders], metadata={"notes": "much " * 10_000})
def customers():
    return 1


defs = dg.Definitions(
    assets=[orders, customers],
    jobs=[dg.define_asset_job("nightly", [orders])],
    resources={"engine": engine},
)
"""
DONE = {
    "resource": ('{"engine": engine}', '{"engine": engine.configured({})}'),
    "description": ('description="long " * 8_000, ', ""),
    "metadata: notes": (', metadata={"notes": "much " * 10_000}', ""),
}


@pytest.mark.parametrize("version", [NEWEST, pytest.param(OLDEST, marks=pytest.mark.matrix)])
def test_what_is_heavy_saves_what_was_said(
    tmp_path: Path, dagster_python: Callable[[str], Path], version: str
) -> None:
    file = tmp_path / "definitions.py"
    file.write_text(PROJECT)
    flags = ("--python", str(dagster_python(version)), "-f", "definitions.py", "--format", "json")

    def sizes() -> dict[str, int]:
        (location,) = snapsize("measure", *flags, cwd=tmp_path).json["locations"]
        assert location["error"] is None
        return {s["id"]: s["stored_bytes"] for s in location["snapshots"]}

    before = sizes()
    (told,) = snapsize("advise", *flags, cwd=tmp_path).json["locations"]
    advice: dict[str, Any] = {
        a["kind"] if a["kind"] == "resource" else a["field"]: a for a in told["advice"]
    }
    assert set(DONE) <= set(advice)
    assert advice["resource"]["title"].endswith("resource engine in 2 jobs")
    for what, (old, new) in DONE.items():
        assert old in PROJECT
        file.write_text(PROJECT.replace(old, new))
        after = sizes()
        for snapshot, said in advice[what]["by_snapshot"].items():
            assert before[snapshot] - after[snapshot] == pytest.approx(said, rel=0.01), what
