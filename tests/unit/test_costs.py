"""What an asset costs over several snapshots."""

from __future__ import annotations

from snapshot_values import asset, check, job, node, op, payload, repository

from dagster_snapsize.core.ledger.totals import asset_costs
from dagster_snapsize.core.model import Ledger, Snapshot, SourceLocation
from ledgers import draw_job, draw_repository


def snapshot(name: str, drawn: Ledger, repository_name: str = "r") -> Snapshot:
    """A measured snapshot with that ledger."""
    size = drawn.stored_bytes
    return Snapshot(
        id=f"here/{repository_name}/{name}",
        kind="repository" if name == "repository" else "job",
        name=name,
        repository=repository_name,
        stored_bytes=size,
        wire_bytes=size + 4,
        ledger=drawn,
    )


def measured() -> tuple[Snapshot, ...]:
    """A repository of a heavy and two light assets, and two jobs; first the jobs."""
    jobs = ("j", "k")
    text = payload(
        repository(
            asset("heavy", op_description="d" * 500, jobs=jobs),
            asset("m/two", "heavy", op="many", output_name="two", jobs=jobs),
            asset("m/one", "heavy", op="many", output_name="one", jobs=jobs),
            external_asset_checks=[check("heavy", "is_heavy")],
        )
    )
    drawn, index = draw_repository(text)
    ops = [op("heavy"), op("many", ("heavy",), ("one", "two"))]
    nodes = [node("heavy"), node("many", heavy=("heavy", "result"))]
    ledgers = [draw_job(payload(job(name, ops, nodes)), index) for name in jobs]
    return (*map(snapshot, jobs, ledgers), snapshot("repository", drawn))


def test_costs_are_listed_heaviest_first_then_by_key():
    costs = asset_costs("r", measured(), {}, {})
    assert [cost.key for cost in costs] == ["heavy", "m/one", "m/two"]
    assert costs[1].total_bytes >= costs[2].total_bytes
    same = payload(repository(asset("b"), asset("a")))
    drawn = [snapshot("repository", draw_repository(same)[0])]
    assert [cost.key for cost in asset_costs("r", drawn, {}, {})][-1] in ("a", "b")


def test_every_sum_of_an_asset_is_its_total():
    snapshots = measured()
    for cost in asset_costs("r", snapshots, {}, {}):
        assert cost.exclusive_bytes + cost.shared_bytes == cost.total_bytes
        assert sum(cost.by_snapshot.values()) == cost.total_bytes
        assert sum(cost.fields.values()) == cost.total_bytes
        assert set(cost.by_snapshot) == {snapshot.id for snapshot in snapshots}
        assert list(cost.fields.values()) == sorted(cost.fields.values(), reverse=True)


def test_members_share_their_op_and_know_what_hangs_on_them():
    by_key = {cost.key: cost for cost in asset_costs("r", measured(), {}, {})}
    assert by_key["heavy"].shared_bytes == 0
    assert by_key["m/one"].shared_bytes > 0
    assert by_key["heavy"].dangling_bytes > by_key["m/one"].dangling_bytes == 0
    assert by_key["heavy"].check_bytes > 100
    assert by_key["m/one"].check_bytes == 0


def test_an_asset_knows_where_it_is_defined_if_that_is_known():
    place = SourceLocation("src/assets.py", 12)
    found = asset_costs("r", measured(), {"heavy": place}, {"heavy": "wide"})
    costs = {cost.key: cost for cost in found}
    assert costs["heavy"].group == "wide"
    assert costs["heavy"].location == place
    assert costs["m/one"].location is None


def test_the_snapshots_of_another_repository_do_not_count():
    ours = measured()
    other = draw_repository(payload(repository(asset("heavy"), asset("other"))))[0]
    with_others = (*ours, snapshot("repository", other, "s"))
    assert asset_costs("r", with_others, {}, {}) == asset_costs("r", ours, {}, {})
    assert {cost.key for cost in asset_costs("s", with_others, {}, {})} == {"heavy", "other"}
