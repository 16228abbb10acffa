"""What clients send that is no message, over standard input and over a port."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import define
from lsprotocol.types import ErrorCodes

from support.lsp_client import PATIENCE, SERVER, server_environment
from support.patience import patience

pytestmark = pytest.mark.asyncio
DEEP = 100_000


@define
class Wire:
    """The two ends of a connection to a server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, *messages: bytes) -> None:
        self.writer.write(b"".join(messages))

    async def answer(self, number: object) -> dict[str, Any]:
        """The answer to the request of this number."""
        while True:
            header = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), patience(PATIENCE))
            (length,) = re.findall(rb"Content-Length: (\d+)", header)
            message: dict[str, Any] = json.loads(await self.reader.readexactly(int(length)))
            if "method" not in message and message.get("id") == number:
                return message


def framed(body: bytes, length: object = None) -> bytes:
    return b"Content-Length: %s\r\n\r\n%s" % (str(length or len(body)).encode(), body)


def request(number: int, method: str, params: Any = None) -> bytes:
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    return framed(json.dumps(message).encode())


def initialize(number: int, folder: Path) -> bytes:
    return request(number, "initialize", {"capabilities": {}, "rootUri": folder.as_uri()})


# Each ends with a line, as the next message must begin with one.
BROKEN = (
    framed(b'{"jsonrpc": "2.0"}\n', -5),
    framed(b"{}\n", 10**15),
    framed(b"{}\n", "9" * 5000),
    b"Content-Type: x\r\n\r\n{}\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"\xff\x00" * 100_000 + b"\n",
)
NO_MESSAGES = (framed(b"5"), framed(b"[]"), framed(b"{"), framed(b"\xff"), framed(b"[" * DEEP))


@asynccontextmanager
async def server(scratch: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *SERVER,
        *arguments,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=server_environment(uuid.uuid4().hex, scratch),
        cwd=scratch,
    )
    try:
        yield process
        await asyncio.wait_for(process.wait(), patience(PATIENCE))
        assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def use(wire: Wire, folder: Path) -> None:
    """From the first message to the last, with others between them that are none."""
    wire.send(*BROKEN, *NO_MESSAGES, initialize(1, folder))
    assert "capabilities" in (await wire.answer(1))["result"]
    wire.send(framed(b'{"jsonrpc": "2.0", "method": "initialized", "params": {}}'))
    deep = b'{"jsonrpc": "2.0", "id": 2, "method": "textDocument/hover", "params": %s%s}'
    wire.send(framed(deep % (b"[" * DEEP, b"]" * DEEP)))
    assert (await wire.answer(2))["error"]["code"] == ErrorCodes.ParseError.value
    wire.send(*BROKEN, *NO_MESSAGES, request(3, "dagsterSnapsize/measurement", {}))
    assert (await wire.answer(3))["result"] == {"projects": []}
    wire.send(request(4, "shutdown"))
    assert (await wire.answer(4))["result"] is None
    for number, method in ((5, "textDocument/hover"), (6, "shutdown"), (7, "unknown")):
        wire.send(request(number, method, {"textDocument": {"uri": ""}, "position": {}}))
        error = (await wire.answer(number))["error"]
        assert error["code"] in (ErrorCodes.InvalidRequest.value, ErrorCodes.InvalidParams.value)
    wire.send(request(8, "dagsterSnapsize/measurement", {}))
    assert (await wire.answer(8))["error"]["code"] == ErrorCodes.InvalidRequest.value
    wire.send(framed(b'{"jsonrpc": "2.0", "method": "exit"}'))


async def test_over_standard_input(tmp_path: Path, scratch: Path) -> None:
    async with server(scratch) as process:
        assert process.stdin and process.stdout
        await use(Wire(process.stdout, process.stdin), tmp_path)


async def test_over_a_port(tmp_path: Path, scratch: Path) -> None:
    """What others send to the port concerns their connections alone."""
    async with server(scratch, "--tcp", "0") as process:
        assert process.stderr
        line = await asyncio.wait_for(process.stderr.readline(), patience(PATIENCE))
        port = int(line.split()[-1])
        others = []
        for message in (b"", *BROKEN, *NO_MESSAGES):
            others.append(Wire(*await asyncio.open_connection("127.0.0.1", port)))
            others[-1].send(message)
        others[0].writer.close()
        others[1].writer.close()
        wire = Wire(*await asyncio.open_connection("127.0.0.1", port))
        await use(wire, tmp_path)
