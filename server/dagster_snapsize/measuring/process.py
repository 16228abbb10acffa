"""Start the probe under a supervisor, stream its frames, and end its whole tree."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from dagster_snapsize import PACKAGE
from dagster_snapsize.probe.protocol import read_frames

_SUPERVISOR = PACKAGE / "probe" / "supervisor.py"
_KEPT_OUTPUT = 64_000
_PATIENCE = 5.0  # seconds for the supervisor to end a tree before it is killed itself
_PAUSE = 1.0  # seconds in which the rest of the output of an ended process is read
_MOMENT = 0.01  # seconds
_AHEAD = 4  # frames: two snapshots, and what announces them


class SupervisedProcess(ABC):
    """A tree of processes under a supervisor, whose standard output is frames.

    Leaving the ``with`` block, cancelling, passing ``timeout`` (seconds), or the death of this very
    process closes the supervisor's lifeline, and it then kills the whole tree.
    """

    def __init__(
        self, lifeline: IO[bytes], stdout: IO[bytes], stderr: IO[bytes], timeout: float
    ) -> None:
        self.timed_out = False
        self.cancelled = False
        self._lock = threading.Lock()
        self._lifeline = lifeline
        self._stdout = stdout
        self._ahead: _FramesAhead | None = None
        self._output = _Tail()
        self._drain = threading.Thread(target=self._output.drain, args=(stderr,))
        self._drain.daemon = True
        self._drain.start()
        self._alarm = threading.Timer(timeout, self._time_out)
        self._alarm.daemon = True
        self._alarm.start()

    def __enter__(self) -> SupervisedProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._alarm.cancel()
        self._cut_lifeline()
        if self.wait(_PATIENCE) is None:
            self._kill()
        # If a process that escaped holds the other end, reading would block: leave it open.
        if self._ahead is None or self._ahead.stop(_PAUSE):
            self._stdout.close()

    @abstractmethod
    def wait(self, seconds: float) -> int | None:
        """The exit status once the command has ended by itself (negative: a signal's number)."""

    @abstractmethod
    def _kill(self) -> None:
        """End the supervisor, which did not end by itself."""

    def frames(self) -> Iterator[tuple[dict[str, Any], bytes]]:
        """The probe's frames; see ``probe.protocol.read_frames`` for what is raised.

        A few are read ahead, so that the probe goes on while a ledger is made.
        """
        self._ahead = _FramesAhead(self._stdout, self._has_ended)
        return iter(self._ahead)

    def _has_ended(self) -> bool:
        return self.wait(_MOMENT) is not None

    def cancel(self) -> None:
        """End the tree from another thread; the frames then stop."""
        self.cancelled = True
        self._cut_lifeline()

    def output(self) -> str:
        """The end of what was printed, once the process has ended."""
        self._drain.join(1.0)
        return self._output.text()

    def _time_out(self) -> None:
        self.timed_out = True
        self._cut_lifeline()

    def _cut_lifeline(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            self._lifeline.close()


class ProbeProcess(SupervisedProcess):
    """A command that is started for one measurement."""

    def __init__(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float
    ):
        self._process = subprocess.Popen(
            supervised(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=dict(env),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        super().__init__(self._process.stdin, self._process.stdout, self._process.stderr, timeout)

    def __enter__(self) -> ProbeProcess:
        return self

    def run_to_end(self) -> tuple[int | None, str]:
        """For a command that sends no frames: its exit status and the end of all it printed."""
        printed = _Tail()
        reader = threading.Thread(target=printed.drain, args=(self._stdout,), daemon=True)
        reader.start()
        while reader.is_alive():
            has_ended = self._has_ended()
            reader.join(_PAUSE)
            if has_ended:
                break
        return self.wait(_PATIENCE), printed.text() + self.output()

    def wait(self, seconds: float) -> int | None:
        """The exit status once the command has ended by itself (negative: a signal's number)."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()


def supervised(command: Sequence[str]) -> list[str]:
    """``command`` under a supervisor, whose standard input is the lifeline of its tree."""
    return [sys.executable, "-I", "-S", str(_SUPERVISOR), *command]


class _FramesAhead:
    """Frames that a thread reads ahead."""

    def __init__(self, stream: IO[bytes], has_ended: Callable[[], bool]):
        self._has_ended = has_ended
        self._frames: queue.Queue[Any] = queue.Queue(_AHEAD)
        self._stopped = False
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        last = None
        try:
            for frame in read_frames(stream):
                self._frames.put(frame)
                if self._stopped:
                    return
        except Exception as error:
            last = error
        self._frames.put(last)

    def __iter__(self) -> Iterator[tuple[dict[str, Any], bytes]]:
        has_ended = False
        while True:
            try:
                frame = self._frames.get(timeout=_PAUSE)
            except queue.Empty:
                # Where the supervisor alone was killed, others may hold the pipe open for ever.
                if has_ended:
                    return
                has_ended = self._has_ended()
                continue
            if isinstance(frame, Exception):
                raise frame
            if frame is None:
                return
            yield frame

    def stop(self, seconds: float) -> bool:
        """Take what is still read, and no more; whether the thread has ended."""
        self._stopped = True
        deadline = time.monotonic() + seconds
        while self._thread.is_alive() and time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                self._frames.get(timeout=0.01)
        return not self._thread.is_alive()


class _Tail:
    """The end of a stream of any length."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def drain(self, stream: Any) -> None:
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(stream.fileno(), 65_536):
                self._kept += chunk
                if len(self._kept) > 2 * _KEPT_OUTPUT:
                    del self._kept[:-_KEPT_OUTPUT]
        stream.close()

    def text(self) -> str:
        return bytes(self._kept[-_KEPT_OUTPUT:]).decode("utf-8", "replace")
