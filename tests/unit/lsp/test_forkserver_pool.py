"""When processes to fork from are given up."""

from __future__ import annotations

import asyncio

import pytest

from dagster_snapsize.lsp.workers.forkserver import ForkServerPool
from dagster_snapsize.lsp.workers.process import end_worker

pytestmark = pytest.mark.asyncio

IDLE = 0.05  # seconds


async def test_they_are_kept_while_any_measurement_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ForkServerPool(idle=IDLE)
    given_up = asyncio.Event()
    monkeypatch.setattr(pool, "end_all", lambda why: given_up.set())
    first, second = await pool.begin(), await pool.begin()
    pool.ended(keep=False)
    third = await pool.begin()
    pool.ended(keep=False)
    long_enough = asyncio.Event()
    asyncio.get_running_loop().call_later(3 * IDLE, long_enough.set)
    await long_enough.wait()
    assert not given_up.is_set()
    pool.ended(keep=False)
    await given_up.wait()
    for worker in (first, second, third):
        await end_worker(worker)


async def test_what_is_being_started_when_all_are_ended_ends_too() -> None:
    pool = ForkServerPool()
    pool._prepare()
    await asyncio.sleep(0)  # it is being started
    pool.end_all("the settings say so")
    await asyncio.wait(pool._tasks)
    assert pool._spare is None
    await pool.close()
