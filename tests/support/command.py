"""Runs the installed command line as its user does: a process, with its output and exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

_MARK = "SNAPSIZE_TEST_MARK"


@frozen
class Result:
    """What a command printed, and its exit status."""

    status: int
    stdout: str
    stderr: str
    mark: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON value."""
        assert self.stdout, self.stderr
        return json.loads(self.stdout)

    def leftovers(self) -> list[str]:
        """Command lines of processes that the command started and that still run (Linux)."""
        return list(_marked(self.mark))


def clean_environment() -> dict[str, str]:
    """Our own variables without those that decide which interpreter or limits are found, how output
    looks, or which test runs.
    """
    dropped = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT")
    dropped += ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "GITHUB_WORKSPACE", "PYTEST_CURRENT_TEST")
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in dropped and not key.startswith(("DAGSTER_", "SNAPSIZE_"))
    }
    return {**kept, "PYTHONUTF8": "1"}


def snapsize(
    *arguments: str | os.PathLike[str],
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout: float = 600,
) -> Result:
    """Run ``dagster-snapsize`` in ``cwd``; everything that it starts carries a mark to be found by.

    The cache is off, unless ``env`` has SNAPSIZE_NO_CACHE empty.
    """
    mark = uuid.uuid4().hex
    done = subprocess.run(
        [sys.executable, "-m", "dagster_snapsize", *map(str, arguments)],
        cwd=cwd,
        env={**clean_environment(), "SNAPSIZE_NO_CACHE": "1", **(env or {}), _MARK: mark},
        capture_output=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"), mark)


def measure_json(*arguments: str | os.PathLike[str], cwd: Path, **options: Any) -> Any:
    """The JSON of ``measure``, whose every sum is checked first."""
    result = snapsize("measure", "--format", "json", *arguments, cwd=cwd, **options)
    assert result.stdout, result.stderr
    whole = result.json
    assert whole["exit_status"] == result.status
    check_sums(whole)
    return whole


def check_sums(whole: Any) -> None:
    """Every level of a measurement sums to the one above it, with no remainder."""
    for location in whole["locations"]:
        totals: dict[str, dict[str, int]] = {}
        for snapshot in location["snapshots"]:
            if snapshot["measured_by"] == "refusal":
                assert snapshot["stored_bytes"] is None and not snapshot["owners"]
                continue
            owned = sum(owner["bytes"] for owner in snapshot["owners"])
            assert owned == snapshot["stored_bytes"], snapshot["id"]
            assert snapshot["wire_bytes"] > snapshot["stored_bytes"]
            for owner in snapshot["owners"]:
                assert owner["bytes"] >= 0
                assert owner["name"] != "[unknown]", snapshot["id"]
                if owner["kind"] == "asset":
                    totals.setdefault(snapshot["repository"], {}).setdefault(owner["name"], 0)
                    totals[snapshot["repository"]][owner["name"]] += owner["bytes"]
        for asset in location["assets"]:
            total = asset["total_bytes"]
            assert total == totals[asset["repository"]].get(asset["key"], 0), asset["key"]
            assert total == sum(asset["fields"].values()), asset["key"]
            assert total == sum(asset["by_snapshot"].values()), asset["key"]
            assert total == asset["exclusive_bytes"] + asset["shared_bytes"], asset["key"]


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _marked(mark: str) -> Iterator[str]:
    wanted = f"{_MARK}={mark}".encode()
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if wanted in (process / "environ").read_bytes().split(b"\0"):
                yield (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue


def lines(text: str) -> Sequence[str]:
    """The lines of a text that hold anything."""
    return [line for line in text.splitlines() if line.strip()]
