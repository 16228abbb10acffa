"""Which files are the user's own, which were read, and source instead of stale bytecode."""

from __future__ import annotations

import importlib.machinery
import os
import site
import sys
import sysconfig
from types import FrameType
from typing import Any, Dict, List, Optional, Set, Tuple

from . import HERE
from .inputs import Seen, describe_inputs, loaded_modules
from .volatile import Volatile

# What git and installers leave in a project, which nobody edits.
BY_PRODUCTS = ("__pycache__", ".git")
EGG_INFO = ".egg-info"

Place = Tuple[str, int]


class UserFiles:
    """Tells the user's files from installed ones, and remembers what was read.

    Everything outside the interpreter's library and site-packages folders is the user's, and so is
    the package ``own_package`` wherever it is installed. ``tree`` is the folder that everything
    belongs to: of other files than modules, those below it are taken for the user's.
    """

    def __init__(self, tree: str, own_package: Optional[str] = None, seen: Optional[Seen] = None):
        self._tree = os.path.join(os.path.abspath(tree), "")
        self._installed = _installed_folders()
        self._own = (own_package + os.sep, own_package + ".py") if own_package else ()
        self._known: Dict[str, bool] = {}
        self._seen = seen or Seen()
        self._volatile = Volatile(self)
        self._compiled: Dict[str, Tuple[int, int]] = {}

    def is_users(self, path: str) -> bool:
        """Whether a source file is the user's own."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = self._decide(path)
        return known

    def _decide(self, path: str) -> bool:
        if not path or path.startswith("<"):
            return False
        path = os.path.abspath(path)
        if path.startswith(HERE):
            return False
        # A folder that stands in another, as site-packages does in the library, is the nearer one.
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

    def watch(self) -> None:
        """From now on note which files are opened, and compile the user's modules from source.

        Python trusts a .pyc whose source has the same second and size (PEP 552), and an editor
        saves twice a second. Without a stamp of the source ``SourceLoader.get_code`` neither reads
        nor writes bytecode; what is sure to be of the source as it is, bytecode.py reads.
        """
        self._seen.mark()
        self._volatile.watch(self._seen)
        self._seen.start()
        path_stats = importlib.machinery.SourceFileLoader.path_stats

        def from_source(loader: Any, path: str) -> Any:
            if not self.is_users(path):
                return path_stats(loader, path)
            stamp = _stamp(path)
            if stamp is not None:
                self._compiled.setdefault(os.path.abspath(path), stamp)
            raise OSError("the user's own modules are compiled from source")

        importlib.machinery.SourceFileLoader.path_stats = from_source  # type: ignore

    def definition_files(self) -> List[str]:
        """The user's files that the definitions were read from: modules and what they opened."""
        found = self.module_files()
        for path in map(os.path.abspath, self._seen.opened):
            if (
                path.startswith(self._tree)
                and self.is_users(path)
                and not path.endswith((".pyc", ".so", ".pyd"))
                and os.path.isfile(path)
                and not _is_by_product(path)
            ):
                found.add(path)
        return sorted(found)

    def module_files(self) -> Set[str]:
        """Source files of the user's modules."""
        return {
            os.path.abspath(path)
            for _, values in loaded_modules()
            for path in [values.get("__file__")]
            if isinstance(path, str) and path.endswith(".py") and self.is_users(path)
        }

    def listed_folders(self) -> List[str]:
        """The user's folders whose entries the definitions looked at."""
        return sorted(
            path
            for path in self._seen.listed
            if os.path.join(path, "").startswith(self._tree)
            and self.is_users(path)
            and not _is_by_product(path)
        )

    def inputs(self) -> Dict[str, Any]:
        """The header of the frame ``inputs``."""
        return describe_inputs(self, self._seen, self._volatile.report())

    def changed_files(self) -> List[str]:
        """The user's modules that were edited after they had been compiled."""
        return sorted(p for p, stamp in self._compiled.items() if _stamp(p) != stamp)


def _stamp(path: str) -> Optional[Tuple[int, int]]:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size)


def _is_by_product(path: str) -> bool:
    parts = path.split(os.sep)
    return any(p in BY_PRODUCTS or p.endswith(EGG_INFO) for p in parts)


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
