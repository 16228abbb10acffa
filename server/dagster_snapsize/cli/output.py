"""Standard output: colours, files, readers that close the pipe, and disks that are full."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import IO, Any, TextIO, cast

import click

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.sizes import format_size

_FAILED = 3
# Escape sequences other than colours, other control characters but tabs and ends of lines, and
# marks that change the direction or the lines of a text.
_OBEYED = re.compile(
    r"\x1b(?!\[[\d;]*m)|\r(?!\n)|[\x00-\x08\v\f\x0e-\x1a\x1c-\x1f\x7f-\x9f"
    r"\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
# What CI services obey in a log: `::error` begins a line, `##[error]` and `##vso[` stand anywhere.
_COMMAND = re.compile(r"(^(?:\s|\x1b\[[\d;]*m)*):(?=:[a-z])|#(?=#\w*\[)", re.I | re.M)


def escaped(text: str) -> str:
    """Text from user code in which nothing is obeyed by a terminal or a CI service."""
    return _escaped_but_colours(text).replace("\x1b", "\\x1b")


def _without_commands(text: str) -> str:
    return _COMMAND.sub(lambda f: "\\x23" if f[1] is None else f"{f[1]}\\x3a", text)


def _as_text(text: str) -> str:
    return escaped(_without_commands(text))


def _escaped_but_colours(text: str) -> str:
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class Unescaped:
    """A guarded stream for text reports, which have colours and are no commands to a CI service.

    They escape by themselves what comes from user code.
    """

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        """Write it with its escape sequences."""
        return type(self._stream).write(self._stream, _without_commands(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _guard(stream: io.TextIOWrapper, escape: Callable[[str], str]) -> None:
    """Escape what is written, whoever writes it: reports are made of the user's text."""

    def write(text: str) -> int:
        return type(stream).write(stream, escape(text))

    stream.write = write  # type: ignore[method-assign]


def prepare_streams() -> None:
    """Open those that are closed on nothing, escape what their encoding lacks and what is obeyed.

    Names and messages are the user's. A file that is opened later must not become standard error.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            with suppress(OSError):
                os.fstat(number)
                continue
            nothing = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            os.set_inheritable(nothing, True)
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(nothing, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    # All that goes to standard error is text; annotations for GitHub, which are commands, do not.
    for stream, escape in ((sys.stdout, escaped), (sys.stderr, _as_text)):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
            _guard(stream, escape)


def print_error(error: UserError, status: int) -> None:
    """Print an error as one JSON object, for programs that wait for one."""
    place = {"path": error.path, "line": error.line} if error.path else None
    whole = {
        "version": 1,
        "error": {"message": error.message, "hint": error.hint, "location": place},
        "locations": [],
        "findings": [],
        "notes": [],
        "exit_status": status,
    }
    print(json.dumps(whole))


def echo(line: str, err: bool = False) -> None:
    """Print a line, with its styles where rich would print them."""
    stream = sys.stderr if err else sys.stdout
    environ = os.environ.get
    wanted = bool(environ("FORCE_COLOR")) or stream.isatty()
    styled = wanted and not environ("NO_COLOR") and environ("TERM") not in ("dumb", "unknown")
    unescaped = cast("IO[str]", Unescaped(stream))
    click.echo(_escaped_but_colours(line), file=unescaped, color=styled)


@contextmanager
def leave_with(status: int) -> Iterator[None]:
    """Print in this block, then exit with ``status``.

    A reader that closes the pipe early does not change the status. Output that cannot be written
    for another reason, such as a full disk, is a failure.
    """
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard_further_output()
    except OSError as error:
        _discard_further_output()
        try:
            click.echo(
                f"dagster-snapsize: the output could not be written: {error.strerror}", err=True
            )
        except OSError:  # standard error is on the same disk
            _discard_further_output(2)
        status = _FAILED
    sys.exit(status)


def output_file(name: str | None) -> Path | None:
    """The file that ``--output`` names, None for standard output.

    Raises:
        UserError: It cannot be written; better before the measurement than after it.
    """
    if name is None or name == "-":
        return None
    if not name:
        raise UserError("--output is empty", "Name a file, such as --output report.html")
    path = Path(name)
    try:
        path = path.resolve()  # what a link leads to is written, and the link stays
        is_folder, parent_is_folder = path.is_dir(), path.parent.is_dir()
    except (OSError, RuntimeError, ValueError) as error:
        why = (isinstance(error, OSError) and error.strerror) or error
        raise UserError(f"--output: {name} cannot be written: {why}") from error
    if is_folder:
        raise UserError(f"--output: {name} is a folder", f"Name a file in it: {path / 'report'}")
    if not parent_is_folder:
        raise UserError(
            f"--output: there is no folder {path.parent}", "Create it, or name another file."
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UserError(f"--output: no permission to write {path}", "Name another file.")
    return path


@contextmanager
def written_to(path: Path | None) -> Iterator[None]:
    """Write what this block prints to the file, whole or not at all; None is standard output.

    Raises:
        UserError: The file cannot be created.
        OSError: The file cannot be written completely.
    """
    if path is None:
        yield
        return
    is_special = path.exists() and not path.is_file()  # a device or a pipe: written as it is
    scratch = path if is_special else path.with_name(f".{uuid.uuid4().hex}.scratch")
    try:
        stream = scratch.open(
            "w" if is_special else "x", encoding="utf-8", errors="backslashreplace", newline="\n"
        )
    except OSError as error:
        raise UserError(f"--output: {path} cannot be written: {error.strerror}") from error
    try:
        _guard(stream, escaped)
        with stream, redirect_stdout(stream):
            yield
        if not is_special:
            scratch.replace(path)
            size = format_size(path.stat().st_size)
            click.echo(escaped(f"dagster-snapsize: wrote {path}, {size}"), err=True)
    except BaseException:
        if not is_special:
            scratch.unlink(missing_ok=True)
        raise


def _discard_further_output(descriptor: int = 1) -> None:
    """Keep Python from flushing the rest once more when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
