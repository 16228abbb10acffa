"""Small projects for tests of the language server, which note each of their loads outside."""

from __future__ import annotations

import subprocess
from pathlib import Path

from attrs import frozen

SMALL = """\
import os

import dagster as dg

with open(LOG, "a") as log:
    log.write(dict(os.environ)["SNAPSIZE_TEST_MARK"] + "\\n")


@dg.asset(description="d" * 3000)
def orders() -> None: ...


@dg.asset(description="d" * 2000)
def customers() -> None: ...


defs = dg.Definitions(assets=[orders, customers])
"""
HANGS = """\
import os, subprocess, sys, time

import dagster as dg

subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], start_new_session=True)
with open(LOG, "a") as log:
    log.write(dict(os.environ)["SNAPSIZE_TEST_MARK"] + "\\n")
time.sleep(1000)
defs = dg.Definitions()
"""
CONFIG = """\
[tool.dagster-snapsize]
python-file = "definitions.py"

[tool.dagster-snapsize.budget]
asset = "3.5 kB"
"""


@frozen
class Small:
    """A project of one file, which notes each of its loads."""

    folder: Path
    definitions: Path
    config: Path
    log: Path

    @property
    def loads(self) -> list[str]:
        """What its code noted, once for each time that it was run."""
        return self.log.read_text().splitlines() if self.log.exists() else []


def small_project(
    folder: Path, python: Path, text: str = SMALL, config: str = CONFIG, log: Path | None = None
) -> Small:
    """Write a project of one file; ``LOG`` in its text becomes the path of a file beside it."""
    folder.mkdir(parents=True)
    small = Small(
        folder,
        folder / "definitions.py",
        folder / "pyproject.toml",
        log or folder.with_name(f"{folder.name}-loads"),
    )
    small.definitions.write_text(with_log(text, small), encoding="utf-8")
    small.config.write_text(config, encoding="utf-8")
    (folder / ".venv").symlink_to(python.parents[1])
    return small


def write_at_once(path: Path, content: str | bytes) -> None:
    """Write a file as editors do, so that a server that looks meanwhile never finds half of it."""
    whole = path.with_name(f".{path.name}.saving")
    whole.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    whole.replace(path.resolve())


def with_log(text: str, small: Small) -> str:
    """The text of definitions, with the path of the project's log in it."""
    return text.replace("LOG", repr(str(small.log)))


def line_of(path: Path, start: str) -> int:
    """The first line (from 1) of a file that begins so."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.startswith(start))


def git(folder: Path, *arguments: str) -> None:
    """Run git there, as nobody in particular."""
    who = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)
