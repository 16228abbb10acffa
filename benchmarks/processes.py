"""Runs whole processes and watches what they take: time, processor, memory.

Memory is looked at while a process and all that it started run, every 20 ms:

- ``rss_bytes``: the sum of their resident sets. Pages that processes share count once for each.
- ``pss_bytes``: the sum of their proportional set sizes (``/proc/PID/smaps_rollup``): a page that
  several processes share is divided among them, so that over the whole tree it counts once.

To read a proportional set size the system walks all pages of a process, some milliseconds for each
gigabyte. So it is read when the processes are others than before, and else for a fiftieth of the
time; in between, what is shared is taken to be as much as when it was last read. What all the
looking took is kept as ``watching_seconds``. Without /proc there is only the largest resident set
of any one process.
"""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from attrs import field, frozen

SAMPLE_SECONDS = 0.02
DUTY = 50  # times as long as reading took passes before it is done again
REST_SECONDS = 2.0  # longer than the server waits before it does something in the background
REST_DUTY = 0.05  # of one core, by which nothing is said to be done
MOST_REST_SECONDS = 600.0
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@frozen
class Run:
    """What one run took, the sizes that it found, and what it printed.

    ``cpu_seconds`` is None where that is not known, and ``forked`` says of a warm measurement
    whether it was one.
    """

    seconds: float
    cpu_seconds: float | None
    rss_bytes: int
    pss_bytes: int
    watching_seconds: float
    sizes: tuple[int, ...] = ()
    forked: bool = False
    output: str = field(default="", repr=False)
    errors: str = field(default="", repr=False)


class Watch:
    """Looks at the memory of a process and all that it started, until the block is left.

    Without ``itself`` only at what it started.
    """

    def __init__(self, pid: int, *, itself: bool = True):
        self.rss_bytes = 0
        self.pss_bytes = 0
        self.seconds = 0.0
        self._pid = pid
        self._first = 0 if itself else 1
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_on)
        self._tree: list[int] = []
        self._shared_bytes = 0
        self._next_pss = 0.0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _look_on(self) -> None:
        if not Path("/proc/self/smaps_rollup").exists():
            return
        while not self._ended.wait(SAMPLE_SECONDS):
            before = time.thread_time()
            self._look()
            self.seconds += time.thread_time() - before

    def _look(self) -> None:
        tree = list(descendants(self._pid))[self._first :]
        rss = sum(map(resident_bytes, tree))
        self.rss_bytes = max(self.rss_bytes, rss)
        if tree != self._tree or time.monotonic() >= self._next_pss:
            began = time.thread_time()
            self._shared_bytes = max(0, rss - sum(map(proportional_bytes, tree)))
            self._tree = tree
            self._next_pss = time.monotonic() + DUTY * (time.thread_time() - began)
        self.pss_bytes = max(self.pss_bytes, rss - self._shared_bytes)


def run(
    command: Sequence[str], folder: Path, environ: Mapping[str, str], statuses: Sequence[int] = (0,)
) -> Run:
    """Run one command to its end; what it printed is ``output`` and ``errors``.

    SystemExit with what it printed where it ends with another exit status than ``statuses``.
    """
    started, cpu_before = time.perf_counter(), _cpu_seconds()
    with (
        subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
        Watch(process.pid) as watch,
    ):
        stdout, stderr = process.communicate()
        seconds = time.perf_counter() - started
    if process.returncode not in statuses:
        printed = (stdout + stderr).decode(errors="replace")
        raise SystemExit(
            f"exit status {process.returncode}: {' '.join(command)}\n{printed[-4000:]}"
        )
    rss = watch.rss_bytes or resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return Run(
        seconds=seconds,
        cpu_seconds=_cpu_seconds() - cpu_before,
        rss_bytes=rss,
        pss_bytes=watch.pss_bytes or rss,
        watching_seconds=watch.seconds,
        output=stdout.decode(errors="replace"),
        errors=stderr.decode(errors="replace"),
    )


def descendants(pid: int) -> Iterator[int]:
    """A process and all that it started (Linux; the process alone elsewhere)."""
    yield pid
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - fifty times a second
    except OSError:
        return
    for thread in threads:
        for child in _read(f"/proc/{pid}/task/{thread}/children").split():
            yield from descendants(int(child))


def rest(pid: int) -> None:
    """Wait until a process and all that it started have done nothing for a while (Linux).

    SystemExit after ten minutes.
    """
    deadline = time.monotonic() + MOST_REST_SECONDS
    since, before = time.monotonic(), _work(pid)
    while time.monotonic() - since < REST_SECONDS:
        if time.monotonic() > deadline:
            raise SystemExit(f"process {pid} does not come to rest")
        time.sleep(0.1)
        now = _work(pid)
        # Some wake up from time to time to look whether they are needed.
        if now[1] != before[1] or now[0] - before[0] > REST_DUTY * REST_SECONDS:
            since, before = time.monotonic(), now


def _work(pid: int) -> tuple[float, list[int]]:
    """Processor seconds of a tree so far, and its processes."""
    tree = list(descendants(pid))
    ticks = 0
    for one in tree:
        # The command's name, in parentheses, may hold anything.
        ticks += sum(map(int, _read(f"/proc/{one}/stat").rpartition(b")")[2].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK"), tree


def resident_bytes(pid: int) -> int:
    """The resident set of one process; 0 once it has ended."""
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * _PAGE if fields else 0


def proportional_bytes(pid: int) -> int:
    """The resident set of one process, with shared pages divided among those that share them."""
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return b""


def _cpu_seconds() -> float:
    """Processor time of all that we started and that has ended, in the user's code and for it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
