"""Decides when a result from the cache or from a fork server is measured again, to compare.

The worker compares (measuring/compare.py).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

from attrs import evolve

from dagster_snapsize.lsp.workers.process import end_worker, start_worker
from dagster_snapsize.measuring.worker.request import WorkerRequest
from dagster_snapsize.measuring.worker.results import unstructure

_REST = 1.0  # seconds after the last measurement
_log = logging.getLogger(__name__)

MakeRequest = Callable[[str, tuple[str, ...], float], WorkerRequest]
_Report = Callable[[dict[str, Any]], None]


class Audits:
    """Runs one audit at a time, when nothing has been measured for a second.

    A measurement that begins cancels it. A new request replaces one that has not begun. ``warn``
    shows a text to the user.
    """

    def __init__(self, warn: Callable[[str], None] = _log.warning):
        self._warn = warn
        self._loop = asyncio.get_running_loop()
        self._measuring = 0
        self._wanted: tuple[Callable[[], WorkerRequest], _Report] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def want_cache(self, folder: str, location: str, make_request: MakeRequest) -> None:
        """Audit the cached result of a code location."""

        def request() -> WorkerRequest:
            made = make_request(folder, (location,), 0.0)
            return evolve(made, audit="cache", forkservers=())

        self.want(request, self._report_cache)

    def want(self, request: Callable[[], WorkerRequest], report: _Report) -> None:
        """Audit when nothing is measured; ``report`` gets the worker's message."""
        self._wanted = (request, report)
        self._schedule()

    def measurement_began(self) -> None:
        """Cancel the audit: the measurement comes first."""
        self._measuring += 1
        self.drop()

    def measurement_ended(self) -> None:
        """Schedule the audit that was requested meanwhile."""
        self._measuring -= 1
        self._schedule()

    def drop(self) -> None:
        """Cancel the running audit and the requested one."""
        self._wanted = None
        self._stop_timer()
        if self._task is not None:
            self._task.cancel()

    async def close(self) -> None:
        """Cancel, and wait until its process has ended."""
        self._closed = True
        self.drop()
        if self._task is not None:
            await asyncio.wait({self._task})

    def _schedule(self) -> None:
        self._stop_timer()
        if self._wanted and not self._measuring and not self._closed:
            self._timer = self._loop.call_later(_REST, self._start)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> None:
        self._timer = None
        if self._wanted is not None and (self._task is None or self._task.done()):
            (request, report), self._wanted = self._wanted, None
            self._task = asyncio.ensure_future(self._run(request(), report))

    async def _run(self, request: WorkerRequest, report: _Report) -> None:
        worker = await start_worker()
        try:
            assert worker.stdin and worker.stdout
            worker.stdin.write(json.dumps(unstructure(request)).encode("utf-8") + b"\n")
            while line := await worker.stdout.readline():
                message = json.loads(line)
                if message["type"] == "audited":
                    report(message)
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            await asyncio.shield(end_worker(worker))

    def _report_cache(self, message: dict[str, Any]) -> None:
        name, difference = message["location"], message["difference"]
        if not message["trusted"]:
            self._warn(
                f"{name}: sizes from the cache were not those of a new measurement ({difference})."
                " The cache is off for this location from now on; `dagster-snapsize cache clear`"
                " switches it on again."
            )
        else:
            _log.info("%s: sizes from the cache were audited: %s", name, difference or "equal")
