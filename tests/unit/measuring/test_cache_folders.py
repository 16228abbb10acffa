"""What lies below the one cache folder: private, bounded, cleared, unless it is in use."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from dagster_snapsize.cli.main import cli
from dagster_snapsize.measuring.cache.folders import (
    lock_of,
    make_private,
    remove_unused,
)
from dagster_snapsize.measuring.file_lock import held


def used(folder: Path, at: int) -> Path:
    make_private(folder)
    (folder / "file").write_bytes(b"x" * 10)
    os.utime(folder, (at, at))
    return folder


def test_folders_are_private(tmp_path: Path) -> None:
    make_private(tmp_path / "cache" / "results")
    assert stat.S_IMODE((tmp_path / "cache" / "results").stat().st_mode) == 0o700


def test_what_changed_last_is_kept(tmp_path: Path) -> None:
    folders = [used(tmp_path / str(number), 100 + number) for number in range(4)]
    assert remove_unused(tmp_path, keep=2) == (2, 20)
    assert [folder.exists() for folder in folders] == [False, False, True, True]


def test_what_changed_in_the_last_days_is_kept(tmp_path: Path) -> None:
    now = int(time.time())
    folders = [used(tmp_path / str(days), now - days * 24 * 3600) for days in range(10)]
    assert remove_unused(tmp_path, keep=2, days=7) == (3, 30)
    assert [folder.exists() for folder in folders] == [True] * 7 + [False] * 3


def test_what_another_process_makes_under_its_lock_is_kept(tmp_path: Path) -> None:
    one, other = used(tmp_path / "one", 1), used(tmp_path / "other", 2)
    lock = held(lock_of(one))
    assert lock is not None
    with lock:
        assert remove_unused(tmp_path) == (1, 10)
        assert (one.exists(), other.exists()) == (True, False)
    assert remove_unused(tmp_path) == (1, 10)
    assert not list(tmp_path.iterdir())


def test_a_lock_that_was_removed_with_its_folder_is_made_again(tmp_path: Path) -> None:
    """Two processes would each hold one of the same name."""
    path = tmp_path / "lock"
    first = held(path)
    assert first is not None
    path.unlink()
    second = held(path)
    assert second is not None and path.exists()
    assert held(path) is None
    first.close()
    assert held(path) is None
    second.close()


def test_everything_is_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSIZE_CACHE_DIR", str(tmp_path))
    for name in ("environments", "results", "reports"):
        used(tmp_path / name / "1234", 1)
    done = CliRunner().invoke(cli, ["cache", "clear"])
    assert done.stdout.splitlines()[1:] == [
        "removed 1 environment of advise --dagster, 10 B",
        "removed 1 result of the language server, 10 B",
        "removed 1 report of the language server, 10 B",
    ]
    assert not [path for path in tmp_path.rglob("*") if path.name == "file"]
