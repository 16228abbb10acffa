"""What the language server keeps ready between measurements, and that it is gone in time."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagster_snapsize.lsp.workers.forkserver import ForkServerPool
from dagster_snapsize.measuring.compare import difference
from support.command import Result
from support.forkservers import locations, own_environment, run, setup, site_packages
from support.lsp_client import Editor, editor
from support.lsp_projects import Small, small_project, with_log
from support.patience import wait_for

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only"),
]

# The log tells of each measurement whether the process above it is one that forks.
TELLS = """\
import os
import dagster as dg

with open(f"/proc/{os.getppid()}/cmdline") as above, open(LOG, "a") as log:
    log.write("forked\\n" if "--forkserver" in above.read() else "new\\n")


@dg.asset(description="d" * 3000)
def orders() -> None: ...


defs = dg.Definitions(assets=[orders])
"""


@pytest.fixture
def small(tmp_path: Path, dagster_python: Callable[..., Path]) -> Small:
    """A project whose asset is over its budget."""
    return small_project(tmp_path / "small", dagster_python(), TELLS)


def forking(opened: Editor) -> list[str]:
    """Processes that measurements can be forked from, with their supervisors."""
    return [x for x in opened.workers() if "--forkserver" in x]


async def measured(opened: Editor, small: Small, text: str) -> None:
    """Save a text, and wait until it has been measured."""
    before = opened.measurements
    opened.save(small.definitions, with_log(text, small))
    await opened.ended(before + 1)


async def saved(opened: Editor, small: Small, size: int) -> None:
    """Save another size, and wait for its diagnostic."""
    opened.save(small.definitions, with_log(TELLS.replace("3000", str(size)), small))
    shown = f"orders {size / 1000 + 1.4:.1f} kB"  # what its op takes in the job is 1.4 kB
    await opened.until(
        lambda: any(shown in d.message for d in opened.diagnostics(small.definitions))
    )


async def begins_to_fork(opened: Editor, small: Small, text: str = TELLS) -> None:
    """Save until a measurement is forked, as a user does who goes on working."""
    opened.open(small.definitions)
    await opened.ended(1)
    await opened.until(lambda: forking(opened))
    for number in range(60):
        count = len(small.loads)
        await measured(opened, small, f"{text}# edit {number}\n")
        if small.loads[count] == "forked":
            return
    raise AssertionError(small.loads)


async def test_what_follows_the_first_measurement_is_forked(small: Small, scratch: Path) -> None:
    async with editor(scratch, small.folder, settings={"forkServer": True}) as opened:
        await begins_to_fork(opened, small)
        assert small.loads[0] == "new"
        count = len(small.loads)
        await saved(opened, small, 9500)
        assert small.loads[count] == "forked"
        # At rest it is compared with another.
        await opened.until(lambda: small.loads[count + 1 :][-2:] == ["forked", "new"])
    assert opened.leftovers() == []
    assert opened.temporary() == []


async def test_lines_keep_the_load_time_of_the_last_measurement_that_was_not_forked(
    tmp_path: Path, scratch: Path, dagster_python: Callable[..., Path]
) -> None:
    slow = TELLS.replace("\n\ndefs", "\n\n__import__('time').sleep(0.3)\ndefs")
    small = small_project(tmp_path / "small", dagster_python(), slow)
    line = slow.split("\n").index("__import__('time').sleep(0.3)") + 1
    async with editor(scratch, small.folder, settings={"forkServer": True}) as opened:
        await begins_to_fork(opened, small, slow)
        first = await opened.hover(small.definitions, line)
        assert first is not None and "of the load time of" in first, first
        count = len(small.loads)
        await measured(opened, small, f"# two\n# lines\n{slow}")
        assert small.loads[count] == "forked"
        assert "of the load time of" not in (await opened.hover(small.definitions, line) or "")
        moved = await opened.hover(small.definitions, line + 2)
        assert moved is not None and moved.split(" Measured")[0] == first.split(" Measured")[0]
        shown = await opened.run(
            "dagsterSnapsize.showLoadTime", "definitions.py", str(small.folder)
        )
        assert f"definitions.py:{line} " in shown
        # Measure Now loads it from nothing.
        slower = slow.replace("0.3", "0.9")
        await measured(opened, small, slower)
        done = opened.measurements
        await opened.run("dagsterSnapsize.measure")
        await opened.ended(done + 1)
        took = re.search(r": ([\d.]+) s of ", await opened.hover(small.definitions, line) or "")
        assert took and float(took[1]) > 0.6


async def test_nothing_is_kept_where_the_setting_says_so(small: Small, scratch: Path) -> None:
    async with editor(scratch, small.folder, settings={"forkServer": True}) as opened:
        await opened.ended(1)
        await opened.until(lambda: forking(opened))
        opened.set(forkServer=False)
        await opened.until(lambda: not opened.workers())
        await opened.run("dagsterSnapsize.measure")
        await opened.ended(2)
        assert opened.workers() == []
        assert set(small.loads) == {"new"}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_killing_the_server_ends_all_that_it_kept(
    small: Small, scratch: Path, number: int
) -> None:
    settings = {"forkServer": True}
    async with editor(scratch, small.folder, settings=settings, shut_down=False) as opened:
        await opened.ended(1)
        # Three supervisors and what they started; the next worker as well.
        await opened.until(lambda: len(forking(opened)) == 4 and len(opened.workers()) == 5)
        os.kill(opened.pid, number)
        await opened.until(lambda: not opened.leftovers(), 5.0)
    assert opened.temporary() == []


async def test_what_is_wrong_when_it_is_forked_is_measured_anew(
    tmp_path: Path, scratch: Path, dagster_python: Callable[..., Path]
) -> None:
    python = own_environment(dagster_python(), tmp_path / "own")
    (site_packages(python) / "unforkable.py").write_text(
        "import os\nPID = os.getpid()\nSIZE = lambda: 0 if os.getpid() == PID else 50_000\n"
    )
    text = TELLS.replace('"d" * 3000', '"d" * (3000 + unforkable.SIZE())')
    small = small_project(tmp_path / "small", python, f"import unforkable\n{text}")
    async with editor(scratch, small.folder, settings={"forkServer": True}) as opened:
        await begins_to_fork(opened, small, f"import unforkable\n{text}")
        count = len(small.loads)
        await opened.until(
            lambda: "orders 4.4 kB" in opened.diagnostics(small.definitions)[0].message
        )
        assert small.loads[-1] == "new"
        assert "forked" in small.loads[count:]  # when both were compared
        await opened.until(lambda: not forking(opened))
        count = len(small.loads)
        await measured(opened, small, f"{small.definitions.read_text()}# edited\n")
        assert small.loads[count:] == ["new"]


async def test_two_are_the_most(
    tmp_path: Path, scratch: Path, dagster_python: Callable[..., Path]
) -> None:
    small = [
        small_project(tmp_path / f"small{n}", dagster_python(), TELLS, log=tmp_path / f"log{n}")
        for n in range(3)
    ]
    folders = [s.folder for s in small]
    async with editor(scratch, *folders, settings={"forkServer": True}) as opened:
        await opened.until(lambda: all(map(opened.rests, folders)))
        await opened.until(lambda: len(forking(opened)) == 8)
        for project in small:
            opened.open(project.definitions)
            opened.save(project.definitions, opened.buffers[project.definitions] + "\n")
            assert len(forking(opened)) <= 8
        await opened.until(lambda: all(len(s.loads) >= 2 for s in small))
        await opened.until(lambda: all(map(opened.rests, folders)))
        assert len(forking(opened)) <= 8


async def test_what_nobody_uses_is_gone(
    small: Small, monkeypatch: pytest.MonkeyPatch, dagster_python: Callable[..., Path]
) -> None:
    mark = uuid.uuid4().hex
    monkeypatch.setenv("SNAPSIZE_TEST_MARK", mark)
    python = dagster_python()
    (location,) = locations(small.folder)
    cold = run(location, python).measurement
    assert cold.inputs is not None
    message: dict[str, Any] = {
        "location": location.name,
        "python": str(python),
        "cwd": str(location.cwd),
        "setup": {**setup(location, python), "modules": list(cold.inputs.modules)},
        "used": False,
    }

    def request(*_: object) -> Any:
        raise AssertionError("nothing is verified here")

    everything = Result(0, "", "", mark)
    ready = ForkServerPool(idle=0.5)
    worker = await ready.begin()
    ready.take(str(small.folder), message, request)
    await asyncio.to_thread(wait_for, lambda: bool(ready.parents(str(small.folder))))
    (parent,) = ready.parents(str(small.folder))
    forked = await asyncio.to_thread(run, location, python, parent)
    assert forked.forked and difference(cold, forked.measurement) is None
    worker.stdin.close()  # type: ignore[union-attr]
    await worker.wait()
    ready.ended(keep=False)
    await asyncio.to_thread(wait_for, lambda: not everything.leftovers())
    assert ready.parents(str(small.folder)) == ()
    await ready.close()
