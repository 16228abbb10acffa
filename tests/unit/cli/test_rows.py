"""What is said of a location's sizes in every format."""

from __future__ import annotations

from attrs import evolve

from dagster_snapsize.cli.reports.rows import explanations
from dagster_snapsize.core.model import Ledger, Owner, Share
from support.measurements import measurement, snapshot


def test_what_no_asset_explains_gets_a_sentence_where_it_is_a_tenth() -> None:
    owners = {
        Owner("asset", "orders"): {"description": Share(80_000)},
        **{
            Owner("component", f"dagster.{name}"): {"type schema": Share(size)}
            for name, size in (("SqlComponent", 6_000), ("UvRunComponent", 5_000))
        },
    }
    ledger = Ledger(91_000, owners, {}, {})
    found = measurement(evolve(snapshot({}), stored_bytes=91_000, ledger=ledger), assets=())
    assert [*explanations(found)] == [
        "The schemas of 2 component types take 11 kB: Dagster stores one for each type that an"
        " installed package registers, used or not."
    ]
    more = evolve(
        ledger, stored_bytes=111_001, owners={**owners, Owner("asset", "b"): {"x": Share(20_001)}}
    )
    found = measurement(evolve(snapshot({}), stored_bytes=111_001, ledger=more), assets=())
    assert [*explanations(found)] == []
