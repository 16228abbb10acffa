"""Measures how long the cache looks at a project, without and with 10,000 files that git ignores.

python benchmarks/ignored_files.py
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from dagster_snapsize.measuring.cache.file_states import FileStates
from dagster_snapsize.measuring.cache.project_files import read_project


def main() -> None:
    """Print the shortest of some times, in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / ".gitignore").write_text("data/\n", encoding="utf-8")
        for number in range(100):
            (root / f"module_{number}.py").write_text("x = 1\n" * 100, encoding="utf-8")
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        subprocess.run(["git", "add", "-A"], cwd=root, check=True)
        print(f"100 modules: {_milliseconds(root):.0f} ms")
        for number in range(10_000):
            path = root / "data" / str(number // 100) / f"{number}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        print(f"and 10,000 ignored files: {_milliseconds(root):.0f} ms")


def _milliseconds(root: Path) -> float:
    times = []
    for _ in range(7):
        began = time.perf_counter()
        read_project(root, FileStates())
        times.append(time.perf_counter() - began)
    return 1000 * min(times)


if __name__ == "__main__":
    main()
