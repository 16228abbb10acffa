"""How far a measurement has come, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import IO, cast

from dagster_snapsize.cli.output import Unescaped, escaped
from dagster_snapsize.measuring.assemble import OnProgress, Progress


@contextmanager
def progress_bar() -> Iterator[OnProgress]:
    """A bar on standard error while the block runs, where that is a terminal."""
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    # The editors' package comes without rich, which would draw in a pipe under FORCE_COLOR.
    if not is_terminal or find_spec("rich") is None:
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        SpinnerColumn,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.progress import Progress as Bars

    console = Console(file=cast("IO[str]", Unescaped(sys.stderr)))
    if not console.is_terminal:
        yield lambda progress: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def watch(progress: Progress) -> None:
            if progress.location not in tasks:
                tasks[progress.location] = bars.add_task("", total=None)
            bars.update(
                tasks[progress.location],
                description=escaped(f"{progress.location}: {progress.text}"),
                completed=progress.done,
                total=progress.of or None,
                refresh=True,  # a step may be over before the next tick
            )

        yield watch
