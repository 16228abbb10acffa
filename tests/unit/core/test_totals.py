"""What an asset costs over several snapshots."""

from __future__ import annotations

from dagster_snapsize.core.ledger.totals import asset_costs
from dagster_snapsize.core.model import SourceLocation
from support.ledgers import attribute_repository
from support.measurements import drawn_snapshot, drawn_snapshots
from support.snapshot_values import asset, payload, repository


def test_costs_are_listed_heaviest_first_then_by_key():
    costs = asset_costs("r", drawn_snapshots(), {}, {})
    assert [cost.key for cost in costs] == ["heavy", "m/one", "m/two"]
    assert costs[1].total_bytes >= costs[2].total_bytes
    same = payload(repository(asset("b"), asset("a")))
    drawn = [drawn_snapshot("repository", attribute_repository(same)[0])]
    assert [cost.key for cost in asset_costs("r", drawn, {}, {})][-1] in ("a", "b")


def test_every_sum_of_an_asset_is_its_total():
    snapshots = drawn_snapshots()
    for cost in asset_costs("r", snapshots, {}, {}):
        assert cost.exclusive_bytes + cost.shared_bytes == cost.total_bytes
        assert sum(cost.by_snapshot.values()) == cost.total_bytes
        assert sum(cost.fields.values()) == cost.total_bytes
        assert set(cost.by_snapshot) == {snapshot.id for snapshot in snapshots}
        assert list(cost.fields.values()) == sorted(cost.fields.values(), reverse=True)


def test_members_share_their_op_and_know_what_hangs_on_them():
    by_key = {cost.key: cost for cost in asset_costs("r", drawn_snapshots(), {}, {})}
    assert by_key["heavy"].shared_bytes == 0
    assert by_key["m/one"].shared_bytes > 0
    assert by_key["heavy"].dangling_bytes > by_key["m/one"].dangling_bytes == 0
    assert by_key["heavy"].check_bytes > 100
    assert by_key["m/one"].check_bytes == 0


def test_an_asset_knows_where_it_is_defined_if_that_is_known():
    place = SourceLocation("src/assets.py", 12)
    found = asset_costs("r", drawn_snapshots(), {"heavy": place}, {"heavy": "wide"})
    costs = {cost.key: cost for cost in found}
    assert costs["heavy"].group == "wide"
    assert costs["heavy"].location == place
    assert costs["m/one"].location is None


def test_the_snapshots_of_another_repository_do_not_count():
    ours = drawn_snapshots()
    other = attribute_repository(payload(repository(asset("heavy"), asset("other"))))[0]
    with_others = (*ours, drawn_snapshot("repository", other, "s"))
    assert asset_costs("r", with_others, {}, {}) == asset_costs("r", ours, {}, {})
    assert {cost.key for cost in asset_costs("s", with_others, {}, {})} == {"heavy", "other"}
