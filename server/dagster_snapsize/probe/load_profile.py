"""Where the load time goes: a thread that looks at the main thread's stack every 5 to 15 ms.

The time since the last look, in whole microseconds, is added to the stack that is seen; so all of
it sums to the time that has passed. Stacks are folded as they are seen, none is kept. C code that
holds the interpreter is seen as one long look, at the line that called it.

Two things besides stacks are recorded: the phase, which the main thread says at its boundaries, and
the component that Dagster works on, as no line of the user's says it. What the process holds of
memory (resident, on Linux) is read with the time, and its growth added to the same stack.
"""

from __future__ import annotations

import _thread
import contextlib
import functools
import importlib
import os
import sys
import time
from types import CodeType, FrameType
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from . import HERE
from .user_files import UserFiles

_INTERVAL = 0.005  # seconds
_LONG_INTERVAL = 0.015  # after looks have taken more than a fiftieth of the processor time
_LOOKS_PART = 50
_DEEPEST = 10_000  # frames that are looked at, to find a line of the user's
_DEEP = 500  # frames that are looked at where one has been found
_DEPTH = 200  # frames of a folded stack
_STACKS = 20_000  # different stacks; others are folded to the user's line and what it called

Entry = Tuple[str, str, int, int]
"""Path, name, line (of a function that is not the user's: its first) and kind."""
FOREIGN, USERS, COMPONENT = range(3)
"""Kinds of entries; of a component the path is its file's, the name which one of those in it."""
# What is known of code instead of a number: our own, the import system's and generated code is
# skipped; of the user's every line is an entry.
_SKIPPED, _IS_USERS, _IS_COMPONENT = -1, -2, -3

Phase = Tuple[str, str]
"""``import``, ``definitions``, ``repository``, ``composing`` or ``job``; what is named after."""


class LoadProfile:
    """Adds up the time of the main thread by phase and stack.

    Time counts while there is a phase. User code may replace any function of any module, so those
    that are used here are attributes of the instance.
    """

    def __init__(self, files: UserFiles):
        self._is_users = files.is_users
        self._start_thread = _thread.start_new_thread
        self._now = time.perf_counter_ns
        self._thread_time = time.thread_time_ns
        self._process_time = time.process_time_ns
        self._current_frames = sys._current_frames
        self._getpid = os.getpid
        self._pid = os.getpid()
        self._main_thread = _thread.get_ident()
        self._lock = _thread.allocate_lock()
        self._ending = _thread.allocate_lock()
        self._ended = _thread.allocate_lock()
        self._is_wanted = False
        self._runs = False
        self._phase: Optional[Phase] = None
        self._last = self._microseconds()
        self._resident: Callable[[], int] = lambda: 0
        self._last_memory = 0
        self._codes: Dict[int, Tuple[int, CodeType]] = {}  # with the code: its id stays its own
        self._entries: Dict[Entry, int] = {}
        # Microseconds and growth in bytes; of a phase the bytes at its start, end and peak.
        self._stacks: Dict[Tuple[Phase, Tuple[int, ...]], List[int]] = {}
        self._memory: Dict[Phase, List[int]] = {}

    def start(self) -> None:
        """Look at the thread that calls this from now on.

        The thread is none of ``threading``, so user code neither meets it nor gives it a profiler.
        """
        self._is_wanted = True
        self._resident = resident_memory()
        self._last_memory = self._resident()
        if not getattr(sys, "_is_gil_enabled", lambda: True)():
            return  # the stack of a running thread cannot be read: phases only
        self._ending.acquire()
        self._ended.acquire()
        self._runs = True
        self._start_thread(self._run, ())

    def stop(self) -> None:
        """End the thread; what follows does not count."""
        if not self._is_here():
            return
        self._enter(None)
        if self._runs:
            self._runs = False
            self._ending.release()
            self._ended.acquire(True, 1.0)

    def enter(self, kind: str, name: str = "") -> None:
        """A phase begins: the time until now is that of the phase before."""
        if self._is_here():
            self._enter((kind, name))

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count what a code server would not do."""
        with self._within(None):
            yield

    @contextlib.contextmanager
    def _within(self, phase: Optional[Phase]) -> Iterator[None]:
        if not self._is_here():
            yield
            return
        before = self._enter(phase)
        try:
            yield
        finally:
            self._enter(before)

    def name_jobs(self) -> None:
        """Make it a phase when Dagster composes a job for the id of its snapshot."""
        module: Any = importlib.import_module("dagster._core.definitions.job_definition")
        compose = getattr(module.JobDefinition, "get_job_snapshot_id", None)
        if compose is None:
            return

        def get_job_snapshot_id(job: Any) -> Any:
            with self._within(("composing", job.name)):
                return compose(job)

        module.JobDefinition.get_job_snapshot_id = get_job_snapshot_id

    def _is_here(self) -> bool:
        """Whether this is no fork, in which the lock may stay locked."""
        return self._getpid() == self._pid

    def _enter(self, phase: Optional[Phase]) -> Optional[Phase]:
        with self._lock:
            self._add(())
            before, self._phase = self._phase, phase
        return before

    def _microseconds(self) -> int:
        return self._now() // 1000

    def _add(self, stack: Tuple[int, ...]) -> None:
        now, memory = self._microseconds(), self._resident()
        if self._phase is not None:
            sums = self._stacks.setdefault((self._phase, stack), [0, 0])
            sums[0] += now - self._last
            sums[1] += memory - self._last_memory
            of_phase = self._memory.setdefault(self._phase, [self._last_memory, 0, 0])
            of_phase[1] = memory
            of_phase[2] = max(of_phase[2], memory, self._last_memory)
        self._last, self._last_memory = now, memory

    def _run(self) -> None:
        wait = _INTERVAL
        while not self._ending.acquire(True, wait):
            try:
                with self._lock:
                    self._add(self._look() if self._phase is not None else ())
            except Exception:  # memory is short, say, or a profiler of the user fails in here
                pass  # the time is that of the next look
            is_cheap = self._thread_time() * _LOOKS_PART < self._process_time()
            wait = _INTERVAL if is_cheap else _LONG_INTERVAL
        self._ended.release()

    def _look(self) -> Tuple[int, ...]:
        """The main thread's stack as numbers of entries, the outermost first."""
        found: List[int] = []  # the innermost first
        nearest = -1  # the innermost of the user's
        last = -1
        codes = self._codes
        frame = self._current_frames().get(self._main_thread)
        for depth in range(_DEEPEST):
            if frame is None or (depth > _DEEP and nearest >= 0):
                break
            code = frame.f_code
            known = codes.get(id(code))
            if known is None:
                known = codes[id(code)] = (self._known(code), code)
            number = known[0]
            if number < _SKIPPED:
                number = self._number(
                    _component(frame) if number == _IS_COMPONENT else _line(frame)
                )
                if nearest < 0:
                    nearest = len(found)
            # A function that calls itself is one entry.
            if number != _SKIPPED and number != last:
                found.append(number)
                last = number
            frame = frame.f_back
        if len(found) > _DEPTH:
            half = _DEPTH // 2
            near = found[max(0, nearest + 1 - half) : nearest + 1] if nearest >= 0 else []
            found = near + found[max(nearest + 1, len(found) - half) :]
        stack = tuple(found[::-1])
        if len(self._stacks) >= _STACKS and (self._phase, stack) not in self._stacks:
            stack = tuple(found[max(0, nearest - 1) : nearest + 1][::-1])
        return stack

    def _number(self, entry: Entry) -> int:
        return self._entries.setdefault(entry, len(self._entries))

    def _known(self, code: CodeType) -> int:
        """The number of its entry, or that it is skipped or has entries by line."""
        path = code.co_filename
        if code is _COMPONENT_CODE:
            return _IS_COMPONENT
        if path.startswith(("<", HERE)) or os.path.basename(path) == "runpy.py":
            return _SKIPPED
        if self._is_users(path):
            return _IS_USERS
        return self._number((path, code.co_name, code.co_firstlineno, FOREIGN))

    def report(self) -> Dict[str, Any]:
        """The header of the frame ``load_profile``, as protocol.py describes it.

        Empty where it was not started.
        """
        if not self._is_wanted:
            return {}
        return {
            "entries": [(os.path.abspath(p) if p else p, *rest) for p, *rest in self._entries],
            "stacks": [(*phase, stack, *sums) for (phase, stack), sums in self._stacks.items()],
            "phases": [(*phase, *sizes) for phase, sizes in self._memory.items()],
            "folders": [os.path.abspath(folder) for folder in sys.path],
        }


