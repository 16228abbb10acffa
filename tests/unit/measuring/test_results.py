"""A measurement as the language server receives it."""

from __future__ import annotations

import json
from pathlib import Path

from dagster_snapsize.core.model import Budgets
from dagster_snapsize.measuring.worker.results import (
    AssetDetail,
    LocationResult,
    read_detail,
    structure,
    unstructure,
)
from dagster_snapsize.measuring.worker.summary import summarize
from support.measurements import JOB, REPOSITORY, measurement, snapshot


def summarized(folder: Path) -> LocationResult:
    repository = {f"table_{n}": {"description": 100 * n} for n in range(1, 8)}
    job = {"table_1": {"op": 900}, "table_2": {"op": 50}}
    return summarize(
        measurement(snapshot(repository), snapshot(job, JOB)),
        Budgets(),
        root=Path("/shop"),
        config_path=None,
        python_source=".venv",
        rows=folder / "shop.rows",
    )


def test_each_snapshot_names_the_assets_that_take_most_of_it(tmp_path: Path) -> None:
    named = {s.id: [(a.key, a.bytes) for a in s.heaviest] for s in summarized(tmp_path).snapshots}
    assert named == {
        REPOSITORY: [(f"table_{n}", 100 * n) for n in (7, 6, 5, 4, 3)],
        JOB: [("table_1", 900), ("table_2", 50)],
    }


def test_every_row_leads_to_its_detail_and_both_sum_up(tmp_path: Path) -> None:
    result = summarized(tmp_path)
    for row in result.assets:
        detail = read_detail(result.rows, row)
        assert (detail.key, detail.total_bytes) == (row.key, row.total_bytes)
        assert sum(c.exclusive + c.shared for c in detail.cells) == row.total_bytes
        assert max(detail.by_snapshot.values()) == row.largest_bytes


def test_the_file_of_rows_holds_details_and_nothing_else(tmp_path: Path) -> None:
    result = summarized(tmp_path)
    *assets, _ = map(json.loads, Path(result.rows).read_text(encoding="utf-8").splitlines())
    assert assets
    for asset in assets:
        assert unstructure(structure(asset, AssetDetail)) == asset


def test_rows_that_cannot_be_written_take_nothing_else_away(tmp_path: Path) -> None:
    sized = [row.total_bytes for row in summarized(tmp_path).assets]
    (tmp_path / "shop.rows").unlink()
    (tmp_path / "shop.rows").symlink_to("/dev/full")
    result = summarized(tmp_path)
    assert result.rows == ""
    assert [row.total_bytes for row in result.assets] == sized
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_rows_tiles_every_snapshot(tmp_path: Path) -> None:
    result = summarized(tmp_path)
    *assets, last = map(json.loads, Path(result.rows).read_text(encoding="utf-8").splitlines())
    sums = dict.fromkeys((s.id for s in result.snapshots), 0)
    for asset in assets:
        for cell in asset["cells"]:
            sums[cell["snapshot"]] += cell["exclusive"] + cell["shared"]
    for other in last["others"]:
        sums[other["snapshot"]] += sum(other["fields"].values())
    assert sums == {s.id: s.stored_bytes for s in result.snapshots}


def test_a_result_survives_json(tmp_path: Path) -> None:
    result = summarized(tmp_path)
    assert structure(unstructure(result), LocationResult) == result
