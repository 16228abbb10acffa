"""Processes to fork measurements from, started as the language server starts them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, evolve

import dagster_snapsize
from dagster_snapsize.core.model import Measurement
from dagster_snapsize.measuring.environment import interpreter_environ
from dagster_snapsize.measuring.forkserver import (
    ForkedProcess,
    ForkServer,
    forkserver_command,
    forkserver_setup,
    preloadable,
)
from dagster_snapsize.measuring.paths import relocated, shown_path
from dagster_snapsize.measuring.probe_run import run_probe
from dagster_snapsize.measuring.process import SupervisedProcess, supervised
from dagster_snapsize.project.discovery import Flags
from dagster_snapsize.project.interpreters import choose_interpreter
from dagster_snapsize.project.layout import repository_root
from dagster_snapsize.project.locations import CodeLocation, find_locations
from support.command import Result
from support.patience import patience

PROBE = Path(dagster_snapsize.__file__).parent / "probe"


@define
class Measured:
    """A measurement, whether it was forked, and a way to end it from another thread."""

    measurement: Measurement
    forked: bool


@define
class Kept:
    """A process to fork from; its own words when it was ready (or refused)."""

    process: subprocess.Popen[bytes]
    news: dict[str, Any]
    key: str
    mark: str

    @property
    def parent(self) -> ForkServer:
        """As a worker is told of it."""
        return ForkServer(self.key, self.news["address"], self.news["seconds"])

    def others(self) -> list[str]:
        """What was started besides the process and its three supervisors."""
        return Result(0, "", "", self.mark).leftovers()[4:]


def locations(folder: Path, flags: Flags | None = None) -> tuple[CodeLocation, ...]:
    """The code locations of a project."""
    return find_locations(folder, flags or Flags()).locations


def run(
    location: CodeLocation,
    python: Path,
    forkserver: ForkServer | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    timeout: float | None = None,
    began: Callable[[SupervisedProcess], None] = lambda process: None,
) -> Measured:
    """Measure, forked where that is offered; paths are relative to the location's root."""
    forked: list[bool] = []

    def started(process: SupervisedProcess) -> None:
        forked.append(isinstance(process, ForkedProcess))
        began(process)

    if timeout is not None:
        location = evolve(location, config=evolve(location.config, timeout=timeout))
    measurement = run_probe(
        location,
        choose_interpreter(location, str(python), os.environ),
        environ=os.environ if environ is None else environ,
        on_start=started,
        shown=lambda path: shown_path(path, location.root),
        forkserver=forkserver,
    )
    return Measured(relocated(measurement, location.root), forked[-1])


def setup(
    location: CodeLocation, python: Path, environ: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What a process is started with, but for the modules; its key among it."""
    return forkserver_setup(
        location,
        choose_interpreter(location, str(python), os.environ),
        environ=os.environ if environ is None else environ,
        tree=repository_root(location.root) or location.root,
        low_priority=False,
    )


@contextmanager
def kept(
    location: CodeLocation,
    python: Path,
    modules: Any,
    mark: str,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Kept]:
    """A process that has imported these modules, until the block ends."""
    wanted = setup(location, python, environ)
    whole = {**wanted, "modules": preloadable(modules), "left_out": {}}
    variables = interpreter_environ(str(python), os.environ if environ is None else environ)
    process = subprocess.Popen(
        supervised(forkserver_command(str(python), PROBE, whole)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=location.cwd,
        env={**variables, "SNAPSIZE_TEST_MARK": mark},
    )
    assert process.stdin and process.stdout
    try:
        news = json.loads(process.stdout.readline())
        yield Kept(process, news, wanted["key"], mark)
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(patience(30))


def own_environment(python: Path, folder: Path) -> Path:
    """The Python of a copy of an environment, into which a test may install."""

    def link(source: str, target: str) -> None:
        os.link(source, target, follow_symlinks=False)

    shutil.copytree(python.parents[1], folder, symlinks=True, copy_function=link)
    return folder / "bin" / "python"


def site_packages(python: Path) -> Path:
    """Where an environment has its packages."""
    (found,) = (python.parents[1] / "lib").glob("python*/site-packages")
    return found


def in_thread(act: Callable[[], object]) -> threading.Thread:
    """Start it beside the test."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    return thread
