"""Runs one command, and kills it with everything that it started when its caller ends.

Run as a script by the tool's own interpreter, ``python -I -S supervisor.py COMMAND...``: standard
input is the lifeline (at its end everything is killed), standard output and error are those of the
command. It leaves with the command's own exit status, or by the command's own signal.

POSIX: the command leads a session of its own. On Linux this process is also the subreaper
(prctl(2), PR_SET_CHILD_SUBREAPER), so even what detached itself comes back here as a child;
elsewhere a process that detached itself twice is not found. There are three such processes, each
the child of another: where two are killed at once, the third ends the tree. Windows: a job object
that kills on close.

It is in the probe's folder because forkserver/, in the user's interpreter, uses it too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

_LEVELS = 3  # supervisors
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def main() -> NoReturn:
    """Supervise ``sys.argv[1:]``."""
    if sys.platform == "win32":
        _join_job_object()
        try:
            child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
        except OSError as error:
            _could_not_start(error)
        _on_lifeline_end(lambda: os._exit(1))
        os._exit(child.wait())
    _supervise_posix()


def _could_not_start(error: OSError) -> NoReturn:
    """As a shell does: print why, and exit with status 127."""
    os.write(2, f"{error.strerror}\n".encode("utf-8", "replace"))
    os._exit(127)


def _on_lifeline_end(act: Callable[[], object]) -> None:
    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        act()

    threading.Thread(target=wait, daemon=True).start()


if sys.platform != "win32":
    import resource

    def _supervise_posix() -> NoReturn:
        with contextlib.suppress(PermissionError):  # it leads a session already
            os.setsid()  # who kills the caller's whole group must not kill this process
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash leaves no file in the project
        set_option = prctl()
        set_option(PR_SET_CHILD_SUBREAPER, 1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # A handler, not SIG_IGN: that would be inherited by the command.
            signal.signal(number, lambda *_: None)
        for _ in range(_LEVELS - 1):
            lifeline, end_of_outer = os.pipe()
            inner = os.fork()
            if inner:
                os.close(lifeline)
                _end_with(inner)
            os.setsid()
            os.close(end_of_outer)  # so that it ends with the outer one
            os.dup2(lifeline, 0)
            os.close(lifeline)
            set_option(PR_SET_CHILD_SUBREAPER, 1)  # fork(2) does not pass it on
        try:
            child = subprocess.Popen(
                sys.argv[1:],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=lambda: set_option(PR_SET_PDEATHSIG, signal.SIGKILL),
            )
        except OSError as error:
            _could_not_start(error)
        _end_with(child.pid)

    def _end_with(child: int) -> NoReturn:
        """Wait for a child or the end of the lifeline, kill all that is left, and leave."""
        ended = threading.Lock()

        def end() -> None:
            with ended:
                kill_all(child)
                os._exit(128 + signal.SIGKILL)

        _on_lifeline_end(end)
        status = _wait_for(child)
        with ended:
            kill_all(child)
            _leave_like(status)

    def prctl() -> Callable[[int, int], object]:
        if not sys.platform.startswith("linux"):
            return lambda option, value: None
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        return lambda option, value: libc.prctl(option, int(value), 0, 0, 0)

    def _wait_for(pid: int) -> int:
        try:
            while True:
                reaped, status = os.waitpid(-1, 0)
                if reaped == pid:
                    return status
        except ChildProcessError:
            # The lifeline was cut: that thread has reaped the command and leaves with us.
            threading.Event().wait()
            raise

    def kill_all(command: int) -> None:
        """Kill until nothing is left: the children of a killed process become ours."""
        while True:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(command, signal.SIGKILL)
            try:
                os.waitpid(-1, os.WNOHANG)  # looking for descendants reads all of /proc
                for pid in _descendants(os.getpid()):
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, signal.SIGKILL)
                os.waitpid(-1, 0)
            except ChildProcessError:
                return

    def _descendants(root: int) -> list[int]:
        children: dict[int, list[int]] = {}
        for pid, parent in _processes():
            children.setdefault(parent, []).append(pid)
        found, todo = [], [root]
        while todo:
            for pid in children.get(todo.pop(), []):
                found.append(pid)
                todo.append(pid)
        return found

    def _processes() -> list[tuple[int, int]]:
        if not os.path.isdir("/proc/self"):
            listing = subprocess.run(
                ["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=False
            ).stdout
            return [(int(a), int(b)) for a, b in (line.split() for line in listing.splitlines())]
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:
                    # The command's name, in parentheses, may hold anything.
                    found.append((int(name), int(stat.read().rpartition(b")")[2].split()[1])))
        return found

    def _leave_like(status: int) -> NoReturn:
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1)


if sys.platform == "win32":

    def _join_job_object() -> None:
        """Put this process, and so all that it starts, into a job that dies with it."""
        import ctypes
        from ctypes import wintypes

        class Basic(ctypes.Structure):
            _fields_ = (
                ("PerProcessUserTimeLimit", wintypes.LARGE_INTEGER),
                ("PerJobUserTimeLimit", wintypes.LARGE_INTEGER),
                ("LimitFlags", wintypes.DWORD),
                ("MinimumWorkingSetSize", ctypes.c_size_t),
                ("MaximumWorkingSetSize", ctypes.c_size_t),
                ("ActiveProcessLimit", wintypes.DWORD),
                ("Affinity", ctypes.c_size_t),
                ("PriorityClass", wintypes.DWORD),
                ("SchedulingClass", wintypes.DWORD),
            )

        class Extended(ctypes.Structure):
            _fields_ = (
                ("BasicLimitInformation", Basic),
                ("IoInfo", ctypes.c_ulonglong * 6),
                ("ProcessMemoryLimit", ctypes.c_size_t),
                ("JobMemoryLimit", ctypes.c_size_t),
                ("PeakProcessMemoryUsed", ctypes.c_size_t),
                ("PeakJobMemoryUsed", ctypes.c_size_t),
            )

        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = wintypes.HANDLE
        kernel.GetCurrentProcess.restype = wintypes.HANDLE
        job = wintypes.HANDLE(kernel.CreateJobObjectW(None, None))
        limits = Extended()
        limits.BasicLimitInformation.LimitFlags = 0x2000  # JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
        kernel.SetInformationJobObject(job, 9, ctypes.byref(limits), ctypes.sizeof(limits))
        kernel.AssignProcessToJobObject(job, wintypes.HANDLE(kernel.GetCurrentProcess()))


if __name__ == "__main__":
    main()
