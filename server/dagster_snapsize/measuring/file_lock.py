"""File locks, which the system releases when their process ends."""

from __future__ import annotations

import os
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
    while True:
        stream: IO[bytes] | None = None
        try:
            stream = path.open("ab")
            lock(stream, wait)
            if os.path.samestat(os.fstat(stream.fileno()), path.stat()):
                return stream
        except FileNotFoundError:
            if stream is None:  # its folder is not there
                return None
        except OSError:
            if stream is not None:
                stream.close()
            return None
        stream.close()  # who held it has removed it
