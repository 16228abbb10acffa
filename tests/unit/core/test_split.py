"""Where a location is split, and when it is not."""

from __future__ import annotations

import pytest

from dagster_snapsize.core.advice.partition import partition
from dagster_snapsize.core.advice.split import NoSplit, Split, propose
from dagster_snapsize.core.ledger.totals import asset_costs
from dagster_snapsize.core.model import (
    Environment,
    Measurement,
    Seconds,
    Snapshot,
    SourceLocation,
)
from support.ledgers import attribute_repository
from support.snapshot_values import asset, payload, repository


def location(*assets: tuple[str, str, str, tuple[str, ...]]) -> Measurement:
    """A location of assets, each with key, group, file and what it depends on."""
    text = payload(repository(*(asset(k, *deps, group_name=g) for k, g, _, deps in assets)))
    drawn, index = attribute_repository(text)
    size = drawn.stored_bytes
    snapshot = Snapshot("s/r/repository", "repository", "r", "r", size, size + 4, drawn)
    places = {key: SourceLocation(file, 1) for key, _, file, _ in assets}
    facts = index.assets.values()
    return Measurement(
        name="shop",
        target={},
        python="",
        python_version="",
        dagster_version="",
        seconds=Seconds(),
        peak_rss_bytes=0,
        snapshots=(snapshot,),
        assets=asset_costs(
            "r",
            (snapshot,),
            places,
            {a.key: a.group for a in facts},
            {a.key: a.deps for a in facts},
        ),
        definition_files=(),
        environment=Environment((), (), ()),
        stub_bytes=700,
    )


def split(measurement: Measurement, count: int, budget: int = 10**6) -> Split:
    """The proposal, where every snapshot may take as much."""
    return propose(measurement, count, lambda snapshot: (budget, True), 0.2)


# Groups cut across the folders; few edges lead from folder to folder.
TWO_FOLDERS = location(
    *(
        (f"{side}{n}", f"g{n % 2}", f"{side}/file_{n % 3}.py", (f"{side}{n - 1}",) if n else ())
        for side in "xy"
        for n in range(12)
    ),
    ("y99", "g0", "y/file_0.py", ("x11",)),
)


def test_the_kind_of_unit_that_cuts_fewest_edges_is_taken() -> None:
    found = split(TWO_FOLDERS, 2)
    assert found.kind == "folder"
    assert sorted(part.units for part in found.parts) == [("x",), ("y",)]
    assert found.crossing == {("x", "y"): 1}
    (needs,) = [part for part in found.parts if part.stubs]
    assert needs.stubs == ("x11",)
    assert found.stub_bytes == 700 + len('["x11"]')


def test_files_are_units_where_nothing_larger_can_be_told_apart() -> None:
    one_folder = location(*((f"a{n}", "g", f"f/{n % 4}.py", ()) for n in range(8)))
    found = split(one_folder, 3)
    assert (found.kind, len(found.parts), found.crossing_count) == ("file", 3, 0)


def test_assets_belong_to_one_part_each() -> None:
    found = split(TWO_FOLDERS, 2)
    keys = [key for part in found.parts for key in part.assets]
    assert sorted(keys) == sorted(a.key for a in TWO_FOLDERS.assets)


@pytest.mark.parametrize(
    ("measurement", "count", "words"),
    [
        (location(), 2, "it has no assets"),
        (location(("a", "g", "f.py", ())), 2, "one asset"),
        (TWO_FOLDERS, 9, "2 groups, 1 key prefix, 2 folders, 6 files; for 9 locations"),
    ],
)
def test_what_cannot_be_split_is_said(measurement: Measurement, count: int, words: str) -> None:
    with pytest.raises(NoSplit, match=words):
        split(measurement, count)


def test_parts_are_about_equal_and_the_same_each_time() -> None:
    weights = {f"u{n:02}": 100 + n for n in range(40)}
    edges = {(f"u{n:02}", f"u{n + 1:02}"): 3 for n in range(39)}
    first = partition(weights, edges, 4)
    assert first == partition(dict(reversed(weights.items())), dict(reversed(edges.items())), 4)
    sizes = [sum(weights[unit] for unit in part) for part in first]
    assert max(sizes) < 1.2 * min(sizes)
    cut = sum(not any({a, b} <= set(part) for part in first) for a, b in edges)
    assert cut <= 6


@pytest.mark.parametrize("count", [2, 3, 7])
def test_no_part_is_empty(count: int) -> None:
    giant = {"giant": 10**9, **{f"u{n}": 1 for n in range(6)}}
    parts = partition(giant, {}, count)
    assert len(parts) == count
    assert all(parts)
    assert "giant" in parts[0]
