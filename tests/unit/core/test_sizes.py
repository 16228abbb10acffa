"""Sizes and times as users write and read them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_snapsize.core.sizes import (
    format_both,
    format_exact,
    format_percent,
    format_seconds,
    format_size,
    parse_seconds,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("80 MB", 80_000_000),
        ("80MB", 80_000_000),
        ("80 mb", 80_000_000),
        ("1.5 GB", 1_500_000_000),
        ("64 kB", 64_000),
        ("64 KiB", 65_536),
        ("1 MiB", 1_048_576),
        ("2 GiB", 2_147_483_648),
        ("812 B", 812),
        ("812", 812),
        ("12,345 B", 12_345),
        ("12,345", 12_345),
        ("1,234,567 kB", 1_234_567_000),
        ("1,234.5 MB", 1_234_500_000),
        ("100_000_000", 100_000_000),
        ("0.0005 kB", 1),
        (4096, 4096),
    ],
)
def test_sizes_are_read(text: object, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("80 MBs", 'did you mean "80 MB"?'),
        ("80 megabytes", "has no unit known here"),
        ("lots", '"lots" is not a size'),
        ("", '"" is not a size'),
        ("-1 MB", '"-1 MB" is not a size'),
        (-1, "cannot be negative"),
        (1.5, "is not a whole number of bytes"),
        (True, "true is not a size"),
        (None, "None is not a size"),
        (["80 MB"], "is not a size"),
        ("2,5 MB", '"2,5 MB" may be 25 MB or 2.5 MB; write it without a comma'),
        ("2,500 MB", "may be 2500 MB or 2.500 MB"),
        ("2,5", "may be 25 B or 2.5 B"),
        ("1,2,3 MB", "has a comma in the wrong place"),
        ("1,23.4 MB", "has a comma in the wrong place"),
    ],
)
def test_what_is_no_size_is_named(value: object, said: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_size(value)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("300 s", 300), ("5 min", 300), ("1 h", 3600), ("0.5s", 0.5), (300, 300), (1.5, 1.5)],
)
def test_times_are_read(value: object, seconds: float) -> None:
    assert parse_seconds(value) == seconds


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("300 sec", 'did you mean "300 s"?'),
        ("5 minutes", 'did you mean "5 min"?'),
        ("soon", '"soon" is not a time'),
        ("1,5 min", '"1,5 min" may be 15 min or 1.5 min; write it without a comma'),
        ("1,200", "may be 1200 s or 1.200 s"),
        (float("nan"), "is not a time"),
        (float("inf"), "is not a time"),
        (-1, "is not a time"),
        (True, "is not a time"),
    ],
)
def test_what_is_no_time_is_named(value: object, said: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_seconds(value)
    assert said in str(error.value)


# test/sizes/format.test.ts of the extension reads the same file.
WRITTEN = json.loads(
    (Path(__file__).parents[2] / "support" / "written_sizes.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(("size", "text"), [*WRITTEN["size"], (-1_250, "-1.3 kB")])
def test_a_size_is_written_in_one_way(size: int, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(("size", "text"), WRITTEN["both"])
def test_exact_sizes_are_printed(size: int, text: str) -> None:
    assert format_both(size) == text
    assert format_exact(12_345) == "12,345 bytes"


@given(st.integers(0, 10**13))
def test_a_printed_size_is_within_its_last_digit(size: int) -> None:
    assert abs(parse_size(format_size(size).replace(",", "")) - size) <= size * 0.05


@pytest.mark.parametrize(("part", "whole", "text"), [*WRITTEN["percent"], (-1, 50, "-2 %")])
def test_percentages_never_hide_what_matters(part: int, whole: int, text: str) -> None:
    assert format_percent(part, whole) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.00 s"),
        (0.42, "0.42 s"),
        (12.34, "12.3 s"),
        (60, "60 s"),
        (180, "3 min"),
        (200, "3 min 20 s"),
    ],
)
def test_times_are_printed(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text
