"""The cases with their goals, and the runs that give their numbers.

All ways to measure one project are run in turns, and their order is turned round from one turn to
the next, so that whatever else the machine does falls on all. The sizes that they find are compared
in every turn: a fast wrong answer is no result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import ExitStack
from typing import Any

from attrs import asdict, frozen

from dagster_snapsize.measuring.forkserver import CAN_FORK
from processes import Run
from projects import PROJECTS, written
from ways import WAYS


@frozen
class Case:
    """A way to measure a project, and how long it may take as a part of the snippet's time."""

    name: str
    title: str
    project: str
    way: str
    goal: float


CASES = (
    Case("cold-tiny", "cold, 20 assets, 1 job", "tiny", "cold", 0.75),
    Case("cold-2000x10", "cold, 2,000 assets, 10 jobs", "2000x10", "cold", 0.48),
    Case("cold-10000x20", "cold, 10,000 assets, 20 jobs", "10000x20", "cold", 0.45),
    Case(
        "cold-all-in-each",
        "cold, 2,000 assets, 10 jobs that each select all",
        "all-in-each",
        "cold",
        0.45,
    ),
    Case("cold-dbt", "cold, dbt manifest of 3,000 models", "dbt", "cold", 0.8),
    Case("warm-tiny", "warm, 20 assets, 1 job", "tiny", "warm", 0.15),
    Case("warm-2000x10", "warm, 2,000 assets, 10 jobs", "2000x10", "warm", 0.38),
    Case(
        "warm-tiny-imports",
        "warm, 20 assets, 1 job, with pandas, scikit-learn and dbt",
        "tiny-imports",
        "warm",
        0.06,
    ),
    Case("warm-dbt", "warm, dbt manifest of 3,000 models", "dbt", "warm", 0.5),
    Case("unchanged-tiny", "nothing changed, 20 assets, 1 job", "tiny", "unchanged", 0.3),
    Case(
        "unchanged-2000x10", "nothing changed, 2,000 assets, 10 jobs", "2000x10", "unchanged", 0.06
    ),
)
SAVE, SERVER, GROWTH, PHASES = "save-2000x10", "server-10000x20", "growth", "phases"
NAMES = (*(case.name for case in CASES), SAVE, SERVER, GROWTH, PHASES)

MEMORY_GOAL = 1.2  # of the snippet's memory, for all processes of a measurement together
SAVE_GOAL_SECONDS = 0.5  # more than the warm measurement alone
SERVER_GOAL_BYTES = 150_000_000

KEPT = ("seconds", "cpu_seconds", "rss_bytes", "pss_bytes", "watching_seconds")

Say = Callable[[str], None]


def run_project(
    name: str, wanted: Collection[str], pairs: int | None, quick: bool, say: Say
) -> dict[str, Any]:
    """Run the wanted cases of one project beside the snippet; results by name of case."""
    project = PROJECTS[name]
    cases = [case for case in CASES if case.project == name and case.name in wanted]
    if not CAN_FORK:
        cases = [case for case in cases if case.way != "warm"]
    turns = pairs or (1 if quick else project.pairs)
    runs_before = 0 if quick else project.runs_before
    with written(project, quick) as folder, ExitStack() as stack:
        python = project.python()
        ways = {"official": stack.enter_context(WAYS["official"](folder, python))}
        for case in cases:
            ways[case.way] = stack.enter_context(WAYS[case.way](folder, python))
        done: dict[str, list[Run]] = {way: [] for way in ways}
        for turn in range(-runs_before, turns):
            order = list(ways) if turn % 2 else list(ways)[::-1]
            this = {way: ways[way]() for way in order}
            must_agree(project.title, this)
            if turn >= 0:
                for way, run in this.items():
                    done[way].append(run)
            taken = ", ".join(f"{way} {this[way].seconds:.2f} s" for way in ways)
            say(f"{project.title}: {taken}{'' if turn >= 0 else ' (not counted)'}")
    return {
        case.name: {
            "when": time.strftime("%Y-%m-%d %H:%M"),
            "snapshots": len(done["official"][0].sizes),
            "bytes": sum(done["official"][0].sizes),
            "official": [kept(run) for run in done["official"]],
            "ours": [kept(run) for run in done[case.way]],
        }
        for case in cases
    }


def must_agree(title: str, runs: dict[str, Run]) -> None:
    """SystemExit where the sizes differ."""
    found = {run.sizes for run in runs.values()}
    if len(found) != 1:
        listed = "".join(f"\n{way}: {run.sizes}" for way, run in runs.items())
        raise SystemExit(f"{title}: not the same sizes{listed}")


def kept(run: Run) -> dict[str, Any]:
    return asdict(run, filter=lambda field, value: field.name in KEPT)
