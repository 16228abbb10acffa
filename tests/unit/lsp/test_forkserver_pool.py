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
