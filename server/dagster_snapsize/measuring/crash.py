"""What faulthandler printed when the interpreter died or hung -> the place in the user's code."""

from __future__ import annotations

import re
from collections.abc import Callable

from dagster_snapsize.core.model import SourceLocation

_START = re.compile(
    r"^(?:Fatal Python error: (?P<what>.*)|Timeout \(.*\)!|Windows fatal .*)$", re.M
)
_FRAME = re.compile(r'^  File "(?P<path>.+)", line (?P<line>\d+) in ', re.M)
_THREAD = re.compile(r"^(?:Current thread|Thread) .*\(most recent call first\):$", re.M)


def crash_place(output: str, is_users: Callable[[str], bool]) -> SourceLocation | None:
    """The innermost frame of user code in the last dump of ``output``.

    The thread that crashed is called current; in a dump made at a timeout the main thread is last.
    """
    starts = list(_START.finditer(output))
    if not starts:
        return None
    dump = output[starts[-1].end() :]
    threads = list(_THREAD.finditer(dump))
    blocks = [
        dump[match.end() : following.start() if following else len(dump)]
        for match, following in zip(threads, [*threads[1:], None], strict=True)
    ]
    current = [b for m, b in zip(threads, blocks, strict=True) if m[0].startswith("Current")]
    for block in [*current, *reversed(blocks)]:
        for frame in _FRAME.finditer(block):
            if is_users(frame["path"]):
                return SourceLocation(frame["path"], int(frame["line"]))
    return None


def without_dump(output: str) -> str:
    """What the user's code itself printed."""
    starts = list(_START.finditer(output))
    return output[: starts[-1].start()] if starts else output
