"""How the server ends: whoever goes first, the client, its pipe or we, nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn

_LOOK_EVERY = 1.0  # seconds between looks for the client's process

Leave = Callable[[int], Awaitable[NoReturn]]


async def leave_with_client(pid: int, leave: Leave) -> None:
    """Wait until the process of the client is gone, then leave (LSP: ``processId``).

    Its pipe may stay open after it, in the hands of another child of its.
    """
    while _is_alive(pid):
        await asyncio.sleep(_LOOK_EVERY)
    await leave(1)


def leave_on_signals(leave: Leave) -> None:
    """SIGTERM and SIGINT end the server with its trees.

    A handler that raised SystemExit would leave pygls waiting for its standard input.
    """
    if sys.platform == "win32":
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with contextlib.suppress(ValueError, RuntimeError):  # not in the main thread
            loop.add_signal_handler(number, lambda: asyncio.ensure_future(leave(0)))


def _is_alive(pid: int) -> bool:
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.WinDLL("kernel32")
        handle = kernel.OpenProcess(0x00100000, False, pid)  # SYNCHRONIZE
        if not handle:
            return False
        ended = kernel.WaitForSingleObject(handle, 0) == 0
        kernel.CloseHandle(handle)
        return not ended
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
