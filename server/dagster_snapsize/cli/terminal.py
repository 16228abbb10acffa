"""The console that reports are printed to: colours on a terminal, whole lines in a pipe."""

from __future__ import annotations

import os

from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 200
_BAR_CELLS = 16


def report_console() -> Console:
    """Standard output; NO_COLOR and FORCE_COLOR are honoured by rich.

    A pipe gets wide lines, so that nothing is cut off for want of a window.
    """
    console = Console(highlight=False, emoji=False, soft_wrap=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        return Console(highlight=False, emoji=False, soft_wrap=False, width=_PIPE_WIDTH)
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


def bar(part: int, whole: int, style: str, console: Console) -> Text:
    """How much of ``whole`` is used up by ``part``, as a bar of fixed width."""
    filled = min(_BAR_CELLS, round(_BAR_CELLS * part / whole)) if whole else 0
    full, empty = ("█", "░") if console.encoding.lower().startswith("utf") else ("#", ".")
    text = Text(full * filled, style=style)
    return text.append(empty * (_BAR_CELLS - filled), style="dim")


def bytes_cell(size: int) -> str:
    """An exact byte count with thousands separators."""
    return f"{size:,}"
