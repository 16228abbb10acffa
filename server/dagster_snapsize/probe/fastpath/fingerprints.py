"""Whether Dagster's functions are the ones that the fast path was compared with.

A fingerprint is of source lines, not of bytecode, so that it is the same on every Python. It is
taken before user code runs; ``Bindings`` tell afterwards whether user code replaced something.
"""

from __future__ import annotations

import hashlib
import operator
from types import FunctionType, ModuleType
from typing import Any, Dict, Iterable, List, Sequence, Tuple


class Fingerprints:
    """Fingerprints of functions; each file is read once."""

    def __init__(self) -> None:
        self._lines: Dict[str, List[str]] = {}

    def of(self, functions: Sequence[Any]) -> str:
        """One fingerprint of several plain functions.

        Raises OSError or ValueError where one has no source, as when somebody has replaced it.
        """
        whole = hashlib.sha1()
        for function in functions:
            if type(function) is not FunctionType:
                raise ValueError(f"{function!r} is no plain function")
            code = function.__code__
            block = source_block(self._read(code.co_filename), code.co_firstlineno)
            whole.update("\n".join(block).encode("utf-8"))
        return whole.hexdigest()[:16]

    def _read(self, path: str) -> List[str]:
        if path not in self._lines:
            with open(path, encoding="utf-8") as source:
                self._lines[path] = source.read().split("\n")
        return self._lines[path]


def source_block(lines: Sequence[str], first: int) -> List[str]:
    """The lines of the function that starts, with its decorators, at line ``first`` (from 1)."""
    start = lines[first - 1]
    indent = len(start) - len(start.lstrip())
    block: List[str] = []
    has_def = False
    for line in lines[first - 1 :]:
        text = line.strip()
        outside = text and len(line) - len(line.lstrip()) <= indent
        if has_def and outside and not text.startswith(")"):
            break
        has_def = has_def or text.startswith(("def ", "async def "))
        if text:
            block.append(line.rstrip())
    if not has_def:
        raise ValueError(f"no function starts at line {first}")
    return block


class Bindings:
    """The objects behind the globals of modules and the attributes of their classes.

    Also the code and the defaults of functions, which can be replaced too.
    """

    def __init__(self, modules: Iterable[ModuleType]):
        self._modules = list(modules)
        self._before = self._look()

    def are_unchanged(self) -> bool:
        """Whether everything is still there and the same object; what was added does not count."""
        now = self._look()
        return all(
            len(objects) == len(now.get(name, ())) and all(map(operator.is_, objects, now[name]))
            for name, objects in self._before.items()
        )

    def _look(self) -> Dict[Tuple[str, str], Tuple[Any, ...]]:
        found = {}
        for module in self._modules:
            classes: List[Any] = [
                value
                for value in vars(module).values()
                if isinstance(value, type) and value.__module__ == module.__name__
            ]
            for owner in (module, *classes):
                for name, value in list(vars(owner).items()):
                    function = getattr(value, "__func__", value)  # of a static or a class method
                    plain = type(function) is FunctionType
                    inner = (function.__code__, function.__defaults__) if plain else ()
                    found[f"{module.__name__} {owner.__name__}", name] = (value, *inner)
        return found
