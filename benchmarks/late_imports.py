"""Whether an import that could wait saves what `advise` claims: it is moved, and both are timed.

    python benchmarks/late_imports.py [--rounds 5]

In each round `advise` names the imports of a small project and what the load takes less without
them, `measure` times the load, and both times are compared with that of the project whose imports
are where `advise` says. It prints the shortest of each as a table for docs/load-time.md: other
programs make times longer, never shorter.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from projects import environ, environment
from support import environments
from support.slow_project import write_slow_project

PACKAGES = ("pandas", "scikit-learn")
CASES = {
    "a package that sleeps for 0.6 s": ("import slow_wheel",),
    "`pandas`": ("import pandas as pd",),
    "`sklearn.ensemble`": ("import sklearn.ensemble as ensemble",),
    "the first two": ("import slow_wheel", "import pandas as pd"),
}


def write(folder: Path, statements: tuple[str, ...]) -> None:
    """A project that imports at the top of its module what one asset each uses."""
    assets = [
        f"@dg.asset\ndef asset_{number}():\n    return {statement.split()[-1]}.__file__\n"
        for number, statement in enumerate(statements)
    ]
    source = "\n".join(["import dagster as dg", *statements, "\n", *assets])
    (folder / "pipeline.py").write_text(source, encoding="utf-8")


def move(file: Path, advised: list[dict[str, Any]]) -> None:
    """Move each import into the functions that `advise` names."""
    lines = file.read_text(encoding="utf-8").splitlines()
    moved = []
    for late in advised:
        (place,) = late["places"]
        moved.append((lines[place["line"] - 1], late["functions"]))
        lines[place["line"] - 1] = ""
    for statement, functions in moved:
        for function in functions:
            lines.insert(lines.index(f"def {function}:") + 1, f"    {statement}")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(command: str, folder: Path, python: Path, env: Mapping[str, str]) -> Any:
    """The first location in the JSON of the command, measured anew."""
    options = ("--format", "json", "--no-cache", "-f", "pipeline.py", "--python", str(python))
    done = subprocess.run(
        [sys.executable, "-m", "dagster_snapsize", command, *options],
        cwd=folder,
        env=environ(python, **env),
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)["locations"][0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    wanted = (f"dagster=={environments.NEWEST}", *PACKAGES)
    python = environment("late-imports", "\n".join(wanted), *wanted)
    print("| import | claimed | the load before | after | saved | saved of claimed |")
    print("| --- | --- | --- | --- | --- | --- |")
    for title, statements in CASES.items():
        claims, before, after = [], [], []
        with tempfile.TemporaryDirectory(prefix="benchmark") as temporary:
            base = Path(temporary).resolve()
            env = write_slow_project(base, python).env
            old, new = base / "old", base / "new"
            for folder in (old, new):
                folder.mkdir()
                write(folder, statements)
            run("measure", old, python, env)  # reads files from the disk, compiles modules
            advised = run("advise", old, python, env)["imports"]
            assert len(advised) == len(statements), advised
            move(new / "pipeline.py", advised)
            for _ in range(rounds):
                found = run("advise", old, python, env)["imports"]
                if len(found) == len(statements):  # none of them took less than what is named
                    claims.append(sum(late["seconds"] for late in found))
                before.append(run("measure", old, python, env)["seconds"]["load"])
                after.append(run("measure", new, python, env)["seconds"]["load"])
        claim, was, now = map(min, (claims, before, after))
        cells = (f"{claim:.2f} s", f"{was:.2f} s", f"{now:.2f} s", f"{was - now:.2f} s")
        print(f"| {title} | {' | '.join(cells)} | {100 * (was - now) / claim:.0f} % |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
