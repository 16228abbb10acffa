"""A measurement survives being written and read, and nothing damaged is taken for one."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dagster_snapsize.core.load_time import attribute_time
from dagster_snapsize.core.model import FoldedStack, StackEntry
from dagster_snapsize.measuring.cache import codec as cache_entry
from dagster_snapsize.measuring.cache.codec import Damaged, from_bytes, to_bytes
from support.measurements import full_measurement


def test_what_is_read_is_what_was_written() -> None:
    written = full_measurement()
    entry = from_bytes(to_bytes(written, {"about": [1, "é"]}))
    assert entry.about() == {"about": [1, "é"]}
    read = entry.measurement()
    assert read == written
    assert [list(s.ledger.owners) for s in read.snapshots] == [
        list(s.ledger.owners) for s in written.snapshots
    ]
    assert [list(a.fields) for a in read.assets] == [list(a.fields) for a in written.assets]


def test_the_load_time_keeps_its_picture_however_deep_the_calls() -> None:
    entries = [StackEntry(f"/p/{n}.py", "f", n + 1) for n in range(200)]
    stack = FoldedStack("[definitions]", tuple(entries), 5)
    took = attribute_time([stack], {}, {}, lambda place: None, is_plain=True)
    read = from_bytes(to_bytes(evolve(full_measurement(), load_time=took), {})).measurement()
    assert read.load_time == took and not read.load_time.stacks


def test_a_ledger_is_read_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    read = from_bytes(to_bytes(full_measurement(), {})).measurement()
    asked: list[int] = []
    unpacked = cache_entry._unpacked
    monkeypatch.setattr(
        cache_entry, "_unpacked", lambda part: asked.append(len(part)) or unpacked(part)
    )
    assert [s.stored_bytes for s in read.snapshots] and not asked
    assert read.snapshots[0].ledger is read.snapshots[0].ledger
    assert len(asked) == 1


def test_a_ledger_that_is_not_its_snapshots_is_refused() -> None:
    written = full_measurement()
    first, second, *rest = written.snapshots
    mixed = evolve(first, stored_bytes=first.stored_bytes + 1)
    read = from_bytes(to_bytes(evolve(written, snapshots=(mixed, second, *rest)), {}))
    with pytest.raises(AssertionError):
        _ = read.measurement().snapshots[0].ledger


WHOLE = to_bytes(full_measurement(), {})


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
    assert (
        entry.measurement() == full_measurement()
    )  # a change of the line of JSON that says the same


@given(st.binary(max_size=200))
def test_other_files_are_no_entries(content: bytes) -> None:
    with pytest.raises(Damaged):
        from_bytes(content)
    with pytest.raises(Damaged):
        from_bytes(WHOLE[: WHOLE.index(b"\n") + 1] + content)
