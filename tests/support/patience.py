"""Waiting in tests: seconds of a quiet machine, scaled by how slowly Dagster starts on this one."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import TypeVar

from support import environments

QUIET = 1.3
"""Seconds that ``import dagster`` takes on two cores with nothing else to do."""

_T = TypeVar("_T")
_slowness = 0.0


def patience(seconds: float) -> float:
    """So many seconds of a quiet machine, in seconds of this one; never fewer than given.

    The machine is measured once in each process, and again by ``measure_again``.
    """
    if not _slowness:
        measure_again()
    return seconds * _slowness


def measure_again() -> bool:
    """Measure the machine; whether it is slower than it was when it was last measured."""
    global _slowness
    before = _slowness
    started = time.monotonic()
    subprocess.run([environments.dagster_python(), "-c", "import dagster"], check=True)
    _slowness = max(1.0, (time.monotonic() - started) / QUIET)
    return _slowness > before


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until the condition is true, for so many seconds of a quiet machine.

    Where it is still false the machine is measured again, and given as long once more.
    """
    if not _came_true(condition, patience(seconds)):
        measure_again()
        assert _came_true(condition, patience(seconds)), "the condition is still false"


def _came_true(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def patiently(attempt: Callable[[float], _T], good: Callable[[_T], object], seconds: float) -> _T:
    """What ``attempt`` gives in so many seconds of a quiet machine.

    Where that is not ``good`` it is tried again, for a last time unless the machine has become
    slower: it may have stalled, and be as fast as before by the time that it is measured.
    """
    is_last = False
    while not good(found := attempt(patience(seconds))) and not is_last:
        is_last = not measure_again()
    return found
