"""File locks, which the system releases when their process ends."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt

    def lock(stream: IO[bytes], wait: bool) -> None:
        """Lock it until it is closed or this process ends; OSError without ``wait``, if held."""
        while True:
            try:  # with LK_LOCK it gives up after ten seconds
                msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            except OSError:
                if not wait:
                    raise
            else:
                return

else:
    import fcntl

    def lock(stream: IO[bytes], wait: bool) -> None:
        """Lock it until it is closed or this process ends; OSError without ``wait``, if held."""
        fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def held(path: Path, wait: bool = False) -> IO[bytes] | None:
    """The file, made where it is not there, locked until it is closed or this process ends.

    None where another process holds it (unless to ``wait``), or it cannot be made.
    """
    stream: IO[bytes] | None = None
    try:
        stream = path.open("ab")
        lock(stream, wait)
    except OSError:
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
        return None
    return stream
