"""The compressed size of a job snapshot is that of what Dagster stores."""

from __future__ import annotations

import random
import string
import zlib

import pytest

from dagster_snapsize.probe.compression import compressed_bytes

PIECE = 2**20


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7])
@pytest.mark.parametrize("letters", ["a", "ab", string.printable])
def test_it_is_what_zlib_makes_of_the_whole(size: int, letters: str) -> None:
    text = "".join(random.Random(size).choices(letters, k=size)).encode()
    assert compressed_bytes(memoryview(text)) == len(zlib.compress(text))


def test_a_part_of_a_larger_text_is_measured_alone() -> None:
    text = b'{"wrapper": ' + b"x" * 1000 + b"}"
    assert compressed_bytes(memoryview(text)[12:-1]) == len(zlib.compress(b"x" * 1000))
