"""Frames survive the way, and what is no frame is told apart from the end."""

from __future__ import annotations

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_snapsize.probe.protocol import BEGIN, ConnectionLost, FrameWriter, read_frames

headers = st.dictionaries(st.text(), st.none() | st.integers() | st.text(), max_size=5)


def written(frames: list[tuple[dict[str, object], bytes]]) -> bytes:
    """What a writer puts into a real pipe; the frames must fit its buffer."""
    reading, writing = os.pipe()
    try:
        writer = FrameWriter(writing)
        for header, payload in frames:
            writer.send(header, payload)
        os.close(writing)
        with os.fdopen(os.dup(reading), "rb") as stream:
            return stream.read()
    finally:
        os.close(reading)


@given(st.lists(st.tuples(headers, st.binary(max_size=500)), max_size=5))
def test_frames_come_out_as_they_went_in(frames: list[tuple[dict[str, object], bytes]]) -> None:
    assert list(read_frames(io.BytesIO(written(frames)))) == frames


@given(st.integers(min_value=1))
def test_an_end_inside_a_frame_is_no_end(cut: int) -> None:
    whole = written([({"type": "snapshot"}, b"x" * 300)])
    part = whole[: cut % len(whole)]
    if part in (b"", BEGIN):
        return
    with pytest.raises(ConnectionLost):
        list(read_frames(io.BytesIO(part)))


@pytest.mark.parametrize("printed", [b"hello, this is a print", b"y\n" * 2_000_000])
def test_what_is_no_frame_is_refused(printed: bytes) -> None:
    with pytest.raises(ConnectionLost):
        list(read_frames(io.BytesIO(printed)))


@pytest.mark.parametrize("printed", [b"hello\n", b"no end of a line", b"\0" * 999_999, BEGIN[1:]])
def test_what_is_printed_before_the_frames_is_skipped(printed: bytes) -> None:
    frames = written([({"type": "done"}, b"")])
    assert list(read_frames(io.BytesIO(printed + frames))) == [({"type": "done"}, b"")]


def test_a_reused_descriptor_is_never_written_to(tmp_path: object) -> None:
    reading, writing = os.pipe()
    writer = FrameWriter(writing)
    other_reading, other_writing = os.pipe()
    os.dup2(other_writing, writing)  # what closing ours and opening another file amounts to
    with pytest.raises(ConnectionLost):
        writer.send({"type": "done"})
    for fd in (writing, other_writing):
        os.close(fd)
    assert os.read(other_reading, 1) == b""
    os.close(reading)
    os.close(other_reading)
