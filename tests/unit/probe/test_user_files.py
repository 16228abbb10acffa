"""Whose file it is: the user's own or an installed one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster_snapsize

_SERVER = Path(dagster_snapsize.__file__).parent.parent
_ASK = """
import sys
from dagster_snapsize.probe.user_files import UserFiles
files = UserFiles(sys.argv[1], "shop")
for path in sys.argv[2:]:
    print(files.is_users(path))
"""


def _are_users(python: Path, tree: Path, paths: list[Path]) -> list[bool]:
    done = subprocess.run(
        [python, "-c", _ASK, tree, *paths],
        env={**os.environ, "PYTHONPATH": str(_SERVER)},
        capture_output=True,
        text=True,
        check=True,
    )
    return [line == "True" for line in done.stdout.split()]


def test_an_environment_named_like_the_package_is_not_the_users(tmp_path: Path) -> None:
    environment = tmp_path / "shop"
    command = [sys.executable, "-m", "venv", "--without-pip", environment]
    subprocess.run(command, check=True)
    packages = next(environment.glob("[Ll]ib/**/site-packages"))
    python = next(p for p in environment.glob("*/python*") if p.stem == "python")
    paths = {
        tmp_path / "pipelines" / "assets.py": True,
        packages / "pandas" / "__init__.py": False,
        packages / "other" / "shop" / "assets.py": False,
        packages / "shop" / "assets.py": True,
        packages / "shop.py": True,
        environment / "share" / "notes.txt": False,
    }
    assert _are_users(python, tmp_path, list(paths)) == list(paths.values())


def test_the_probe_is_nobodys_code_at_any_depth(tmp_path: Path) -> None:
    # Its own folder may stand in the user's tree, as in a checkout of this project.
    probe = _SERVER / "dagster_snapsize" / "probe"
    paths = [probe / "session.py", probe / "inner" / "deeper" / "part.py"]
    assert _are_users(Path(sys.executable), _SERVER, paths) == [False, False]
