"""The few messages of Dagster's gRPC service that are sent and read here, as bytes.

They are protobuf: a message is its fields one after the other, each a tag, and for text the number
of its bytes and the bytes. ``dagster_api.proto`` has had the same numbers since Dagster 1.5. The
texts are JSON as Dagster serializes it: ``__class__`` comes first, the other keys by name, with
``", "`` and ``": "`` between them.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Tuple, Union

Text = Union[bytes, memoryview]

_VARINT, _TEXT = 0, 2  # wire types
_CLASS = re.compile(rb'\{"__class__": "(\w+)"')
_ORIGIN = {
    "__class__": "ExternalRepositoryOrigin",
    "repository_location_origin": {
        "__class__": "GrpcServerRepositoryLocationOrigin",
        "host": "localhost",
        "location_name": "snapsize",
        "port": 1,
        "socket": None,
        "use_ssl": None,
    },
}
_scan = json.JSONDecoder().raw_decode
_JOB_REFERENCES = b'"external_job_refs": ['
_JOB_REFERENCE = "ExternalJobRef"
_INLINE_JOBS = b'"external_pipeline_datas": ['
_JOB_DATA = b'{"__class__": "ExternalPipelineData", '
_JOB_SNAPSHOT = "pipeline_snapshot"
_PREFIX = 65_536  # bytes: more than what stands before the snapshot of a job without a parent


class NotDagster(Exception):
    """A reply that is none of Dagster's."""


def repository_request(repository: str, defer_snapshots: bool) -> bytes:
    """``ExternalRepositoryRequest``; a server looks at no other part of the origin."""
    origin = _text_field(1, json.dumps({**_ORIGIN, "repository_name": repository}))
    return origin + (_varint(2 << 3 | _VARINT) + b"\x01" if defer_snapshots else b"")


def job_request(repository: str, job: str) -> bytes:
    """``ExternalJobRequest``."""
    return repository_request(repository, False) + _text_field(2, job)


def _text_field(number: int, text: str) -> bytes:
    data = text.encode("utf-8")
    return _varint(number << 3 | _TEXT) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def wire_bytes(text_bytes: int) -> int:
    """The size of a reply that is one text of that many bytes, and nothing else."""
    return 1 + len(_varint(text_bytes)) + text_bytes


def text_bytes(wire_bytes_of_reply: int) -> int:
    """The size of the text in a reply of that size."""
    length = next(n for n in range(1, 11) if wire_bytes_of_reply - 1 - n < 1 << 7 * n)
    return wire_bytes_of_reply - 1 - length


def texts(message: bytes) -> Dict[int, Text]:
    """The texts of a message by the number of their field; raises NotDagster where it is none."""
    found: Dict[int, Text] = {}
    at = 0
    try:
        while at < len(message):
            tag, at = _read_varint(message, at)
            value, at = _read_varint(message, at)
            if tag & 7 == _TEXT:
                if at + value > len(message):
                    raise NotDagster("a text is cut off")
                found[tag >> 3] = memoryview(message)[at : at + value]
                at += value
            elif tag & 7 != _VARINT:
                raise NotDagster(f"a field is of the type {tag & 7}")
    except IndexError:
        raise NotDagster("a message is cut off") from None
    return found


def _read_varint(message: bytes, at: int) -> Tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def class_of(text: Text) -> str:
    """The class of the object that a text begins with, as Dagster stores its name."""
    found = _CLASS.match(bytes(text[:200]))
    return found[1].decode("ascii") if found else ""


def as_json(text: Text) -> Any:
    """The object that a text is; raises NotDagster where it is none."""
    try:
        return json.loads(bytes(text))
    except ValueError as error:
        raise NotDagster(f"a text is not JSON: {error}") from error


class JobNames:
    """Finds the jobs that the text of a repository names, while its pieces come in.

    ``is_found`` says that there was a list of them, which may be empty.
    """

    def __init__(self) -> None:
        self.names: List[str] = []
        self.is_found = False
        self._kept = b""

    def feed(self, piece: Text) -> None:
        """Read the next piece."""
        self._kept += piece
        while not self.names:
            at = self._kept.find(_JOB_REFERENCES)
            if at < 0:
                self._kept = self._kept[1 - len(_JOB_REFERENCES) :]
                return
            self._kept = self._kept[at:]
            text = self._kept[len(_JOB_REFERENCES) - 1 :].decode("latin-1")
            try:
                found, _ = _scan(text)
            except ValueError:  # the rest of the list comes with the next piece
                return
            # In metadata of an asset there may be anything.
            if all(isinstance(x, dict) and x.get("__class__") == _JOB_REFERENCE for x in found):
                self.names = [x["name"] for x in found]
                self.is_found = True
            self._kept = self._kept[len(_JOB_REFERENCES) :]


class JobData(NamedTuple):
    """The data of a job, around its snapshot: the name, and the text of the snapshot alone."""

    name: str
    snapshot: memoryview


def job_data(text: Text) -> JobData:
    """Cut the snapshot of a job out of its data; raises NotDagster where it has none.

    It is the last field there. Before it is little more than the job's name, unless the job is a
    part of another one.
    """
    view = memoryview(text)
    for end in (_PREFIX, len(view)):
        start = bytes(view[:end]).decode("latin-1")
        name, at = "", 1
        try:
            while True:
                key, at = _scan(start, at)
                if start[at : at + 2] != ": ":
                    break
                if key == _JOB_SNAPSHOT and bytes(view[-2:]) == b"}}" and start[at + 2] == "{":
                    return JobData(name, view[at + 2 : -1])
                value, at = _scan(start, at + 2)
                name = value if key == "name" else name
                at += 2
        except (ValueError, IndexError, RecursionError):
            continue
    raise NotDagster("a job without its snapshot")


class Pieces:
    """Text that comes in pieces, read by its bytes."""

    def __init__(self, pieces: Iterable[Text]) -> None:
        self._pieces = iter(pieces)
        self._kept = bytearray()

    def skip_to(self, key: bytes) -> bool:
        """Go on behind ``key``; False where it does not come."""
        while (at := self._kept.find(key)) < 0:
            del self._kept[: max(0, len(self._kept) - len(key) + 1)]
            if not self._more():
                return False
        del self._kept[: at + len(key)]
        return True

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes; fewer at the end."""
        while len(self._kept) < count and self._more():
            pass
        taken = bytes(memoryview(self._kept)[:count])
        del self._kept[:count]
        return taken

    def _more(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._kept += piece
        return True


def inline_jobs(pieces: Iterable[Text], sizes: Iterable[int]) -> Iterator[bytes]:
    """The data of each job in a repository that was asked for with all of them, by their sizes.

    Raises NotDagster where they are not of these sizes.
    """
    text = Pieces(pieces)
    if not text.skip_to(_INLINE_JOBS):
        raise NotDagster("the repository came without its jobs")
    for size in sizes:
        data = text.take(size)
        if not data.startswith(_JOB_DATA) or text.take(1) not in (b",", b"]"):
            raise NotDagster("the jobs of the repository are of other sizes")
        text.take(1)
        yield data
