"""A measurement survives being written and read, and nothing damaged is taken for one."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from test_costs import measured

from dagster_snapsize.core.ledger.totals import asset_costs
from dagster_snapsize.core.model import (
    Environment,
    IgnoreComment,
    Inputs,
    Limit,
    Measurement,
    Repeat,
    Saving,
    Seconds,
    Setting,
    SourceLocation,
    StaleInput,
    Volatile,
)
from dagster_snapsize.measuring.cache.codec import Damaged, from_bytes, to_bytes
from dagster_snapsize.measuring.cache.lookup import codec as cache_entry


def measurement() -> Measurement:
    """One in which nothing is empty."""
    snapshots = measured()
    places = {"heavy": SourceLocation("/p/é.py", 3), "m/one": SourceLocation("/p/b.py", 7)}
    return Measurement(
        name="shop",
        target={"module_name": "shop", "attribute": "defs"},
        python="/p/.venv/bin/python",
        python_version="3.11.7",
        dagster_version="1.13.28",
        seconds=Seconds(1.25, 0.1, 2.0000000001, {snapshots[-1].id: 0.1}, {snapshots[0].id: 0.3}),
        peak_rss_bytes=123_456_789,
        snapshots=snapshots,
        assets=asset_costs(
            "r", snapshots, places, {"heavy": "g", "m/one": None}, {"m/one": ("heavy",)}
        ),
        definition_files=("/p/a.py", "/p/\udcff.py"),
        environment=Environment(
            (
                Setting("A", 5, "bytes", "here", "what"),
                Setting("B", None, "seconds", "there", "what", "it is wrong"),
                Setting("C", True, "switch", "there", "what"),
            ),
            (Limit("A", "wire", 5, "here"),),
            (Limit("B", "stored", 6, "there"),),
        ),
        definitions_location=SourceLocation("/p/a.py", 9),
        folders=("/p/defs",),
        untracked_files=("/p/new.py",),
        stale_inputs=(StaleInput("/p/manifest.json", ("/p/m.sql",), "parse it"),),
        ignores=(IgnoreComment(SourceLocation("/p/a.py", 4), ("asset-over-budget",), (3, 4)),),
        inputs=Inputs(
            read=("/p/x",),
            listed=("/p",),
            missing=(),
            installed=(("/lib/a.py", 5, 1_700_000_000_000_000_001),),
            distributions=("/lib",),
            modules=("dagster",),
            volatile=(Volatile("asked for the time", "/p/a.py", 3), Volatile("w", None, None)),
        ),
        repeats=(
            Repeat("tags", "team: é", 900, ("heavy", "m/one", "m/two"), "r", {snapshots[0].id: 9}),
            Repeat("tags", "other", 500, ("heavy", "m/two"), "r", {snapshots[1].id: 7}),
        ),
        savings=(Saving("job", "j", "", ("m/one",), "r", {snapshots[0].id: 5}),),
    )


def test_what_is_read_is_what_was_written() -> None:
    written = measurement()
    entry = from_bytes(to_bytes(written, {"about": [1, "é"]}))
    assert entry.about() == {"about": [1, "é"]}
    read = entry.measurement()
    assert read == written
    assert [list(s.ledger.owners) for s in read.snapshots] == [
        list(s.ledger.owners) for s in written.snapshots
    ]
    assert [list(a.fields) for a in read.assets] == [list(a.fields) for a in written.assets]


def test_a_ledger_is_read_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    read = from_bytes(to_bytes(measurement(), {})).measurement()
    asked: list[int] = []
    unpacked = cache_entry._unpacked
    monkeypatch.setattr(
        cache_entry, "_unpacked", lambda part: asked.append(len(part)) or unpacked(part)
    )
    assert [s.stored_bytes for s in read.snapshots] and not asked
    assert read.snapshots[0].ledger is read.snapshots[0].ledger
    assert len(asked) == 1


def test_a_ledger_that_is_not_its_snapshots_is_refused() -> None:
    written = measurement()
    first, second, *rest = written.snapshots
    mixed = evolve(first, stored_bytes=first.stored_bytes + 1)
    read = from_bytes(to_bytes(evolve(written, snapshots=(mixed, second, *rest)), {}))
    with pytest.raises(AssertionError):
        _ = read.measurement().snapshots[0].ledger


WHOLE = to_bytes(measurement(), {})


@given(st.data())
def test_no_damage_goes_unnoticed(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(WHOLE) - 1))
    how = data.draw(st.sampled_from(["cut", "flip", "insert", "twice"]))
    if how == "cut":
        damaged = WHOLE[:at]
    elif how == "flip":
        damaged = WHOLE[:at] + bytes([WHOLE[at] ^ (1 << data.draw(st.integers(0, 7)))])
        damaged += WHOLE[at + 1 :]
    elif how == "insert":
        damaged = WHOLE[:at] + b"x" + WHOLE[at:]
    else:
        damaged = WHOLE + WHOLE[at:]
    try:
        entry = from_bytes(damaged)
    except Damaged:
        return
    assert entry.measurement() == measurement()  # a change of the line of JSON that says the same


@given(st.binary(max_size=200))
def test_other_files_are_no_entries(content: bytes) -> None:
    with pytest.raises(Damaged):
        from_bytes(content)
    with pytest.raises(Damaged):
        from_bytes(WHOLE[: WHOLE.index(b"\n") + 1] + content)
