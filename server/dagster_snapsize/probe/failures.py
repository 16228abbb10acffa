"""Describes an exception of user code: its message, and the line of the user that raised it."""

from __future__ import annotations

import os
import re
import traceback
from types import FrameType, TracebackType
from typing import Any, Dict, List, Optional

from . import HERE
from .user_files import SourceLine, UserFiles

_TRACEBACK_CHARACTERS = 20_000
_COMPONENT_ERROR = "ComponentTreeException"
_YAML_PLACE = re.compile(r"^`\S+ at (.+\.ya?ml):(\d+)`$", re.MULTILINE)
_PARSE_ERRORS = {"yaml.error.MarkedYAMLError", "tomllib.TOMLDecodeError", "tomli.TOMLDecodeError"}
_VARIABLE_NOT_SET = re.compile(
    r"""(?i)\benv(?:ironment)? var(?:iable)?:? ["'`]?([A-Z_]\w+)["'`]?,?[\w ]* """
    r"(?:not (?:set|defined|found)|missing|required)\b"
)
_MANIFEST_MISSING = re.compile(r"manifest\.json\b.* does not exist|No such file.*manifest\.json")


def describe(
    error: BaseException, files: UserFiles, definitions: Optional[SourceLine]
) -> Dict[str, Any]:
    """The header of a ``failed`` frame: message, the user's own path and line, traceback.

    The message has one line for each exception of a chain, the root cause first. An error that
    Dagster raises when it puts the definitions together has no frame of user code; it is located
    where the ``definitions`` were made.
    """
    links = _chain(error, files)
    place = None
    for link in links:
        place = place or _syntax_place(link, files) or _component_place(link, files)
        place = place or _innermost(link.__traceback__, files)
    place = place or definitions
    named = [link for link in links if not _is_wrapper(link)] or links
    messages = list(dict.fromkeys(map(_message, named)))
    return {
        "type": "failed",
        "message": "\nwhich led to ".join(messages) + _advice(links, messages),
        "path": place[0] if place else None,
        "line": place[1] if place else None,
        "traceback": _users_traceback(named[0], files)[-_TRACEBACK_CHARACTERS:],
        "usage": False,
        "unparsed": any(_is_unparsed(link, files) for link in links),
    }


def _message(error: BaseException) -> str:
    name = type(error).__name__
    if name == _COMPONENT_ERROR:
        return str(error).partition(":\n")[0]  # without its tree of all components
    if isinstance(error, SystemExit):
        return f"the code called sys.exit({error.code!r}) while it was loaded"
    try:
        text = str(error)
    except BaseException:
        text = ""
    if isinstance(error, RecursionError) and _module_of_last_frame(error) == "dagster":
        text += (
            " (Dagster follows dependencies recursively, as deep as Python's stack allows; where"
            " there are jobs, a chain of about 1,500 assets is too long)"
        )
    return f"{name}: {text}" if text else name


def _advice(links: List[BaseException], messages: List[str]) -> str:
    """What to do about a root cause that a newcomer's machine often has; one line, or nothing."""
    text = "\n".join(messages)
    found = _VARIABLE_NOT_SET.search(text)
    variable = found[1] if found else next(filter(None, map(_missing_variable, links)), None)
    if variable:
        return (
            f"\nset {variable} for measuring in the project's .env, or in the configuration:"
            f' [tool.dagster-snapsize.env] {variable} = "..."'
        )
    if _MANIFEST_MISSING.search(text):
        return (
            "\nmake the manifest before measuring with `dbt parse`, or let the configuration do it:"
            ' prepare = [["dbt", "parse"]]'
        )
    return ""


def _missing_variable(error: BaseException) -> Optional[str]:
    """The name that was asked from os.environ; None where the error is another one."""
    if not isinstance(error, KeyError) or len(error.args) != 1:
        return None
    last = _last_frame(error)
    asked = last is not None and last.f_code is type(os.environ).__getitem__.__code__
    return error.args[0] if asked and isinstance(error.args[0], str) else None


def _chain(error: BaseException, files: UserFiles) -> List[BaseException]:
    """The exception and its causes, the root cause first.

    An exception that a library handles before it raises its own, without ``from``, is no cause.
    """
    links: List[BaseException] = []
    current: Optional[BaseException] = error
    while current is not None and not any(current is link for link in links):
        links.append(current)
        cause = getattr(current, "user_exception", None) or current.__cause__
        if cause is None and not current.__suppress_context__ and current.__context__:
            context = current.__context__
            cause = context if _innermost(context.__traceback__, files) else None
        current = cause if isinstance(cause, BaseException) else None
    return links[::-1]


def _is_wrapper(error: BaseException) -> bool:
    """Whether Dagster puts the exception around one of user code, which says more."""
    kind = type(error)
    return kind.__module__.split(".")[0] == "dagster" and (
        isinstance(getattr(error, "user_exception", None), BaseException)
        or (kind.__name__ == "DagsterImportError" and error.__cause__ is not None)
    )


def _syntax_place(error: BaseException, files: UserFiles) -> Optional[SourceLine]:
    """Where a file of the user is not valid Python or YAML."""
    if isinstance(error, SyntaxError) and error.filename and files.is_users(error.filename):
        return (error.filename, error.lineno or 1)
    mark = getattr(error, "problem_mark", None)
    if mark is not None and isinstance(mark.name, str) and files.is_users(mark.name):
        return (os.path.abspath(mark.name), mark.line + 1)
    return None


def _is_unparsed(error: BaseException, files: UserFiles) -> bool:
    """Whether a file of the user is not valid Python, YAML or TOML."""
    kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}
    return bool(_syntax_place(error, files) or kinds & _PARSE_ERRORS)


def _component_place(error: BaseException, files: UserFiles) -> Optional[SourceLine]:
    """The line of a component's YAML file that Dagster names, or where its component begins."""
    found = _YAML_PLACE.search(_message(error))
    if found and files.is_users(found[1]):
        return (os.path.abspath(found[1]), int(found[2]))
    frame = _last_frame(error) if type(error).__name__ == _COMPONENT_ERROR else None
    for value in frame.f_locals.values() if frame else ():
        if type(value).__name__ == "ComponentPath":
            return _component_in(str(value.file_path), value.instance_key)
    return None


def _component_in(path: str, key: object) -> Optional[SourceLine]:
    """The first line of a component, the one with the index ``key`` in a defs.yaml."""
    file = os.path.join(path, "defs.yaml") if os.path.isdir(path) else path
    try:
        with open(file, encoding="utf-8") as opened:
            lines = opened.read().splitlines()
    except (OSError, ValueError):
        return None
    starts = [n for n, line in enumerate(lines, 1) if line.startswith("type:")]
    index = key if isinstance(key, int) and key < len(starts) else 0
    return (os.path.abspath(file), starts[index] if starts else 1)


def _innermost(tb: Optional[TracebackType], files: UserFiles) -> Optional[SourceLine]:
    place = None
    while tb is not None:
        path = tb.tb_frame.f_code.co_filename
        if files.is_users(path):
            place = (path, tb.tb_lineno)
        tb = tb.tb_next
    return place


def _last_frame(error: BaseException) -> Optional[FrameType]:
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    return tb.tb_frame if tb else None


def _module_of_last_frame(error: BaseException) -> str:
    frame = _last_frame(error)
    return str(frame.f_globals.get("__name__")).split(".")[0] if frame else ""


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
