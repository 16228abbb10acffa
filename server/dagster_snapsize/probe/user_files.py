"""Which files are the user's own, and which are installed."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from types import FrameType
from typing import Dict, Optional, Tuple

from . import HERE

SourceLine = Tuple[str, int]
"""Absolute path of a source file, and a line from 1 on."""


class UserFiles:
    """Tells the user's files from installed ones.

    Everything outside the interpreter's library and site-packages folders is the user's, and so is
    the package ``own_package`` if it is installed. ``tree`` is the folder of the whole project.
    """

    def __init__(self, tree: str, own_package: Optional[str] = None):
        # A project that is opened through a symbolic link may be imported by its real path.
        self._trees = tuple(
            {os.path.join(f(tree), "") for f in (os.path.abspath, os.path.realpath)}
        )
        self._installed = _installed_folders()
        self._own = (own_package + os.sep, own_package + ".py") if own_package else ()
        self._known: Dict[str, bool] = {}

    def is_users(self, path: str) -> bool:
        """Whether a source file is the user's own."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = self._decide(path)
        return known

    def is_in_tree(self, path: str) -> bool:
        """Whether a file or folder is the user's own and belongs to the project."""
        return os.path.join(path, "").startswith(self._trees) and self.is_users(path)

    def _decide(self, path: str) -> bool:
        if not path or path.startswith("<"):
            return False
        if not os.path.isabs(path) and not os.path.exists(path):
            return False  # of a compiled extension, by its path where it was built
        path = os.path.abspath(path)
        if path.startswith(HERE):
            return False
        # Longest first: site-packages is usually inside the library's folder.
        inside = next((f for f in self._installed if path.startswith(f)), None)
        return inside is None or (bool(self._own) and path[len(inside) :].startswith(self._own))

    def calling_frame(self, depth: int = 1) -> Optional[FrameType]:
        """The innermost frame of user code below the caller."""
        frame: Optional[FrameType] = sys._getframe(depth + 1)
        while frame is not None:
            if self.is_users(frame.f_code.co_filename):
                return frame
            frame = frame.f_back
        return None


def _installed_folders() -> Tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders.update(site.getsitepackages() if hasattr(site, "getsitepackages") else [])
    folders.add(site.getusersitepackages() if hasattr(site, "getusersitepackages") else "")
    folders.add(os.path.dirname(os.__file__))
    if sys.prefix != sys.base_prefix:
        folders.add(sys.prefix)  # a virtual environment, which may stand in the project
    spellings = {os.path.abspath(f) for f in folders if f} | {
        os.path.realpath(f) for f in folders if f
    }
    return tuple(sorted((f + os.sep for f in spellings), key=len, reverse=True))
