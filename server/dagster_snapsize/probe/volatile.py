"""What the project's own code did while it loaded that no key of a cache can hold.

Sockets and processes raise audit events; for time and randomness the project's modules are
compiled with sites that tell (rewriting.py).
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
import sysconfig
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from . import HERE
from .bytecode import kept_bytecode
from .inputs import Seen
from .rewriting import RANDOM, TIME, compile_telling, first_mention, may_ask, references

if TYPE_CHECKING:
    from .user_files import UserFiles

_AT_MOST = 20
_SOCKET, _PROCESS, _SYSTEM = "opened a socket", "started a process", "read the system's state"
_SOCKET_EVENTS = (
    *("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"),
    *("socket.getnameinfo", "socket.bind", "socket.sendto", "socket.sendmsg"),
)
_PROCESS_EVENTS = (
    *("subprocess.Popen", "os.system", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty"),
    *("os.exec", "os.startfile", "pty.spawn", "_winapi.CreateProcess"),
)
# They start processes without an event, and are imported when the first is started.
_STARTERS = frozenset(f"multiprocessing.popen_{how}" for how in ("spawn_posix", "spawn_win32"))
_STARTERS |= {"multiprocessing.popen_forkserver"}
_IMPORTS = "<frozen importlib"
_NO_CALLERS = (HERE, os.path.join(sysconfig.get_path("stdlib"), "pathlib"), "<frozen")


class Volatile:
    """Notes what was asked of the outside, and where; each place once."""

    def __init__(self, files: UserFiles):
        self._files = files
        self._found: Dict[Tuple[str, Optional[str], Optional[int]], None] = {}  # in their order
        self._compiled: Dict[str, bool] = {}  # the user's modules; whether they tell by themselves
        self._own = threading.local()

    def watch(self, seen: Seen) -> None:
        """From now on note it; modules that are loaded from now on tell when they ask."""
        seen.on(_SOCKET_EVENTS, lambda args: self._note_event(_SOCKET))
        seen.on(_PROCESS_EVENTS, lambda args: self._note_event(_PROCESS))
        seen.on(["import"], self._on_import)
        seen.on(["compile"], self._on_compile)
        seen.on_system_file(self._on_system_file)
        loader: Any = importlib.machinery.SourceFileLoader
        source_to_code = loader.source_to_code

        def telling(self_: Any, data: Any, path: Any, *args: Any, **options: Any) -> Any:
            if isinstance(path, str) and self._files.is_users(path):
                code = self._compile(data, path, options.get("_optimize", -1))
                if code is not None:
                    return code
            return source_to_code(self_, data, path, *args, **options)

        loader.source_to_code = telling

    def note(self, what: str, path: Optional[str], line: Optional[int]) -> None:
        """Note what was done in a line of a file."""
        if len(self._found) < _AT_MOST:
            self._found[what, path, line] = None

    def report(self) -> List[Dict[str, Any]]:
        """All that was noted, in its order."""
        self._note_untold_modules()
        return [
            {"what": what, "path": path and os.path.abspath(path), "line": line}
            for what, path, line in list(self._found)
        ]

    def _compile(self, data: Any, path: str, optimize: int) -> Any:
        """The code of a module that tells; None where Python itself is to compile it."""
        self._compiled[os.path.abspath(path)] = True
        if not may_ask(data):  # it has nothing to tell
            return kept_bytecode(path)
        try:
            return compile_telling(data, path, self.note, optimize)
        except Exception:  # Python itself says what is wrong with it
            self._compiled[os.path.abspath(path)] = False
            return None

    def _note_event(self, what: str) -> None:
        counts, place = self._cause(sys._getframe(1))
        if counts:
            self.note(what, *place)

    def _cause(
        self, frame: Optional[FrameType]
    ) -> Tuple[bool, Tuple[Optional[str], Optional[int]]]:
        """Whether something counts, and the place that it is shown at.

        What a module does at its import is its own; if that is an installed one, it does not count.
        Else the innermost line of the user's is shown. Without one, as in a thread or under a
        component that YAML configures, it is the outermost that is neither Dagster's nor Python's.
        """
        place: Tuple[Optional[str], Optional[int]] = (None, None)
        while frame is not None:
            path = frame.f_code.co_filename
            if self._files.is_users(path):
                return True, (path, frame.f_lineno)
            if path.startswith(_IMPORTS):
                return False, place
            if not path.startswith(("<", HERE)) and _is_of_a_library(path):
                place = (path, frame.f_lineno)
            frame = frame.f_back
        return True, place

    def _on_import(self, args: Tuple[Any, ...]) -> None:
        if args[0] in _STARTERS:
            self._note_event(_PROCESS)

    def _on_system_file(self, path: str) -> None:
        """The user's own code opened a file that holds no content but what is asked just then."""
        frame: Optional[FrameType] = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename.startswith(_NO_CALLERS):
            frame = frame.f_back
        if frame is not None and self._files.is_users(frame.f_code.co_filename):
            what = RANDOM if path.endswith("random") else _SYSTEM
            self.note(what, frame.f_code.co_filename, frame.f_lineno)

    def _on_compile(self, args: Tuple[Any, ...]) -> None:
        """Code that the user has compiled by other means than import is taken to ask at once."""
        source, path = args[:2]
        path = path if type(path) is str else os.fsdecode(path)
        caller = sys._getframe(2)
        line = 0
        if not self._files.is_users(path):
            path, line = caller.f_code.co_filename, caller.f_lineno
            if not self._files.is_users(path):
                return
        elif os.path.abspath(path) in self._compiled or getattr(self._own, "busy", False):
            return
        if source is not None and may_ask(source):
            self._note_references(source, path, line)

    def _note_references(self, source: Any, path: str, line: int = 0) -> None:
        self._own.busy = True
        try:
            for what, at in references(source):
                self.note(what, path, line or at)
        except Exception:  # too deep for the parser in Python, say
            self.note(TIME, path, line or first_mention(source))
        finally:
            self._own.busy = False

    def _note_untold_modules(self) -> None:
        """Modules that were loaded before, or by a loader of the user's own."""
        for path in self._files.module_files():
            if not self._compiled.get(path) and path.endswith(".py"):
                try:
                    with open(path, "rb") as stream:
                        source = stream.read()
                except OSError:
                    continue
                if may_ask(source):
                    self._note_references(source, path)


def _is_of_a_library(path: str) -> bool:
    return "-packages" + os.sep in path and "-packages" + os.sep + "dagster" + os.sep not in path