def resident_memory() -> Callable[[], int]:
    """Reads how many bytes this process has in memory, in a few microseconds; 0 but on Linux.

    It holds the interpreter, as ``os.pread`` would not: else the main thread would run on, and what
    it takes in C code would be given to the line that is seen after that.
    """
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        with open("/proc/self/statm", "rb"):  # on Linux
            import ctypes
        libc = ctypes.PyDLL(None)
    except (ImportError, OSError, AttributeError, ValueError):
        return lambda: 0
    open_file, read, close = libc.open, libc.read, libc.close
    read.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t)
    text = ctypes.create_string_buffer(100)
    last = 0

    def resident() -> int:
        nonlocal last
        # A file that stays open might be closed, or counted, by the user's code.
        file = open_file(b"/proc/self/statm", os.O_RDONLY)
        if read(file, text, len(text)) > 0:
            last = int(text.value.split()[1]) * page
        close(file)
        return last

    return resident


def _in_component(path: str, number: str, call: Callable[..., Any], *args: Any) -> Any:
    """Call it; the frame of this very function says for which component."""
    return call(*args)


_COMPONENT_CODE = _in_component.__code__


def _line(frame: FrameType) -> Entry:
    code = frame.f_code
    return (code.co_filename, code.co_name, frame.f_lineno or 0, USERS)


def _component(frame: FrameType) -> Entry:
    values = frame.f_locals
    return (values["path"], values["number"], 1, COMPONENT)


def name_components() -> None:
    """Have Dagster 1.11 and later say which component it loads or builds."""
    core = "dagster.components.core"
    _name_component(f"{core}.decl", "YamlDecl", "_load_component")
    _name_component(f"{core}.component_tree", "ComponentTree", "_build_defs_inner")
    _name_component(f"{core}.component_tree", "ComponentTree", "_build_defs_at_path")  # to 1.12


def _name_component(module: str, class_name: str, method: str) -> None:
    cls: Any = getattr(sys.modules.get(module), class_name, None)
    original = getattr(cls, method, None)
    if original is None:
        return

    @functools.wraps(original)
    def named(self: Any, *args: Any) -> Any:
        place = args[0] if args else getattr(self, "loc", None) or self.path
        path = _component_file(place)
        if path is None:
            return original(self, *args)
        number = getattr(place, "instance_key", None) or 0
        return _in_component(path, str(number), original, self, *args)

    setattr(cls, method, named)


def _component_file(place: Any) -> Optional[str]:
    """The YAML file in the folder of a component."""
    for name in ("defs.yaml", "component.yaml"):
        path = os.path.join(str(getattr(place, "file_path", place)), name)
        if os.path.isfile(path):
            return path
    return None
