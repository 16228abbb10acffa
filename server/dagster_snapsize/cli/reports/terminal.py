"""The terminal that text reports are printed to; all that the reports use of rich."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Sequence
from typing import IO, cast

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from dagster_snapsize.cli.output import Unescaped, escaped

Part = str | tuple[str, str] | Text
"""A text, a text with its style, or several of them."""

_PIPE_WIDTH = 10_000
_BAR_CELLS = 16


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to ``leave_with``: rich itself would end with the status of "over budget"."""
        raise


class Terminal:
    """Standard output, through rich, which honours NO_COLOR and FORCE_COLOR.

    Brackets in the user's names are not markup. Lines are not folded in a pipe.
    """

    def __init__(self) -> None:
        self._console = _Console(
            file=cast("IO[str]", Unescaped(sys.stdout)),
            markup=False,
            highlight=False,
            emoji=False,
            soft_wrap=False,
        )
        if not self._console.is_terminal and "COLUMNS" not in os.environ:
            self._console.width = _PIPE_WIDTH

    @property
    def width(self) -> int:
        """Columns of the window."""
        return self._console.width

    def line(self, *parts: Part) -> None:
        """Print one line, however long."""
        self._console.print(styled(*parts), soft_wrap=True)

    def table(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[Part]],
        right: Collection[int] = (),
        unbroken: Collection[int] | None = (),
    ) -> None:
        """Print a table; columns in ``right`` are numbers.

        Long cells are folded to the window, but for columns in ``unbroken``; None is all of them.
        """
        options = self._console.options
        if unbroken is None:
            options = options.update(width=_PIPE_WIDTH)
        table = _table(head, rows, right, unbroken or ())
        for segments in self._console.render_lines(table, options, pad=False):
            line = Text.assemble(*((s.text, s.style or "") for s in segments))
            line.rstrip()  # the blanks that would fill the last column
            self._console.print(line, soft_wrap=True)

    def fits(self, head: Sequence[str], rows: Sequence[Sequence[Part]]) -> bool:
        """Whether a table can be printed with every row on one line."""
        options = self._console.options.update(width=_PIPE_WIDTH)
        table = _table(head, rows)
        return Measurement.get(self._console, options, table).maximum <= self.width

    def bar(self, part: int, whole: int, style: str) -> Text:
        """How much of ``whole`` is used up by ``part``, as a bar of fixed width."""
        filled = min(_BAR_CELLS, round(_BAR_CELLS * part / whole)) if whole else 0
        full, empty = "█░" if can_show("█░") else "#."
        return Text.assemble((full * filled, style), (empty * (_BAR_CELLS - filled), "dim"))


def styled(*parts: Part) -> Text:
    """A cell of several parts."""
    return Text.assemble(*map(_plain, parts))


def _plain(part: Part) -> Part:
    if isinstance(part, str):
        return escaped(part)
    return (escaped(part[0]), part[1]) if isinstance(part, tuple) else part


def can_show(text: str) -> bool:
    """Whether standard output can print these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _table(
    head: Sequence[str],
    rows: Sequence[Sequence[Part]],
    right: Collection[int] = (),
    unbroken: Collection[int] = (),
) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column, heading in enumerate(head):
        table.add_column(
            heading,
            justify="right" if column in right else "left",
            overflow="fold",
            no_wrap=column in right or column in unbroken,
        )
    for row in rows:
        table.add_row(*(styled(cell) for cell in row))
    return table
