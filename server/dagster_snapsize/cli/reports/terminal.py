"""The console that reports are printed to: colours on a terminal, whole lines in a pipe."""

from __future__ import annotations

import os

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 10_000
_BAR_CELLS = 16


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to ``leave_with``: rich itself would end with the status of "over budget"."""
        raise


def report_console() -> Console:
    """Standard output; NO_COLOR and FORCE_COLOR are honoured by rich.

    Brackets in a user's names are no markup. A pipe gets lines as long as they need, so that
    nothing is folded for want of a window.
    """
    console = _Console(markup=False, highlight=False, emoji=False, soft_wrap=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PIPE_WIDTH
    return console


def plain_table(*headings: tuple[str, str]) -> Table:
    """A table without rules; each heading comes with its justification, ``left`` or ``right``."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading, justify in headings:
        table.add_column(
            heading,
            justify="right" if justify == "right" else "left",
            overflow="fold",
            no_wrap=justify == "right",
        )
    return table


def fits(console: Console, table: Table) -> bool:
    """Whether the table can be printed with every row on one line."""
    options = console.options.update(width=_PIPE_WIDTH)
    return Measurement.get(console, options, table).maximum <= console.width


def print_table(console: Console, table: Table, fold: bool = True) -> None:
    """Print a table without the blanks that would fill its last column.

    With ``fold`` long cells are folded to the window, else lines are as long as they need.
    """
    options = console.options if fold else console.options.update(width=_PIPE_WIDTH)
    for segments in console.render_lines(table, options, pad=False):
        line = Text.assemble(*((s.text, s.style or "") for s in segments))
        line.rstrip()
        console.print(line, soft_wrap=True)


def bar(part: int, whole: int, style: str, console: Console) -> Text:
    """How much of ``whole`` is used up by ``part``, as a bar of fixed width."""
    filled = min(_BAR_CELLS, round(_BAR_CELLS * part / whole)) if whole else 0
    full, empty = ("█", "░") if console.encoding.lower().startswith("utf") else ("#", ".")
    text = Text(full * filled, style=style)
    return text.append(empty * (_BAR_CELLS - filled), style="dim")


def bytes_cell(size: int) -> str:
    """An exact byte count with thousands separators."""
    return f"{size:,}"
