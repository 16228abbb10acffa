"""Measure one project in a separate process, for a caller that must never block.

Run as ``python -m dagster_snapsize.measuring.worker``. The first line of standard input is a
WorkerRequest (request.py) as JSON; the rest of it is a lifeline, at whose end this process ends all
that it started, and itself. Standard output is one JSON object a line, with a ``type``:

============== ===================================================================================
``found``      ``locations``: name and root of each, ``notes``
``progress``   ``location``, ``text``, ``done``, ``of`` (snapshots)
``assets``     ``rows``: the next AssetRows (results.py) of the result that follows, a few at a
               time, since a server that reads a long line answers no request meanwhile
``result``     ``result``: a LocationResult, without its assets
``cached``     ``location``, whose result was from the cache; ``audit``: whether to audit it
``error``      ``location`` (or null), ``message``, ``hint``, ``path``, ``line``: wrong
               configuration; ``interpreter``: whether no Python was found for it;
               ``unparsed``: whether the file is not valid TOML or YAML
``forkserver`` of ``location``, if asked for: ``python``, ``cwd`` and ``setup``, with which a fork
               server for the next measurement can be started; ``used``: whether this one was forked
``audited``    ``location``, ``trusted`` and ``difference``: an AuditResult (measuring/compare.py);
               not sent where there was nothing to compare with
``done``       the last line
============== ===================================================================================
"""

from __future__ import annotations

import gc
import json
import logging
import os
import random
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NoReturn

from attrs import asdict, evolve

from dagster_snapsize.core.baseline import Baseline
from dagster_snapsize.core.errors import NoInterpreter, NotParsed, UserError
from dagster_snapsize.core.model import Measurement
from dagster_snapsize.measuring.assemble import Progress
from dagster_snapsize.measuring.cache.lookup import Cache, CacheHit, is_wanted
from dagster_snapsize.measuring.compare import audit
from dagster_snapsize.measuring.forkserver import (
    CAN_FORK,
    ForkedProcess,
    ForkServer,
    forkserver_setup,
    preloadable,
)
from dagster_snapsize.measuring.measure import with_timeout
from dagster_snapsize.measuring.probe_run import run_probe
from dagster_snapsize.measuring.process import SupervisedProcess
from dagster_snapsize.measuring.worker.request import WorkerRequest
from dagster_snapsize.measuring.worker.results import BaselineProblem, structure, unstructure
from dagster_snapsize.measuring.worker.shared_results import SharedResults
from dagster_snapsize.measuring.worker.summary import summarize
from dagster_snapsize.project.baseline_file import NAME, DamagedBaseline, read_baselines
from dagster_snapsize.project.discovery import Flags
from dagster_snapsize.project.interpreters import Interpreter, choose_interpreter
from dagster_snapsize.project.layout import repository_root
from dagster_snapsize.project.locations import CodeLocation, find_locations

SETTING = "the setting dagsterSnapsize.interpreter"
_ROWS = 500
_AUDITED = 1 / 20  # of the hits
_log = logging.getLogger(__name__)
_PATIENCE = 6.0  # seconds for a supervisor to end its tree


