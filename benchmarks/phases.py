"""Where the time of one cold measurement goes.

    python benchmarks/phases.py FILE BEGAN measure --format json -m warehouse.definitions

runs that command as it is, notes when the probe's frames come in and how long drawing the ledgers
takes, and writes both to FILE as JSON. BEGAN is ``time.monotonic()`` in the parent process; all
processes share that clock. Nothing is added to the probe itself: a profiler would slow down some
parts more than others.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PHASES = (
    ("start", "the command starts: Python, modules, settings, choosing an interpreter"),
    ("interpreter", "the project's Python starts, under its supervisor"),
    ("dagster", "`import dagster`"),
    ("code", "the project's code is imported and its definitions are built"),
    ("repository", "the repository snapshot is made and serialized"),
    ("jobs", "job snapshots are made and serialized"),
    ("rest", "the rest of the probe: where assets are defined, and waiting for the ledger"),
    ("report", "the rest of the command: writing the report, exiting"),
)
"""Names and descriptions of the parts, one after the other, that make up the whole."""

LEDGER = "building the ledger, in the tool's own process while the probe continues"


def measure(folder: Path, python: Path, environ: dict[str, str]) -> dict[str, float]:
    """The seconds of each phase of one measurement, of ``ledger`` beside them, and ``whole``."""
    from processes import run
    from ways import JUDGED, TARGET

    with tempfile.TemporaryDirectory(prefix="benchmark") as temporary:
        file = Path(temporary, "marks.json")
        began = time.monotonic()
        run(
            [
                *(sys.executable, str(Path(__file__)), str(file), repr(began)),
                *("measure", "--format", "json", "--python", str(python), *TARGET),
            ],
            folder,
            environ,
            JUDGED,
        )
        ended = time.monotonic()
        marks: dict[str, float] = json.loads(file.read_text())
    return in_phases(marks, ended)


def in_phases(marks: dict[str, float], ended: float) -> dict[str, float]:
    """From moments to lengths: the phases sum to the whole."""
    snapshots = marks["repository"] + marks["jobs"]
    return {
        "start": marks["launched"] - marks["began"],
        "interpreter": marks["first"] - marks["launched"],
        "dagster": marks["hello"] - marks["first"],
        "code": marks["loaded"] - marks["hello"],
        "repository": marks["repository"],
        "jobs": marks["jobs"],
        "rest": marks["done"] - marks["loaded"] - snapshots,
        "report": ended - marks["done"],
        "ledger": marks["ledger"],
        "whole": ended - marks["began"],
    }


def main(file: Path, began: float) -> None:
    """Run the command of ``sys.argv`` with eyes open."""
    from dagster_snapsize.cli.main import main as command
    from dagster_snapsize.measuring import assemble as measuring
    from dagster_snapsize.measuring.process import ProbeProcess

    marks = {"began": began, "repository": 0.0, "jobs": 0.0, "ledger": 0.0}

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            before = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                marks["ledger"] += time.perf_counter() - before

        return call

    for name in ("attribute_repository", "attribute_job", "asset_costs"):
        setattr(measuring, name, timed(getattr(measuring, name)))

    launch, frames = ProbeProcess.__init__, ProbeProcess.frames

    def launch_and_note(self: ProbeProcess, *arguments: Any, **named: Any) -> None:
        marks["launched"] = time.monotonic()
        launch(self, *arguments, **named)

    def note_frames(self: ProbeProcess) -> Iterator[tuple[dict[str, Any], bytes]]:
        for header, payload in frames(self):
            marks.setdefault("first", time.monotonic())
            kind = header["type"]
            if kind == "snapshot":
                marks["repository" if header["kind"] == "repository" else "jobs"] += header[
                    "seconds"
                ]
            elif kind in ("hello", "loaded", "done"):
                marks[kind] = time.monotonic()
            yield header, payload

    ProbeProcess.__init__ = launch_and_note  # type: ignore[method-assign]
    ProbeProcess.frames = note_frames  # type: ignore[method-assign]
    try:
        command()
    finally:
        file.write_text(json.dumps(marks))


if __name__ == "__main__":
    given_file, given_began = Path(sys.argv[1]), float(sys.argv[2])
    sys.argv[:] = ["dagster-snapsize", *sys.argv[3:]]
    main(given_file, given_began)
