"""Makes an interpreter import from another copy of a project than the one that is installed.

Found through PYTHONPATH when the interpreter starts, after its .pth files were read. Where they
lead into the folder on the first line of SNAPSIZE_MOVED, they lead to the same place below the
folder on the second line from now on, and nowhere where that has none. Runs in the user's
interpreter: standard library only, Python 3.9 too.
"""

import importlib
import os
import sys
import types
from typing import Any


def _moved(path: Any, old: str, new: str) -> Any:
    """Where a path leads now: as it is outside of ``old``, None where it leads nowhere."""
    if not isinstance(path, str) or not os.path.isabs(path):
        return path
    path = os.path.abspath(path)
    if not _is_in(path, old) or _is_in(path, new) or "site-packages" in path.split(os.sep):
        return path
    for prefix in (sys.prefix, sys.base_prefix):  # an environment may stand in the project
        if _is_in(prefix, old) and _is_in(path, prefix):
            return path
    there = new + path[len(old) :]
    return there if os.path.exists(there) else None


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))


def _move(old: str, new: str) -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    spellings = {old, os.path.realpath(old)}
    for spelling in spellings:
        entries = [_moved(path, spelling, new) for path in sys.path]
        sys.path[:] = [e for e in entries if e is not None and e != here]
        # What setuptools makes of an editable package that is no single folder.
        for name, module in list(sys.modules.items()):
            if name.startswith("__editable__"):
                _move_finder(module, spelling, new)
    sys.path_importer_cache.clear()


def _move_finder(module: types.ModuleType, old: str, new: str) -> None:
    mapping = getattr(module, "MAPPING", {})
    for package, path in list(mapping.items()):
        there = _moved(path, old, new)
        if there is None:
            del mapping[package]
        else:
            mapping[package] = there
    namespaces = getattr(module, "NAMESPACES", {})
    for package, paths in list(namespaces.items()):
        moved = [_moved(path, old, new) for path in paths]
        namespaces[package] = [path for path in moved if path is not None]


def _next() -> None:
    """The sitecustomize that would have been found without this one."""
    del sys.modules["sitecustomize"]
    try:
        importlib.import_module("sitecustomize")
    except ModuleNotFoundError as error:
        if error.name != "sitecustomize":
            raise
        sys.modules["sitecustomize"] = types.ModuleType("sitecustomize")


if os.environ.get("SNAPSIZE_MOVED"):
    _move(*os.environ["SNAPSIZE_MOVED"].split("\n"))
_next()
