"""Two language servers on one project, as two windows of an editor start them."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from support.lsp_client import Editor, editor
from support.lsp_projects import Small, line_of, small_project, write_at_once

pytestmark = pytest.mark.asyncio

# Whoever runs it first while a certain file is there removes the file, and hangs.
SOMETIMES_HANGS = """\
import os, subprocess, sys, time

import dagster as dg

with open(LOG, "a") as log:
    log.write(dict(os.environ)["SNAPSIZE_TEST_MARK"] + "\\n")
try:
    os.remove(LOG + "-hang")
except FileNotFoundError:
    pass
else:
    sleep = [sys.executable, "-c", "import time; time.sleep(1000)"]
    subprocess.Popen(sleep, start_new_session=True)
    time.sleep(1000)


@dg.asset(description="d" * 3000)
def orders() -> None: ...


defs = dg.Definitions(assets=[orders])
"""


@pytest.fixture
def small(tmp_path: Path, dagster_python: Callable[..., Path]) -> Small:
    """A project whose asset is over its budget."""
    return small_project(tmp_path / "small", dagster_python(), SOMETIMES_HANGS)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """One folder for both servers, as both are of one user."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


async def current(opened: Editor, small: Small, size: str) -> None:
    """Wait until an editor shows the size of the asset, on its line, and rests."""
    line = line_of(small.definitions, "def orders") - 1
    await opened.until(lambda: opened.shown(small.definitions) == [("asset-over-budget", line)])
    await opened.until(lambda: size in opened.diagnostics(small.definitions)[0].message)
    await opened.until(lambda: not opened.measuring and not opened.statuses[-1]["stale"])


async def test_one_change_is_measured_once(small: Small, scratch: Path) -> None:
    text = small.definitions.read_text()
    # Both see the change before one of them begins.
    settings = {"debounceMilliseconds": 1000}
    async with (
        editor(scratch, small.folder, settings=settings) as one,
        editor(scratch, small.folder, settings=settings) as other,
    ):
        for opened in (one, other):
            await current(opened, small, "orders 4.4 kB")
        before = len(small.loads)
        write_at_once(small.definitions, text.replace("3000", "4000"))
        for opened in (one, other):
            await current(opened, small, "orders 5.4 kB")
        assert len(small.loads) == before + 1
        # What only one of them asks for, only that one measures; what the other shows stays.
        before = len(small.loads)
        begun = other.begun(small.folder)
        await one.run("dagsterSnapsize.measure")
        await one.until(lambda: len(small.loads) == before + 1)
        await current(one, small, "orders 5.4 kB")
        await current(other, small, "orders 5.4 kB")
        assert other.begun(small.folder) == begun
        assert len(small.loads) == before + 1
        (of_location,) = (p for p in (scratch / "cache" / "results").iterdir() if p.is_dir())
        for folder in (of_location, of_location.parent):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700, "others could read the sizes"


async def test_one_is_killed_while_it_measures_for_both(small: Small, scratch: Path) -> None:
    text = small.definitions.read_text()
    hang = Path(f"{small.log}-hang")
    async with (
        editor(scratch, small.folder, shut_down=False) as one,
        editor(scratch, small.folder, shut_down=False) as other,
    ):
        for opened in (one, other):
            await current(opened, small, "orders 4.4 kB")
        before = len(small.loads)
        hang.touch()
        write_at_once(small.definitions, text.replace("3000", "4000"))
        await one.until(lambda: not hang.exists() and len(small.loads) == before + 1)
        killed, left = (one, other) if small.loads[-1] == one.mark else (other, one)
        await left.until(lambda: left.measuring)
        os.kill(killed.pid, signal.SIGKILL)
        await current(left, small, "orders 5.4 kB")
        assert small.loads[before:] == [killed.mark, left.mark]
        await left.until(lambda: not killed.leftovers() and not left.workers())
