"""Measures one project in a process of its own, for a caller that must never block.

Run as ``python -m dagster_snapsize.measuring.worker``. The first line of standard input is a
WorkerRequest as JSON; the rest of it is a lifeline, at whose end this process ends all that it
started, and itself. Standard output is one JSON object a line, with a ``type``:

============ =====================================================================================
``found``    ``locations``: name and root of each, ``notes``
``progress`` ``location``, ``text``, ``done``, ``of`` (snapshots)
``result``   ``result``: a LocationResult (measuring/results.py)
``mistake``  ``location`` (or null), ``message``, ``hint``, ``path``, ``line``: wrong configuration
``done``     the last line
============ =====================================================================================
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from attrs import evolve, frozen

from dagster_snapsize.core.budgets import judge
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.measuring.measure import Progress, measure
from dagster_snapsize.measuring.results import structure, summarize, unstructure
from dagster_snapsize.project.interpreters import choose_interpreter
from dagster_snapsize.project.locations import CodeLocation, Flags, find_locations

_ANYWHERE = Path(os.sep)


@frozen
class WorkerRequest:
    """What to measure: the project in ``folder``, all its locations or those named in ``only``.

    ``rows`` is the folder for the files of rows, ``python`` the editor's setting and
    ``editor_choice`` what its Python extension chose; ``timeout`` is in seconds.
    """

    folder: str
    rows: str
    only: tuple[str, ...] = ()
    python: str | None = None
    editor_choice: str | None = None
    timeout: float | None = None


def main() -> NoReturn:
    """Serve one request."""
    lines = sys.stdin.buffer
    request: WorkerRequest = structure(json.loads(lines.readline()), WorkerRequest)
    threading.Thread(target=_leave_at_end, args=(lines,), daemon=True).start()
    try:
        _serve(request)
    except UserError as mistake:
        _tell_mistake(None, mistake)
    _tell("done")
    sys.stdout.flush()
    # A plain exit would wait for the thread that reads the lifeline.
    os._exit(0)


def _leave_at_end(lifeline: Any) -> None:
    while lifeline.read(4096):
        pass
    # The supervisors' lifelines close with this process, and they end what they started.
    os._exit(1)


def _serve(request: WorkerRequest) -> None:
    found = find_locations(Path(request.folder), Flags())
    _tell(
        "found",
        locations=[{"name": x.name, "root": str(x.root)} for x in found.locations],
        notes=list(found.notes),
    )
    for location in found.locations:
        if not request.only or location.name in request.only:
            try:
                _measure(location, request)
            except UserError as mistake:
                _tell_mistake(location.name, mistake)


def _measure(location: CodeLocation, request: WorkerRequest) -> None:
    config = location.config
    if request.timeout is not None:
        location = evolve(location, config=evolve(config, timeout=request.timeout))
    interpreter = choose_interpreter(
        location, request.python, os.environ, editor_choice=request.editor_choice
    )
    # Relative to nothing: the editor wants absolute paths.
    measurement = measure(
        location, interpreter, folder=_ANYWHERE / "nowhere", environ=os.environ, watch=_watch
    )
    rows = Path(request.rows) / f"{_file_name(location.name)}.jsonl"
    rows.parent.mkdir(parents=True, exist_ok=True)
    result = summarize(
        measurement,
        judge(measurement, config.budgets),
        config.budgets,
        root=location.root,
        config_path=config.path,
        python_source=interpreter.source,
        rows=rows,
    )
    _tell("result", result=unstructure(result))


def _file_name(location: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in location)


def _watch(progress: Progress) -> None:
    _tell(
        "progress",
        location=progress.location,
        text=progress.text,
        done=progress.done,
        of=progress.of,
    )


def _tell_mistake(location: str | None, mistake: UserError) -> None:
    _tell(
        "mistake",
        location=location,
        message=mistake.message,
        hint=mistake.hint,
        path=mistake.path,
        line=mistake.line,
    )


def _tell(what: str, **header: Any) -> None:
    sys.stdout.write(json.dumps({"type": what, **header}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
