"""Fork a measurement from a process that has imported Dagster already (Linux).

A fork server runs in the user's interpreter (probe/forkserver/server.py). It pays where imports are
heavy: pandas, scikit-learn, dbt.
"""

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
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from dagster_snapsize import PACKAGE
from dagster_snapsize.measuring.cache.file_states import digest_of_file, digest_of_json
from dagster_snapsize.measuring.environment import interpreter_environ
from dagster_snapsize.measuring.process import SupervisedProcess

if TYPE_CHECKING:  # the server, which only starts what a worker describes, needs neither
    from dagster_snapsize.project.interpreters import Interpreter
    from dagster_snapsize.project.locations import CodeLocation

CAN_FORK = sys.platform.startswith("linux")  # fork is unsafe on macOS, and unknown on Windows
_PATIENCE = 5.0  # seconds for a fork server to fork
_NICE = 10  # niceness at low priority


@frozen
class ForkServer:
    """A process that forks measurements.

    ``address`` is its abstract socket, ``key`` says which measurements it may fork (see
    ``forkserver_setup``), and ``seconds`` is what its imports took. ``verified`` are the names of
    locations whose forked measurements were found equal to those of a new interpreter.
    """

    key: str
    address: str
    seconds: float
    verified: tuple[str, ...] = ()


class NotForked(Exception):
    """The measurement cannot be forked, for the reason given."""


class ForkedProcess(SupervisedProcess):
    """One measurement in a forked child.

    ``argument`` is that of the probe. Raises NotForked, and then nothing was started.
    """

    def __init__(self, parent: ForkServer, argument: str, *, cwd: Path, timeout: float):
        self._received = b""
        self._status: int | None = None
        request = {"key": parent.key, "argument": argument, "cwd": str(cwd)}
        ours, theirs = _pipes()
        try:
            self._connection = _connect(parent.address)
        except OSError as error:
            _close(ours + theirs)
            raise NotForked(f"no answer: {error}") from error
        try:
            body = json.dumps(request).encode("ascii")
            socket.send_fds(self._connection, [struct.pack(">I", len(body))], list(theirs))
            self._connection.sendall(body)
            _close(theirs)
            theirs = ()
            answer = self._next_line(_PATIENCE)
            if answer is None or answer["type"] != "started":
                raise NotForked((answer or {}).get("why", "it ended, or took too long"))
        except (OSError, ValueError, NotForked) as error:
            _close(ours + theirs)
            self._connection.close()
            raise NotForked(str(error)) from error
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


def forkserver_command(python: str, probe: Path, setup: Mapping[str, Any]) -> list[str]:
    """The command that starts a fork server; probe/forkserver/server.py describes ``setup``."""
    packed = base64.b64encode(zlib.compress(json.dumps(setup).encode("ascii")))
    return [python, str(probe), "--forkserver", packed.decode("ascii")]


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


# -- what a fork server is started with ------------------------------------------------------------


def forkserver_setup(
    location: CodeLocation,
    interpreter: Interpreter,
    *,
    environ: Mapping[str, str],
    tree: Path,
    low_priority: bool,
) -> dict[str, Any]:
    """What a fork server for this location is started with, without the modules to import.

    ``key`` is equal only where the environment, the working directory, .env, the configured
    variables, the interpreter and the probe are equal. The fork server itself looks for changes of
    installed packages.
    """
    dotenv = location.dotenv
    setup: dict[str, Any] = {
        "tree": str(tree),
        "own_package": own_package(location.target),
        "dotenv": str(dotenv) if dotenv else None,
        "env": dict(location.config.env),
        "nice": _NICE if low_priority else 0,
    }
    key = {
        **setup,
        "python": interpreter.path,
        "interpreter": _stamp(Path(interpreter.path)),
        "environ": sorted(interpreter_environ(interpreter.path, environ).items()),
        "cwd": str(location.cwd),
        "dotenv_content": _content(dotenv) if dotenv else None,
        "probe": [[str(path), *_stamp(path)] for path in sorted((PACKAGE / "probe").rglob("*.py"))],
    }
    return {"key": digest_of_json(key), **setup}


def own_package(target: Mapping[str, str]) -> str | None:
    """The top-level package that a target names: the user's own, even where it is installed."""
    for name in ("module_name", "package_name", "autoload_defs_module_name"):
        if target.get(name):
            return target[name].partition(".")[0]
    return None


def preloadable(modules: Iterable[str]) -> list[str]:
    """The modules to import ahead of time, each once and in order, without the probe's own."""
    return list(dict.fromkeys(m for m in modules if not m.startswith(("__", "_dagster_snapsize"))))


def _stamp(path: Path) -> list[int]:
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_ino, status.st_mtime_ns, status.st_size]


def _content(path: Path) -> str | None:
    try:
        return digest_of_file(str(path))
    except OSError:
        return None
