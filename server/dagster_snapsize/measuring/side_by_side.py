"""Measure several locations side by side, as many as there are cores and memory for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_snapsize.measuring.measure import Cached, CacheLookup, measure_location
from dagster_snapsize.project.interpreters import Interpreter
from dagster_snapsize.project.locations import CodeLocation

if TYPE_CHECKING:
    from dagster_snapsize.measuring.assemble import OnProgress
    from dagster_snapsize.measuring.process import SupervisedProcess

_MOST = 8
_EACH = 1_000_000_000  # bytes of memory: what a large location takes while it is measured
_POLL = 0.2  # seconds: on Windows a wait without an end does not see Ctrl-C
_MEMORY = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def measure_locations(
    chosen: Sequence[tuple[CodeLocation, Interpreter]],
    *,
    folder: Path,
    environ: Mapping[str, str],
    lookup: CacheLookup,
    on_progress: OnProgress,
    verify: bool = False,
    plain: bool = False,
) -> list[Cached]:
    """The measurements of these locations, in their order; see ``measure_location``.

    Those with ``prepare`` commands come first, one after the other: they write files. Where one
    cannot be measured at all the others end too, and its error is raised.
    """
    processes: list[SupervisedProcess] = []
    prepared: set[object] = set()
    ending = False

    def started(process: SupervisedProcess) -> None:
        processes.append(process)
        if ending:
            process.cancel()

    def measure(location: CodeLocation, interpreter: Interpreter) -> Cached:
        return measure_location(
            location,
            interpreter,
            folder=folder,
            environ=environ,
            prepared=prepared,
            lookup=lookup,
            on_progress=on_progress,
            on_start=started,
            verify=verify,
            plain=plain,
        )

    # Most often there is one, and it is cached: then no pool of threads is imported.
    found = [
        measure(location, interpreter) if location.config.prepare or len(chosen) == 1 else None
        for location, interpreter in chosen
    ]
    left = [number for number, cached in enumerate(found) if cached is None]
    if not left:
        return [cached for cached in found if cached is not None]
    from concurrent.futures import Future, ThreadPoolExecutor, wait

    with ThreadPoolExecutor(_workers(len(left))) as pool:
        running: dict[int, Future[Cached]] = {n: pool.submit(measure, *chosen[n]) for n in left}
        try:
            for number, future in running.items():
                while not future.done():
                    wait([future], timeout=_POLL)
                found[number] = future.result()
        except BaseException:
            ending = True
            for future in running.values():
                future.cancel()
            for process in processes:
                process.cancel()
            raise
    return [cached for cached in found if cached is not None]


def _workers(locations: int) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    room = _available_bytes()
    by_memory = _MOST if room is None else room // _EACH
    return max(1, min(locations, cores or 1, _MOST, by_memory))


def _available_bytes() -> int | None:
    """Memory that is free, or that the control group of a container still allows (Linux)."""
    found: list[int] = []
    try:
        lines = _MEMORY.read_text("ascii").splitlines()
        found += [int(x.split()[1]) * 1024 for x in lines if x.startswith("MemAvailable:")]
        limit = (_GROUP / "memory.max").read_text("ascii").strip()
        if limit != "max":
            found.append(int(limit) - int((_GROUP / "memory.current").read_text("ascii")))
    except (OSError, ValueError, IndexError):
        pass
    return min(found, default=None)
