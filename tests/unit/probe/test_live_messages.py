"""Dagster's messages, read by hand from bytes that may be cut anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_snapsize.probe.live import server
from dagster_snapsize.probe.live.messages import (
    JobNames,
    NotDagster,
    class_of,
    inline_jobs,
    job_data,
    job_request,
    text_bytes,
    texts,
    wire_bytes,
)

NAMES = ["__ASSET_JOB", "täglich", 'with "quotes" \\ and \n more']


def job(name: str, text: str, parent: Any = None) -> bytes:
    data = {
        "__class__": "ExternalPipelineData",
        "active_presets": [],
        "is_job": True,
        "name": name,
        "parent_pipeline_snapshot": parent,
        "pipeline_snapshot": {"__class__": "PipelineSnapshot", "text": text},
    }
    return json.dumps(data).encode()


def repository(**fields: Any) -> bytes:
    return json.dumps({"__class__": "ExternalRepositoryData", **fields}).encode()


def pieces(text: bytes, size: int) -> Iterator[bytes]:
    return (text[at : at + size] for at in range(0, len(text), size))


@given(st.integers(0, 2**40))
def test_the_size_of_a_reply_says_that_of_its_text(size: int) -> None:
    assert text_bytes(wire_bytes(size)) == size


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])
def test_a_text_is_read_with_any_length(size: int) -> None:
    request = job_request("x" * size, "nightly")

    found = texts(request)
    assert bytes(found[2]) == b"nightly"
    assert json.loads(bytes(found[1]))["repository_name"] == "x" * size
    assert len(request) == wire_bytes(len(found[1])) + wire_bytes(len("nightly"))


@pytest.mark.parametrize("message", [b"\x0a", b"\x0a\x05abc", b"\x0b\x01", b"\xff" * 12])
def test_what_is_no_message_is_refused(message: bytes) -> None:
    with pytest.raises(NotDagster):
        texts(message)


@given(st.integers(1, 400))
def test_jobs_are_found_however_the_repository_is_cut(size: int) -> None:
    metadata = {"external_job_refs": [{"name": "no job"}], "text": '"external_job_refs": ['}
    references = [{"__class__": "ExternalJobRef", "name": name} for name in NAMES]
    found = JobNames()
    for piece in pieces(repository(assets=[metadata], external_job_refs=references, z=1), size):
        found.feed(piece)

    assert found.names == NAMES


@given(st.integers(1, 400))
def test_inline_jobs_are_cut_out_however_the_repository_is_cut(size: int) -> None:
    jobs = [job(name, "x" * 50 * number) for number, name in enumerate(NAMES)]
    text = b'{"a": "external_pipeline_datas", "external_pipeline_datas": [' + b", ".join(jobs)
    found = inline_jobs(pieces(text + b'], "name": "x"}', size), [len(data) for data in jobs])

    assert list(found) == jobs


@pytest.mark.parametrize("wrong", [-1, 1])
def test_inline_jobs_of_other_sizes_are_refused(wrong: int) -> None:
    jobs = [job(name, "text") for name in NAMES]
    text = b'{"external_pipeline_datas": [' + b", ".join(jobs) + b"]}"

    with pytest.raises(NotDagster):
        list(inline_jobs([text], [len(jobs[0]) + wrong, len(jobs[1]), len(jobs[2])]))


@pytest.mark.parametrize("parent", [None, {"pipeline_snapshot": {"x": "y" * 200_000}}])
@pytest.mark.parametrize("name", NAMES)
def test_the_snapshot_of_a_job_is_cut_out_of_its_data(name: str, parent: Any) -> None:
    found = job_data(job(name, "}} text {{", parent))

    assert found.name == name
    assert json.loads(bytes(found.snapshot)) == {
        "__class__": "PipelineSnapshot",
        "text": "}} text {{",
    }


@pytest.mark.parametrize("text", [b"", b"{}", b'{"name": "x"}', b'{"pipeline_snapshot": 1}'])
def test_what_is_no_job_is_refused(text: bytes) -> None:
    with pytest.raises(NotDagster):
        job_data(text)


def test_the_class_of_a_text_is_that_of_its_outermost_object() -> None:
    assert class_of(job("x", "y")) == "ExternalPipelineData"
    assert class_of(b'{"a": {"__class__": "ExternalPipelineData"}}') == ""
    assert class_of(b"") == ""


def test_no_other_calls_than_these_five_are_ever_made() -> None:
    source = Path(server.__file__).read_text("utf-8")

    assert {*re.findall(r'_ask\("(\w+)"', source), *re.findall(r"{_SERVICE}(\w+)", source)} == {
        "GetServerId",
        "ListRepositories",
        "ExternalRepository",
        "StreamingExternalRepository",
        "ExternalJob",
    }
    assert source.count("_channel.unary_") == 2 and source.count("_ask(") == 5
