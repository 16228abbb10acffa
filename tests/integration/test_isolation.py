"""The tool imports nothing from folders that others can write to, nor from the project."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dagster_snapsize import PACKAGE
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.lsp.workers.process import own_command
from dagster_snapsize.measuring.upgrade.environment import upgraded
from dagster_snapsize.project.interpreters import Interpreter
from support.environments import NEWEST

MODULES = {
    *sys.stdlib_module_names,
    *(
        name.partition(".")[0]
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    ),
} - {"", "__main__", "dagster_snapsize"}


class Planted:
    """A folder with a module of every name that the tool imports; each notes that it was run."""

    def __init__(self, folder: Path):
        self.folder = folder / "planted"
        self.folder.mkdir()
        self._log = folder / "log"
        for name in MODULES:
            self.add(name)

    def add(self, name: str) -> None:
        text = f"open({str(self._log)!r}, 'a').write({name + ' '!r})\nraise SystemExit(99)\n"
        (self.folder / f"{name}.py").write_text(text)

    @property
    def executed(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    return Planted(tmp_path)


def environ(**more: str) -> Mapping[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | more


def test_the_commands_import_nothing_from_the_working_directory(planted: Planted) -> None:
    planted.add("dagster_snapsize")
    script = Path(sys.executable).with_name("dagster-snapsize")
    for command in ([script, "--version"], [script, "cache", "clear"], [script, "check"]):
        done = subprocess.run(
            command,
            cwd=planted.folder,
            env=environ(TMPDIR=str(planted.folder), SNAPSIZE_CACHE_DIR=str(planted.folder / "c")),
            capture_output=True,
            check=False,
        )
        assert done.returncode in (0, 2), done.stderr
    assert not planted.executed


def test_python_dash_m_imports_nothing_of_ours_from_the_working_directory(
    planted: Planted,
) -> None:
    # What Python imports for `-m` itself comes from there, whatever it runs.
    show = "import sys; print(*sys.modules)"
    (planted.folder.parent / "nothing.py").write_text(show)
    first = [sys.executable, "-m", "nothing"]
    loaded = subprocess.run(first, cwd=planted.folder.parent, capture_output=True, check=True)
    for name in loaded.stdout.decode().split():
        (planted.folder / f"{name}.py").unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "dagster_snapsize", "--version"],
        cwd=planted.folder,
        env=environ(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, planted.executed) == (0, ""), done.stderr


def test_processes_of_the_server_import_nothing_from_the_project(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(planted.folder))
    monkeypatch.setenv("PYTHONPATH", str(planted.folder))
    command = own_command("dagster_snapsize.measuring.worker.write_baseline")
    monkeypatch.undo()
    done = subprocess.run(
        command,
        env=environ(PYTHONPATH=str(planted.folder)),
        input=json.dumps({"root": str(planted.folder), "results": []}).encode(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, planted.executed) == (0, ""), done.stderr


def test_upgrades_import_nothing_from_the_folder_for_temporary_files(
    planted: Planted,
    tmp_path: Path,
    dagster_python: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(planted.folder)
    monkeypatch.setattr("tempfile.tempdir", str(planted.folder))
    given = environ(
        PYTHONPATH=str(planted.folder),
        SNAPSIZE_CACHE_DIR=str(tmp_path / "cache"),
        PIP_NO_INDEX="1",
    )
    interpreter = Interpreter(str(dagster_python(NEWEST)), "the test")
    steps: list[str] = []
    with pytest.raises(UserError, match="has no"):
        upgraded(interpreter, "latest", given, steps.append)
    assert steps == ["making an environment", "asking for the latest Dagster"]
    assert not planted.executed
