"""Frames in, Measurement out."""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from dagster_snapsize.core.costs import asset_costs
from dagster_snapsize.core.errors import NoInterpreter, NotMeasured, UserError
from dagster_snapsize.core.ledger import AssetIndex, draw_job, draw_repository
from dagster_snapsize.core.limits import InstanceSettings, Layer, effective_environment, problems
from dagster_snapsize.core.model import (
    AssetCost,
    Environment,
    Failure,
    Inputs,
    Measurement,
    Seconds,
    Snapshot,
    SourceLocation,
    Volatile,
)
from dagster_snapsize.core.sizes import format_seconds
from dagster_snapsize.measuring.crash import crash_place, without_dump
from dagster_snapsize.measuring.environ import interpreter_environ
from dagster_snapsize.measuring.prepare import prepare
from dagster_snapsize.measuring.process import ProbeProcess, Running
from dagster_snapsize.measuring.relocated import relocated, shown_path
from dagster_snapsize.measuring.warm import NotWarm, WarmParent, WarmProcess
from dagster_snapsize.probe.protocol import ConnectionLost
from dagster_snapsize.project.folders import repository_root
from dagster_snapsize.project.ignores import find_ignores
from dagster_snapsize.project.instance import instance_file, read_instance
from dagster_snapsize.project.interpreters import Interpreter
from dagster_snapsize.project.locations import CodeLocation
from dagster_snapsize.project.stale_inputs import stale_inputs
from dagster_snapsize.project.tracked import untracked_files

_PROBE = Path(__file__).parent.parent / "probe"
_NOWHERE = Path(os.sep) / "nowhere"  # paths that are relative to it stay absolute
_log = logging.getLogger(__name__)
_EXIT_PATIENCE = 3.0  # seconds for exit functions of user code, once all was sent


@frozen
class Progress:
    """How far a measurement has come: ``done`` of ``of`` snapshots, 0 of 0 while it loads."""

    location: str
    text: str
    done: int = 0
    of: int = 0


Watcher = Callable[[Progress], None]


class _Broken(Exception):
    """The location could not be measured."""

    def __init__(self, failure: Failure):
        self.failure = failure


def measure(
    location: CodeLocation,
    interpreter: Interpreter,
    *,
    folder: Path,
    environ: Mapping[str, str],
    watch: Watcher = lambda progress: None,
    started: Callable[[Running], None] = lambda process: None,
    warm: WarmParent | None = None,
) -> Measurement:
    """Measure one code location; paths in the result are relative to ``folder``.

    As ``measure_absolute``, which see.
    """
    measurement = measure_absolute(
        location,
        interpreter,
        environ=environ,
        watch=watch,
        started=started,
        shown=lambda path: shown_path(path, folder),
        warm=warm,
    )
    return relocated(measurement, folder)


def measure_absolute(
    location: CodeLocation,
    interpreter: Interpreter,
    *,
    environ: Mapping[str, str],
    watch: Watcher = lambda progress: None,
    started: Callable[[Running], None] = lambda process: None,
    shown: Callable[[str], str] = lambda path: path,
    prepared: Callable[[], None] = lambda: None,
    warm: WarmParent | None = None,
    verify: bool = False,
) -> Measurement:
    """Measure one code location; all paths in the result are absolute.

    ``shown`` is how the message of a failure writes a path; nothing else depends on it. ``started``
    is given every process that is started, so that another thread can cancel it. ``prepared`` is
    called each time before the definitions are read, once all that ``prepare`` makes is there.
    ``warm`` is what to fork the probe from; where that cannot be done, it is started as ever.
    ``verify`` makes every text in Dagster's own way as well; a difference is a UserError.
    A location that cannot be loaded gives a Measurement with a ``failure``. Raises UserError where
    the target or the configuration is wrong.
    """
    failure = prepare(
        location, interpreter, environ, lambda text: watch(Progress(location.name, text)), started
    )
    if failure is not None:
        return _Run(location, interpreter, environ, watch, started).failed(failure)
    with _no_collector():
        for _ in range(2):
            prepared()
            run = _Run(location, interpreter, environ, watch, started, warm=warm, verify=verify)
            measurement = run.measure()
            if run.broke_off and run.warm is not None:
                _log.warning("%s: a forked measurement broke off", location.name)
                run = _Run(location, interpreter, environ, watch, started)
                measurement = run.measure()
            if not run.changed:
                return measurement
    return run.failed(
        Failure(
            "files of the definitions were edited while they were measured: "
            + ", ".join(shown(p) for p in run.changed)
        )
    )


