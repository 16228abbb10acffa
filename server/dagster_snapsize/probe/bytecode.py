"""Bytecode that Python wrote beside a module, where it is surely that of the source as it is now.

Python takes a .pyc whose source has the same second and size (PEP 552), and an editor saves twice a
second. It is sure only where the .pyc was written well after the source was last touched, by a
clock that nobody can set for one file: its ctime.
"""

from __future__ import annotations

import importlib
import importlib.util
import marshal
import os
from types import CodeType
from typing import Any, Optional

_imp: Any = importlib.import_module("_imp")
_MARGIN = 2_000_000_000  # nanoseconds: some file systems keep two seconds (FAT)
_HEADER = 16
_IS_POSIX = os.name == "posix"


def kept_bytecode(path: str) -> Optional[CodeType]:
    """The code of the module in that source file, or None where it must be compiled.

    Never raises. Windows has no ctime of this kind (``os.stat``), so nothing is sure there.
    """
    if not _IS_POSIX:
        return None
    try:
        with open(importlib.util.cache_from_source(path), "rb") as stream:
            written = os.fstat(stream.fileno()).st_mtime_ns
            content = stream.read()
        source = os.stat(path)
        code = marshal.loads(memoryview(content)[_HEADER:]) if len(content) > _HEADER else None
    except Exception:  # no such file, or one that is cut off
        return None
    expected = importlib.util.MAGIC_NUMBER + b"".join(
        (number & 0xFFFFFFFF).to_bytes(4, "little")
        for number in (0, int(source.st_mtime), source.st_size)
    )
    is_sure = written > max(source.st_mtime_ns, source.st_ctime_ns) + _MARGIN
    if content[:_HEADER] != expected or not is_sure or not isinstance(code, CodeType):
        return None
    if code.co_filename != path:  # it was compiled under another name of the folder
        _imp._fix_co_filename(code, path)  # as importlib does, in nested functions too
    return code
