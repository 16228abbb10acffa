"""Imports installed modules in advance, and finds those that must not be.

A module is left out if its import starts a thread that is not known to be harmless, as a forked
child lacks that thread, or if it imports the user's own code (plugins named by entry points), as a
child would have an old version of it. With it every top-level module is left out whose import was
in progress.
"""

from __future__ import annotations

import gc
import importlib
import importlib.machinery
import os
import random
import sys
from typing import Any, Callable, Dict, FrozenSet, Iterable, List, Optional, Tuple

from ..lazy_module import defer
from ..user_files import UserFiles

# Pools of BLAS, OpenMP and Arrow, and jemalloc's thread: their own fork handlers (pthread_atfork)
# restart them in a child.
HARMLESS = frozenset(("numpy", "scipy", "sklearn", "pyarrow"))
_NEEDED = ("dagster", "dagster_shared")

Stamp = Optional[Tuple[int, int, int]]


class Preload:
    """The modules that were imported in advance, and the state of their files."""

    def __init__(self, files: UserFiles):
        self._files = files
        self._importing: List[str] = []
        self._threads = count_threads()
        # Where packages are installed; the user's own folders change with every new file.
        folders = [f for f in sys.path if not files.is_users(os.path.join(f, "any.py"))]
        self._folders = {folder: _listing(folder) for folder in folders}
        self._stamps: Dict[str, Stamp] = {}
        self.left_out: Dict[str, str] = {}

    def run(
        self, modules: Iterable[str], left_out: Iterable[str], begun: Callable[[], None]
    ) -> Optional[str]:
        """Import ``modules``, but those below the top-level names in ``left_out``.

        ``begun`` is called once Dagster is imported, which comes first as in a measurement. Returns
        why nothing may be forked from this process, or None; ``self.left_out`` has the modules that
        another process must leave out. A module that cannot be imported is skipped: its import
        failed in a measurement too, or its package was removed.
        """
        unwanted = set(left_out)
        if unwanted.intersection(_NEEDED):
            return "Dagster itself cannot be imported in advance"
        restore = self._watch_imports()
        try:
            importlib.import_module("dagster._grpc.server")
            begun()
            defer()
            for name in modules:
                if name not in sys.modules and name.partition(".")[0] not in unwanted:
                    try:
                        importlib.import_module(name)
                    except BaseException:  # a module may do anything when it is imported
                        continue
        except BaseException as error:
            return "dagster cannot be imported: {}".format(error)
        finally:
            restore()
        self._leave_out_users_modules()
        if self.left_out:
            return "some modules must be left out"
        self._stamp_rest()
        return None

    def _watch_imports(self) -> Callable[[], None]:
        """Check every module before and after it is executed; returns a function that stops it."""
        kinds: Tuple[Any, ...] = (
            importlib.machinery.SourceFileLoader,
            importlib.machinery.ExtensionFileLoader,
        )
        kept = [(kind, vars(kind).get("exec_module")) for kind in kinds]
        for kind in kinds:
            kind.exec_module = self._watched(kind.exec_module)

        def restore() -> None:
            for kind, own in kept:
                if own is None:
                    del kind.exec_module
                else:
                    kind.exec_module = own

        return restore

    def _watched(self, execute: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
        def exec_module(loader: Any, module: Any) -> None:
            path = getattr(loader, "path", None)
            if not isinstance(loader, importlib.machinery.ExtensionFileLoader):
                self._check_threads()  # of the importing module so far
            if isinstance(path, str):
                if self._files.is_users(path):
                    self._leave_out("it imports the project's module " + module.__name__)
                self._stamps[path] = stamp(path)
            self._importing.append(module.__name__.partition(".")[0])
            try:
                self._check_threads()  # of the loading of its library
                execute(loader, module)
            finally:
                self._check_threads()
                self._importing.pop()

        return exec_module

    def _check_threads(self) -> None:
        count = count_threads()
        grown, self._threads = count > self._threads, count
        if grown and not (self._importing and self._importing[-1] in HARMLESS):
            self._leave_out("it starts a thread")

    def _leave_out(self, why: str) -> None:
        for name in self._importing:
            self.left_out.setdefault(name, why)

    def _leave_out_users_modules(self) -> None:
        """Leave out modules of the user that another loader imported."""
        if self.left_out:
            return
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if name == "__main__" or not isinstance(path, str) or not self._files.is_users(path):
                continue
            self.left_out.setdefault(name.partition(".")[0], "it belongs to the project")

    def _stamp_rest(self) -> None:
        for module in list(sys.modules.values()):
            path = getattr(module, "__file__", None)
            if isinstance(path, str) and path not in self._stamps:
                self._stamps[path] = stamp(path)
        for path in (sys.executable, os.path.join(sys.prefix, "pyvenv.cfg")):
            self._stamps[path] = stamp(path)

    def also_read(self, paths: Iterable[str]) -> None:
        """Add files that modules read when they were imported."""
        for path in paths:
            self._stamps.setdefault(path, stamp(path))

    def changed(self) -> Optional[str]:
        """A file or folder that has changed since it was imported, or None."""
        for path, before in self._stamps.items():
            if stamp(path) != before:
                return path
        for folder, listing in self._folders.items():
            if _listing(folder) != listing:
                return folder
        return None


def count_threads() -> int:
    """Threads of this process, native ones too (Linux)."""
    return len(os.listdir("/proc/self/task"))


def stamp(path: str) -> Stamp:
    """Identity, time and size of a file; None if it does not exist."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def _listing(folder: str) -> FrozenSet[Tuple[str, Stamp]]:
    """The names in a folder of packages, with the stamps of ``.pth`` files."""
    try:
        names = os.listdir(folder)
    except OSError:
        return frozenset()
    return frozenset(
        (name, stamp(os.path.join(folder, name)) if name.endswith(".pth") else None)
        for name in names
        if name != "__pycache__"
    )


def settle() -> None:
    """Freeze all objects, so that garbage collection does not copy their pages in children."""
    gc.collect()
    gc.freeze()


def reseed() -> None:
    """Give a child its own random numbers, as a fresh interpreter has them."""
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
