"""Projects that ask for things, without Dagster: what they are told is measured through the cache.

Real are the cache with its keys and files, git, ``prepare``, and an interpreter with the probe's
audit hook. What a measurement would say is the answers to the questions of ``definitions.py``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from dagster_snapsize import PACKAGE
from dagster_snapsize.core.model import Inputs, Measurement, UncacheableCall
from dagster_snapsize.measuring.cache.lookup import Cache
from dagster_snapsize.measuring.environment import interpreter_environ
from dagster_snapsize.measuring.prepare import prepare
from dagster_snapsize.project.config import Config
from dagster_snapsize.project.interpreters import Interpreter
from dagster_snapsize.project.locations import CodeLocation
from support import ROOT
from support.files import write
from support.lsp_projects import git
from support.measurements import full_measurement

_BASE = evolve(full_measurement(), definition_files=(), assets=(), snapshots=(), ignores=())


@frozen
class Asked:
    """What a measurement said, whether it came from the cache, and why it was not stored."""

    answers: Mapping[str, str]
    is_hit: bool
    not_stored: tuple[str, ...] = ()


@frozen
class AskingProject:
    """A git repository with a project, a folder beside it, an environment and a cache."""

    folder: Path
    environ: dict[str, str] = field(factory=dict)
    commands: tuple[tuple[str, ...], ...] = ()

    @property
    def root(self) -> Path:
        return self.folder / "project"

    @property
    def packages(self) -> Path:
        """Where its environment has what is installed."""
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        return self.root / ".venv" / "lib" / version / "site-packages"

    @property
    def location(self) -> CodeLocation:
        return CodeLocation(
            name="asking",
            target={"module_name": "definitions"},
            working_directory=self.root,
            root=self.root,
            executable_path=None,
            source="the test",
            config=Config(prepare=self.commands),
            dagster_cloud=None,
            cwd=self.root,
            folder=self.root,
            stable_name="asking",
        )

    @property
    def interpreter(self) -> Interpreter:
        return Interpreter(str(self.root / ".venv" / "bin" / "python"), "the test")

    def cache(self) -> Cache:
        return Cache(self.location, self.interpreter, self._environ())

    def ask(self) -> Asked:
        """The answers through the cache."""
        cache = self.cache()
        hit = cache.look_up()
        if hit is not None:
            return Asked(dict(hit.measurement.target), True)
        measurement = self._measured(cache)
        return Asked(dict(measurement.target), False, cache.keep(measurement))

    def ask_without_cache(self) -> Mapping[str, str]:
        return dict(self._measured(None).target)

    def _environ(self) -> dict[str, str]:
        plain = {"PATH": os.environ["PATH"], "SNAPSIZE_CACHE_DIR": str(self.folder / "cache")}
        return {**plain, **self.environ}

    def _measured(self, cache: Cache | None) -> Measurement:
        environ = self._environ()
        failure = prepare(
            *(self.location, self.interpreter, environ), lambda step: None, lambda process: None
        )
        assert failure is None, failure
        wait_for_the_next_tick()
        if cache is not None:
            cache.begin()
        script = ROOT / "tests" / "support" / "stand_in_probe.py"
        done = subprocess.run(
            [self.interpreter.path, str(script), str(PACKAGE / "probe")],
            cwd=self.root,
            env=interpreter_environ(self.interpreter.path, environ),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        return evolve(_BASE, target=result["answers"], inputs=_inputs(result["inputs"]))


def _inputs(found: Mapping[str, Any]) -> Inputs:
    rows = {name: tuple(value) for name, value in found.items()}
    rows["installed"] = tuple(map(tuple, found["installed"]))
    rows["uncacheable"] = tuple(UncacheableCall(**call) for call in found["uncacheable"])
    return Inputs(**rows)


def asking_project(
    folder: Path, questions: Mapping[str, str], files: Mapping[str, str] | None = None
) -> AskingProject:
    """Write a project whose definitions ask the ``questions``: Python expressions by name.

    ``files`` are further ones by their path from the project's folder. git ignores ``generated``,
    and tracks all others but ``new``.
    """
    project = AskingProject(folder)
    (folder / "beside").mkdir(parents=True)
    asked = ", ".join(f"{name!r}: ask(lambda: {text})" for name, text in questions.items())
    whole = {
        ".gitignore": "generated/\n.venv\n__pycache__/\n",
        "definitions.py": f"{_PREAMBLE}ANSWERS = {{{asked}}}\n",
        **(files or {}),
    }
    for name, text in whole.items():
        write(project.root / name, text)
    bin_folder = project.root / ".venv" / "bin"
    bin_folder.mkdir(parents=True)
    (bin_folder / "python").symlink_to(Path(sys.executable).resolve())
    home = Path(sys.executable).resolve().parent
    (project.root / ".venv" / "pyvenv.cfg").write_text(f"home = {home}\n", encoding="utf-8")
    project.packages.mkdir(parents=True)
    git(project.root, "init", "-q")
    git(project.root, "add", "-A", "--", ".", ":!new")
    return project


_PREAMBLE = """\
import os
from pathlib import Path

def ask(question):
    try:
        return str(question())
    except Exception as error:
        return type(error).__name__

def through_c(path):
    import sqlite3
    connection = sqlite3.connect(":memory:")
    if not os.path.exists(path):
        return "none"
    connection.execute("attach ? as other", [path])
    rows = connection.execute("select text from other.texts").fetchall()
    connection.close()
    return rows

"""


def remove(path: Path) -> None:
    """Remove what is there, if anything."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def wait_for_the_next_tick() -> None:
    """What was written before has an older time than what is written now."""
    # The clocks of cache/lookup.py, which are behind that of time_ns().
    start = time.time_ns()
    if sys.platform == "linux":
        while time.clock_gettime_ns(5) <= start:
            pass
    else:
        while time.time_ns() <= start + 50_000_000:
            pass
