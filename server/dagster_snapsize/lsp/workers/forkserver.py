"""Keeps fork servers, and the next worker process, ready between measurements.

A measurement that is forked from a process that has imported Dagster and the installed modules
(probe/forkserver/server.py) saves their imports. The first measurement of a location is never
forked: it says which modules to import. Linux only; elsewhere only the next worker is kept ready.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field

from dagster_snapsize import PACKAGE
from dagster_snapsize.lsp.workers.audit import Audits, MakeRequest
from dagster_snapsize.lsp.workers.process import end_worker, start_worker
from dagster_snapsize.measuring.environment import interpreter_environ
from dagster_snapsize.measuring.forkserver import ForkServer, forkserver_command
from dagster_snapsize.measuring.process import supervised
from dagster_snapsize.measuring.worker.request import WorkerRequest

_PROBE = PACKAGE / "probe"
_MOST = 2
_IDLE = 600.0  # seconds
_OLDEST = 3600.0  # seconds; libraries may leak memory, and unwatched files may change
_IN_USE = 60.0  # seconds for which a process is not ended in favour of another
_WORTH = 25  # modules, for which an import ahead of time pays
_SPARE_AFTER = 0.3  # seconds of rest
_LINE_BYTES = 2**20
_log = logging.getLogger(__name__)

_Location = tuple[str, str]  # project folder, name


@define(eq=False)
class _Kept:
    """One process to fork from; ``parent`` is None until it is ready."""

    key: str
    modules: frozenset[str]
    started: float
    used: float
    process: asyncio.subprocess.Process
    parent: ForkServer | None = None
    watching: asyncio.Task[None] | None = None
    verified: set[_Location] = field(factory=set)


class ForkServerPool:
    """The processes that one server keeps ready; all of them end with it.

    After ``idle`` seconds without a measurement they are gone. ``wrong`` is called with the folder
    of a project whose sizes were wrong because they were forked; no others of it will be.
    """

    def __init__(
        self,
        audits: Audits | None = None,
        idle: float = _IDLE,
        wrong: Callable[[str], None] = lambda folder: None,
    ):
        self.audits = audits or Audits()
        self._idle = idle
        self._wrong = wrong
        self._loop = asyncio.get_running_loop()
        self._kept: dict[str, _Kept] = {}
        self._refused: dict[str, frozenset[str]] = {}
        self._off: set[_Location] = set()
        self._spare: asyncio.subprocess.Process | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._running = 0  # measurements
        self._ends = 0  # how often all were ended: what was being started then is ended as well
        self._closed = False

    # -- for a measurement -------------------------------------------------------------------

    async def begin(self) -> asyncio.subprocess.Process:
        """A worker for a measurement that begins now, which comes before all that is done here."""
        self.audits.measurement_began()
        self._running += 1
        self._cancel_timer("spare")
        self._cancel_timer("idle")
        spare, self._spare = self._spare, None
        if spare is not None and spare.returncode is None:
            return spare
        return await start_worker()

    def ended(self, *, keep: bool) -> None:
        """A measurement has ended; with ``keep`` the next one is prepared for."""
        self.audits.measurement_ended()
        self._running -= 1
        if not self._closed and not self._running:
            self._set_timer("idle", self._idle, lambda: self.end_all("nothing was measured"))
            if keep:
                self._set_timer("spare", _SPARE_AFTER, self._prepare)

    def parents(self, folder: str) -> tuple[ForkServer, ...]:
        """The fork servers that measurements of a project may use."""
        now = self._loop.time()
        for kept in list(self._kept.values()):
            if now - kept.started > _OLDEST:
                self._end(kept, "it is old")
        return tuple(
            evolve(k.parent, verified=tuple(name for place, name in k.verified if place == folder))
            for k in self._kept.values()
            if k.parent and self.is_on(folder)
        )

    def is_on(self, folder: str) -> bool:
        """Whether measurements of a project are forked: not once one of them was wrong."""
        return all(place != folder for place, _ in self._off)

    def take(self, folder: str, message: dict[str, Any], make_request: MakeRequest) -> None:
        """Start the fork server that a worker described for the next measurement."""
        if self._closed or not self.is_on(folder):
            return
        location = (folder, str(message["location"]))
        key, modules = message["setup"]["key"], frozenset(message["setup"]["modules"])
        kept = self._kept.get(key)
        if kept is not None:
            kept.used = self._loop.time()
            if message["used"] and location not in kept.verified:
                self._audit(location, kept, make_request)
            if len(modules - kept.modules) < _WORTH or not kept.parent:
                return
            self._end(kept, "the project imports more")
            modules |= kept.modules
        if self._refused.get(key) == modules or not self._make_room():
            return
        self._spawn(self._start(key, modules, message, self._ends))

    async def close(self) -> None:
        """End all processes, and wait for them."""
        self._closed = True
        self.end_all("the server ends")
        await self.audits.close()
        while self._tasks:
            await asyncio.wait(self._tasks)

    # -- processes to fork from --------------------------------------------------------------

    def _make_room(self) -> bool:
        if len(self._kept) < _MOST:
            return True
        oldest = min(self._kept.values(), key=lambda k: k.used)
        if self._loop.time() - oldest.used < _IN_USE:
            return False
        self._end(oldest, "another project needs its place")
        return True

    async def _start(
        self, key: str, modules: frozenset[str], message: dict[str, Any], ends: int
    ) -> None:
        setup = {**message["setup"], "left_out": {}}
        environ = interpreter_environ(message["python"], os.environ)
        now = self._loop.time()
        try:
            process = await asyncio.create_subprocess_exec(
                *supervised(forkserver_command(message["python"], _PROBE, setup)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=message["cwd"],
                env=environ,
                limit=_LINE_BYTES,
            )
        except OSError as error:
            _log.warning("no process to fork from could be started: %s", error)
            self._refused[key] = modules
            return
        kept = _Kept(key, modules, now, now, process)
        if self._ends != ends or key in self._kept or len(self._kept) >= _MOST:
            await end_worker(process)
            return
        self._kept[key] = kept
        kept.watching = self._spawn(self._watch(kept))

    async def _watch(self, kept: _Kept) -> None:
        """Wait until a fork server is ready, and then until it ends."""
        stdout = kept.process.stdout
        assert stdout is not None
        try:
            line = await stdout.readline()
            news: dict[str, Any] = {"type": "refused", "why": "it ended by itself"}
            if line:
                news = json.loads(line)
            for name, why in news.get("left_out", {}).items():
                _log.info("not imported ahead of time: %s, since %s", name, why)
            if news["type"] == "ready":
                _log.info(
                    "measurements are forked from process %d from now on: %d modules in %.1f s,"
                    " %.0f MB, threads: %d",
                    kept.process.pid,
                    news["modules"],
                    news["seconds"],
                    news["rss_bytes"] / 1e6,
                    news["threads"],
                )
                kept.parent = ForkServer(kept.key, news["address"], news["seconds"])
                line = await stdout.readline()
                why = json.loads(line)["why"] if line else "nobody knows why"
                _log.info("process %d has ended: %s", kept.process.pid, why)
            else:
                self._refused[kept.key] = kept.modules
                _log.info("measurements are not forked: %s", news["why"])
        finally:
            if self._kept.get(kept.key) is kept:
                del self._kept[kept.key]
            await asyncio.shield(self._spawn(end_worker(kept.process)))

    def _end(self, kept: _Kept, why: str) -> None:
        _log.info("process %d is ended: %s", kept.process.pid, why)
        if self._kept.get(kept.key) is kept:
            del self._kept[kept.key]
        if kept.watching is not None:
            kept.watching.cancel()

    def end_all(self, why: str) -> None:
        """End all kept processes; running measurements go on."""
        self._ends += 1
        for name in list(self._timers):
            self._cancel_timer(name)
        for kept in list(self._kept.values()):
            self._end(kept, why)
        self.audits.drop()
        if self._spare is not None:
            self._spawn(end_worker(self._spare))
            self._spare = None

    # -- in the background -------------------------------------------------------------------

    def _prepare(self) -> None:
        if self._spare is None or self._spare.returncode is not None:
            self._spawn(self._start_spare(self._ends))

    async def _start_spare(self, ends: int) -> None:
        worker = await start_worker()
        if self._ends != ends or self._spare is not None:
            await end_worker(worker)
        else:
            self._spare = worker

    def _audit(self, location: _Location, kept: _Kept, make_request: MakeRequest) -> None:
        """Compare a forked measurement with a new one; where wrong, stop forking the project."""
        folder, name = location

        def request() -> WorkerRequest:
            made = make_request(folder, (name,), 0.0)
            parents = (kept.parent,) if kept.parent else ()
            return evolve(made, forkservers=parents, audit="forkserver")

        self.audits.want(request, lambda message: self._apply_audit(location, kept, message))

    def _apply_audit(self, location: _Location, kept: _Kept, news: dict[str, Any]) -> None:
        kept.verified.add(location)
        if not news["trusted"]:
            self._off.add(location)
            _log.warning(
                "%s: a forked measurement differs from one with a new interpreter (%s), so that"
                " this project's are no longer forked",
                location[1],
                news["difference"],
            )
            self._end(kept, "its measurements are wrong")
            self._wrong(location[0])
        elif news["difference"]:
            _log.info("%s: sizes change from run to run: %s", location[1], news["difference"])
        else:
            _log.info("%s: a forked measurement equals one with a new interpreter", location[1])

    # -- timers and tasks --------------------------------------------------------------------

    def _set_timer(self, name: str, seconds: float, act: Callable[[], None]) -> None:
        self._cancel_timer(name)
        self._timers[name] = self._loop.call_later(seconds, act)

    def _cancel_timer(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        def ended(task: asyncio.Task[Any]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and task.exception() is not None:
                _log.error("what is kept ready failed", exc_info=task.exception())

        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(ended)
        return task
