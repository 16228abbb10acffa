"""Executes a package of Dagster's only when one of its attributes is used.

``dagster._core.workspace.autodiscovery`` imports one name from a module inside of
``dagster._utils.test``, and with it that package, which imports SQLAlchemy, Alembic and every
storage: a quarter of the time that it takes to measure a small project.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from types import ModuleType
from typing import Any

_PACKAGE = "dagster._utils.test"
_lock = threading.RLock()


class Deferred(ModuleType):
    """A package whose submodules can be imported before it is executed itself.

    ``importlib.util.LazyLoader`` cannot do that: it executes a package as soon as its ``__path__``
    is looked at, which importing a submodule does.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        with _lock:
            if type(self) is Deferred:
                self.__class__ = ModuleType  # type: ignore[assignment]
                loader: Any = self.__spec__ and self.__spec__.loader
                try:
                    loader.exec_module(self)
                except BaseException:
                    self.__class__ = Deferred
                    raise
            return getattr(self, name)


def defer() -> None:
    """Put the package in ``sys.modules`` without executing it, if it is not there yet."""
    if _PACKAGE in sys.modules:
        return
    try:
        spec = importlib.util.find_spec(_PACKAGE)
    except ImportError:
        return
    if spec is None or spec.loader is None or not spec.submodule_search_locations:
        return
    module = importlib.util.module_from_spec(spec)
    module.__class__ = Deferred
    sys.modules[_PACKAGE] = module
    parent, _, name = _PACKAGE.rpartition(".")
    setattr(sys.modules[parent], name, module)


def is_deferred(name: str) -> bool:
    """Whether the module of that name is waiting to be executed."""
    return type(sys.modules.get(name)) is Deferred
