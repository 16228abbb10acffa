"""Compiles the user's modules from source, as bytecode beside them may be stale.

Python trusts a .pyc whose source has the same second and size (PEP 552), and an editor may save
twice within a second.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import marshal
import os
from types import CodeType
from typing import Any, Dict, List, Optional, Tuple

from .user_files import UserFiles

_imp: Any = importlib.import_module("_imp")
_MARGIN = 2_000_000_000  # nanoseconds: some file systems keep two seconds (FAT)
_HEADER = 16
_IS_POSIX = os.name == "posix"


class SourceLoader:
    """Replaces how Python loads the user's modules, and knows which were edited since."""

    def __init__(self, files: UserFiles):
        self._files = files
        self._stamps: Dict[str, Tuple[int, int]] = {}

    def install(self) -> None:
        """Compile the modules that are imported from now on from source.

        Without a stamp of the source ``SourceLoader.get_code`` neither reads nor writes bytecode.
        """
        loader: Any = importlib.machinery.SourceFileLoader
        path_stats, source_to_code = loader.path_stats, loader.source_to_code

        def no_stats(self_: Any, path: str) -> Any:
            if not self._files.is_users(path):
                return path_stats(self_, path)
            stamp = _stamp(path)
            if stamp is not None:
                self._stamps.setdefault(os.path.abspath(path), stamp)
            raise OSError("the user's own modules are compiled from source")

        def compiled(self_: Any, data: Any, path: Any, *args: Any, **options: Any) -> Any:
            # A subclass may have changed the source.
            if type(self_) is loader and isinstance(path, str) and self._files.is_users(path):
                code = kept_bytecode(path)
                if code is not None:
                    return code
            return source_to_code(self_, data, path, *args, **options)

        loader.path_stats, loader.source_to_code = no_stats, compiled

    def changed_files(self) -> List[str]:
        """The user's modules that were edited after they had been compiled."""
        return sorted(p for p, stamp in self._stamps.items() if _stamp(p) != stamp)


def _stamp(path: str) -> Optional[Tuple[int, int]]:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size)


def kept_bytecode(path: str) -> Optional[CodeType]:
    """The bytecode of this source file, or None where the source must be compiled.

    It is taken only where the .pyc was written well after the source was last touched. Of both the
    ctime counts too, which nobody can set; Windows has no such ctime. Never raises.
    """
    if not _IS_POSIX:
        return None
    try:
        with open(importlib.util.cache_from_source(path), "rb") as stream:
            status = os.fstat(stream.fileno())
            written = min(status.st_mtime_ns, status.st_ctime_ns)
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
