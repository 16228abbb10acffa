"""Runs the measurements of one project: debounced, one at a time, the newest change wins.

A measurement is a worker process (measuring/worker) whose standard input is a lifeline: closing
it ends the whole tree. Its lines are parsed in a thread.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from attrs import evolve

from dagster_snapsize.core.sizes import (
    counted,
    format_both,
    format_percent,
    format_seconds,
    format_size,
)
from dagster_snapsize.lsp.state import ConfigError, LocationState, Phase, ProjectState
from dagster_snapsize.lsp.workers.forkserver import ForkServerPool
from dagster_snapsize.lsp.workers.process import end_worker
from dagster_snapsize.lsp.workers.queue import MeasurementQueue
from dagster_snapsize.measuring.worker.request import WorkerRequest
from dagster_snapsize.measuring.worker.results import (
    AssetRow,
    LocationResult,
    structure,
    unstructure,
)

Settle = Callable[[], None]
Measured = Callable[[LocationResult, LocationResult | None], tuple[LocationResult, Settle]]
_log = logging.getLogger(__name__)


class MeasurementScheduler:
    """One project folder: its state, and the worker that is measuring it.

    ``changed`` is called with the new state after every change, on the event loop. The others are
    called in threads: ``began`` before a worker starts, with the names of the locations (empty:
    all); ``ended`` after it has ended, also with the results by name and whether it finished;
    ``measured`` with each result and the last good one before it. It returns the result to show,
    and a function that is called on the event loop just before the state has that.
    """

    def __init__(
        self,
        folder: str,
        make_request: Callable[[str, tuple[str, ...], float], WorkerRequest],
        changed: Callable[[ProjectState], None],
        measured: Measured,
        began: Callable[[tuple[str, ...]], None],
        ended: Callable[[tuple[str, ...], dict[str, LocationResult], bool], None],
        fork_servers: ForkServerPool | None = None,
        queue: MeasurementQueue | None = None,
    ):
        self.loop = asyncio.get_running_loop()
        self.state = ProjectState(folder)
        self._measured = measured
        self._began = began
        self._ended = ended
        self._make_request = make_request
        self._changed = changed
        self._fork_servers = fork_servers or ForkServerPool()
        self._queue = queue or MeasurementQueue()
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False
        self._must_run = False  # the pending measurement runs even where files change back
        self._must_go_on = False  # the same for the running one
        self._fresh = False  # from nothing
        self._timer: asyncio.TimerHandle | None = None
        self._asked = 0.0
        self._only: frozenset[str] | None = None  # None: all locations

    @property
    def running(self) -> bool:
        """Whether a measurement runs or is about to."""
        return self._timer is not None or (self._task is not None and not self._task.done())

    def ask(
        self,
        only: Iterable[str] | None = None,
        delay: float = 0.0,
        *,
        must_run: bool = False,
        fresh: bool = False,
    ) -> None:
        """Measure these locations (all, where None) after ``delay`` seconds without another ask.

        A running measurement is cancelled, and its locations are measured again with these.
        ``must_run``: ``withdraw`` does not apply to it, as changed files are not its reason.
        ``fresh``: without the cache, and without a fork server.
        """
        if self._closed:
            return
        wanted = None if only is None else frozenset(only)
        if self.running and (self._only is None or wanted is None):
            wanted = None
        elif self.running and wanted is not None and self._only is not None:
            wanted |= self._only
        self._only = wanted
        self._must_run |= must_run
        self._fresh |= fresh
        self._asked = time.time()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(delay, self._start)

    def withdraw(self, keep_running: bool) -> None:
        """Drop the pending measurement, and the running one unless kept.

        For when the files are again what the last result, or the running measurement, was made of.
        """
        if self._must_run:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not keep_running and not self._must_go_on:
            self._end_task()

    def mark_stale(self, names: Iterable[str]) -> None:
        """Mark the sizes of exactly these locations as from before an edit."""
        marked = frozenset(names)
        locations = tuple(
            evolve(x, stale=x.good is not None and (x.name in marked or _has_failed(x)))
            for x in self.state.locations
        )
        if locations != self.state.locations:
            self._set(evolve(self.state, locations=locations))

    def cancel(self) -> None:
        """Cancel the pending and the running measurement; the last sizes stay."""
        self._must_run = self._must_go_on = self._fresh = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._end_task()

    def _end_task(self) -> None:
        """Cancel the running task once: a second cancellation would cut its cleanup short."""
        task = self._task
        if task is not None and not task.done() and task not in self._ending:
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
            task.cancel()

    def _shield(self) -> None:
        """Protect the current task from cancellation: only its cleanup is left."""
        task = asyncio.current_task()
        if task is not None and task not in self._ending:
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Cancel, wait until all processes have ended, and start none any more."""
        self._closed = True
        self.cancel()
        if self._task is not None:
            await asyncio.wait({self._task})

    def _start(self) -> None:
        self._timer = None
        self._must_go_on |= self._must_run
        self._must_run = False
        before = self._task
        self._end_task()
        self._task = asyncio.ensure_future(self._measure_in_turn(before))

    async def _measure_in_turn(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            try:
                await asyncio.wait({before})
            except asyncio.CancelledError:
                await asyncio.wait({before})  # its processes end before the next measurement
                raise
        await self._queue.enter(self.state.folder)
        try:
            only = tuple(sorted(self._only)) if self._only is not None else ()
            request = self._make_request(self.state.folder, only, self._asked)
            await self._measure(evolve(request, fresh=self._fresh))
        finally:
            self._queue.leave()

    async def _measure(self, request: WorkerRequest) -> None:
        self._set(evolve(self.state, phase="measuring", text="starting", done=0, of=0))
        _log.debug("%s: %r", request.folder, request)
        results: dict[str, LocationResult] = {}
        rows: list[AssetRow] = []
        process: asyncio.subprocess.Process | None = None
        finished = begun = False
        try:
            await asyncio.to_thread(self._began, request.only)
            begun = True
            process = await self._fork_servers.begin()
            assert process.stdin and process.stdout and process.stderr
            noise = asyncio.ensure_future(process.stderr.read())
            process.stdin.write(json.dumps(unstructure(request)).encode("utf-8") + b"\n")
            await process.stdin.drain()
            while line := await process.stdout.readline():
                finished = await self._take(line, results, rows) or finished
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            # A task is cancelled once, and from here on not at all, so this runs to its end.
            self._shield()
            if process is not None:
                await end_worker(process)
            if begun:
                self._fork_servers.ended(keep=request.keep_forkserver)
            await asyncio.to_thread(self._ended, request.only, results, finished)
            self._set_final_phase(finished=finished)
        text = (await noise).decode("utf-8", "replace").strip()
        if finished and text:
            _log.info("%s", text)
        if not finished:
            _log.error("the worker ended by itself: %s", text)
            mistake = ConfigError(
                "the measurement ended by itself", text.splitlines()[-1] if text else "", None, 1
            )
            self._set(evolve(self.state, phase="failed", config_error=mistake))

    async def _take(
        self, line: bytes, results: dict[str, LocationResult], rows: list[AssetRow]
    ) -> bool:
        """One line of the worker; True for the last. ``rows`` are those of the next result."""
        message = await asyncio.to_thread(_parse, line)
        kind = message["type"]
        state = self.state
        if kind == "found":
            known = {x.name: x for x in state.locations}
            locations = tuple(
                evolve(known.get(x["name"], LocationState(x["name"], x["root"])), root=x["root"])
                for x in message["locations"]
            )
            notes = tuple(message["notes"])
            self._set(evolve(state, locations=locations, notes=notes, config_error=None))
        elif kind == "progress":
            text = f"{message['location']}: {message['text']}"
            self._set(evolve(state, text=text, done=message["done"], of=message["of"]))
        elif kind == "assets":
            rows += message["rows"]
        elif kind == "result":
            result: LocationResult = evolve(message["result"], assets=tuple(rows))
            rows.clear()
            before = next((x.good for x in state.locations if x.name == result.name), None)
            result, settle = await asyncio.to_thread(self._measured, result, before)
            results[result.name] = result
            settle()
            self._replace(result)
        elif kind == "error":
            self._set_mistake(message)
        elif kind == "cached" and message["audit"]:
            audits = self._fork_servers.audits
            audits.want_cache(state.folder, message["location"], self._make_request)
        elif kind == "forkserver":
            self._fork_servers.take(state.folder, message, self._make_request)
        return bool(kind == "done")

    def _replace(self, result: LocationResult) -> None:
        def renewed(location: LocationState) -> LocationState:
            if location.name != result.name:
                return location
            failure = result.failure
            if failure and failure.unparsed and location.good:
                return _half_typed(location, failure.message)
            new = LocationState(location.name, location.root, good=result)
            if failure:
                stale = location.good is not None
                new = evolve(new, good=location.good, failed=result, stale=stale)
            return new

        _log_result(self.state.folder, result)
        self._set(evolve(self.state, locations=tuple(map(renewed, self.state.locations))))

    def _set_mistake(self, message: dict[str, Any]) -> None:
        mistake = ConfigError(
            message["message"],
            message["hint"],
            message["path"],
            message["line"] or 1,
            message["interpreter"],
        )
        name = message["location"]
        where = f"{mistake.path}:{mistake.line}: " if mistake.path else ""
        _log.warning("%s: %s%s", name or self.state.folder, where, mistake.message)
        if message["unparsed"] and any(
            x.good for x in self.state.locations if name in (None, x.name)
        ):
            locations = tuple(
                _half_typed(x, mistake.message) if x.good and name in (None, x.name) else x
                for x in self.state.locations
            )
            self._set(evolve(self.state, locations=locations))
            return
        if name is None:
            self._set(evolve(self.state, locations=(), config_error=mistake))
            return
        locations = tuple(
            evolve(x, config_error=mistake, stale=x.good is not None, unparsed="")
            if x.name == name
            else x
            for x in self.state.locations
        )
        self._set(evolve(self.state, locations=locations))

    def _set_final_phase(self, finished: bool) -> None:
        """Set the phase after a worker has ended."""
        state = self.state
        failed = [x for x in state.locations if x.failed or x.config_error]
        phase: Phase = "failed" if failed else "idle"
        if failed and all(x.config_error and x.config_error.interpreter for x in failed):
            phase = "no-interpreter"
        elif state.config_error is not None:
            phase = "failed" if state.config_error.path else "no-location"
        if finished:
            self._must_go_on = False
        if finished and self._timer is None:
            self._fresh = False
        if finished and self._timer is None:
            self._only = frozenset()  # else the pending measurement was added to it
        self._set(evolve(state, phase=phase, text="", done=0, of=0))

    def _set(self, state: ProjectState) -> None:
        self.state = state
        self._changed(state)


def _has_failed(location: LocationState) -> bool:
    return bool(location.failed or location.config_error or location.unparsed)


def _half_typed(location: LocationState, message: str) -> LocationState:
    """Its code does not parse at the moment, which is for the editor to show: the sizes stay."""
    return evolve(location, unparsed=message, stale=True, failed=None, config_error=None)


def _log_result(folder: str, result: LocationResult) -> None:
    """One line that says what was measured with what, and what came of it."""
    level, found = logging.INFO, "no snapshots"
    if result.failure:
        level, found = logging.WARNING, result.failure.message.partition("\n")[0]
    elif result.snapshots:
        nearest = max(result.snapshots, key=lambda s: s.share)
        share = format_percent(nearest.used_bytes, nearest.budget_bytes)
        found = (
            f"{counted(len(result.snapshots), 'snapshot')}, {format_both(result.total_bytes)};"
            f" {nearest.kind} {nearest.name} is {format_both(nearest.used_bytes)}, {share} of"
            f" {format_size(nearest.budget_bytes)}"
        )
    _log.log(
        level,
        "%s: %s %s in %s with Python %s, %s (%s), Dagster %s: %s",
        folder,
        result.name,
        "failed" if result.failure else "measured",
        format_seconds(result.seconds),
        result.python_version or "?",
        result.python,
        result.python_source,
        result.dagster_version or "?",
        found,
    )


def _parse(line: bytes) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(line)
    if message["type"] == "assets":
        for row in message["rows"]:
            # Thousands of rows are of one repository and of few files.
            row["repository"] = sys.intern(row["repository"])
            if row["location"]:
                row["location"]["path"] = sys.intern(row["location"]["path"])
        message["rows"] = [structure(row, AssetRow) for row in message["rows"]]
    elif message["type"] == "result":
        message["result"] = structure(message["result"], LocationResult)
    return message
