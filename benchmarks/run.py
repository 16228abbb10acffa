"""Compares ``dagster-snapsize measure`` with the snippet in Dagster's documentation.

    python benchmarks/run.py                         20x1 and 2000x10, five pairs each
    python benchmarks/run.py --sizes 10000x20 --pairs 3

Both run as whole processes, from the command to its last byte, on the same generated location with
the same interpreter. They take turns, and which of the two goes first changes from pair to pair, so
that whatever else the machine does falls on both. One run of each comes first and is not counted.
The sizes that both find are compared as well: a fast wrong answer is no result.

Wall and processor time are in seconds. Memory is the largest sum of the resident sets of the
command's whole process tree, sampled every 20 ms (pages that processes share count once for each);
without /proc it is the largest resident set of any one process. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import environments  # noqa: E402
import generate  # noqa: E402

SNIPPET = ROOT / "tests" / "integration" / "official_snippet.py"
TARGET = ("-m", "warehouse.definitions")
SAMPLE_SECONDS = 0.02


class Run(NamedTuple):
    """One whole process: what it took, and the sizes that it printed."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    sizes: list[int]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", default=["20x1", "2000x10"], metavar="ASSETSxJOBS")
    parser.add_argument("--pairs", type=int, default=5, help="pairs that count (default: 5)")
    parser.add_argument("--dagster", default=environments.NEWEST, help="version to measure with")
    given = parser.parse_args()
    python = environments.dagster_python(given.dagster)
    print(f"Dagster {given.dagster}, {given.pairs} pairs, {os.cpu_count()} cores")
    print(f"{'assets x jobs':<14}{'':<10}{'documented snippet':>20}{'this tool':>12}{'ratio':>8}")
    for size in given.sizes:
        with tempfile.TemporaryDirectory(prefix="benchmark") as folder:
            generate.write(*generate.parse_size(size), Path(folder))
            compare(size, python, Path(folder), given.pairs)


def compare(size: str, python: Path, folder: Path, pairs: int) -> None:
    """Run both in turns and print the medians and their ratio."""
    commands = {
        "official": [str(python), "-W", "ignore", str(SNIPPET), *TARGET],
        "ours": [
            *(sys.executable, "-m", "dagster_snapsize", "measure", "--format", "json"),
            *("--python", str(python), *TARGET),
        ],
    }
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for pair in range(pairs + 1):
        for name in sorted(commands, reverse=bool(pair % 2)):
            done = run(commands[name], folder, _sizes_of_snippet if name == "official" else _sizes)
            if pair:
                runs[name].append(done)
    found = {tuple(done.sizes) for each in runs.values() for done in each}
    if len(found) != 1:
        raise SystemExit(f"{size}: the two do not find the same sizes: {found}")
    for what, title, unit, scale in (
        ("seconds", "time", "s", 1.0),
        ("cpu_seconds", "processor", "s", 1.0),
        ("peak_bytes", "memory", "MB", 1e6),
    ):
        medians = {
            name: statistics.median(getattr(done, what) for done in each) / scale
            for name, each in runs.items()
        }
        ratios = [
            getattr(ours, what) / getattr(official, what)
            for ours, official in zip(runs["ours"], runs["official"], strict=True)
        ]
        label = size if what == "seconds" else ""
        print(
            f"{label:<14}{title:<10}"
            f"{medians['official']:>17.2f} {unit:<2}{medians['ours']:>9.2f} {unit:<2}"
            f"{medians['ours'] / medians['official']:>8.2f}"
            f"   (pairs {min(ratios):.2f} to {max(ratios):.2f})",
            flush=True,
        )


def run(command: list[str], folder: Path, sizes: Callable[[str], list[int]]) -> Run:
    """Run one command to its end, watching its memory."""
    peaks = [0]
    ended = threading.Event()
    started, cpu_before = time.perf_counter(), _cpu_seconds()
    with subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(command[0]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        watcher = threading.Thread(target=_watch, args=(process.pid, peaks, ended))
        watcher.start()
        stdout, stderr = process.communicate()
        seconds = time.perf_counter() - started
        ended.set()
        watcher.join()
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}\n{stderr.decode(errors='replace')}")
    peak = peaks[0] or resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return Run(seconds, _cpu_seconds() - cpu_before, peak, sizes(stdout.decode()))


def _cpu_seconds() -> float:
    """Processor time of all that we started and that has ended, in the user's code and for it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _environment(python: str) -> dict[str, str]:
    ours = {name: text for name, text in os.environ.items() if not name.startswith("DAGSTER_")}
    return {**ours, "PATH": f"{Path(python).parent}{os.pathsep}{ours.get('PATH', '')}"}


def _watch(pid: int, peaks: list[int], ended: threading.Event) -> None:
    while not ended.wait(SAMPLE_SECONDS):
        peaks[0] = max(peaks[0], sum(map(_resident_bytes, _tree(pid))))


def _tree(pid: int) -> Iterator[int]:
    """A process and all that it started (Linux; nothing elsewhere)."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = [int(child) for child in children.read_text().split()]
        except OSError:
            continue
        for child in found:
            yield from _tree(child)


def _resident_bytes(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _sizes_of_snippet(printed: str) -> list[int]:
    repositories = json.loads(printed.splitlines()[-1]).values()
    return sorted(
        size
        for repository in repositories
        for size in (repository["stored_bytes"], *repository["jobs"].values())
    )


def _sizes(printed: str) -> list[int]:
    (location,) = json.loads(printed)["locations"]
    if location["error"]:
        raise SystemExit(location["error"]["message"])
    return sorted(snapshot["stored_bytes"] for snapshot in location["snapshots"])


if __name__ == "__main__":
    main()
