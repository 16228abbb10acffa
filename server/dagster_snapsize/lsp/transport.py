"""Messages as they come from a client: badly framed ones, and those that are not JSON, included."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Callable
from typing import IO, Any

from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcParseError,
)
from pygls.io_ import run_async
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol

# Of more digits is no message, but memory that nobody has.
_LENGTH = re.compile(rb"Content-Length: *(\d{1,9}) *\r?\n$", re.IGNORECASE)
_ID = re.compile(rb'"id"\s*:\s*(?:(\d{1,15})|"([^"\\]{0,100})")')
_log = logging.getLogger(__name__)
_ENVELOPE = 1000  # bytes of a message in which its id is looked for


class SnapsizeProtocol(LanguageServerProtocol):
    """Answers also requests that pygls only logs: malformed ones, and those after ``shutdown``."""

    last_body = b""

    def structure_message(self, data: dict[str, Any]) -> Any:
        """The message that JSON holds. Raises JsonRpcException where it is none."""
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "id" in data and "method" in data:
                invalid = JsonRpcInvalidParams.of(error.__cause__ or error)
                self._send_response(data["id"], error=invalid.to_response_error())
            raise

    def handle_message(self, message: Any) -> None:
        """Handle a message; after ``shutdown`` only ``exit``."""
        if self._shutdown and hasattr(message, "method") and hasattr(message, "id"):
            late = JsonRpcInvalidRequest("the server is shutting down")
            self._send_response(message.id, error=late.to_response_error())
        else:
            super().handle_message(message)

    def refuse(self, error: Exception) -> None:
        """Answer the last message, which is not JSON or is nested too deeply."""
        found = _ID.search(self.last_body[:_ENVELOPE])
        number = None
        if found:
            number = int(found[1]) if found[1] else found[2].decode("utf-8", "replace")
        wrong = JsonRpcParseError(f"{type(error).__name__}: {error}"[:200])
        self._send_response(number, error=wrong.to_response_error())  # type: ignore[arg-type]


class StandardInput:
    """Standard input for pygls.

    A header that cannot be read makes its message the beginning of the next header, and pygls
    would then understand nothing any more: here only the end of such a line counts.
    """

    def __init__(self, stream: IO[bytes], protocol: SnapsizeProtocol):
        self._stream = stream
        self._protocol = protocol

    def readline(self) -> bytes:
        """A line of a header."""
        return _header(self._stream.readline())

    def read(self, size: int) -> bytes:
        """A message."""
        self._protocol.last_body = self._stream.read(size)
        return self._protocol.last_body


class _Connection:
    """The same for one connection, whose end is an empty line; ``accept`` may end it."""

    def __init__(
        self, reader: asyncio.StreamReader, protocol: SnapsizeProtocol, accept: Callable[[], bool]
    ):
        self._reader = reader
        self._protocol = protocol
        self._accept = accept

    async def readline(self) -> bytes:
        try:
            return _header(await self._reader.readline())
        except ValueError:  # it is longer than any header
            return b"\n"
        except OSError:
            return b""

    async def readexactly(self, size: int) -> bytes:
        try:
            body = await self._reader.readexactly(size)
        except (OSError, asyncio.IncompleteReadError):
            return b""
        if not self._accept():
            return b""
        self._protocol.last_body = body
        return body


async def serve_tcp(server: LanguageServer, port: int, is_taken: Callable[[], bool]) -> None:
    """Serve the first connection that initializes the server, until it ends.

    Others, of a scanner of ports for example, are closed.
    """
    protocol = server.protocol
    assert isinstance(protocol, SnapsizeProtocol)
    gone = asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def accept() -> bool:
            if not is_taken():
                protocol.set_writer(writer)
            return protocol.writer is writer

        await run_async(
            threading.Event(),
            _Connection(reader, protocol, accept),
            protocol,
            error_handler=server.report_server_error,
        )
        writer.close()
        if is_taken() and protocol.writer is writer:
            gone.set()

    listening = await asyncio.start_server(connected, "127.0.0.1", port)
    for socket in listening.sockets:
        _log.info("listening on %s, port %d", *socket.getsockname())
    await gone.wait()


def _header(line: bytes) -> bytes:
    """The line as pygls understands it, which needs the length and the empty line alone."""
    found = _LENGTH.search(line)
    if found:
        return b"Content-Length: %b\r\n" % found[1]
    return b"-\r\n" if line.strip() else line
