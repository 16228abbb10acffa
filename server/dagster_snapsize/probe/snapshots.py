"""RepositoryDefinition -> serialized snapshots; one adapter per family of Dagster versions.

Dagster 1.8 and later: ``RepositorySnap.from_def`` and ``JobDataSnap.from_job_def``. Dagster 1.5 to
1.7: ``external_repository_data_from_def`` and ``external_job_data_from_def``, the same texts.
"""

from __future__ import annotations

import importlib
import inspect
import json
import time
from functools import partial
from typing import Any, Callable, List, NamedTuple, Optional, Tuple

from .loading import UsageProblem

OLDEST = "1.5"
_JOB_FIELD = "pipeline_snapshot"


class Serialized(NamedTuple):
    """A serialized snapshot: its UTF-8 bytes, and the size of the gRPC reply that carries it.

    ``composed_seconds`` is how long it took to compose what was then serialized. A code server
    composes its jobs when it is asked for the repository, for their ids.
    """

    payload: memoryview
    wire_bytes: int
    composed_seconds: float


class Adapter(NamedTuple):
    """How one family of Dagster versions makes its snapshots."""

    serialize: Callable[[Any], str]
    repository: Callable[[Any], Any]
    job_data: Callable[[Any], Any]
    job_data_fields: int


def find_adapter(version: str) -> Adapter:
    """The adapter for the Dagster of this interpreter.

    Raises UsageProblem for a Dagster that is older than any that is known.
    """
    try:
        from dagster._serdes import serialize_value
    except ImportError as error:
        raise UsageProblem(_too_old(version)) from error
    try:
        from dagster._core.remote_representation.external_data import JobDataSnap, RepositorySnap
    except ImportError:
        return _old_adapter(version, serialize_value)
    return Adapter(
        serialize=serialize_value,
        repository=partial(RepositorySnap.from_def, defer_snapshots=True),
        job_data=partial(JobDataSnap.from_job_def, include_parent_snapshot=True),
        job_data_fields=_field_count(JobDataSnap),
    )


def _old_adapter(version: str, serialize_value: Callable[[Any], str]) -> Adapter:
    for package in ("remote_representation", "host_representation"):
        try:
            data = importlib.import_module(f"dagster._core.{package}.external_data")
            job_data = data.external_job_data_from_def
            if "include_parent_snapshot" in inspect.signature(job_data).parameters:  # since 1.6
                job_data = partial(job_data, include_parent_snapshot=True)
            return Adapter(
                serialize=serialize_value,
                repository=partial(data.external_repository_data_from_def, defer_snapshots=True),
                job_data=job_data,
                job_data_fields=_field_count(data.ExternalJobData),
            )
        except (ImportError, AttributeError):
            continue
    raise UsageProblem(_too_old(version))


def _too_old(version: str) -> str:
    return f"Dagster {version} is older than {OLDEST}, the first version that can be measured"


def _field_count(cls: Any) -> int:
    names = getattr(cls, "_fields", None)
    return len(names) if names is not None else len(cls.__annotations__)


def serialize_repository(adapter: Adapter, repository: Any) -> Serialized:
    """The repository snapshot as the reply to ``ExternalRepository(defer_snapshots=True)``."""
    started = time.perf_counter()
    snapshot = adapter.repository(repository)
    composed = time.perf_counter() - started
    payload = adapter.serialize(snapshot).encode("utf-8")
    field = "serialized_external_repository_data"
    wire_bytes = _reply_bytes("ExternalRepositoryReply", field, len(payload))
    return Serialized(memoryview(payload), wire_bytes, composed)


def serialize_job(adapter: Adapter, job: Any) -> Serialized:
    """The job snapshot, and the size of the reply to ``ExternalJob`` that wraps it."""
    started = time.perf_counter()
    data = adapter.job_data(job)
    composed = time.perf_counter() - started
    text = adapter.serialize(data)
    wrapped = text.encode("utf-8")
    span = _job_span(text, adapter.job_data_fields) if len(wrapped) == len(text) else None
    if span is None:
        job_snapshot = getattr(data, "job", None) or data.job_snapshot
        payload = memoryview(adapter.serialize(job_snapshot).encode("utf-8"))
    else:
        payload = memoryview(wrapped)[span[0] : span[1]]
    wire_bytes = _reply_bytes("ExternalJobReply", "serialized_job_data", len(wrapped))
    return Serialized(payload, wire_bytes, composed)


def _job_span(text: str, fields: int) -> Optional[Tuple[int, int]]:
    """The start and end of the job snapshot in its serialized wrapper; None if not certain.

    Dagster nests the very text that it makes of the job snapshot alone. Once every other field of
    the wrapper has been read, the job snapshot is the last one and runs to the closing brace, so
    it need not be serialized a second time.
    """
    scan = json.JSONDecoder().raw_decode
    at, seen = 1, 0
    try:
        while True:
            key, at = scan(text, at)
            if text[at : at + 2] != ": ":
                return None
            at += 2
            if key == _JOB_FIELD:
                last = seen == fields - 1 and text.endswith("}}") and text[at] == "{"
                return (at, len(text) - 1) if last else None
            _, at = scan(text, at)
            seen += key not in ("__class__", "is_job")
            if text[at : at + 2] != ", ":
                return None
            at += 2
    except (ValueError, IndexError, RecursionError):
        return None


def _reply_bytes(message: str, field: str, payload: int) -> int:
    """Size of a protobuf message with one string field: tag, length as varint, and the text."""
    try:
        from dagster._grpc.__generated__ import dagster_api_pb2 as messages
    except ImportError:  # its name before Dagster 1.9
        from dagster._grpc.__generated__ import api_pb2 as messages

    number = getattr(messages, message).DESCRIPTOR.fields_by_name[field].number
    return _varint_bytes(number << 3) + _varint_bytes(payload) + payload


def _varint_bytes(value: int) -> int:
    return max(1, (value.bit_length() + 6) // 7)


def all_jobs(repository: Any) -> List[Any]:
    """Every job that has a snapshot, the implicit asset jobs included, by name."""
    return sorted(repository.get_all_jobs(), key=lambda job: job.name)


def forget_snapshot(job: Any) -> None:
    """Drop the snapshot that Dagster caches in this job, as those of many jobs fill the memory.

    It is a ``cached_method``, so Dagster makes it again where it needs it.
    """
    for kept in vars(job).values():
        if isinstance(kept, dict):
            kept.pop("get_job_index", None)
