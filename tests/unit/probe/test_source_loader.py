"""When the bytecode beside a module is taken for what the source says now."""

from __future__ import annotations

import os
import py_compile
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dagster_snapsize.probe import source_loader
from dagster_snapsize.probe.source_loader import kept_bytecode

pytestmark = pytest.mark.skipif(os.name != "posix", reason="nothing is sure on Windows")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module whose bytecode was written after its last edit, which is long enough here."""
    monkeypatch.setattr(source_loader, "_MARGIN", 0)
    path = tmp_path / "module.py"
    path.write_text("VALUE = 1\n\n\ndef read():\n    return VALUE\n")
    edited = path.stat().st_ctime_ns
    while Path(_compiled(path)).stat().st_ctime_ns <= edited:
        pass  # the clock that stamps files is a coarse one
    _age(_bytecode(path), 60)
    return path


def _compiled(path: Path) -> str:
    return str(py_compile.compile(str(path), dfile="elsewhere/module.py"))


def _age(file: Path, seconds: float) -> None:
    later = time.time() + seconds
    os.utime(file, (later, later))


def _bytecode(source: Path) -> Path:
    return next((source.parent / "__pycache__").iterdir())


def _value(source: Path) -> int | None:
    code = kept_bytecode(str(source))
    space: dict[str, int] = {}
    if code is not None:
        exec(code, space)
    return space.get("VALUE")


def test_what_was_written_long_after_the_last_edit_is_taken(source: Path) -> None:
    assert _value(source) == 1


def test_functions_are_said_to_be_where_the_source_is(source: Path) -> None:
    code = kept_bytecode(str(source))
    assert code is not None
    names = {code.co_filename, *(c.co_filename for c in code.co_consts if hasattr(c, "co_name"))}
    assert names == {str(source)}


def test_an_edit_of_the_same_length_in_the_same_second_is_seen(source: Path) -> None:
    before = source.stat()
    bytecode = _bytecode(source)
    _age(bytecode, 0)
    source.write_text(source.read_text().replace("1", "2"))
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    # Python itself would take it: second and size are those that it was made of.
    assert source.stat().st_size == before.st_size
    assert _value(source) is None


def test_bytecode_that_calls_itself_newer_than_it_is_is_not_taken(source: Path) -> None:
    text, before = source.read_text(), source.stat()
    while source.stat().st_ctime_ns <= _bytecode(source).stat().st_ctime_ns:
        source.write_text(text.replace("1", "2"))
        os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert _value(source) is None


@pytest.mark.parametrize("length", [0, 10, 16, 40])
def test_a_file_that_is_cut_off_is_not_taken(source: Path, length: int) -> None:
    bytecode = _bytecode(source)
    bytecode.write_bytes(bytecode.read_bytes()[:length])
    _age(bytecode, 60)
    assert kept_bytecode(str(source)) is None


def test_bytecode_of_another_python_is_not_taken(source: Path) -> None:
    bytecode = _bytecode(source)
    bytecode.write_bytes(b"\0\0" + bytecode.read_bytes()[2:])
    _age(bytecode, 60)
    assert kept_bytecode(str(source)) is None


def test_where_there_is_none_there_is_none(tmp_path: Path) -> None:
    assert kept_bytecode(str(tmp_path / "module.py")) is None


def test_what_an_import_hook_makes_of_a_module_is_executed(source: Path) -> None:
    code = """
import importlib.machinery, importlib.util, sys
from dagster_snapsize.probe.source_loader import SourceLoader
from dagster_snapsize.probe.user_files import UserFiles

class Changing(importlib.machinery.SourceFileLoader):
    def source_to_code(self, data, path, *, _optimize=-1):
        return super().source_to_code(data.replace(b"1", b"3"), path, _optimize=_optimize)

SourceLoader(UserFiles(".")).install()
for loader in (importlib.machinery.SourceFileLoader, Changing):
    made = loader("module", sys.argv[1])
    spec = importlib.util.spec_from_file_location("module", sys.argv[1], loader=made)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    print(module.VALUE)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, source], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "3"]
