"""What this process opened, listed, started and connected to, from audit events (PEP 578).

A library in C that opens files by itself (DuckDB, Polars, libpq) raises no event. A name that is
opened relative to the descriptor of a folder is taken for one in the current folder.
"""

from __future__ import annotations

import os
import stat
import sys
import sysconfig
from types import FrameType
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Set, Tuple
from urllib.parse import unquote

from . import HERE
from .protocol import STARTED_PROCESS
from .user_files import UserFiles

Handler = Callable[[Tuple[Any, ...]], None]

_SYSTEM_STATE = ("/proc/", "/sys/", "/dev/random", "/dev/urandom") if os.name == "posix" else ()
_MOST_CALLS = 20
_SOCKET = "opened a socket"
_STATE, _RANDOM = "read the system's state", "read random bytes"
_SOCKET_EVENTS = (
    *("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"),
    *("socket.getnameinfo", "socket.bind", "socket.sendto", "socket.sendmsg"),
)
_PROCESS_EVENTS = (
    *("subprocess.Popen", "os.system", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty"),
    *("os.exec", "os.startfile", "pty.spawn", "_winapi.CreateProcess"),
)
# They start processes without an event, and are imported just before the first one.
_STARTERS = frozenset(f"multiprocessing.popen_{how}" for how in ("spawn_posix", "spawn_win32"))
_STARTERS |= {"multiprocessing.popen_forkserver"}
IMPORTS = "<frozen importlib"
_OPENERS = (HERE, os.path.join(sysconfig.get_path("stdlib"), "pathlib"), "<frozen")


class AuditLog:
    """The files that were opened, and the folders that were listed; absolute paths.

    ``opened`` holds the files that were opened for reading by a path of type ``str``, and
    ``listed`` the folders that were listed by such a path, but not by the import system. These two
    decide what the editor watches.
    """

    def __init__(self) -> None:
        self.opened: Set[str] = set()
        self.listed: Set[str] = set()
        self._opened_otherwise: Set[str] = set()
        self._listed_otherwise: Set[str] = set()
        self._path = list(sys.path)
        self._handlers: Dict[str, Handler] = {
            "open": self._on_open,
            "os.listdir": self._on_listing,
            "os.scandir": self._on_listing,
            "sqlite3.connect": self._on_database,
            "ctypes.dlopen": self._on_library,
        }
        self._installed = False
        self._marked = False
        self._system_file: Callable[[str], None] = lambda path: None

    def start(self) -> None:
        """Record what this process does from now on; there is no way to stop (PEP 578)."""
        if self._installed:
            return
        self._installed = True
        find = self._handlers.get

        def on_event(event: str, args: Tuple[Any, ...]) -> None:
            handler = find(event)
            if handler is not None:
                try:
                    handler(args)
                except Exception:  # an error would become one of the user's call
                    return

        sys.addaudithook(on_event)

    def mark(self) -> None:
        """Empty ``opened`` and ``listed``, but forget no input; only the first call counts.

        The fork server calls it before it imports the modules of measurements.
        """
        if self._marked:
            return
        self._marked = True
        self._opened_otherwise |= self.opened
        self._listed_otherwise |= self.listed
        self.opened.clear()
        self.listed.clear()

    def on(self, events: Iterable[str], handler: Handler) -> None:
        """Call ``handler`` with the arguments of these events, two frames above their own."""
        for event in events:
            self._handlers[event] = handler

    def on_system_file(self, handler: Callable[[str], None]) -> None:
        """Call ``handler`` with the path of each file opened that shows the system's state."""
        self._system_file = handler

    def _on_open(self, args: Tuple[Any, ...]) -> None:
        path, mode, flags = args
        if mode is None:  # os.open
            if flags & os.O_WRONLY:
                return
        elif "r" not in mode and "+" not in mode:
            return
        if type(path) is str:
            if path[-4:] == ".pyc" and "__pycache__" in path:
                return  # most of what is opened, and never an input
            self.opened.add(path if os.path.isabs(path) else os.path.abspath(path))
        elif isinstance(path, int):
            return
        else:
            path = os.fsdecode(path)
            self._opened_otherwise.add(os.path.abspath(path))
        if path.startswith(_SYSTEM_STATE):
            self._system_file(path)

    def _on_listing(self, args: Tuple[Any, ...]) -> None:
        path = args[0]
        if type(path) is str:
            # The import system lists every folder that it looks into; sys.path tells which.
            caller = sys._getframe(2).f_code.co_filename
            if not caller.startswith("<frozen importlib"):
                self.listed.add(os.path.abspath(path))
        elif path is None:
            self._listed_otherwise.add(os.getcwd())
        elif not isinstance(path, int):  # a descriptor was opened by a name
            self._listed_otherwise.add(os.path.abspath(os.fsdecode(path)))

    def _on_database(self, args: Tuple[Any, ...]) -> None:
        name = os.fsdecode(args[0])
        if name.startswith("file:"):  # sqlite.org/uri.html
            name = unquote(name[5:].split("#")[0].split("?")[0])
            if name.startswith("//"):
                name = "/" + name[2:].partition("/")[2]
        if name and name != ":memory:":
            path = os.path.abspath(name)
            # The last commits may be in the write-ahead log only.
            self._opened_otherwise.update((path, path + "-wal"))

    def _on_library(self, args: Tuple[Any, ...]) -> None:
        name = os.fsdecode(args[0])
        if os.path.basename(name) != name:
            self._opened_otherwise.add(os.path.abspath(name))

    def files(self) -> Set[str]:
        """Absolute paths of all that was opened for reading, whether it exists or not."""
        return {os.path.abspath(p) for p in self.opened} | self._opened_otherwise

    def folders(self) -> Set[str]:
        """Absolute paths of the folders that were listed, or that modules were looked for in."""
        looked_into = absolute_all([*self._path, *sys.path, *sys.path_importer_cache])
        return {*self.listed, *self._listed_otherwise, *looked_into}


class CallRecorder:
    """Records the calls of the user's code that no cache key can cover; each line once."""

    def __init__(self, files: UserFiles, log: AuditLog):
        self._files = files
        self._calls: Dict[Tuple[str, Optional[str], Optional[int]], None] = {}  # in their order
        self._other_sockets = set(_connections())
        log.on(_SOCKET_EVENTS, self._on_socket)
        log.on(_PROCESS_EVENTS, lambda args: self._record(STARTED_PROCESS))
        log.on(["import"], self._on_import)
        log.on_system_file(self._on_system_file)

    def report(self) -> List[Dict[str, Any]]:
        """The calls in their order, as the frame ``inputs`` has them."""
        if not self._other_sockets.issuperset(_connections()):
            self._add(_SOCKET, None, None)  # a library in C did
        return [
            {"what": what, "path": path and os.path.abspath(path), "line": line}
            for what, path, line in list(self._calls)
        ]

    def _add(self, what: str, path: Optional[str], line: Optional[int]) -> None:
        if len(self._calls) < _MOST_CALLS:
            self._calls[what, path, line] = None

    def _record(self, what: str) -> None:
        """Record what was just done, at the line of the user's code that led to it.

        What an installed module does while it is imported does not count. Where no user code is
        below, as in a thread or in a component configured by YAML, the outermost line of an
        installed package other than Dagster is recorded instead.
        """
        path, line = None, None
        frame: Optional[FrameType] = sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename
            if self._files.is_users(file):
                self._add(what, file, frame.f_lineno)
                return
            if file.startswith(IMPORTS):
                return
            if not file.startswith(("<", HERE)) and _is_in_package(file):
                path, line = file, frame.f_lineno
            frame = frame.f_back
        self._add(what, path, line)

    def _on_socket(self, args: Tuple[Any, ...]) -> None:
        self._record(_SOCKET)
        if hasattr(args[0], "fileno"):
            self._other_sockets.add(os.fstat(args[0].fileno()).st_ino)

    def _on_import(self, args: Tuple[Any, ...]) -> None:
        if args[0] in _STARTERS:
            self._record(STARTED_PROCESS)

    def _on_system_file(self, path: str) -> None:
        """Record it where the user's own code opened the file, directly or through pathlib."""
        frame: Optional[FrameType] = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename.startswith(_OPENERS):
            frame = frame.f_back
        if frame is not None and self._files.is_users(frame.f_code.co_filename):
            what = _RANDOM if path.endswith("random") else _STATE
            self._add(what, frame.f_code.co_filename, frame.f_lineno)


def absolute_all(paths: Iterable[Any]) -> List[str]:
    """Those of the paths that are texts, made absolute."""
    try:
        return [os.path.abspath(path or os.curdir) for path in paths if isinstance(path, str)]
    except Exception:  # a namespace package whose parent is gone
        return []


def entries_of(folder: str) -> List[str]:
    """Names in a folder; none where it cannot be listed."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _connections() -> Iterator[int]:
    """The inodes of this process's sockets that are connected; none where nothing lists them."""
    for name in entries_of("/dev/fd"):
        try:
            status = os.fstat(int(name))
            if not stat.S_ISSOCK(status.st_mode):
                continue
            import socket  # rarely needed

            with socket.socket(fileno=os.dup(int(name))) as connection:
                if connection.getpeername():  # empty for a pair
                    yield status.st_ino
        except (OSError, ValueError):
            continue


def _is_in_package(path: str) -> bool:
    return "-packages" + os.sep in path and "-packages" + os.sep + "dagster" + os.sep not in path
