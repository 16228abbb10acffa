"""Places in user code are found in what faulthandler prints."""

from __future__ import annotations

from dagster_snapsize.core.model import SourceLocation
from dagster_snapsize.measuring.probe_run import crash_place, without_dump

SEGFAULT = """hello from user code
Fatal Python error: Segmentation fault

Thread 0x00007f1 (most recent call first):
  File "/project/worker.py", line 3 in loop

Current thread 0x00007f2 (most recent call first):
  File "/lib/python3.11/ctypes/__init__.py", line 519 in string_at
  File "/project/shop.py", line 7 in load
  File "/project/shop.py", line 9 in <module>
"""
TIMEOUT = """Timeout (0:00:07)!
Thread 0x00007f1 (most recent call first):
  File "/lib/python3.11/threading.py", line 327 in wait

Thread 0x00007f2 (most recent call first):
  File "/lib/python3.11/socket.py", line 100 in connect
  File "/project/shop.py", line 12 in vault
"""


def is_users(path: str) -> bool:
    return path.startswith("/project/")


def test_the_thread_that_crashed_is_the_one_that_counts() -> None:
    assert crash_place(SEGFAULT, is_users) == SourceLocation("/project/shop.py", 7)


def test_in_a_timeout_the_main_thread_is_last() -> None:
    assert crash_place(TIMEOUT, is_users) == SourceLocation("/project/shop.py", 12)


def test_the_last_dump_is_the_one_that_ended_it() -> None:
    assert crash_place(SEGFAULT + TIMEOUT, is_users) == SourceLocation("/project/shop.py", 12)


def test_no_dump_and_no_user_frame_give_no_place() -> None:
    assert crash_place("just prints\n", is_users) is None
    assert crash_place(TIMEOUT, lambda path: False) is None


def test_what_the_code_printed_is_kept_without_the_dump() -> None:
    assert without_dump(SEGFAULT) == "hello from user code\n"
    assert without_dump("only prints") == "only prints"
