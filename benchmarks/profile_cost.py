"""What it costs to look where the load time goes: processor time of the probe with and without it.

    python benchmarks/profile_cost.py [--pairs 10] [--quick] [PROJECT ...]

runs the probe in pairs, with and without its thread in turn, and prints the medians and their ratio
for each project of projects.py; 2000x10 and dbt unless named.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from projects import PROJECTS, ROOT, environ, written

PROBE = ROOT / "server" / "dagster_snapsize" / "probe"
WITHOUT = """
import runpy, sys
probe = runpy.run_path(sys.argv[1] + "/__main__.py", run_name="probe")
probe["_as_package"]("load_profile").LoadProfile.start = lambda self: None
probe["_as_package"]("session").main(sys.argv[2])
"""


def seconds(command: list[str], folder: Path, env: dict[str, str]) -> float:
    """Processor time of the process, user and system."""
    process = subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, command
    return usage.ru_utime + usage.ru_stime


def request(folder: Path) -> str:
    """What the tool asks the probe for."""
    return json.dumps(
        {
            "target": {"module_name": "warehouse.definitions"},
            "location_name": "warehouse",
            "working_directory": str(folder),
            "tree": str(folder),
            "dotenv": None,
            "env": {},
            "deadline": time.time() + 600,
            "limits_only": False,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("projects", nargs="*", metavar="PROJECT", default=["2000x10", "dbt"])
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="small projects")
    given = parser.parse_args()
    for name in given.projects:
        project = PROJECTS[name]
        python = project.python()
        with written(project, given.quick) as folder:
            env = environ(python)
            ways = {
                "with": [str(python), str(PROBE)],
                "without": [str(python), "-c", WITHOUT, str(PROBE)],
            }
            took: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(given.pairs):
                for way, command in ways.items():
                    took[way].append(seconds([*command, request(folder)], folder, env))
        medians = {way: statistics.median(times) for way, times in took.items()}
        ratios = sorted(a / b for a, b in zip(took["with"], took["without"], strict=True))
        print(
            f"{name}: {medians['with']:.2f} s with, {medians['without']:.2f} s without:"
            f" {medians['with'] / medians['without']:.3f} x (of pairs: median"
            f" {statistics.median(ratios):.3f}, {ratios[0]:.3f} to {ratios[-1]:.3f})"
        )


if __name__ == "__main__":
    sys.exit(main())
