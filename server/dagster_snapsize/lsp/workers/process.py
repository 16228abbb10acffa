"""The processes that measure for the server (measuring/worker)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from dagster_snapsize import PACKAGE

_LINE_BYTES = 2**28
_PATIENCE = 8.0  # seconds for a process to end its tree before it is killed itself


async def start_worker() -> asyncio.subprocess.Process:
    """A worker that waits for its request; the end of its standard input ends its whole tree."""
    return await asyncio.create_subprocess_exec(
        *own_command("dagster_snapsize.measuring.worker.__main__"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES,
    )


async def end_worker(process: asyncio.subprocess.Process) -> None:
    """End a worker and all its processes, and wait for it."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _PATIENCE)
    except asyncio.TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def own_command(module: str, *arguments: str) -> list[str]:
    """The command that runs ``main`` of a module in this interpreter, with its ``sys.path``.

    Not by PYTHONPATH: the user's interpreter, which is started in turn, would inherit it.
    """
    own = PACKAGE.parent
    # `python -m` puts the current folder there, and PYTHONPATH what it names: the user's modules.
    users = {Path(p).resolve() for p in ("", *os.environ.get("PYTHONPATH", "").split(os.pathsep))}
    path = [str(p) for p in (Path(p).resolve() for p in sys.path if p) if p not in users - {own}]
    boot = f"import sys; sys.path[:] = {path!r}; from {module} import main; main()"
    return [sys.executable, "-I", "-c", boot, *arguments]
