"""Whatever a project asks for, a hit says what a new measurement says, or docs/cache.md lists it.

Projects ask random questions, are measured, changed at random and measured again, through the cache
and without it. See support/questions.py for what of it is real. ``SNAPSIZE_EXAMPLES`` says how many
projects, ``SNAPSIZE_SEED`` with which number to begin.
"""

from __future__ import annotations

import os
import random
import socket
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve, frozen

from dagster_snapsize.measuring.cache import key
from support.files import write
from support.questions import (
    AskingProject,
    asking_project,
    remove,
    wait_for_the_next_tick,
)

EXAMPLES = int(os.environ.get("SNAPSIZE_EXAMPLES", "12"))
SEED = int(os.environ.get("SNAPSIZE_SEED", "0"))
PLACES = {"tracked": "data", "new": "new", "ignored": "generated", "beside": "../beside"}
KINDS = {
    "content": "open({path!r}).read()",
    "existence": "os.path.exists({path!r})",
    "listing": "sorted(os.listdir({folder!r}))",
    "outlines": "sorted((e.name, e.is_dir() or e.stat().st_size) for e in os.scandir({folder!r}))",
    "walk": "sorted(map(str, Path({folder!r}).rglob('*')))",
    "size": "os.stat({path!r}).st_size",
    "time": "os.stat({path!r}).st_mtime_ns",
    "kind": "os.path.isdir({path!r})",
    "link": "os.readlink({path!r})",
    "real path": "os.path.relpath(os.path.realpath({path!r}))",
    "library in C": "through_c({path!r})",
}
OTHERS = {
    "variable": "os.environ.get('CUSTOMERS')",
    "left out": "os.environ.get('SSH_HOST')",
    "copied": "dict(os.environ).get('SSH_HOST')",
    "package": "__import__('library').TEXT",
    "package data": "Path(__import__('library').__file__).with_name('library.txt').read_text()",
    "prepared": "Path('generated/made.txt').read_text()",
}
PREPARE = (
    "import pathlib; pathlib.Path('generated/made.txt').write_text(pathlib.Path({!r}).read_text())"
)
# What docs/cache.md lists under "What the cache does not notice".
LISTED = {
    *((kind, "beside") for kind in ("existence", "size", "time", "kind", "link", "real path")),
    *(("library in C", "beside"), ("walk", "beside")),
    *(("time", "tracked"), ("time", "new")),
    *(("copied", ""), ("package data", "")),
}


@frozen
class Question:
    """What is asked of which place; ``path`` is from the project's folder."""

    kind: str
    place: str
    path: str

    @property
    def expression(self) -> str:
        text = {**KINDS, **OTHERS}[self.kind]
        return text.format(path=self.path, folder=os.path.dirname(self.path))  # noqa: PTH120


