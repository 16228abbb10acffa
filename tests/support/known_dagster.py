"""Writes ``probe/fastpath/known.py``: fingerprints of the functions that the probe may replace.

    python tests/support/known_dagster.py            print those of each Dagster
    python tests/support/known_dagster.py --write    write them, after each was tried

A fingerprint is written only after a location with all kinds of definitions was measured on that
Dagster with ``verify``, and every text was the same both ways.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROBE = ROOT / "server" / "dagster_snapsize" / "probe"
KNOWN = PROBE / "fastpath" / "known.py"
# Releases between the supported ones in which some function was another: with them every release
# from 1.8.12 to the newest is known.
BETWEEN = ("1.9.8", "1.13.5", "1.13.23")
EVERYTHING = ROOT / "tests" / "projects" / "everything"
sys.path[:0] = [str(ROOT / "server"), str(ROOT / "tests")]  # as a program

from dagster_snapsize.probe.protocol import read_frames  # noqa: E402
from support.environments import SUPPORTED, dagster_python  # noqa: E402

_ASK = """
import importlib.util, json, sys, warnings
warnings.simplefilter("ignore")
import dagster, dagster._grpc.server
init, folder = sys.argv[1:]
find = importlib.util.spec_from_file_location
spec = find("probe", init, submodule_search_locations=[folder])
sys.modules["probe"] = importlib.util.module_from_spec(spec)
from probe.fastpath.fingerprints import Fingerprints
from probe.fastpath import sources
found = sources()
prints = {step: Fingerprints().of(functions) for step, functions in found._asdict().items()}
pack_items = found.packing[4].__code__
print(json.dumps([prints, "field_value" in pack_items.co_varnames]))
"""
_HEAD = '''"""Fingerprints of functions that may be replaced, with the first release of each.

Written by ``python tests/support/known_dagster.py --write``, which tries each on a real Dagster.
"""

from typing import Dict

# Whether a field is skipped by what its serializer made of it, and not by its value.
'''


def fingerprints(version: str) -> tuple[dict[str, str], bool]:
    """By step; and whether this Dagster packs a field before it looks whether to skip it."""
    command = [dagster_python(version), "-c", _ASK, PROBE / "__init__.py", PROBE]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    prints, skips_packed = json.loads(done.stdout)
    return prints, skips_packed


def table(versions: tuple[str, ...]) -> str:
    """The text of known.py for these Dagsters."""
    steps: dict[str, dict[str, tuple[str, bool]]] = {}
    for version in versions:
        prints, skips_packed = fingerprints(version)
        for step, value in prints.items():
            steps.setdefault(step, {}).setdefault(value, (version, skips_packed))
    lines = ["PACKING: Dict[str, bool] = {"]
    lines += [f'    "{v}": {skips},  # {first}' for v, (first, skips) in steps["packing"].items()]
    lines += ["}"]
    for step in ("job_ids", "requirements"):
        lines += [f"{step.upper()}: Dict[str, str] = {{"]
        lines += [f'    "{v}": "{first}",' for v, (first, _) in steps[step].items()]
        lines += ["}"]
    return _HEAD + "\n".join(lines) + "\n"


def _order(version: str) -> list[int]:
    return list(map(int, version.split(".")))


def frames(python: Path, *, probe: Path = PROBE, verify: bool) -> list[dict[str, Any]]:
    """The headers of all frames that a probe sends of a location with everything in it."""
    return frames_of("everything.definitions", EVERYTHING, python, probe=probe, verify=verify)


def frames_of(
    module: str, folder: Path, python: Path, *, probe: Path = PROBE, verify: bool = False
) -> list[dict[str, Any]]:
    """The headers of all frames that a probe sends of the definitions in a module."""
    request = {
        "target": {"module_name": module},
        "location_name": module.partition(".")[0],
        "working_directory": str(folder),
        "tree": str(folder),
        "dotenv": None,
        "env": {},
        "deadline": time.time() + 120,
        "limits_only": False,
        "verify": verify,
    }
    with subprocess.Popen(
        [python, "-W", "ignore", probe, json.dumps(request)],
        cwd=folder,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        return [header for header, _ in read_frames(process.stdout)]


def measure_both_ways(version: str) -> dict[str, Any]:
    """The last frame of a measurement with ``verify``."""
    return frames(dagster_python(version), verify=True)[-1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write probe/fastpath/known.py")
    given = parser.parse_args()
    before = KNOWN.read_text()
    versions = tuple(sorted((*SUPPORTED, *BETWEEN), key=_order))
    wanted = table(versions)
    if not given.write:
        print(wanted)
        sys.exit("known.py is out of date: run with --write" if wanted != before else None)
    KNOWN.write_text(wanted)
    for version in versions:
        last = measure_both_ways(version)
        if last["type"] != "done" or last["unknown_steps"]:
            KNOWN.write_text(before)
            sys.exit(f"Dagster {version}: {last}")
        print(f"Dagster {version}: every text is the same both ways")


if __name__ == "__main__":
    main()
