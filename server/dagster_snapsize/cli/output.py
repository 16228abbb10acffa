"""Standard output: colours, files, readers that close the pipe, and disks that are full."""

from __future__ import annotations

import io
import json
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path

import click

from dagster_snapsize.core.errors import UserError

_FAILED = 3


def prepare_streams() -> None:
    """Open those that are closed on nothing, and escape what their encoding lacks.

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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


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
    click.echo(line, err=err, color=styled)


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
        click.echo(f"dagster-snapsize: the output could not be written: {error.strerror}", err=True)
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
        with stream, redirect_stdout(stream):
            yield
        if not is_special:
            scratch.replace(path)
    except BaseException:
        if not is_special:
            scratch.unlink(missing_ok=True)
        raise


def _discard_further_output() -> None:
    """Keep Python from flushing the rest once more when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
