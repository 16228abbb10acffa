"""Whose turn it is to measure."""

from __future__ import annotations

import asyncio

import pytest

from dagster_snapsize.lsp.workers.queue import MeasurementQueue

pytestmark = pytest.mark.asyncio


class Turns:
    """Projects that want to measure; ``had`` are those whose turn has come, in that order."""

    def __init__(self) -> None:
        self.visible: str | None = None
        self.had: list[str] = []
        self.queue = MeasurementQueue(lambda: self.visible)

    async def want(self, *folders: str) -> list[asyncio.Task[None]]:
        tasks = [asyncio.ensure_future(self._enter(folder)) for folder in folders]
        await self.pass_on()
        return tasks

    async def _enter(self, folder: str) -> None:
        await self.queue.enter(folder)
        self.had.append(folder)

    async def leave(self) -> None:
        self.queue.leave()
        await self.pass_on()

    async def pass_on(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


async def test_two_at_a_time_and_the_visible_one_first() -> None:
    turns = Turns()
    await turns.want(*"abcde")
    assert turns.had == ["a", "b"]
    turns.visible = "d"
    await turns.leave()
    assert turns.had == ["a", "b", "d"]
    turns.visible = "elsewhere"
    for _ in range(4):
        await turns.leave()
    assert turns.had == ["a", "b", "d", "c", "e"]
    await turns.want(*"fgh")
    assert turns.had[5:] == ["f", "g"]


async def test_one_that_is_cancelled_gives_its_turn_to_the_next() -> None:
    turns = Turns()
    await turns.want(*"ab")
    waiting = await turns.want(*"cdef")
    waiting[0].cancel()
    await turns.pass_on()
    await turns.leave()
    assert turns.had == ["a", "b", "d"]
    # At the moment when its turn has come.
    turns.queue.leave()
    waiting[2].cancel()
    await turns.pass_on()
    assert turns.had == ["a", "b", "d", "f"]
