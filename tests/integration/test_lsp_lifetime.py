"""However an editor and its server end, nothing of theirs is left: no process, no file."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support import ROOT, lsp_client
from support.command import Result
from support.lsp_client import Editor, editor
from support.patience import wait_for

pytestmark = pytest.mark.asyncio

WITHIN = 5.0  # seconds of a quiet machine
HANGING = """\
import subprocess, sys, time
import dagster as dg

subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], start_new_session=True)
with open({began!r}, "w") as file:
    file.write("hangs")
time.sleep(1000)
defs = dg.Definitions()
"""


@pytest.fixture
def hanging(tmp_path: Path, dagster_python: Callable[..., Path]) -> Path:
    """A project whose code starts a process in a session of its own, and then never ends."""
    folder = tmp_path / "hanging"
    folder.mkdir()
    began = str(tmp_path / "began")
    (folder / "definitions.py").write_text(HANGING.format(began=began))
    (folder / "pyproject.toml").write_text(
        '[tool.dagster-snapsize]\npython-file = "definitions.py"\n'
    )
    (folder / ".venv").symlink_to(dagster_python().parents[1])
    return folder


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder for the server."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


async def hangs(opened: Editor) -> None:
    """Wait until the user's code hangs, with its child."""
    await opened.until((opened.scratch.parent / "began").exists)
    assert len(opened.leftovers()) >= 4


async def leaves_nothing(opened: Editor) -> None:
    """Nothing is left within the time, and no temporary file."""
    await opened.until(lambda: not opened.leftovers(), WITHIN)
    assert opened.temporary() == []


async def test_shutdown_and_exit(hanging: Path, scratch: Path) -> None:
    async with editor(scratch, hanging, shut_down=False) as opened:
        await hangs(opened)
        await opened.client.shutdown_async(None)
        opened.client.exit(None)
        await leaves_nothing(opened)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_a_signal(hanging: Path, scratch: Path, number: int) -> None:
    async with editor(scratch, hanging, shut_down=False) as opened:
        await hangs(opened)
        os.kill(opened.pid, number)
        await leaves_nothing(opened)


async def test_the_process_of_the_client_is_gone(hanging: Path, scratch: Path) -> None:
    """Its pipe stays open, in the hands of another."""
    client = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        async with editor(scratch, hanging, process_id=client.pid, shut_down=False) as opened:
            await hangs(opened)
            client.kill()
            client.wait()
            await leaves_nothing(opened)
    finally:
        client.kill()


async def test_the_client_is_killed(hanging: Path, scratch: Path) -> None:
    client = subprocess.Popen(
        [sys.executable, lsp_client.__file__, str(hanging)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
    )
    try:
        assert client.stdout is not None
        mark = (await asyncio.to_thread(client.stdout.readline)).strip()
        await asyncio.to_thread(wait_for, (hanging.parent / "began").exists)
    finally:
        client.kill()
        client.wait()
    left = Result(0, "", "", mark)
    await asyncio.to_thread(wait_for, lambda: not left.leftovers(), WITHIN)
    assert list((scratch / "tmp").rglob("*")) == []


async def test_the_pipe_is_closed(hanging: Path, scratch: Path) -> None:
    async with editor(scratch, hanging, shut_down=False) as opened:
        await hangs(opened)
        server = opened.client._server
        assert server is not None
        assert server.stdin is not None
        server.stdin.close()
        await leaves_nothing(opened)


async def test_cancelled_again_and_again(hanging: Path, scratch: Path) -> None:
    async with editor(scratch, hanging) as opened:
        await hangs(opened)
        for _ in range(50):
            await opened.run("dagsterSnapsize.measure")
            await opened.run("dagsterSnapsize.cancel")
        await opened.until(lambda: not opened.workers(), WITHIN)
        assert opened.temporary() == []
        await opened.until(lambda: opened.statuses[-1]["phase"] != "measuring")
        # And it can still measure.
        began = opened.scratch.parent / "began"
        began.unlink()
        await opened.run("dagsterSnapsize.measure")
        await opened.until(began.exists)
    await leaves_nothing(opened)
