"""What a function of Dagster says, as a number: the guard before it is done without.

A fingerprint is of source lines, not of bytecode, so that it is the same on every Python.
"""

from __future__ import annotations

import hashlib
from types import FunctionType
from typing import Any, Dict, List, Sequence


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
