"""How memory is read beside a thread that is looked at."""

from __future__ import annotations

import mmap
import sys
import threading
from collections.abc import Iterator

import pytest

from dagster_snapsize.probe.load_profile import resident_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read on Linux only")


@pytest.fixture
def no_turns() -> Iterator[None]:
    """A thread runs until it gives the interpreter back itself."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(before)


def test_memory_is_read_while_no_other_thread_can_run(no_turns: None) -> None:
    resident = resident_memory()
    ran = []
    gate = threading.Lock()
    gate.acquire()

    def other() -> None:
        with gate:
            ran.append(True)

    thread = threading.Thread(target=other)
    thread.start()
    gate.release()
    read = [resident() for _ in range(20_000)]
    assert not ran
    thread.join()
    assert ran
    assert all(size > 1_000_000 for size in read)


def test_what_is_read_is_what_the_process_holds() -> None:
    resident = resident_memory()
    before = resident()
    # Pages of its own: an allocation may take what the process has freed and holds all the same.
    with mmap.mmap(-1, 50_000_000) as held:
        held[::4096] = b"x" * len(held[::4096])
        assert resident() - before == pytest.approx(len(held), rel=0.1)
