"""A measurement in a child of a process that has imported Dagster already (Linux)."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import struct
import sys
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from dagster_snapsize.measuring.process import Running

CAN_BE_WARM = sys.platform.startswith("linux")  # fork is unsafe on macOS, and unknown on Windows
_PATIENCE = 5.0  # seconds for a warm process to fork


@frozen
class WarmParent:
    """A process that forks measurements.

    ``address`` is its abstract socket, ``key`` says what it is good for (measuring/warm_key.py) and
    ``seconds`` what its imports took. ``verified`` are the names of locations whose measurements
    were found to be the same as with an interpreter of its own.
    """

    key: str
    address: str
    seconds: float
    verified: tuple[str, ...] = ()


class NotWarm(Exception):
    """This measurement cannot be forked, for the reason given."""


class WarmProcess(Running):
    """One measurement in a forked child.

    ``argument`` is the probe's own. Raises NotWarm, and nothing has been started then.
    """

    def __init__(self, parent: WarmParent, argument: str, *, cwd: Path, timeout: float):
        self._received = b""
        self._status: int | None = None
        request = {"key": parent.key, "argument": argument, "cwd": str(cwd)}
        ours, theirs = _pipes()
        try:
            self._connection = _connect(parent.address)
        except OSError as error:
            _close(ours + theirs)
            raise NotWarm(f"no answer: {error}") from error
        try:
            body = json.dumps(request).encode("ascii")
            socket.send_fds(self._connection, [struct.pack(">I", len(body))], list(theirs))
            self._connection.sendall(body)
            _close(theirs)
            theirs = ()
            answer = self._next_line(_PATIENCE)
            if answer is None or answer["type"] != "started":
                raise NotWarm((answer or {}).get("why", "it ended, or took too long"))
        except (OSError, ValueError, NotWarm) as error:
            _close(ours + theirs)
            self._connection.close()
            raise NotWarm(str(error)) from error
        self._supervisor: int = answer["pid"]
        lifeline, stdout, stderr = ours
        super().__init__(
            os.fdopen(lifeline, "wb", buffering=0),
            os.fdopen(stdout, "rb"),
            os.fdopen(stderr, "rb"),
            timeout,
        )

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        self._connection.close()

    def wait(self, seconds: float) -> int | None:
        """The exit status once it has ended by itself (negative: a signal's number)."""
        if self._status is None:
            try:
                answer = self._next_line(seconds)
            except TimeoutError:
                return None
            except (OSError, ValueError):
                answer = None
            # A supervisor that was killed itself says nothing more.
            self._status = int(answer["status"]) if answer else -signal.SIGKILL
        return self._status

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            os.kill(self._supervisor, signal.SIGKILL)
        self.wait(_PATIENCE)

    def _next_line(self, seconds: float) -> dict[str, Any] | None:
        """What the other side says next; None where it has gone.

        Raises TimeoutError after so many seconds.
        """
        deadline = time.monotonic() + seconds
        while b"\n" not in self._received:
            self._connection.settimeout(max(deadline - time.monotonic(), 0.001))
            more = self._connection.recv(4096)
            if not more:
                return None
            self._received += more
        line, _, self._received = self._received.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer


def warm_command(python: str, probe: Path, setup: Mapping[str, Any]) -> list[str]:
    """The command of a process that others are forked from; ``setup`` as probe/forkserver/ says."""
    packed = base64.b64encode(zlib.compress(json.dumps(setup).encode("ascii")))
    return [python, str(probe), "--warm", packed.decode("ascii")]


def _connect(address: str) -> socket.socket:
    """Raises OSError, where it is of another user too."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_PATIENCE)
        connection.connect("\0" + address)
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        if struct.unpack("3i", credentials)[1] != os.geteuid():
            raise PermissionError("another user's process answers")
    except BaseException:
        connection.close()
        raise
    return connection


def _pipes() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Lifeline, standard output and standard error: our ends and theirs."""
    lifeline, stdout, stderr = os.pipe(), os.pipe(), os.pipe()
    return (lifeline[1], stdout[0], stderr[0]), (lifeline[0], stdout[1], stderr[1])


def _close(descriptors: tuple[int, ...]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
