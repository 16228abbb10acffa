"""What the server says beyond the Language Server Protocol."""

from __future__ import annotations

from attrs import evolve

from dagster_snapsize.core.limits import ShownLimit
from dagster_snapsize.lsp.commands import limits_report, report_name
from dagster_snapsize.lsp.requests import measurement_answer, status_of
from dagster_snapsize.lsp.state import LocationState
from support.lsp_values import FOLDER, NIGHTLY, REPOSITORY, project, result, snapshot

RX = ShownLimit("DAGSTER_GRPC_MAX_RX_BYTES", "100 MB", "Dagster's default", "the largest", None)


def test_status_names_the_snapshot_nearest_to_its_budget_not_the_largest() -> None:
    small = result(name="small", snapshots=[snapshot(REPOSITORY, stored=87_000, budget=100_000)])
    large = result(
        name="large",
        snapshots=[
            snapshot(REPOSITORY, stored=9_000_000, budget=80_000_000),
            snapshot(NIGHTLY, stored=10_000_000, budget=80_000_000),
        ],
    )
    assert status_of(project(small, large))["nearest"] == {
        "location": "small",
        "snapshot": REPOSITORY,
        "usedBytes": 87_004,
        "budgetBytes": 100_000,
    }


def test_nothing_is_nearest_before_the_first_measurement() -> None:
    assert status_of(project(LocationState("shop", FOLDER)))["nearest"] is None


def test_limits_are_those_of_the_newest_measurement_that_read_them() -> None:
    good = evolve(result(), limits=(RX,))
    newest = evolve(result(), limits=(evolve(RX, value="5 MB"),))
    stopped = evolve(result(), limits=())
    for failed, value in ((newest, "5 MB"), (stopped, "100 MB"), (None, "100 MB")):
        state = LocationState("shop", FOLDER, good=good, failed=failed)
        (answer,) = measurement_answer([project(state)])["projects"]
        (limit,) = answer["locations"][0]["limits"]
        assert (limit["name"], limit["value"]) == ("DAGSTER_GRPC_MAX_RX_BYTES", value)
        assert f"`DAGSTER_GRPC_MAX_RX_BYTES`: **{value}**" in limits_report(state)


def test_documents_of_two_projects_are_two_files() -> None:
    names = {report_name(folder, name) for folder in ("/a", "/b") for name in ("x/y", "x_y")}
    assert len(names) == 4
    assert all(name.startswith("x_y ") and name.endswith(".md") for name in names)
