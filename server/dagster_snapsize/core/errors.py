"""User errors: each one is a clear message, never a traceback of ours."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Wrong usage or configuration: exit status 2.

    ``message`` is one sentence that names the place; ``hint`` says what to do next, with an example
    to paste where that helps.
    """

    status = 2

    def __init__(self, message: str, hint: str = "", path: str | None = None, line: int = 1):
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.path = path
        self.line = line


class NoInterpreter(UserError):
    """No Python to measure with, or one that is none or has no Dagster: exit status 2."""


class NotParsed(UserError):
    """A file of the project that is not valid TOML or YAML: exit status 2."""


class NotMeasured(UserError):
    """What was asked for could not be found out: exit status 3."""

    status = 3


def close_names(
    name: str, known: Iterable[str], at_most: int = 1, cutoff: float = 0.5
) -> list[str]:
    """The known names that are spelled much like ``name``, the closest first.

    Case, hyphens and underscores do not count. ``cutoff`` is the likeness that is needed, up to 1.
    """
    by_folded = {_folded(candidate): candidate for candidate in known}
    near = difflib.get_close_matches(_folded(name), by_folded, n=at_most, cutoff=cutoff)
    return [by_folded[folded] for folded in near]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``; did you mean `asset-max`?`` to go behind a message; empty where no name is close."""
    near = close_names(name, known)
    return f"; did you mean `{near[0]}`?" if near else ""


def _folded(name: str) -> str:
    return name[:100].casefold().replace("-", "").replace("_", "")
