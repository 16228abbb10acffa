"""Now and then, what came from the cache is measured again behind the editor's back.

A measurement that differs switches the cache off for that location (measuring/worker.py), and the
user is told once.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable

from attrs import evolve

from dagster_snapsize.lsp.workers.process import end_worker, start_worker
from dagster_snapsize.measuring.worker.request import WorkerRequest
from dagster_snapsize.measuring.worker.results import unstructure

_AFTER = 2.0  # seconds of rest
_log = logging.getLogger(__name__)

MakeRequest = Callable[[str, tuple[str, ...], float], WorkerRequest]


class CacheChecks:
    """At most one check at a time, which any measurement ends; ``tell`` is given what is wrong."""

    def __init__(self, tell: Callable[[str], None] = _log.warning):
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def want(self, folder: str, location: str, make_request: MakeRequest) -> None:
        """Check this location of this project, once nothing is measured."""
        if not self._closed:
            self.drop()
            self._timer = self._loop.call_later(_AFTER, self._start, folder, location, make_request)

    def drop(self) -> None:
        """A measurement begins, which comes first."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is not None:
            self._task.cancel()

    async def close(self) -> None:
        """End what runs, and wait for it."""
        self._closed = True
        self.drop()
        if self._task is not None:
            await asyncio.wait({self._task})

    def _start(self, folder: str, location: str, make_request: MakeRequest) -> None:
        self._timer = None
        request = evolve(make_request(folder, (location,), 0.0), check_cache=True, forkservers=())
        self._task = asyncio.ensure_future(self._check(request))

    async def _check(self, request: WorkerRequest) -> None:
        worker = await start_worker()
        try:
            assert worker.stdin and worker.stdout
            worker.stdin.write(json.dumps(unstructure(request)).encode("utf-8") + b"\n")
            while line := await worker.stdout.readline():
                news = json.loads(line)
                if news["type"] == "cache-was-wrong":
                    self._tell(
                        f"{news['location']}: sizes from the cache were not those of a new"
                        f" measurement ({news['difference']}), so it is measured anew from now on."
                        " `dagster-snapsize cache clear` switches the cache on again."
                    )
                elif news["type"] == "cache-was-right":
                    _log.info("%s: sizes from the cache were verified", news["location"])
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            await asyncio.shield(end_worker(worker))
