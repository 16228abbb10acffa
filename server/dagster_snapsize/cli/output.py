"""What happens to our output once it is written: readers that leave, disks that are full."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

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


def _discard_output() -> None:
    """Python would flush what is left once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
