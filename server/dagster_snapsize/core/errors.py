"""Errors that are the user's to mend: each one is a clear message, never a traceback of ours."""

from __future__ import annotations


class UserError(Exception):
    """Wrong usage or configuration: exit status 2.

    ``message`` is one sentence that names the place; ``hint`` says what to do next, with an example
    to paste where that helps.
    """

    def __init__(self, message: str, hint: str = "", path: str | None = None, line: int = 1):
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.path = path
        self.line = line


class NoInterpreter(UserError):
    """No Python to measure with, or one that is none or has no Dagster: exit status 2."""


class NotMeasured(UserError):
    """What was asked for could not be found out: exit status 3."""
