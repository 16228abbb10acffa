"""Imports what measurements need, and forks a child for each of them (Linux).

Started as ``python <the probe's folder> --forkserver ARGUMENT`` by the user's interpreter, in the
folder and with the environment of a measurement, under supervisor.py. The argument is JSON,
compressed with zlib, in base64: ``key`` (which measurements it may fork, see
measuring/forkserver.py), ``modules`` (dotted names of installed modules), ``left_out`` (top-level
name -> why), ``tree``, ``own_package``, ``dotenv``, ``env`` (as for session.main), ``nice``.
Standard output is one line of JSON: ``type`` is ``ready`` (``address``, ``seconds``, ``rss_bytes``,
``threads``, ``modules``, ``left_out``) or ``refused`` (``why``, ``left_out``); and at the end
perhaps another, of type ``ended`` (``why``).

Each connection to the abstract socket ``address`` is one measurement: four bytes of length and JSON
with ``key``, ``argument`` and ``cwd``, and with the first byte three descriptors, which are the
lifeline (its end kills all that the measurement started), standard output and standard error. The
answers are lines of JSON: ``{"type": "started", "pid": ...}`` and, once nothing of it is left,
``{"type": "ended", "status": ...}`` (negative: a signal's number), or
``{"type": "not_forked", "why": ...}`` where nothing was started.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import importlib
import importlib.machinery
import json
import os
import secrets
import select
import signal
import socket
import struct
import sys
import threading
import time
import warnings
import zlib
from typing import Any, Dict, Iterable, List, Mapping, NoReturn, Optional, Set

from .. import HERE, session
from ..audit import AuditLog
from ..inputs import describe_inputs
from ..supervisor import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, kill_all, prctl
from ..user_files import UserFiles
from .preload import Preload, count_threads, reseed, settle

_PATIENCE = 5.0  # seconds for a request to arrive whole once it has begun
_LARGEST = 2**26
_MOST_STARTS = 6


class _CannotFork(Exception):
    """This measurement must not be forked from this process."""


class _Abandoned(Exception):
    """The client has closed the connection, or belongs to another user."""


def main(argument: str) -> NoReturn:
    """Import, report, and serve until killed; or refuse and end."""
    started = time.monotonic()
    gc.disable()  # as session.main does
    fresh = dict(os.environ)
    setup = json.loads(zlib.decompress(base64.b64decode(argument)))
    if setup["nice"] and not setup.get("starts"):
        os.nice(setup["nice"])
    channel = os.dup(1)
    os.dup2(2, 1)
    at_start = set(sys.modules)
    sys.argv = ["dagster", "api", "grpc"]
    session._load_environment(setup["dotenv"], setup["env"])
    loaded = dict(os.environ)
    log = AuditLog()
    log.start()
    files = UserFiles(setup["tree"], setup["own_package"])
    preload = Preload(files)
    problem = preload.run(setup["modules"], setup["left_out"], log.mark)
    left_out = {**preload.left_out, **setup["left_out"]}
    if problem and preload.left_out and setup.get("starts", 0) < _MOST_STARTS:
        _restart(channel, fresh, {**setup, "left_out": left_out})
    if problem:
        _emit(channel, {"type": "refused", "why": problem, "left_out": left_out})
        session._exit_now(0)
    preload.also_read(describe_inputs(files, log, [], [])["read"])
    settle()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # An abstract name leaves no file behind; both ends can ask the system for the other's user.
    listener.bind("\0dagster-snapsize-" + secrets.token_hex(16))
    listener.listen(16)
    server = _Server(setup["key"], preload, log, listener, channel)
    server.environ = _with_changes(fresh, loaded, dict(os.environ))
    server.preloaded = {name.partition(".")[0] for name in set(sys.modules) - at_start}
    _emit(
        channel,
        {
            "type": "ready",
            "address": listener.getsockname()[1:].decode("ascii"),
            "seconds": time.monotonic() - started,
            "rss_bytes": _rss_bytes(),
            "threads": server.threads,
            "modules": len(sys.modules),
            "left_out": left_out,
        },
    )
    server.serve()


def _restart(channel: int, environ: Mapping[str, str], setup: Dict[str, Any]) -> NoReturn:
    setup = {**setup, "starts": setup.get("starts", 0) + 1}
    argument = base64.b64encode(zlib.compress(json.dumps(setup).encode("utf-8")))
    os.dup2(channel, 1)
    command = [sys.executable, HERE, "--forkserver", argument.decode("ascii")]
    os.execve(sys.executable, command, dict(environ))


def _with_changes(
    fresh: Mapping[str, str], loaded: Mapping[str, str], now: Mapping[str, str]
) -> Dict[str, str]:
    """``fresh`` with the changes that modules made to the environment when they were imported.

    A measurement loads .env and the variables of the configuration itself.
    """
    changed = {k: v for k, v in now.items() if loaded.get(k) != v}
    return {**{k: v for k, v in fresh.items() if k in now}, **changed}


def _emit(channel: int, message: Mapping[str, Any]) -> None:
    _write_all(channel, json.dumps(message).encode("ascii") + b"\n")


def _write_all(descriptor: int, data: bytes) -> None:
    """Write it whole."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _rss_bytes() -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class _Server:
    """The process that forks: it has one thread, and imports nothing more."""

    def __init__(
        self, key: str, preload: Preload, log: AuditLog, listener: socket.socket, channel: int
    ):
        self.environ: Dict[str, str] = {}
        self.preloaded: Set[str] = set()
        self.threads = count_threads()
        self._key = key
        self._preload = preload
        self._log = log
        self._listener = listener
        self._channel = channel
        self._child_signal = signal.getsignal(signal.SIGCHLD)
        self._set_option = prctl()

    def serve(self) -> NoReturn:
        """Fork for every connection."""
        signal.signal(signal.SIGCHLD, _reap)
        pid = os.getpid()
        while True:
            connection, _ = self._listener.accept()
            descriptors: List[int] = []
            stale = None
            try:
                request = _receive(connection, descriptors)
                stale = self._preload.changed()
                if stale:
                    raise _CannotFork("{} has changed".format(stale))
                self._check(request)
                with warnings.catch_warnings():  # Python 3.12 on warns of native threads
                    warnings.simplefilter("ignore")
                    child = os.fork()
                if child == 0:
                    self._supervise(connection, descriptors, request, pid)
            except _CannotFork as reason:
                _answer(connection, {"type": "not_forked", "why": str(reason)})
            except (_Abandoned, OSError, ValueError, KeyError):
                pass
            finally:
                if os.getpid() == pid:
                    for descriptor in descriptors:
                        os.close(descriptor)
                    connection.close()
            if stale:
                _emit(self._channel, {"type": "ended", "why": "{} has changed".format(stale)})
                session._exit_now(0)  # its client starts another one

    def _check(self, request: Mapping[str, Any]) -> None:
        """Raises _CannotFork where a child would differ from a fresh interpreter."""
        if request["key"] != self._key:
            raise _CannotFork("the environment has changed")
        if threading.active_count() > 1 or count_threads() > self.threads:
            raise _CannotFork("an imported module has started a thread")
        working = json.loads(request["argument"])["working_directory"]
        for folder in {request["cwd"], working}:
            hidden = _shadowed(folder, self.preloaded)
            if hidden:
                raise _CannotFork("{} hides an installed module".format(hidden))

    def _supervise(
        self, connection: socket.socket, descriptors: List[int], request: Any, parent: int
    ) -> NoReturn:
        """In the first child: supervise a second one, as supervisor.py does for a command."""
        try:
            self._set_option(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                session._exit_now(1)
            self._set_option(PR_SET_CHILD_SUBREAPER, 1)
            self._listener.close()
            os.close(self._channel)
            lifeline, out, error = descriptors
            woken, wake = os.pipe()
            os.set_blocking(wake, False)
            os.set_blocking(woken, False)
            signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
            signal.signal(signal.SIGCHLD, lambda *_: None)
            supervisor = os.getpid()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                child = os.fork()
            if child == 0:
                for descriptor in (woken, wake, lifeline):
                    os.close(descriptor)
                connection.close()
                self._measure(request, out, error, supervisor)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, lambda *_: None)
            os.close(out)
            os.close(error)
            _answer(connection, {"type": "started", "pid": supervisor})
            status = _wait(child, lifeline, woken)
            kill_all(child)
            _answer(connection, {"type": "ended", "status": status})
            session._exit_now(0)
        finally:
            session._exit_now(1)

    def _measure(self, request: Any, out: int, error: int, supervisor: int) -> NoReturn:
        """In the second child: restore the state of a fresh interpreter, then measure."""
        try:
            self._set_option(PR_SET_PDEATHSIG, signal.SIGKILL)
            os.setsid()
            if os.getppid() != supervisor:
                session._exit_now(1)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, self._child_signal)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for descriptor, number in ((nothing, 0), (out, 1), (error, 2)):
                os.dup2(descriptor, number)
                os.close(descriptor)
            os.chdir(request["cwd"])
            os.environ.clear()
            os.environ.update(self.environ)
            listed = set(self._log.listed)
            _forget_folders()
            self._log.listed.intersection_update(listed)
            reseed()
            session.main(request["argument"], self._log)
        finally:
            session._exit_now(70)


