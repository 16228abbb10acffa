"""Run the probe on a code location, and make a Measurement of the frames that it sends."""

from __future__ import annotations

import gc
import json
import logging
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import evolve

from dagster_snapsize import PACKAGE
from dagster_snapsize.core.errors import NoInterpreter, NotMeasured
from dagster_snapsize.core.model import Environment, Failure, Measurement, SourceLocation
from dagster_snapsize.core.sizes import format_seconds
from dagster_snapsize.measuring.assemble import LoadFailed, MeasurementBuilder, OnProgress, Progress
from dagster_snapsize.measuring.environment import interpreter_environ
from dagster_snapsize.measuring.forkserver import ForkedProcess, ForkServer, NotForked
from dagster_snapsize.measuring.prepare import prepare
from dagster_snapsize.measuring.process import ProbeProcess, SupervisedProcess
from dagster_snapsize.probe.protocol import ConnectionLost
from dagster_snapsize.project.interpreters import Interpreter
from dagster_snapsize.project.layout import repository_root
from dagster_snapsize.project.locations import CodeLocation

_PROBE = PACKAGE / "probe"
_log = logging.getLogger(__name__)
_EXIT_PATIENCE = 3.0  # seconds for exit functions of user code, once all was sent
# What faulthandler prints when the interpreter dies or hangs.
_DUMP = re.compile(r"^(?:Fatal Python error: (?P<what>.*)|Timeout \(.*\)!|Windows fatal .*)$", re.M)
_FRAME = re.compile(r'^  File "(?P<path>.+)", line (?P<line>\d+) in ', re.M)
_THREAD = re.compile(r"^(?:Current thread|Thread) .*\(most recent call first\):$", re.M)


