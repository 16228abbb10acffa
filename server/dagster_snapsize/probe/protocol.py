"""Frames between the probe (the user's interpreter) and the tool: the only module both import.

A line, ``BEGIN``, comes first: what starts with an interpreter, such as a ``sitecustomize``, may
have printed something before it. A frame is a 12 byte head (``>IQ``: bytes of the JSON header,
bytes of the payload), the header (a JSON object with a ``type``) and the payload (a serialized
snapshot, or nothing).

In the order in which a measurement sends them:

=============== ==================================================================================
``hello``       interpreter and Dagster: ``python_version``, ``dagster_version``, ``defaults`` (the
                gRPC sizes and timeouts of this Dagster with no variable set), ``environment``
                (DAGSTER_* variables, by layer) and ``environment_problem``; of a running server
                ``executable_path``, and nothing in ``defaults`` and ``environment``
``phase``       ``name`` of what starts now: ``starting`` (before ``hello``, and the first frame
                of all), ``loading`` or ``waiting`` (for a server), ``repository`` or ``job``, with
                ``repository``, ``job``, ``done`` and ``of`` (snapshots) where they are known
``part``        of a running server: the payload is the next piece of the snapshot that is
                announced
``loaded``      ``repositories`` (names), ``seconds``
``snapshot``    ``kind``, ``repository``, ``name``, ``stored_bytes``, ``wire_bytes``, ``seconds``,
                ``composed_seconds`` (of them, before it was serialized); the payload is the
                serialized snapshot, or nothing where it came in parts. Of a reply that the server
                refused to send there is no text, and ``stored_bytes`` is null
``compressed``  ``bytes`` of the job snapshot that was sent last, as an instance stores it
``sources``     ``repository``, ``assets``: asset key -> [path, line]
``files``       ``definitions`` (files), ``folders`` (that the definitions listed), ``changed``
                (edited since they were read): absolute paths; before ``failed`` too
``inputs``      what the measurement had for input, absolute paths: ``read`` (files, no installed
                ones, that were opened or imported; some may not exist), ``listed`` (such folders,
                where modules were looked for included), ``variables`` (names in the
                environment that the user's code asked for), ``installed`` ([path, bytes, mtime
                in ns] of the source of installed modules), ``distributions`` (folders of
                sys.path that hold some), ``modules`` (installed ones by name) and
                ``uncacheable`` (``what``, ``path``, ``line``: see core.model.UncacheableCall)
``load_profile`` of a cold measurement: ``stacks`` ([phase, its name, numbers of entries with the
                outermost first, microseconds, by how many bytes memory grew]), ``phases``
                ([phase, its name, bytes of memory when it began, when it ended, and at most]),
                ``entries`` ([path, name, line, kind]: see load_profile.py), ``folders`` (sys.path)
``server``      of a running server: ``server_id``, ``largest_reply_bytes``,
                ``send_limit_bytes`` (null while it has refused nothing), ``send_limit_source``
``failed``      ``message``, ``path``, ``line``, ``traceback``, ``usage`` (true where the target
                itself is wrong: an attribute that is not there, say), ``unparsed`` (true where a
                file of the user is not valid Python, YAML or TOML)
``done``        ``peak_rss_bytes``, ``unknown_steps`` (that this Dagster takes in its own way only)
=============== ==================================================================================
"""

from __future__ import annotations

import json
import os
import struct
from typing import IO, Any, Dict, Iterator, Tuple, Union

VERSION = 1
STARTED_PROCESS = "started a process"
"""``what`` of an uncacheable call."""
BEGIN = b"dagster-snapsize: frames follow\n"
_MOST_PRINTED = 2**20  # bytes before that line
_HEAD = struct.Struct(">IQ")
_LARGEST_HEADER = 2**27  # any text that is taken for a head says more
# Bound now: user code may replace json.dumps and os.write before a frame is sent.
_encode = json.JSONEncoder().encode
_decode = json.JSONDecoder().decode
_write = os.write
_fstat = os.fstat

Header = Dict[str, Any]
Payload = Union[bytes, memoryview]


class ConnectionLost(Exception):
    """The other side ended in the middle of a frame, or what came is no frame."""


class FrameWriter:
    """Writes frames to a file descriptor that user code may close or reuse behind our back."""

    def __init__(self, fd: int):
        self._fd = fd
        self._identity = self._identify()
        self._write_all(BEGIN)

    def _identify(self) -> Tuple[int, int]:
        status = _fstat(self._fd)
        return (status.st_dev, status.st_ino)

    def send(self, header: Header, payload: Payload = b"") -> None:
        """Write one frame whole.

        Raises OSError where the descriptor was closed, and ConnectionLost where user code closed it
        and opened something else under its number, which must not be written to.
        """
        if self._identify() != self._identity:
            raise ConnectionLost("the probe's own pipe was closed by user code")
        head = _encode(header).encode("ascii")
        self._write_all(_HEAD.pack(len(head), len(payload)) + head)
        self._write_all(payload)

    def _write_all(self, data: Payload) -> None:
        view = memoryview(data)
        while view:
            view = view[_write(self._fd, view) :]


def read_frames(stream: IO[bytes]) -> Iterator[Tuple[Header, bytes]]:
    """Read frames until the stream ends.

    Raises ConnectionLost where it ends inside a frame, or where what it carries is no frame.
    """
    printed = 0
    while not (line := stream.readline(_MOST_PRINTED)).endswith(BEGIN):
        printed += len(line)
        if not line and not printed:
            return
        if not line or printed > _MOST_PRINTED:
            raise ConnectionLost("the probe sent something that is no frame")
    while True:
        head = stream.read(_HEAD.size)
        if not head:
            return
        if len(head) < _HEAD.size:
            raise ConnectionLost("the probe ended in the middle of a frame")
        header_size, payload_size = _HEAD.unpack(head)
        if header_size > _LARGEST_HEADER:
            raise ConnectionLost("the probe sent something that is no frame")
        body = stream.read(header_size)
        payload = stream.read(payload_size) if payload_size else b""
        if len(body) < header_size or len(payload) < payload_size:
            raise ConnectionLost("the probe ended in the middle of a frame")
        try:
            header = _decode(body.decode("ascii"))
        except ValueError as error:
            raise ConnectionLost("the probe sent something that is no frame") from error
        yield header, payload
