"""Describes an exception of user code: its message, and the line of the user that raised it."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Any, Dict, List, Optional

from . import HERE
from .user_files import SourceLine, UserFiles

_TRACEBACK_CHARACTERS = 20_000


def describe(
    error: BaseException, files: UserFiles, definitions: Optional[SourceLine]
) -> Dict[str, Any]:
    """The header of a ``failed`` frame: message, the user's own path and line, traceback.

    An error that Dagster raises when it puts the definitions together has no frame of user code; it
    is located where the ``definitions`` were made.
    """
    cause = _root_cause(error)
    place = _syntax_place(cause, files)
    for link in _chain(error):
        place = place or _innermost(link.__traceback__, files)
    place = place or definitions
    return {
        "type": "failed",
        "message": _message(cause),
        "path": place[0] if place else None,
        "line": place[1] if place else None,
        "traceback": _users_traceback(cause, files)[-_TRACEBACK_CHARACTERS:],
        "usage": False,
    }


def _message(error: BaseException) -> str:
    name = type(error).__name__
    if isinstance(error, SystemExit):
        return f"the code called sys.exit({error.code!r}) while it was loaded"
    try:
        text = str(error)
    except BaseException:
        text = ""
    if isinstance(error, RecursionError):
        text += (
            " (Dagster follows dependencies recursively; a chain of about 10,000 assets exceeds the"
            " limit of Python's stack)"
        )
    return f"{name}: {text}" if text else name


def _chain(error: BaseException) -> List[BaseException]:
    """The exception and its causes, the deepest first."""
    links: List[BaseException] = []
    current: Optional[BaseException] = error
    while current is not None and current not in links:
        links.append(current)
        current = (
            getattr(current, "user_exception", None)
            or current.__cause__
            or (None if current.__suppress_context__ else current.__context__)
        )
    return links[::-1]


def _root_cause(error: BaseException) -> BaseException:
    """The exception of user code inside the exceptions that Dagster wraps around it."""
    while True:
        inner = getattr(error, "user_exception", None)
        if inner is None and type(error).__name__ == "DagsterImportError":
            inner = error.__cause__
        if not isinstance(inner, BaseException):
            return error
        error = inner


def _syntax_place(error: BaseException, files: UserFiles) -> Optional[SourceLine]:
    if isinstance(error, SyntaxError) and error.filename and files.is_users(error.filename):
        return (error.filename, error.lineno or 1)
    return None


def _innermost(tb: Optional[TracebackType], files: UserFiles) -> Optional[SourceLine]:
    place = None
    while tb is not None:
        path = tb.tb_frame.f_code.co_filename
        if files.is_users(path):
            place = (path, tb.tb_lineno)
        tb = tb.tb_next
    return place


def _users_traceback(error: BaseException, files: UserFiles) -> str:
    """The traceback with user code only; without any, all frames but the probe's."""
    try:
        frames = traceback.extract_tb(error.__traceback__)
        users = [frame for frame in frames if files.is_users(frame.filename)]
        others = [frame for frame in frames if not frame.filename.startswith(HERE)]
        lines = ["Traceback (most recent call last):\n", *traceback.format_list(users or others)]
        return "".join(lines + traceback.format_exception_only(type(error), error))
    except BaseException:  # the exception's own __str__ may raise anything
        return ""
