"""Processes under a supervisor: however it or its caller ends, nobody waits for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dagster_snapsize.measuring.process import ProbeProcess
from support.patience import wait_for

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
COMMAND = ["sh", "-c", "sleep 1000 & echo $! > started; wait"]


def started(folder: Path) -> int:
    """The process that the command left running."""
    written = folder / "started"
    wait_for(lambda: written.exists() and written.read_text().endswith("\n"))
    return int(written.read_text())


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_was_started_ends_with_the_group_of_its_caller(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path\n"
        "from dagster_snapsize.measuring.process import ProbeProcess\n"
        "with ProbeProcess(sys.argv[1:], cwd=Path.cwd(), env=os.environ, timeout=1000) as one:\n"
        "    one.run_to_end()\n"
    )
    command = [sys.executable, "-c", script, *COMMAND]
    with subprocess.Popen(command, cwd=tmp_path, start_new_session=True) as caller:
        left = started(tmp_path)
        os.killpg(caller.pid, signal.SIGKILL)
    wait_for(lambda: not is_alive(left))


@pytest.mark.parametrize("reads", ["frames", "output"])
def test_nobody_waits_where_the_supervisor_alone_was_killed(reads: str, tmp_path: Path) -> None:
    with ProbeProcess(COMMAND, cwd=tmp_path, env=os.environ, timeout=1000) as process:
        left = started(tmp_path)
        os.kill(process._process.pid, signal.SIGKILL)
        try:
            if reads == "frames":
                assert list(process.frames()) == []
            else:
                assert process.run_to_end()[0] == -signal.SIGKILL
        finally:
            os.kill(left, signal.SIGKILL)
