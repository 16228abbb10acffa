"""When a measurement begins, ends and is withdrawn: with real workers, in a folder without code."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import define, field

from dagster_snapsize.lsp.state import ProjectState
from dagster_snapsize.lsp.workers.scheduler import MeasurementScheduler
from dagster_snapsize.measuring.worker.request import WorkerRequest
from dagster_snapsize.measuring.worker.results import LocationResult

pytestmark = pytest.mark.asyncio

PATIENCE = 30.0  # seconds


@define
class Watched:
    """A folder that is measured, and what was said of it."""

    folder: Path
    phases: list[str] = field(factory=list)
    began: list[tuple[str, ...]] = field(factory=list)
    finished: list[bool] = field(factory=list)
    ending: threading.Event = field(factory=threading.Event)
    may_end: threading.Event = field(factory=threading.Event)
    remeasuring: MeasurementScheduler = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.may_end.set()
        self.remeasuring = MeasurementScheduler(
            str(self.folder),
            self._request,
            self._changed,
            _measured,
            self.began.append,
            self._ended,
        )

    def _request(self, folder: str, only: tuple[str, ...], asked: float) -> WorkerRequest:
        return WorkerRequest(folder, str(self.folder / "store"), asked, only)

    def _changed(self, state: ProjectState) -> None:
        if self.phases[-1:] != [state.phase]:
            self.phases.append(state.phase)

    def _ended(
        self, only: tuple[str, ...], results: dict[str, LocationResult], finished: bool
    ) -> None:
        self.ending.set()
        assert self.may_end.wait(PATIENCE)
        self.finished.append(finished)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until it is true."""
        end = asyncio.get_running_loop().time() + PATIENCE
        while not condition():
            assert asyncio.get_running_loop().time() < end, (self.phases, self.finished)
            await asyncio.sleep(0.01)


def _measured(
    result: LocationResult, before: LocationResult | None
) -> tuple[LocationResult, Callable[[], None]]:
    raise AssertionError("there is no code here")


async def test_one_that_is_cancelled_while_it_tidies_up_ends_all_the_same(
    tmp_path: Path,
) -> None:
    watched = Watched(tmp_path)
    watched.may_end.clear()
    watched.remeasuring.ask()
    await watched.until(watched.ending.is_set)
    watched.remeasuring.cancel()
    watched.may_end.set()
    await watched.until(lambda: not watched.remeasuring.running)
    assert watched.finished == [True]
    assert watched.phases == ["measuring", "no-location"]


async def test_the_next_one_begins_after_the_one_before_has_tidied_up(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.may_end.clear()
    watched.remeasuring.ask()
    await watched.until(watched.ending.is_set)
    watched.remeasuring.ask(["next"])
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(watched.began) == 1
    watched.may_end.set()
    await watched.until(lambda: len(watched.finished) == 2)
    # The first was for all, and all have been measured.
    await watched.until(lambda: not watched.remeasuring.running)
    assert watched.phases == ["measuring", "no-location"] * 2


async def test_what_files_ask_for_is_withdrawn_with_them(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.remeasuring.ask(delay=60)
    watched.remeasuring.withdraw(keep_running=False)
    assert not watched.remeasuring.running


async def test_what_people_ask_for_is_not_withdrawn_with_files(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.remeasuring.ask(must_run=True)
    watched.remeasuring.ask(["changed"])
    watched.remeasuring.withdraw(keep_running=False)
    await watched.until(lambda: watched.began)
    watched.remeasuring.withdraw(keep_running=False)
    await watched.until(lambda: not watched.remeasuring.running)
    assert watched.began == [()]
    assert watched.finished == [True]
    # And then it is over.
    watched.remeasuring.ask(["changed"], delay=60)
    watched.remeasuring.withdraw(keep_running=False)
    assert not watched.remeasuring.running


async def test_none_begins_after_the_end(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    await watched.remeasuring.close()
    watched.remeasuring.ask()
    assert not watched.remeasuring.running