class _Cancellation:
    """Ends the running measurement and this process when the lifeline ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: SupervisedProcess | None = None
        self.wanted = False
        self.forked = False  # whether what runs is

    def started(self, process: SupervisedProcess) -> None:
        with self._lock:
            self._process = process
            self.forked = isinstance(process, ForkedProcess)
            if self.wanted:
                process.cancel()

    def watch(self, lifeline: Any) -> None:
        while lifeline.read(4096):
            pass
        with self._lock:
            self.wanted = True
            if self._process is not None:
                self._process.cancel()
        # The main thread leaves once the tree is dead; where it waits for something else, so do we.
        threading.Event().wait(_PATIENCE if self._process else 0)
        os._exit(1)


def main() -> NoReturn:
    """Serve one request."""
    lines = sys.stdin.buffer
    line = lines.readline()
    if not line:
        os._exit(0)  # it was started ahead of time, and is not needed
    request: WorkerRequest = structure(json.loads(line), WorkerRequest)
    if (request.low_priority or request.audit) and hasattr(os, "nice"):
        os.nice(10)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # One request, then it ends: looking for cycles among millions of live objects finds none.
    gc.disable()
    cancel = _Cancellation()
    threading.Thread(target=cancel.watch, args=(lines,), daemon=True).start()
    try:
        _serve(request, cancel)
        _emit("done")
    except UserError as error:
        _emit_error(None, error)
        _emit("done")
    except BrokenPipeError:
        pass
    # A plain exit would wait for the thread that reads the lifeline.
    os._exit(0)


def _serve(request: WorkerRequest, cancel: _Cancellation) -> None:
    found = find_locations(Path(request.folder), Flags())
    _emit(
        "found",
        locations=[{"name": x.name, "root": str(x.root)} for x in found.locations],
        notes=list(found.notes),
    )
    for location in found.locations:
        if cancel.wanted:
            return
        if not request.only or location.name in request.only:
            try:
                _measure(location, len(found.locations) > 1, request, cancel)
            except UserError as error:
                _emit_error(location.name, error)


def _measure(
    location: CodeLocation, one_of_several: bool, request: WorkerRequest, cancel: _Cancellation
) -> None:
    cancel.forked = False
    location = with_timeout(location, request.timeout)
    config = location.config
    interpreter = choose_interpreter(
        location,
        request.python,
        os.environ,
        editor_choice=request.editor_choice,
        flag_source=SETTING,
    )
    setup = _forkserver_setup(location, interpreter, request)
    forkservers = () if request.fresh else request.forkservers
    forkserver = next((p for p in forkservers if setup and p.key == setup["key"]), None)
    cache = Cache(location, interpreter, os.environ) if is_wanted(os.environ) else None
    if request.audit:
        _audit(location, interpreter, request.audit, forkserver, cache, cancel)
        return
    began, measurement, hit = time.time(), None, None
    key = [str(location.root), location.name, dict(location.target), interpreter.path]
    with SharedResults(Path(request.store), key) as shared:
        result = shared.measured_since(request.asked)
        if result is None:
            hit = cache.look_up() if cache and not request.fresh else None
            measurement = hit.measurement if hit else None
            if measurement is None:
                measurement = run_probe(
                    location,
                    interpreter,
                    environ=os.environ,
                    on_progress=_watch,
                    on_start=cancel.started,
                    before_load=cache.begin if cache else lambda: None,
                    forkserver=forkserver,
                )
            if cancel.wanted:
                return
            baseline, problem = _baseline(location)
            result = summarize(
                measurement,
                config.budgets,
                root=location.root,
                config_path=config.path,
                python_source=interpreter.source,
                rows=None if measurement.failure else shared.new_rows(),
                one_of_several=one_of_several,
                baseline=baseline,
                baseline_path=str(location.root / NAME),
                baseline_name=location.stable_name,
                baseline_problem=problem,
                measured_at=_moment(hit) if hit else began,
            )
            shared.keep(result, began)
    for start in range(0, len(result.assets), _ROWS):
        _emit("assets", rows=[unstructure(row) for row in result.assets[start : start + _ROWS]])
    _emit("result", result=unstructure(evolve(result, assets=())))
    if cache is not None and hit is not None:
        _log.info("%s: from the cache, measured at %s", location.name, hit.measured_at)
        _emit("cached", location=location.name, audit=_is_to_be_audited())
    elif cache is not None and measurement is not None:
        # The cache must be right. The audit of the fork server keeps what it measures anew.
        unsure = (
            cancel.forked and forkserver is not None and location.name not in forkserver.verified
        )
        why = ("it was forked",) if unsure else cache.keep(measurement)
        if why:
            _log.info("%s: not kept in the cache: %s", location.name, "; ".join(why))
    if setup is not None and measurement is not None and measurement.inputs is not None:
        _emit(
            "forkserver",
            location=location.name,
            python=interpreter.path,
            cwd=str(location.cwd),
            setup={**setup, "modules": preloadable(measurement.inputs.modules)},
            used=cancel.forked,
        )


def _baseline(location: CodeLocation) -> tuple[Baseline | None, BaselineProblem | None]:
    """The baseline of the location, or why it cannot be read: sizes are shown all the same."""
    try:
        found = read_baselines(location.root).get(location.stable_name)
        # Without seconds: most measurements here are of forks, which load faster.
        return found and evolve(found, seconds=None), None
    except UserError as error:
        is_damaged = isinstance(error, DamagedBaseline)
        return None, BaselineProblem(error.message, error.hint, error.line or 1, is_damaged)


def _moment(hit: CacheHit) -> float:
    return datetime.fromisoformat(hit.measured_at).timestamp()


def _is_to_be_audited() -> bool:
    """One hit in twenty; SNAPSIZE_CACHE_CHECK=1 means every one, 0 means none."""
    asked = os.environ.get("SNAPSIZE_CACHE_CHECK")
    return asked == "1" or (asked != "0" and random.random() < _AUDITED)


def _audit(
    location: CodeLocation,
    interpreter: Interpreter,
    kind: Literal["cache", "forkserver"],
    forkserver: ForkServer | None,
    cache: Cache | None,
    cancel: _Cancellation,
) -> None:
    """Compare a result from the cache, or a forked one, with a new measurement; report it."""
    new: list[Measurement] = []

    def measure(parent: ForkServer | None) -> Measurement:
        cancel.forked = False  # it may end before it starts a process
        return run_probe(
            location,
            interpreter,
            environ=os.environ,
            on_start=cancel.started,
            before_load=cache.begin if cache and not parent else lambda: None,
            forkserver=parent,
        )

    def from_cache() -> Measurement | None:
        hit = cache.look_up() if cache else None
        return hit.measurement if hit else None

    def forked() -> Measurement | None:
        measurement = measure(forkserver) if forkserver else None
        return measurement if cancel.forked else None

    def from_scratch() -> Measurement | None:
        measurement = measure(None)
        new.append(measurement)
        # A failure (no network, a busy machine) says nothing about what the cache holds.
        return None if kind == "cache" and measurement.failure else measurement

    found = audit(from_cache if kind == "cache" else forked, from_scratch)
    if cancel.wanted:
        return
    if cache is not None and kind == "forkserver" and len(new) == 1:
        cache.keep(new[0])
    if found is None:
        return
    if cache is not None and kind == "cache" and not found.trusted:
        cache.switch_off()
    _emit("audited", location=location.name, **asdict(found))


def _forkserver_setup(
    location: CodeLocation, interpreter: Interpreter, request: WorkerRequest
) -> dict[str, Any] | None:
    if not CAN_FORK or not (request.keep_forkserver or request.forkservers):
        return None
    return forkserver_setup(
        location,
        interpreter,
        environ=os.environ,
        tree=repository_root(location.root) or location.root,
        low_priority=request.low_priority,
    )


def _watch(progress: Progress) -> None:
    _emit(
        "progress",
        location=progress.location,
        text=progress.text,
        done=progress.done,
        of=progress.of,
    )


def _emit_error(location: str | None, error: UserError) -> None:
    _emit(
        "error",
        location=location,
        message=error.message,
        hint=error.hint,
        path=error.path,
        line=error.line,
        interpreter=isinstance(error, NoInterpreter),
        unparsed=isinstance(error, NotParsed),
    )


def _emit(kind: str, **header: Any) -> None:
    sys.stdout.write(json.dumps({"type": kind, **header}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