class Example:
    """One project with one to three questions, by the number of the example."""

    def __init__(self, folder: Path, number: int):
        self.random = random.Random(number)
        self.swapped = False
        self.questions = [self._question() for _ in range(self.random.randint(1, 3))]
        files = {f"{place}/keep.txt": "kept" for place in PLACES.values()}
        expressions = {str(n): q.expression for n, q in enumerate(self.questions)}
        self.project = asking_project(folder, expressions, files)
        self.source = PLACES[self.random.choice(list(PLACES))] + "/source.txt"
        write(self.project.root / self.source, "a source")
        self._install("1.0", "first")
        for question in self.questions:
            if self.random.random() < 0.7 and question.path:
                self._put(self._target(question))
        if any(q.kind == "prepared" for q in self.questions):
            command = ("python", "-c", PREPARE.format(self.source))
            self.project = evolve(self.project, commands=(command,))

    def _question(self) -> Question:
        kind = self.random.choice([*KINDS, *OTHERS])
        if kind in OTHERS:
            return Question(kind, "", "")
        place = self.random.choice(list(PLACES))
        deep = self.random.choice(["", "below/", "below/deeper/"])
        return Question(kind, place, f"{PLACES[place]}/{deep}{self.random.choice('ab')}.x")

    def is_listed(self, question: Question) -> bool:
        """Whether the documentation says that a change is not noticed."""
        kind, place = question.kind, question.place
        # `prepare` is not run for a hit, and what it makes is in the ignored folder.
        is_prepared = any(q.kind == "prepared" for q in self.questions)
        if (
            is_prepared
            and self.source.startswith("..")
            and (kind == "prepared" or place == "ignored")
        ):
            return True
        if kind == "time" and self._target(question).is_dir():
            return True
        is_swapped = self.swapped and (kind, place) == ("library in C", "ignored")
        return is_swapped or (kind, place) in LISTED

    def change(self) -> str:
        """Change something that may matter."""
        question = self.random.choice(self.questions)
        other: dict[str, list[Callable[[], object]]] = {
            "variable": [lambda: self._set("CUSTOMERS")],
            "left out": [lambda: self._set("SSH_HOST")],
            "copied": [lambda: self._set("SSH_HOST")],
            "package": [lambda: self._install("1.0", self._text()), self._upgrade],
            "package data": [lambda: write(self._data(), self._text()), self._upgrade],
            "prepared": [
                lambda: write(self.project.root / self.source, self._text()),
                lambda: remove(self.project.root / "generated" / "made.txt"),
                lambda: write(self.project.root / "generated" / "made.txt", "by hand"),
            ],
        }
        target = self._target(question) if question.path else None
        if target is None:
            change = self.random.choice(other[question.kind])
            change()
            return f"{question.kind}: {change}"
        kinds = [self._put, remove, self._put_folder, self._put_link, self._touch, self._swap]
        act = self.random.choice(kinds)
        act(target)
        return f"{act.__name__} {target}"

    def _target(self, question: Question) -> Path:
        return self.project.root / question.path

    def _text(self) -> str:
        return self.random.choice(["one", "two", "three words", "é", "x" * 50])

    def _put(self, path: Path) -> None:
        """A database, as the library in C wants one."""
        remove(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path)
        connection.execute("create table texts (text)")
        connection.execute("insert into texts values (?)", [self._text()])
        connection.commit()
        connection.close()

    def _put_folder(self, path: Path) -> None:
        remove(path)
        path.mkdir(parents=True)

    def _put_link(self, path: Path) -> None:
        """To a file, a folder or nothing, in the project or beside it."""
        to = self.random.choice(["keep.txt", "../data", "nowhere", "../../beside/keep.txt"])
        remove(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(to)

    def _touch(self, path: Path) -> None:
        if path.exists():
            os.utime(path, (1, self.random.randint(1, 10**9)))

    def _swap(self, path: Path) -> None:
        """Other content of the same length at the same time."""
        if not path.is_file():
            return
        self.swapped = True
        status, content = path.stat(), path.read_bytes()
        path.write_bytes(content.replace(b"one", b"two") if b"one" in content else content[::-1])
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def _set(self, name: str) -> None:
        environ = {**self.project.environ, name: self._text()}
        self.project = evolve(self.project, environ=environ)

    def _install(self, version: str, text: str) -> None:
        packages = self.project.packages
        for old in packages.glob("*.dist-info"):
            remove(old)
        write(packages / "library.py", f"TEXT = {text!r}\n")
        write(self._data(), text)
        about = packages / f"library-{version}.dist-info"
        write(about / "METADATA", f"Name: library\nVersion: {version}\n")
        write(about / "RECORD", "library.py,,\nlibrary.txt,,\n")

    def _upgrade(self) -> None:
        self._install(f"{self.random.randint(2, 9)}.0", self._text())

    def _data(self) -> Path:
        return self.project.packages / "library.txt"


def check(folder: Path, number: int) -> tuple[bool, bool]:
    """Whether a changed project was a hit, and whether that one was of the listed kind."""
    example = Example(folder, number)
    project = example.project
    wait_for_the_next_tick()
    first = project.ask()
    again = project.ask()
    about = f"SNAPSIZE_SEED={number}: {example.questions}"
    assert again.is_hit or first.not_stored, about
    assert again.answers == first.answers, about
    assert not first.not_stored, (about, first.not_stored)
    changes = []
    hit = wrong = False
    for _ in range(example.random.randint(1, 2)):
        wait_for_the_next_tick()
        changes.append(example.change())
        found = example.project.ask()
        fresh = example.project.ask_without_cache() if found.is_hit else found.answers
        for name, question in enumerate(example.questions):
            if found.answers[str(name)] != fresh[str(name)]:
                assert example.is_listed(question), (about, changes, question)
                wrong = True
        hit = hit or found.is_hit
    return hit, wrong


def test_a_hit_is_what_a_new_measurement_says(tmp_path: Path) -> None:
    counts = [check(tmp_path / str(n), n) for n in range(SEED, SEED + EXAMPLES)]
    hits, listed = (sum(column) for column in zip(*counts, strict=True))
    print(f"{len(counts)} projects, {hits} hits after a change, {listed} of a listed kind")


def test_a_connection_that_a_library_in_c_keeps_is_not_stored(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = struct.pack("=H", socket.AF_INET)
        address += struct.pack("!H4s8x", server.getsockname()[1], b"\x7f\0\0\1")
        connect = (
            f"(c := __import__('ctypes').CDLL(None)).connect(c.socket(2, 1, 0), {address!r}, 16)"
        )
        project = asking_project(tmp_path, {"0": connect, "1": "__import__('socket').socketpair()"})
        assert project.ask().not_stored == ("the code opened a socket",)


@pytest.mark.parametrize("started_by", ["CI", "PRE_COMMIT"])
def test_in_ci_and_in_a_hook_a_hit_is_of_the_same_tool_interpreter_and_tree(
    started_by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = {"0": KINDS["existence"].format(path="generated/flag")}
    project = evolve(asking_project(tmp_path / "one", question), environ={started_by: "1"})
    wait_for_the_next_tick()
    assert [project.ask().is_hit, project.ask().is_hit] == [False, True]
    same_cache = {**project.environ, "SNAPSIZE_CACHE_DIR": str(project.folder / "cache")}
    other = evolve(asking_project(tmp_path / "other", question), environ=same_cache)
    assert not other.ask().is_hit
    with monkeypatch.context() as patch:
        patch.setattr(key, "_own_sources", lambda: "another version of the tool")
        assert not project.ask().is_hit
    assert project.ask().is_hit
    python = Path(project.interpreter.path)
    python.rename(python.with_name("python3"))
    python.symlink_to("python3")
    assert project.ask().is_hit
    python.unlink()
    python.write_bytes(python.with_name("python3").read_bytes())
    assert project.cache().look_up() is None


def test_a_shim_that_leads_to_another_python_is_not_a_hit(tmp_path: Path) -> None:
    project = asking_project(tmp_path, {"0": "__import__('sys').executable"})
    shim, where = Path(project.interpreter.path), tmp_path / "where"
    for name in ("one", "other"):
        (tmp_path / name).symlink_to(shim.resolve())
    shim.unlink()
    shim.write_text(f'#!/bin/sh\nexec "$(cat {where})" "$@"\n', encoding="utf-8")
    shim.chmod(0o755)
    where.write_text(str(tmp_path / "one"), encoding="utf-8")
    wait_for_the_next_tick()
    assert [project.ask().is_hit, project.ask().is_hit] == [False, True]
    where.write_text(str(tmp_path / "other"), encoding="utf-8")
    assert project.ask().answers == {"0": str(tmp_path / "other")}


def test_nothing_changed_is_a_hit_in_a_project_of_every_question(tmp_path: Path) -> None:
    expressions = {
        f"{kind} {place}": Question(kind, place, f"{folder}/a.x").expression
        for kind in KINDS
        for place, folder in PLACES.items()
    }
    project: AskingProject = asking_project(tmp_path, expressions)
    wait_for_the_next_tick()
    assert project.ask().not_stored == ()
    assert project.ask().is_hit
