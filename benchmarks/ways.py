"""The ways to measure a project: the documented snippet, and this tool cold, warm and unchanged.

Each is a context manager that makes ready (and is not timed) and gives a function that measures
once and tells what that took, with the sizes that were found.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from subprocess import PIPE, Popen

from attrs import evolve

from processes import Run, Watch, rest, run
from projects import ROOT, TARGET, environ

SNIPPET = ROOT / "tests" / "support" / "official_snippet.py"
TOOL = (sys.executable, "-m", "dagster_snapsize")
DRIVER = Path(__file__).with_name("warm.py")
HIT = "from the cache"  # what the command says of a result of an earlier run
TRIES = 4
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
            if HIT not in done.errors:
                raise SystemExit(f"{folder} was measured anew: {done.errors}")
            # In JSON it prints more, which the hook does not: the sizes are read in another run.
            shown = run((*check, "--format", "json"), folder, variables, JUDGED)
            return evolve(done, sizes=sizes_in_json(shown.output))

        yield measure


@contextmanager
def warm(folder: Path, python: Path) -> Iterator[Measure]:
    """As the language server measures after an edit; its own memory is not that of a measurement.

    Two measurements come before: one to learn what to import ahead of time, and one to try it.
    Memory is that of another measurement than time. What is edited is a copy: for others nothing
    must have changed.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark") as temporary:
        edited, store = Path(temporary, "project"), Path(temporary, "store")
        shutil.copytree(folder, edited, symlinks=True)
        with Popen(
            [sys.executable, str(DRIVER), str(edited), str(python), str(store)],
            cwd=edited,
            env=environ(python, SNAPSIZE_CACHE_DIR=str(store / "cache")),
            stdin=PIPE,
            stdout=PIPE,
            encoding="utf-8",
        ) as process:
            assert process.stdin and process.stdout

            def ask(*, watched: bool = False) -> Run:
                assert process.stdin and process.stdout
                rest(process.pid)
                with Watch(process.pid, itself=False) if watched else nullcontext() as watch:
                    process.stdin.write("again\n")
                    process.stdin.flush()
                    told = json.loads(process.stdout.readline() or "{}")
                if "seconds" not in told:
                    raise SystemExit(f"nothing was measured: {told}")
                return Run(
                    seconds=told["seconds"],
                    cpu_seconds=None,
                    rss_bytes=watch.rss_bytes if watch else 0,
                    pss_bytes=watch.pss_bytes if watch else 0,
                    watching_seconds=0.0,
                    sizes=tuple(sorted(told["sizes"])),
                    forked=told["forked"],
                    errors=told["said"],
                )

            def ask_for_forked(*, watched: bool = False) -> Run:
                # A warm process starts anew when what it has imported changed, or when it is old.
                for _ in range(TRIES):
                    done = ask(watched=watched)
                    if done.forked:
                        return done
                raise SystemExit(f"no measurement of {folder} is forked: {done.errors}")

            def measure() -> Run:
                # Looking at its processes would take long, compared with what they do.
                timed, watched = ask_for_forked(), ask_for_forked(watched=True)
                rest(process.pid)
                return evolve(timed, rss_bytes=watched.rss_bytes, pss_bytes=watched.pss_bytes)

            ask()
            ask_for_forked()
            rest(process.pid)
            yield measure
            process.stdin.close()


WAYS = {"official": official, "cold": cold, "warm": warm, "unchanged": unchanged}


def sizes_in_json(printed: str) -> tuple[int, ...]:
    """The stored bytes of all snapshots, from the smallest; SystemExit where there are none."""
    (location,) = json.loads(printed)["locations"]
    if location["error"]:
        raise SystemExit(location["error"]["message"])
    return tuple(sorted(snapshot["stored_bytes"] for snapshot in location["snapshots"]))