def run_probe(
    location: CodeLocation,
    interpreter: Interpreter,
    *,
    environ: Mapping[str, str],
    on_progress: OnProgress = lambda progress: None,
    on_start: Callable[[SupervisedProcess], None] = lambda process: None,
    shown: Callable[[str], str] = lambda path: path,
    before_load: Callable[[], None] = lambda: None,
    forkserver: ForkServer | None = None,
    verify: bool = False,
    plain: bool = False,
) -> Measurement:
    """Measure one code location; all paths in the result are absolute.

    ``on_start`` is given every process that is started, so that another thread can cancel it.
    ``shown`` is how messages write a path. ``before_load`` is called each time before definitions
    are loaded, after the ``prepare`` commands. ``forkserver`` is what to fork the probe from; where
    that fails, an interpreter is started. ``verify`` also makes every text in Dagster's own way; a
    difference is a UserError. ``plain`` loads and serializes as a code server does, in more time.

    A location that cannot be loaded gives a Measurement with a ``failure``.

    Raises:
        UserError: the target or the configuration is wrong.
    """

    def run(forkserver: ForkServer | None) -> _ProbeRun:
        return _ProbeRun(
            *(location, interpreter, environ, on_progress, on_start),
            forkserver=forkserver,
            verify=verify,
            plain=plain,
        )

    failure = prepare(
        *(location, interpreter, environ),
        lambda text: on_progress(Progress(location.name, text)),
        on_start,
    )
    if failure is not None:
        return run(None).failed(failure)
    with _no_collector():
        for _ in range(2):
            before_load()
            current = run(forkserver)
            measurement = current.measure()
            if current.broke_off and current.forkserver is not None:
                _log.warning("%s: a forked measurement broke off", location.name)
                current = run(None)
                measurement = current.measure()
            if not current.changed:
                return measurement
    edited = ", ".join(map(shown, current.changed))
    return current.failed(
        Failure(f"files of the definitions were edited while they were measured: {edited}")
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

    Raises:
        NotMeasured: its Dagster cannot be asked.
    """
    run = _ProbeRun(location, interpreter, environ, lambda _: None, limits_only=True)
    measurement = run.measure()
    if measurement.failure:
        raise NotMeasured(measurement.failure.message, measurement.failure.output)
    return measurement.environment


class _ProbeRun:
    """One run of the probe."""

    def __init__(
        self,
        location: CodeLocation,
        interpreter: Interpreter,
        environ: Mapping[str, str],
        on_progress: OnProgress,
        on_start: Callable[[SupervisedProcess], None] = lambda process: None,
        limits_only: bool = False,
        forkserver: ForkServer | None = None,
        verify: bool = False,
        plain: bool = False,
    ):
        self.location = location
        self.interpreter = interpreter
        self.environ = environ
        self.on_progress = on_progress
        self.on_start = on_start
        self.limits_only = limits_only
        self.forkserver = forkserver
        self.verify = verify
        self.plain = plain
        # In a repository of many projects code and dbt models are often beside the location's own.
        self._tree = repository_root(location.root) or location.root
        self.broke_off = False
        self._builder = MeasurementBuilder(
            location, interpreter, self._tree, on_progress, limits_only, plain
        )

    @property
    def changed(self) -> list[str]:
        """Files of the definitions that were edited during the run."""
        return self._builder.changed

    def failed(self, failure: Failure) -> Measurement:
        """What is known of a location that could not be measured: no half sizes."""
        return self._builder.failed(failure)

    def measure(self) -> Measurement:
        timeout = self.location.config.timeout
        self.on_progress(Progress(self.location.name, "starting"))
        with self._start(timeout) as process:
            self.on_start(process)
            try:
                whole = self._read(process)
            except LoadFailed as broken:
                return self.failed(_with_output(broken.failure, _output_once_ended(process)))
            except ConnectionLost:
                whole = False
            status = process.wait(_EXIT_PATIENCE)
        if not whole:
            self.broke_off = not (process.timed_out or process.cancelled)
            if self.forkserver is None:
                self._check_started(process)
            return self.failed(self._failure_without_frame(process, status))
        return self._builder.result()

    def _start(self, timeout: float) -> SupervisedProcess:
        """Fork the probe where that is possible, else start an interpreter."""
        argument, cwd = self._request(timeout), self.location.cwd
        if self.forkserver is not None:
            try:
                process = ForkedProcess(self.forkserver, argument, cwd=cwd, timeout=timeout)
                self._builder.seconds_ahead = self.forkserver.seconds
                return process
            except NotForked as why:
                _log.info("%s: measured with a new interpreter: %s", self.location.name, why)
                self.forkserver = None
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
                "plain": self.plain,
            }
        )

    def _read(self, process: SupervisedProcess) -> bool:
        """Read frames until the last; False where they end before it."""
        return any(self._builder.handle(header, payload) for header, payload in process.frames())

    def _check_started(self, process: SupervisedProcess) -> None:
        """Raise NoInterpreter where the probe never started: user code did not end it."""
        if self._builder.has_begun or process.timed_out or process.cancelled:
            return
        last = process.output().strip().rpartition("\n")[2]
        interpreter = self.interpreter
        raise NoInterpreter(
            f"{interpreter.path} ({interpreter.source}) is not a usable Python, 3.9 or newer"
            f"{f': {last}' if last else ''}",
            f"location {self.location.name}, from {self.location.source}",
        )

    def _failure_without_frame(self, process: SupervisedProcess, status: int | None) -> Failure:
        printed = process.output()
        place = crash_place(printed, self._is_users)
        if place is not None:
            place = self._builder.place((place.path, place.line))
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
        elif status is None:
            message = f"{self.interpreter.path} sent no result, and did not end by itself"
        else:
            message = f"the code ended its interpreter with exit status {status}"
        return Failure(message, place, "", without_dump(printed))

    def _is_users(self, path: str) -> bool:
        inside = Path(self._builder.spelled(path)).is_relative_to(self._tree)
        return inside and "site-packages" not in Path(path).parts


def _output_once_ended(process: SupervisedProcess) -> str:
    process.wait(_EXIT_PATIENCE)
    return without_dump(process.output())


def _with_output(failure: Failure, output: str) -> Failure:
    return evolve(failure, output=output)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


# -- dumps of faulthandler -----------------------------------------------------------------------


def crash_place(output: str, is_users: Callable[[str], bool]) -> SourceLocation | None:
    """The innermost frame of user code in the last dump of ``output``.

    The thread that crashed is called current; in a dump made at a timeout the main thread is last.
    """
    starts = list(_DUMP.finditer(output))
    if not starts:
        return None
    dump = output[starts[-1].end() :]
    threads = list(_THREAD.finditer(dump))
    blocks = [
        dump[match.end() : following.start() if following else len(dump)]
        for match, following in zip(threads, [*threads[1:], None], strict=True)
    ]
    current = [b for m, b in zip(threads, blocks, strict=True) if m[0].startswith("Current")]
    for block in [*current, *reversed(blocks)]:
        for frame in _FRAME.finditer(block):
            if is_users(frame["path"]):
                return SourceLocation(frame["path"], int(frame["line"]))
    return None


def without_dump(output: str) -> str:
    """What the user's code itself printed."""
    starts = list(_DUMP.finditer(output))
    return output[: starts[-1].start()] if starts else output