@contextmanager
def _no_collector() -> Iterator[None]:
    """A ledger makes millions of objects without cycles; collecting among them costs a third."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def read_environment(
    location: CodeLocation, interpreter: Interpreter, *, environ: Mapping[str, str]
) -> Environment:
    """The effective limits of a location, without loading its definitions.

    Raises NotMeasured where its Dagster cannot be asked.
    """
    run = _Run(location, interpreter, environ, lambda _: None, limits_only=True)
    measurement = run.measure()
    if measurement.failure:
        raise NotMeasured(measurement.failure.message, measurement.failure.output)
    return measurement.environment


class _Run:
    """One run of the probe, and what has come of it so far."""

    def __init__(
        self,
        location: CodeLocation,
        interpreter: Interpreter,
        environ: Mapping[str, str],
        watch: Watcher,
        started: Callable[[Running], None] = lambda process: None,
        limits_only: bool = False,
        warm: WarmParent | None = None,
        verify: bool = False,
    ):
        self.location = location
        self.interpreter = interpreter
        self.environ = environ
        self.watch = watch
        self.started = started
        self.limits_only = limits_only
        self.warm = warm
        self.verify = verify
        # In a repository of many projects code and dbt models are often beside the location's own.
        self._tree = repository_root(location.root) or location.root
        self.changed: list[str] = []
        self.broke_off = False
        self._began = False
        self._hello: dict[str, Any] = {}
        self._environment = Environment((), (), ())
        self._ahead = 0.0  # seconds of imports that were made before, and are part of loading
        self._load_seconds = 0.0
        self._definitions: SourceLocation | None = None
        self._snapshots: list[Snapshot] = []
        self._indexes: dict[str, AssetIndex] = {}
        self._seconds: dict[str, float] = {}
        self._assets: list[AssetCost] = []
        self._files: list[str] = []
        self._folders: list[str] = []
        self._inputs: Inputs | None = None
        self._read_here: list[str] = []  # by us, not by the probe
        self._peak_rss_bytes = 0
        self._path_bytes: int | None = None
        self._started = time.monotonic()

    def measure(self) -> Measurement:
        timeout = self.location.config.timeout
        self.watch(Progress(self.location.name, "starting"))
        with self._start(timeout) as process:
            self.started(process)
            try:
                whole = self._read(process)
            except _Broken as broken:
                return self.failed(_with_output(broken.failure, _output_once_ended(process)))
            except ConnectionLost:
                whole = False
            status = process.wait(_EXIT_PATIENCE)
        if not whole:
            self.broke_off = not (process.timed_out or process.cancelled)
            if self.warm is None:
                self._must_have_begun(process, status)
            return self.failed(self._failure_without_words(process, status))
        return self._result()

    def _start(self, timeout: float) -> Running:
        """A forked measurement where that is possible, else one with an interpreter of its own."""
        argument, cwd = self._request(timeout), self.location.cwd
        if self.warm is not None:
            try:
                process = WarmProcess(self.warm, argument, cwd=cwd, timeout=timeout)
                self._ahead = self.warm.seconds
                return process
            except NotWarm as why:
                _log.info("%s: measured with a new interpreter: %s", self.location.name, why)
                self.warm = None
        return ProbeProcess(
            [self.interpreter.path, str(_PROBE), argument],
            cwd=cwd,
            env=interpreter_environ(self.interpreter.path, self.environ),
            timeout=timeout,
        )

    def _request(self, timeout: float) -> str:
        location = self.location
        return json.dumps(
            {
                "target": dict(location.target),
                "location_name": location.name,
                "working_directory": str(location.working_directory),
                "tree": str(self._tree),
                "dotenv": str(location.dotenv) if location.dotenv else None,
                "env": dict(location.config.env),
                "deadline": time.time() + timeout,
                "limits_only": self.limits_only,
                "verify": self.verify,
            }
        )

    def _read(self, process: Running) -> bool:
        """Take in frames until the last; False where they ended before it."""
        for header, payload in process.frames():
            kind = header["type"]
            self._began = True
            if kind == "done":
                self._on_done(header)
                return True
            getattr(self, f"_on_{kind}")(header, payload)
        return False

    def _on_done(self, header: dict[str, Any]) -> None:
        self._peak_rss_bytes = header["peak_rss_bytes"]
        if header["unknown_steps"]:
            version, steps = self._hello["dagster_version"], ", ".join(header["unknown_steps"])
            _log.info("Dagster %s is not known here: it takes its own way for %s", version, steps)

    def _on_hello(self, header: dict[str, Any], payload: bytes) -> None:
        self._hello = header
        variables = header["environment"]
        layers = [
            Layer("the environment", variables["environment"]),
            Layer(".env", variables.get("dotenv", {})),
            Layer("[tool.dagster-snapsize.env]", variables["configuration"]),
        ]
        home = next(
            (m.variables["DAGSTER_HOME"] for m in layers[::-1] if "DAGSTER_HOME" in m.variables),
            None,
        )
        self._environment = effective_environment(
            header["defaults"],
            layers,
            self._instance(home),
            self.location.dagster_plus,
            header["dagster_version"],
        )
        unusable = problems(self._environment)
        if unusable and not self.limits_only:
            raise UserError("; ".join(unusable), "`dagster-snapsize limits` shows where it is set.")

    def _instance(self, home: str | None) -> InstanceSettings:
        if home:
            self._read_here.append(str(instance_file(home).absolute()))
        return read_instance(home)

    def _on_phase(self, header: dict[str, Any], payload: bytes) -> None:
        text = {
            "starting": "starting",
            "loading": "loading definitions",
            "repository": f"repository {header.get('repository')}",
            "job": f"job {header.get('job')}",
        }[header["name"]]
        done, of = header.get("done", 0), header.get("of", 0)
        self.watch(Progress(self.location.name, text, done, of))

    def _on_loaded(self, header: dict[str, Any], payload: bytes) -> None:
        self._load_seconds = self._ahead + header["seconds"]
        self._definitions = self._place(header["definitions"])

    def _on_snapshot(self, header: dict[str, Any], payload: bytes) -> None:
        repository, name = header["repository"], header["name"]
        if self._path_bytes is None:
            self._path_bytes = _path_bytes(self.location.root, payload)
        path = f"{self.location.name}/{repository}"
        try:
            if header["kind"] == "repository":
                snapshot_id = f"{path}/repository"
                ledger, self._indexes[repository] = draw_repository(payload)
            else:
                snapshot_id = f"{path}/job/{name}"
                ledger = draw_job(payload, self._indexes[repository])
        except ValueError as error:
            raise _Broken(Failure(f"the snapshot {snapshot_id} is no JSON: {error}")) from error
        self._seconds[snapshot_id] = header["seconds"]
        if header["kind"] == "job":
            # A code server composes its jobs when it is asked for their repository.
            self._seconds[snapshot_id] -= header["composed_seconds"]
            self._seconds[f"{path}/repository"] += header["composed_seconds"]
        self._snapshots.append(
            Snapshot(
                id=snapshot_id,
                kind=header["kind"],
                name=name,
                repository=repository,
                stored_bytes=header["stored_bytes"],
                wire_bytes=header["wire_bytes"],
                ledger=ledger,
            )
        )

    def _on_sources(self, header: dict[str, Any], payload: bytes) -> None:
        places = {key: self._place(place) for key, place in header["assets"].items()}
        located = {key: place for key, place in places.items() if place is not None}
        mine = [s for s in self._snapshots if s.repository == header["repository"]]
        index = self._indexes[header["repository"]]
        groups = {asset.key: asset.group for asset in index.assets.values()}
        self._assets += asset_costs(header["repository"], mine, located, groups)

    def _on_files(self, header: dict[str, Any], payload: bytes) -> None:
        self._files = header["definitions"]
        self._folders = header["folders"]
        self.changed = header["changed"]

    def _on_inputs(self, header: dict[str, Any], payload: bytes) -> None:
        self._inputs = Inputs(
            read=(*header["read"], *self._read_here),
            listed=tuple(header["listed"]),
            missing=tuple(header["missing"]),
            installed=tuple((path, size, mtime) for path, size, mtime in header["installed"]),
            distributions=tuple(header["distributions"]),
            modules=tuple(header["modules"]),
            volatile=tuple(Volatile(v["what"], v["path"], v["line"]) for v in header["volatile"]),
        )

    def _on_failed(self, header: dict[str, Any], payload: bytes) -> None:
        if header["usage"]:
            # Before its hello it has found no Dagster, or one too old.
            wrong = UserError if self._hello else NoInterpreter
            raise wrong(
                header["message"],
                f"location {self.location.name}, from {self.location.source}, run by"
                f" {self.interpreter.path} ({self.interpreter.source})",
            )
        place = [header["path"], header["line"]] if header["path"] else None
        raise _Broken(Failure(header["message"], self._place(place), header["traceback"]))

    def _place(self, place: Any) -> SourceLocation | None:
        return SourceLocation(Path(place[0]).as_posix(), place[1]) if place else None

    def failed(self, failure: Failure) -> Measurement:
        """What is known of a location that could not be measured: no half sizes."""
        self._snapshots, self._assets, self._inputs = [], [], None
        return self._result(failure)

    def _must_have_begun(self, process: Running, status: int | None) -> None:
        """Tell a program that is no Python, or none that runs here, from one that user code ended.

        Raises NoInterpreter.
        """
        if self._began or process.timed_out or process.cancelled:
            return
        last = process.output().strip().rpartition("\n")[2]
        interpreter = self.interpreter
        raise NoInterpreter(
            f"{interpreter.path} ({interpreter.source}) is no Python that can measure, 3.9 or newer"
            f"{f': {last}' if last else ''}",
            f"location {self.location.name}, from {self.location.source}",
        )

    def _failure_without_words(self, process: Running, status: int | None) -> Failure:
        printed = process.output()
        place = crash_place(printed, self._is_users)
        if place is not None:
            place = self._place((place.path, place.line))
        timeout = self.location.config.timeout
        if process.timed_out:
            message = (
                f"the definitions were not loaded after {format_seconds(timeout)}; if they need"
                " longer, raise `timeout` in the configuration"
            )
        elif process.cancelled:
            message = "the measurement was cancelled"
        elif status is not None and status < 0:
            message = f"the code ended its interpreter by {_signal_name(-status)}"
        else:
            message = f"the code ended its interpreter with exit status {status}"
        return Failure(message, place, "", without_dump(printed))

    def _is_users(self, path: str) -> bool:
        inside = Path(path).is_relative_to(self._tree)
        return inside and "site-packages" not in Path(path).parts

    def _result(self, failure: Failure | None = None) -> Measurement:
        files = self._files
        ids = {
            kind: [s.id for s in self._snapshots if s.kind == kind]
            for kind in ("repository", "job")
        }
        return Measurement(
            name=self.location.name,
            target=self.location.target,
            python=self.interpreter.path,
            python_version=self._hello.get("python_version", ""),
            dagster_version=self._hello.get("dagster_version", ""),
            seconds=Seconds(
                load=self._load_seconds,
                build=sum(self._seconds.values()),
                total=self._ahead + time.monotonic() - self._started,
                repositories={i: self._seconds[i] for i in ids["repository"]},
                jobs={i: self._seconds[i] for i in ids["job"]},
            ),
            peak_rss_bytes=self._peak_rss_bytes,
            snapshots=tuple(self._snapshots),
            assets=tuple(sorted(self._assets, key=lambda a: (-a.total_bytes, a.key, a.repository))),
            definition_files=tuple(Path(p).as_posix() for p in files),
            folders=tuple(Path(p).as_posix() for p in self._folders),
            environment=self._environment,
            definitions_location=self._definitions,
            untracked_files=tuple(Path(p).as_posix() for p in untracked_files(files, self._tree)),
            stale_inputs=stale_inputs(files, self.location.root, _NOWHERE),
            ignores=find_ignores(
                (a.location for a in self._assets if a.location),
                [Path(p).as_posix() for p in files],
                _NOWHERE,
            ),
            failure=failure,
            inputs=self._inputs,
            path_bytes=self._path_bytes,
        )


def _path_bytes(root: Path, text: bytes) -> int | None:
    """How long the path of a folder is where a snapshot holds it, as code references do."""
    for path in (str(root), os.path.realpath(root), root.as_posix()):
        written = json.dumps(path)[1:-1].encode("ascii")
        if written in text:
            return len(written)
    return None


def _output_once_ended(process: Running) -> str:
    process.wait(_EXIT_PATIENCE)
    return without_dump(process.output())


def _with_output(failure: Failure, output: str) -> Failure:
    return Failure(failure.message, failure.location, failure.traceback, output)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
