"""What changed between two measurements: matched rightly, and every sum adds up."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dagster_snapsize.cli.diff import Side, compare
from dagster_snapsize.cli.reports.diff.changes import import_lines
from dagster_snapsize.cli.reports.diff.markdown import MARK, MOST, render
from dagster_snapsize.core.diff import Change, Difference, difference
from dagster_snapsize.core.ledger.totals import asset_costs
from dagster_snapsize.core.model import (
    NO_LEDGER,
    Environment,
    Inputs,
    Ledger,
    Measurement,
    Owner,
    Seconds,
    Share,
    Snapshot,
    SourceLocation,
)
from support import report_values
from support.report_values import location_report

Owners = Mapping[Owner, Mapping[str, Share]]


def measurement(
    snapshots: Mapping[tuple[str, str, str], Owners], name: str = "shop"
) -> Measurement:
    """A location of snapshots that hold what these owners own; by repository, kind and name."""
    made = []
    for (repository, kind, snapshot), owners in snapshots.items():
        size = sum(share.bytes for fields in owners.values() for share in fields.values())
        made.append(
            Snapshot(
                id=f"{name}/{repository}/{kind}/{snapshot}",
                kind="job" if kind == "job" else "repository",
                name=snapshot,
                repository=repository,
                stored_bytes=size,
                wire_bytes=size + 5,
                ledger=Ledger(size, owners, {}, {}),
            )
        )
    places = {"orders": SourceLocation("shop/assets.py", 3)}
    return Measurement(
        name=name,
        target={},
        python="python",
        python_version="3.11.7",
        dagster_version="1.13.28",
        seconds=Seconds(),
        peak_rss_bytes=0,
        snapshots=tuple(made),
        assets=tuple(
            cost
            for repository in {key[0] for key in snapshots}
            for cost in asset_costs(repository, made, places, {})
        ),
        definition_files=(),
        environment=Environment((), (), ()),
    )


REPOSITORY = ("__repository__", "repository", "__repository__")
ALL_ASSETS = ("__repository__", "job", "__ASSET_JOB")
ORDERS = Owner("asset", "orders")
STRUCTURE = Owner("structure", "[structure]")


def test_each_owner_is_told_by_snapshot_and_by_field() -> None:
    old = measurement(
        {
            REPOSITORY: {ORDERS: {"description": Share(10), "deps": Share(4)}},
            ALL_ASSETS: {ORDERS: {"op": Share(7)}, STRUCTURE: {"structure": Share(20)}},
        }
    )
    new = measurement(
        {
            REPOSITORY: {
                ORDERS: {"description": Share(15), "tags": Share(2)},
                Owner("asset", "customers"): {"op": Share(8)},
            },
            ALL_ASSETS: {ORDERS: {"op": Share(7)}, STRUCTURE: {"structure": Share(19, 0)}},
        },
        name="shop.definitions",
    )
    found = difference(old, new)
    assert found.size == Change(41, 51)
    customers, orders, structure = found.owners
    assert customers.owner.name == "customers"
    assert customers.size == Change(None, 8)
    assert customers.size.kind == "added"
    assert orders.size == Change(21, 24)
    repository = "shop.definitions/__repository__/repository/__repository__"
    assert orders.by_snapshot == {repository: Change(14, 17)}
    assert orders.fields == {
        "description": Change(10, 15),
        "deps": Change(4, None),
        "tags": Change(None, 2),
    }
    assert orders.location == SourceLocation("shop/assets.py", 3)
    assert structure.size == Change(20, 19)
    assert found.fields == {
        "op": Change(7, 15),
        "description": Change(10, 15),
        "deps": Change(4, None),
        "tags": Change(None, 2),
        "[structure]": Change(20, 19),
    }
    assert [(s.kind, s.stored) for s in found.snapshots] == [
        ("repository", Change(14, 25)),
        ("job", Change(27, 26)),
    ]


def with_jobs(measured: Measurement, **ids: str) -> Measurement:
    """The same with ids and compressed sizes of its jobs, by their names."""
    return evolve(
        measured,
        snapshots=tuple(
            evolve(s, snapshot_id=ids[s.name], compressed_bytes=s.stored_bytes // 2)
            if s.kind == "job"
            else s
            for s in measured.snapshots
        ),
    )


def test_each_job_of_another_text_adds_a_row_to_the_storage() -> None:
    job: Owners = {ORDERS: {"op": Share(20)}}
    jobs = {("r", "job", name): job for name in ("kept", "moved", "gone")}
    old = with_jobs(measurement({REPOSITORY: job, **jobs}), kept="1", moved="2", gone="3")
    del jobs["r", "job", "gone"]
    new = with_jobs(
        measurement({REPOSITORY: job, **jobs, ("r", "job", "new"): {ORDERS: {"op": Share(6)}}}),
        kept="1",
        moved="9",
        new="4",
    )
    found = difference(old, new)
    assert {s.name: s.row_bytes for s in found.snapshots if s.row_bytes} == {"moved": 10, "new": 3}
    assert found.rows == (3, 10)
    assert difference(new, new).rows == ()
    (gone,) = (s for s in found.snapshots if s.name == "gone")
    assert gone.compressed == Change(10, None)


def test_another_checkout_adds_no_row_for_its_path() -> None:
    job: Owners = {ORDERS: {"op": Share(20)}}
    old = with_jobs(measurement({ALL_ASSETS: job}), __ASSET_JOB="1")
    new = with_jobs(measurement({ALL_ASSETS: job}), __ASSET_JOB="2")
    assert difference(old, new).rows == (10,)
    with_path = [evolve(s, paths={ORDERS: {"op": 5}}) for s in new.snapshots]
    assert difference(old, evolve(new, snapshots=tuple(with_path))).rows == ()


def test_bytes_that_move_between_fields_are_told_though_the_sum_is_the_same() -> None:
    old = measurement({REPOSITORY: {ORDERS: {"description": Share(10), "deps": Share(4)}}})
    new = measurement({REPOSITORY: {ORDERS: {"description": Share(4), "deps": Share(10)}}})
    found = difference(old, new)
    assert not found.is_empty
    assert found.size.bytes == 0
    assert [(o.owner.name, o.size.kind) for o in found.owners] == [("orders", "unchanged")]
    assert difference(old, old).is_empty


@pytest.mark.parametrize("refused_side", [0, 1])
def test_a_refused_snapshot_is_compared_on_the_wire_alone(refused_side: int) -> None:
    owners = {ORDERS: {"op": Share(1_000)}}
    sides = [measurement({REPOSITORY: owners, ALL_ASSETS: owners}) for _ in range(2)]
    repository, job = sides[refused_side].snapshots
    refused = evolve(job, stored_bytes=0, wire_bytes=2_000, ledger=NO_LEDGER, measured_by="refusal")
    sides[refused_side] = evolve(sides[refused_side], snapshots=(repository, refused))
    found = difference(*sides)

    assert found.size.bytes == 0 and not found.owners
    assert not found.is_empty
    wires = {s.kind: s.wire.bytes for s in found.snapshots}
    assert wires == {"repository": 0, "job": 995 if refused_side else -995}


def test_a_location_that_came_and_one_that_went() -> None:
    whole = measurement({REPOSITORY: {ORDERS: {"deps": Share(4)}}})
    assert difference(None, whole).size == Change(None, 4)
    assert difference(whole, None).owners[0].size == Change(4, None)


_SHARES = st.builds(Share, st.integers(0, 50), st.integers(0, 50))
_OWNERS = st.dictionaries(
    st.builds(
        Owner, st.sampled_from(["asset", "job", "structure", "check"]), st.sampled_from("abc")
    ),
    st.dictionaries(st.sampled_from(["deps", "op", "tags", "[x]"]), _SHARES, max_size=3),
    max_size=4,
)
_MEASUREMENTS = st.none() | st.builds(
    measurement,
    st.dictionaries(
        st.tuples(
            st.sampled_from(["r", "s"]), st.sampled_from(["repository", "job"]), st.just("n")
        ),
        _OWNERS,
        max_size=4,
    ),
    st.sampled_from(["shop", "other"]),
)


@given(_MEASUREMENTS, _MEASUREMENTS)
def test_sums_always_add_up(old: Measurement | None, new: Measurement | None) -> None:
    found = difference(old, new)  # which asserts its own sums
    grew = _total(new) - _total(old)
    assert found.size.bytes == grew
    for snapshot in found.snapshots:
        owned = [c.bytes for fields in snapshot.owners.values() for c in fields.values()]
        assert sum(owned) == snapshot.stored.bytes
        for owner in snapshot.owners:
            assert any(
                o.owner == owner and o.repository == snapshot.repository for o in found.owners
            )
    for owner in found.owners:
        in_snapshots = [
            c.bytes
            for s in found.snapshots
            if s.repository == owner.repository
            for c in s.owners.get(owner.owner, {}).values()
        ]
        assert sum(in_snapshots) == owner.size.bytes
    _must_mirror(found, difference(new, old))


def _must_mirror(one: Difference, other: Difference) -> None:
    """What is told from new to old is the opposite."""
    assert one.size == Change(other.size.new, other.size.old)
    assert {(o.owner, o.repository, o.size.bytes) for o in one.owners} == {
        (o.owner, o.repository, -o.size.bytes) for o in other.owners
    }
    assert {name: c.bytes for name, c in one.fields.items()} == {
        name: -c.bytes for name, c in other.fields.items()
    }


def _total(whole: Measurement | None) -> int:
    return sum(s.stored_bytes for s in whole.snapshots) if whole else 0


def test_a_difference_whose_parts_do_not_add_up_cannot_be_made() -> None:
    with pytest.raises(AssertionError, match="sum to 0, not 4 bytes"):
        Difference(Change(0, 4), (), (), {})


def test_a_comment_on_a_pull_request_is_short_enough_and_shows_names_as_they_are() -> None:
    keys = [f"wh/{'x' * 90}|`<b>@everyone [a](b) #{number}" for number in range(3_000)]
    old = measurement({REPOSITORY: {}})
    new = measurement({REPOSITORY: {Owner("asset", key): {"op": Share(7)} for key in keys}})
    sides = [Side(label, (location_report(one),)) for label, one in (("`a`|b", old), ("<c>", new))]
    whole = render(compare(*sides, ("note @me",)), top=2_000)
    assert len(whole) <= MOST
    assert whole.startswith(MARK)
    for text in ("<b>", "@everyone", "@me", "`a`", "[a]", "<c>"):
        assert text not in whole
    rows = [line for line in whole.splitlines() if line.startswith("|") and "everyone" in line]
    assert 10 < len(rows) < 2_000
    assert all(line.count("|") == 7 for line in rows)
    rest = re.findall(r"… and ([\d,]+) more, \+([\d,]+) in all", whole)
    left_out = 3_000 - len(rows)
    assert rest == [(f"{left_out:,}", f"{7 * left_out:,}")]


def test_packages_that_only_one_side_imports_are_named() -> None:
    def measured(*modules: str) -> Measurement:
        inputs = Inputs((), (), (), (), (), modules, ())
        return evolve(report_values.measurement(2, 1), inputs=inputs)

    old = measured("dagster", "dagster.core", "pandas", "json", "_cffi_backend")
    new = measured("dagster", "polars", "polars.io", "csv")
    assert difference(old, new).imports == {"pandas": Change(1, None), "polars": Change(None, 2)}
    assert difference(None, new).imports == {}
    assert [*import_lines(difference(old, new))] == [
        "Imports polars (2 modules) at load",
        "No longer imports pandas (1 module) at load",
    ]
