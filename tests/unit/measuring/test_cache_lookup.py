"""How long what the cache holds may be used."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from dagster_snapsize.measuring.cache.lookup import is_current


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def local(text: str) -> int:
    return int(time.mktime(datetime.fromisoformat(text).timetuple()))


@pytest.mark.parametrize(
    ("measured_at", "now", "expected"),
    [
        ("2026-03-02T10:00:00", "2026-03-02T10:00:00", True),
        ("2026-03-02T00:00:00", "2026-03-02T23:59:59", True),
        ("2026-03-02T23:59:59", "2026-03-03T00:00:00", False),
        ("2026-03-02T10:00:00", "2026-03-03T09:00:00", False),
        ("2026-03-02T10:00:00", "2027-03-02T10:00:00", False),
        # Summer time ends: this day has 25 hours.
        ("2026-10-25T00:10:00", "2026-10-25T23:05:00", True),
        ("2026-10-25T00:10:00", "2026-10-25T23:15:00", False),
        # The clock was set back.
        ("2026-03-02T10:00:00", "2026-03-02T09:59:59", False),
    ],
)
def test_a_measurement_is_used_until_midnight(measured_at: str, now: str, expected: bool) -> None:
    assert is_current(local(measured_at), local(now)) is expected
