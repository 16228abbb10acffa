"""What happens to our output once it is written: readers that leave, disks that are full."""

from __future__ import annotations

import io
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import click

from dagster_snapsize.core.errors import UserError

_FAILED = 3


def escape_what_cannot_be_shown() -> None:
    """Keys, paths and messages are the user's: what an encoding lacks is escaped, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def leave_with(status: int) -> Iterator[None]:
    """Print in this block; afterwards the program ends with ``status``.

    A reader who closes the pipe has seen enough and changes nothing: the status is what was found.
    Output that cannot be written for another reason, such as a full disk, is a failure.
    """
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
    except OSError as error:
        _discard_output()
        click.echo(f"dagster-snapsize: the output was not written: {error.strerror}", err=True)
        status = _FAILED
    sys.exit(status)


def output_file(name: str | None) -> Path | None:
    """The file that ``--output`` names, None for standard output.

    Raises UserError where it cannot be written, before anybody has waited for a measurement.
    """
    if name is None or name == "-":
        return None
    if not name:
        raise UserError("--output names no file", "Name one, such as --output report.html")
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
            f"--output: there is no folder {path.parent}", "Make it first, or name another file."
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UserError(f"--output: {path} must not be written", "Name another file.")
    return path


@contextmanager
def written_to(path: Path | None) -> Iterator[None]:
    """What this block prints goes into the file, whole or not at all; None: it stays as it is.

    Raises UserError where the file cannot be made, OSError where it cannot be written to its end.
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


def _discard_output() -> None:
    """Python would flush what is left once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
