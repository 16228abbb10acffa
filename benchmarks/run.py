"""Measures dagster-snapsize and writes docs/performance.md.

    python benchmarks/run.py                           everything, in some twenty minutes
    python benchmarks/run.py --only cold-tiny warm-tiny
    python benchmarks/run.py --quick --into FOLDER     small projects, one run: only to try it
    python benchmarks/run.py --page-only               the page again, from what is known

What was measured is kept in .cache/benchmark/results.json: with ``--only`` the other numbers of the
page are those from before. No number passes or fails; the exit status is 1 where a measurement
failed or found other sizes than the documented snippet.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cases
import editing
import growth
import page
import phases
from projects import PROJECTS, ROOT, environ, environment, environments, written

PHASED = ("tiny", "2000x10", "all-in-each", "10000x20", "dbt")
SAVES = 5


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=cases.NAMES, metavar="CASE", default=None)
    parser.add_argument("--pairs", type=int, help="runs of each way that count (default: 3 or 5)")
    parser.add_argument("--quick", action="store_true", help="small projects, and one run of each")
    parser.add_argument("--page-only", action="store_true", help="measure nothing")
    parser.add_argument("--into", type=Path, help="a folder for the page, plots and results")
    given = parser.parse_args()
    if given.quick and not given.into:
        parser.error("--quick needs --into: its numbers say nothing about the tool")
    where = given.into.absolute() if given.into else ROOT / "docs"
    file = (given.into.absolute() if given.into else ROOT / ".cache/benchmark") / "results.json"
    results: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    failed: list[str] = []
    if not given.page_only:
        failed = measure(given.only or cases.NAMES, given.pairs, given.quick, results, file)
    elif not results:
        parser.error(f"nothing is known: there is no {file}")
    draw(results, where / "images")
    (where / "performance.md").write_text(page.write(results), encoding="utf-8")
    _say(f"wrote {where / 'performance.md'}")
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def measure(
    wanted: tuple[str, ...], pairs: int | None, quick: bool, results: dict[str, Any], file: Path
) -> list[str]:
    """Measure all that is wanted; ``results`` and their file are brought up to date on the way.

    What fails is told and left out, and the rest goes on; the names of what failed are returned.
    """
    began = time.monotonic()
    failed = []

    def attempt(name: str, act: Callable[[], dict[str, Any]]) -> None:
        try:
            results.update(act())
        except SystemExit as error:
            _say(f"{name} FAILED: {error}")
            failed.append(name)
        results["machine"] = machine()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(results, indent=1) + "\n")

    for name in wanted:
        results.pop(name, None)
    for name in PROJECTS:
        if any(case.project == name and case.name in wanted for case in cases.CASES):
            attempt(name, partial(cases.run_project, name, wanted, pairs, quick, _say))
    if cases.PHASES in wanted:
        attempt(cases.PHASES, lambda: {cases.PHASES: {n: in_phases(n, quick) for n in PHASED}})
    if cases.GROWTH in wanted:
        attempt(cases.GROWTH, lambda: {cases.GROWTH: growth.measure(quick, _say)})
    for name, size, small, saves in (
        (cases.SAVE, "2000x10", "60x2", SAVES),
        (cases.SERVER, "10000x20", "100x3", 1),
    ):
        if name in wanted:
            attempt(
                name,
                partial(edited, name, small if quick else size, 1 if quick else saves),
            )
    _say(f"measured in {(time.monotonic() - began) / 60:.1f} minutes")
    return failed


def edited(name: str, size: str, saves: int) -> dict[str, Any]:
    """A project of this size in an editor."""
    found = editing.measure(size, saves)
    seconds = ", ".join(f"{s:.2f}" for s in found["save_seconds"])
    _say(f"{name}: {seconds} s, {found['peak_bytes'] / 1e6:.0f} MB")
    return {name: found}


def in_phases(name: str, quick: bool) -> dict[str, Any]:
    """Where the time of one cold measurement of a project goes."""
    project = PROJECTS[name]
    with written(project, quick) as folder:
        python = project.python()
        found = phases.measure(folder, python, environ(python, SNAPSIZE_NO_CACHE="1"))
    _say(f"phases, {project.title}: {found['whole']:.2f} s")
    return {"title": project.title, **found}


def draw(results: dict[str, Any], folder: Path) -> None:
    """Draw the plots, in an environment that has matplotlib and nothing to do with the tool's."""
    group = re.findall(r"^benchmark = \[.*?\]", (ROOT / "pyproject.toml").read_text(), re.M | re.S)
    python = environment("plots", *group, "--group", "pyproject.toml:benchmark")
    folder.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("plots.py")
    numbers = json.dumps(page.drawn(results))
    subprocess.run([python, script, folder], input=numbers, encoding="utf-8", check=True)


def machine() -> dict[str, Any]:
    """What the numbers were measured on, and when."""
    memory = Path("/proc/meminfo")
    total = re.findall(r"^MemTotal:\s+(\d+) kB", memory.read_text()) if memory.exists() else []
    processor = Path("/proc/cpuinfo")
    names = (
        re.findall(r"^model name\s*: (.+)$", processor.read_text(), re.M)
        if processor.exists()
        else []
    )
    return {
        "date": time.strftime("%Y-%m-%d"),
        "system": f"{platform.system()} {platform.release()}",
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": 1024 * int(total[0]) if total else None,
        "python": _version(environments.dagster_python()),
        "dagster": environments.NEWEST,
        "dbt_dagster": environments.requirements("dbt")[0].partition("==")[2],
    }


def _version(python: Path) -> str:
    printed = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout
    return printed.split()[1]


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
