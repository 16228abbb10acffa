"""Processes under a supervisor: however it or its caller ends, nobody waits for ever."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from dagster_snapsize.measuring.process import ProbeProcess
from support.patience import wait_for

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
COMMAND = ["sh", "-c", "setsid sleep 1000 & echo $! > started; wait"]
SCRIPT = """
import os, sys
from pathlib import Path
from dagster_snapsize.measuring.process import ProbeProcess
with ProbeProcess(sys.argv[1:], cwd=Path.cwd(), env=os.environ, timeout=1000) as one:
    one.run_to_end()
"""
CALLER = [sys.executable, "-c", SCRIPT, *COMMAND]


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
    with subprocess.Popen(CALLER, cwd=tmp_path, start_new_session=True) as caller:
        left = started(tmp_path)
        os.killpg(caller.pid, signal.SIGKILL)
    wait_for(lambda: not is_alive(left))


@pytest.mark.parametrize("reads", ["frames", "output"])
def test_the_end_of_a_supervisor_is_that_of_all_it_started(reads: str, tmp_path: Path) -> None:
    with ProbeProcess(COMMAND, cwd=tmp_path, env=os.environ, timeout=1000) as process:
        left = started(tmp_path)
        os.kill(process._process.pid, signal.SIGKILL)
        if reads == "frames":
            assert list(process.frames()) == []
        else:
            assert process.run_to_end()[0] == -signal.SIGKILL
    wait_for(lambda: not is_alive(left))


LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="descendants are not found")


@LINUX
@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_killed_nothing_is_left(seed: int, tmp_path: Path) -> None:
    """Any of the caller, the supervisors, the command and its child, but one supervisor."""
    chance = random.Random(seed)
    with subprocess.Popen(CALLER, cwd=tmp_path, start_new_session=True) as caller:
        started(tmp_path)
        tree = [caller.pid]
        while len(tree) < 6:
            children = Path(f"/proc/{tree[-1]}/task/{tree[-1]}/children").read_text().split()
            tree.append(int(children[0]))
        spared = chance.choice(tree[1:4])
        killed = [pid for pid in tree if pid != spared and chance.random() < 0.5] or [caller.pid]
        for pid in chance.sample(killed, len(killed)):
            with suppress(ProcessLookupError):
                (os.killpg if chance.random() < 0.5 and os.getpgid(pid) == pid else os.kill)(
                    pid, signal.SIGKILL
                )
        wait_for(lambda: caller.poll() is not None)
    wait_for(lambda: not any(map(is_alive, tree)))
