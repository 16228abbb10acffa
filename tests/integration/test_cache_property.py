"""Whatever is changed in a Dagster project, a hit is what a new measurement says.

tests/unit/measuring/test_cache_questions.py has more ways to ask and to change, without Dagster.

A random sequence of changes and of changes taken back, each followed by a measurement through the
cache and by one without. ``SNAPSIZE_SEQUENCES`` says how many sequences; ``SNAPSIZE_SEED`` makes
one of them again.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support import environments
from support.cached_project import CachedProject, cached_project, sizes, write_database
from support.lsp_projects import git

STEPS = 6
SEQUENCES = int(os.environ.get("SNAPSIZE_SEQUENCES", "1"))
USES_LIBRARY = (
    "\nimport texts\n\n\n@dg.asset(description=texts.TEXT)\ndef libraried() -> None: ...\n"
)


class Steps:
    """Changes of one project; each may be made again, and says what it did."""

    def __init__(self, project: CachedProject, seed: int):
        self.project = project
        self.random = random.Random(seed)
        self.definitions = project.folder / "shop" / "definitions.py"
        self.library = site_packages(project) / "texts.py"
        self.made = 0
        self.env: dict[str, str] = {}

    def take(self) -> str:
        """One of them, by chance."""
        kinds = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("step_")]
        kind: Callable[[], None] = self.random.choice(kinds)
        kind()
        return kind.__name__

    def text(self) -> str:
        return self.random.choice(["one", "two", "é", "three words here", "x" * 300])

    def step_edit_a_module(self) -> None:
        source = self.definitions.read_text()
        before, name, after = source.partition('"CUSTOMERS", ')
        after = after[after.index(")") :]
        self.definitions.write_text(f"{before}{name}{self.text()!r}{after}")

    def step_edit_within_the_same_time_and_length(self) -> None:
        listed = self.project.folder / "shop" / "listed.py"
        for path in (listed, self.project.folder / "generated" / "texts.json"):
            status, text = path.stat(), path.read_bytes()
            # As many bytes in the file, but not in a snapshot.
            one, other = b"<al>", "<é>".encode()
            path.write_bytes(text.replace(*((one, other) if one in text else (other, one))))
            assert path.stat().st_size == status.st_size
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def step_rename_a_file(self) -> None:
        tables = sorted((self.project.folder / "shop" / "tables").iterdir())
        self.made += 1
        self.random.choice(tables).rename(tables[0].with_name(f"renamed_{self.made}.table"))

    def step_new_file_in_a_folder(self) -> None:
        self.made += 1
        place = self.random.choice([self.project.folder / "shop" / "tables", self.project.outside])
        (place / f"new_{self.made}.table").touch()

    def step_remove_a_file(self) -> None:
        tables = sorted((self.project.folder / "shop" / "tables").iterdir())
        if len(tables) > 1:
            self.random.choice(tables).unlink()

    def step_missing_file_appears_or_goes(self) -> None:
        path = self.project.outside / "extra.txt"
        if path.exists():
            path.unlink()
        else:
            path.write_text(self.text())

    def step_edit_an_ignored_file(self) -> None:
        path = self.project.folder / "generated" / "texts.json"
        path.write_text(json.dumps({"orders": f"all orders {self.text()} <al>"}))

    def step_replace_the_database(self) -> None:
        write_database(self.project, self.text())

    def step_environment(self) -> None:
        name = self.random.choice(["CUSTOMERS", "UNUSED", "TZ"])
        values = {"TZ": ["UTC", "Asia/Tokyo"]}.get(name, [self.text()])
        self.env = {name: self.random.choice(values)} if name not in self.env else {}

    def step_dotenv(self) -> None:
        path = self.project.folder / ".env"
        if path.exists():
            path.unlink()
        else:
            path.write_text(f"CUSTOMERS={self.text()}")

    def step_edit_what_is_installed(self) -> None:
        self.library.write_text(f"TEXT = {self.text()!r}\n")

    def step_install_another_version(self) -> None:
        self.made += 1
        install_library(self.project, f"{self.made}.0", self.text())

    def step_edit_while_it_is_measured(self) -> None:
        source = self.definitions.read_text()
        edit = "(HERE / 'generated' / 'texts.json').write_text('{\"orders\": \"while <al>\"}')"
        if edit in source:
            self.definitions.write_text(source.replace(f"\n{edit}\n", ""))
        else:
            self.definitions.write_text(f"{source}\n{edit}\n")

    def step_back_to_the_commit(self) -> None:
        git(self.project.folder, "checkout", "-q", ".")

    def step_nothing(self) -> None:
        pass


@pytest.fixture(scope="module")
def own_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter in an environment that the test may install into: a copy of the newest."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    real = environments.dagster_python().parents[1]
    shutil.copytree(real, folder, symlinks=True, copy_function=_link)
    return folder / "bin" / "python"


def _link(source: str, target: str) -> None:
    """Its thousands of files are not written to."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # on another file system
        shutil.copy2(source, target, follow_symlinks=False)


def site_packages(project: CachedProject) -> Path:
    return next((project.folder / ".venv").glob("lib/python*/site-packages"))


def install_library(project: CachedProject, version: str, text: str) -> None:
    """What an installer does for a distribution of one module, in place of the one before."""
    folder = site_packages(project)
    for old in folder.glob("texts-*.dist-info"):
        shutil.rmtree(old)
    (folder / "texts.py").write_text(f"TEXT = {text + version!r}\n")
    about = folder / f"texts-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: texts\nVersion: {version}\n")
    (about / "RECORD").write_text(f"texts.py,,\n{about.name}/METADATA,,\n")


@pytest.mark.parametrize("sequence", range(SEQUENCES))
def test_the_cache_never_says_what_is_not_so(
    sequence: int, tmp_path: Path, own_python: Path
) -> None:
    seed = int(os.environ.get("SNAPSIZE_SEED", sequence))
    project = cached_project(tmp_path, own_python)
    install_library(project, "0.1", "first")
    definitions = project.folder / "shop" / "definitions.py"
    source = definitions.read_text()
    definitions.write_text(
        source.replace("\n\ndefs =", f"\n{USES_LIBRARY}\n\ndefs =").replace(
            "[orders,", "[libraried, orders,"
        )
    )
    git(project.folder, "commit", "-qam", "use the library")
    steps = Steps(project, seed)
    taken: list[str] = []
    hits = 0
    for _ in range(STEPS):
        taken.append(steps.take())
        through = project.measure(env=steps.env)
        fresh = project.measure("--no-cache", env=steps.env)
        # What was edited while it was measured is of the time before, and is not kept.
        if not through["cache"]["not_stored"]:
            assert sizes(through) == sizes(fresh), f"seed {seed}: {taken}"
        hits += through["cache"]["hit"]
        if steps.random.random() < 0.3:
            again = project.measure(env=steps.env)
            assert sizes(again) == sizes(fresh), f"seed {seed}: {taken}, twice"
            assert again["cache"]["hit"] or through["cache"]["not_stored"], f"{seed}: {taken}"
            hits += again["cache"]["hit"]
    assert hits, f"seed {seed}: {taken}"