def _reap(*_: object) -> None:
    """Where a supervisor was killed, end too: our own supervisor then ends what that one left."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            if os.WIFSIGNALED(status):
                session._exit_now(1)


def _wait(child: int, lifeline: int, woken: int) -> int:
    """The child's exit status (negative: the number of a signal)."""
    while True:
        ready, _, _ = select.select([lifeline, woken], [], [])
        if woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(woken, 4096)
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == child:
                return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            if pid == 0:
                break
        if lifeline in ready and not os.read(lifeline, 4096):
            return -signal.SIGKILL


def _forget_folders() -> None:
    """Make the import system list folders again, and list the distributions now.

    Importing Dagster does that too; later it would count as a listing by the definitions.
    """
    importlib.invalidate_caches()
    metadata = sys.modules.get("importlib.metadata")
    if metadata is not None:
        for _ in metadata.distributions(path=[os.getcwd()]):
            pass


def _receive(connection: socket.socket, descriptors: List[int]) -> Dict[str, Any]:
    """One request, and its descriptors.

    Raises _Abandoned where another user asks, or where it does not arrive whole.
    """
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    if struct.unpack("3i", credentials)[1] != os.geteuid():
        raise _Abandoned
    connection.settimeout(_PATIENCE)
    head, found, _, _ = socket.recv_fds(connection, 4, 3, socket.MSG_CMSG_CLOEXEC)
    descriptors += found
    head += _exactly(connection, 4 - len(head)) if head else b""
    if len(head) < 4 or len(descriptors) != 3:
        raise _Abandoned
    size = struct.unpack(">I", head)[0]
    if size > _LARGEST:
        raise _Abandoned
    request: Dict[str, Any] = json.loads(_exactly(connection, size))
    return request


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise _Abandoned
        data += more
    return data


def _answer(connection: socket.socket, message: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(message).encode("ascii") + b"\n")


def _shadowed(folder: str, preloaded: Iterable[str]) -> Optional[str]:
    """A module in ``folder``, which comes first on sys.path, with the name of a preloaded one.

    Files are checked one by one, as a listing would become an input of the measurement.
    """
    endings = [*importlib.machinery.all_suffixes(), os.sep + "__init__.py"]
    for name in preloaded:
        for ending in endings:
            path = os.path.join(folder, name + ending)
            if os.path.exists(path):
                return path
    return None
