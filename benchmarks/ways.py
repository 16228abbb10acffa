"""The ways to measure a project: the documented snippet, and this tool cold, warm and unchanged.

Each is a context manager that makes ready (and is not timed) and gives a function that measures
once and tells what that took, with the sizes that were found.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import evolve

from processes import Run, run
from projects import ROOT, TARGET, environ

SNIPPET = ROOT / "tests" / "integration" / "official_snippet.py"
TOOL = (sys.executable, "-m", "dagster_snapsize")
JUDGED = (0, 1)  # exit statuses: within budget and over it

Measure = Callable[[], Run]


@contextmanager
def official(folder: Path, python: Path) -> Iterator[Measure]:
    """The snippet in Dagster's documentation, as a whole process."""
    command = (str(python), "-W", "ignore", str(SNIPPET), *TARGET)

    def measure() -> Run:
        done = run(command, folder, environ(python))
        repositories = json.loads(done.output.splitlines()[-1]).values()
        sizes = [size for r in repositories for size in (r["stored_bytes"], *r["jobs"].values())]
        return evolve(done, sizes=tuple(sorted(sizes)))

    yield measure


@contextmanager
def cold(folder: Path, python: Path) -> Iterator[Measure]:
    """``dagster-snapsize measure`` with nothing kept from an earlier run."""
    command = (*TOOL, "measure", "--format", "json", "--python", str(python), *TARGET)

    def measure() -> Run:
        done = run(command, folder, environ(python, SNAPSIZE_NO_CACHE="1"), JUDGED)
        return evolve(done, sizes=sizes_in_json(done.output))

    yield measure


@contextmanager
def unchanged(folder: Path, python: Path) -> Iterator[Measure]:
    """``dagster-snapsize check`` where nothing has changed since it was measured."""
    check = (*TOOL, "check", "--python", str(python), *TARGET)
    with tempfile.TemporaryDirectory(prefix="benchmark") as store:
        variables = environ(python, SNAPSIZE_CACHE_DIR=store)
        run(check, folder, variables, JUDGED)

        def measure() -> Run:
            done = run(check, folder, variables, JUDGED)
            # In JSON it prints more, which the hook does not: the sizes are read in another run.
            shown = run((*check, "--format", "json"), folder, variables, JUDGED)
            return evolve(done, sizes=sizes_in_json(shown.output))

        yield measure


@contextmanager
def warm(folder: Path, python: Path) -> Iterator[Measure]:
    """As the language server measures again, with a process of the project's Python at hand."""
    raise NotImplementedError("there is no warm path yet")
    yield


WAYS = {"official": official, "cold": cold, "warm": warm, "unchanged": unchanged}


def sizes_in_json(printed: str) -> tuple[int, ...]:
    """The stored bytes of all snapshots, from the smallest; SystemExit where there are none."""
    (location,) = json.loads(printed)["locations"]
    if location["error"]:
        raise SystemExit(location["error"]["message"])
    return tuple(sorted(snapshot["stored_bytes"] for snapshot in location["snapshots"]))
