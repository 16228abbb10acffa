"""Where what was measured stands in a buffer that has been edited since.

Sizes belong to lines of the text on disk when it was measured. While someone types, each of those
lines is looked for in the buffer by comparing the two texts line by line. A line that was deleted,
or that no longer holds a definition, has no place until the next measurement. Every answer is made
from the measured text, never from the answer before it.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from attrs import evolve, field, frozen

from dagster_snapsize.lsp.anchors.line_map import LineMap, digests, lf_only, split_lines, whole_line
from dagster_snapsize.lsp.anchors.spans import Language, Span, spans

__all__ = ["Anchors", "Language", "Place", "split_lines"]

_BOM = "\ufeff"
_LARGEST = 2_000_000  # characters; all that is done with a text holds the server up
# What a line begins with that says what it holds: a line that is edited keeps it.
_OPENING = re.compile(r"@|(?:async\s+)?(def|class)\b|#|--")


@frozen
class Place:
    """Where something stands in a buffer; lines count from 0, columns are indices into the line.

    ``line`` is where a lens or a diagnostic belongs, ``start`` to ``end`` what to underline on it.
    A hover answers on the lines ``first`` to ``last``, on the last of them within ``name`` only.
    """

    line: int
    start: int
    end: int
    first: int
    last: int
    name: tuple[int, int] | None = None

    def hovered(self, rows: Sequence[str], line: int) -> tuple[int, int] | None:
        """The columns of a line that a hover answers on; None where it does not."""
        if not self.first <= line <= self.last:
            return None
        if line == self.last and self.name is not None:
            return self.name
        _, start, end = whole_line(rows, line)
        return (start, end) if start < end or line == self.line else None


class _Row(NamedTuple):
    """A line (from 0) of the measured text: its stripped text and its indentation."""

    line: int
    text: str
    indent: int

    @classmethod
    def of(cls, rows: Sequence[str], line: int) -> _Row:
        return cls(line, rows[line].strip(), len(rows[line]) - len(rows[line].lstrip()))

    def columns(self, start: int, end: int, row: str) -> tuple[int, int]:
        """Where columns of this line are in an edited version of it."""
        text = row.strip()
        indent = len(row) - len(row.lstrip())
        start, end = start - self.indent, end - self.indent
        if not text.startswith(self.text[:end]):
            at = text.find(self.text[start:end])
            if at >= 0:
                start, end = at, at + end - start
            else:
                start = start if text.startswith(self.text[:start]) else 0
                after = self.text[end:]
                end = len(text) - (len(after) if text[start:].endswith(after) else 0)
        return indent + start, indent + end


@frozen
class _Measured:
    """A measured line, the definition there, and the last line of that."""

    row: _Row
    span: Span
    last: _Row


@frozen
class Anchors:
    """The measured lines of one file, to be found again in its buffers."""

    _digest: int
    _places: Mapping[int, Place | None] = field(repr=False)
    _measured: tuple[_Measured, ...] = field(repr=False)
    _lines: array[int] = field(repr=False)  # a number for each line, not the text

    @classmethod
    def of(cls, text: str, lines: Sequence[int], language: Language) -> Anchors:
        """Remember what stands at these lines (from 1) of a measured text.

        A line that the text does not have is gone everywhere. Python is parsed, which takes 10 to
        40 ms for 1,000 lines; a very large text is not.
        """
        text = lf_only(text.removeprefix(_BOM))
        rows = text.split("\n")
        if len(text) > _LARGEST:
            language = "other"
        wanted = sorted({line - 1 for line in lines if 1 <= line <= len(rows)})
        places: dict[int, Place | None] = dict.fromkeys(lines)
        measured = []
        for line, span in spans(rows, wanted, language).items():
            places[line + 1] = Place(line, span.start, span.end, span.first, span.last, span.name)
            measured.append(_Measured(_Row.of(rows, line), span, _Row.of(rows, span.last)))
        return cls(hash(text), places, tuple(measured), array("q", digests(rows)))

    def lines_of(self, text: str) -> Collection[int]:
        """The measured lines (from 1) where this is the text that they were measured in."""
        is_same = hash(lf_only(text.removeprefix(_BOM))) == self._digest
        return self._places if is_same else ()

    def locate(self, buffer: str) -> Mapping[int, Place | None]:
        """Each measured line (from 1) with its place in the buffer, or None where it is gone.

        Nothing is parsed: an edit costs a comparison of lines, some 5 ms for 5,000 of them. In a
        very large buffer that was edited every line counts as gone.
        """
        has_bom = buffer.startswith(_BOM)
        text = lf_only(buffer.removeprefix(_BOM))
        if hash(text) == self._digest:
            places = self._places
        elif len(text) > _LARGEST:
            places = dict.fromkeys(self._places)
        else:
            places = self._find(text.split("\n"))
        if not has_bom:
            return places
        return {line: _behind_bom(place) if place else None for line, place in places.items()}

    def _find(self, rows: Sequence[str]) -> Mapping[int, Place | None]:
        now = LineMap.between(self._lines, digests(rows))
        places: dict[int, Place | None] = dict.fromkeys(self._places)
        for measured in self._measured:
            places[measured.row.line + 1] = _place(measured, now, rows)
        return places


def _place(measured: _Measured, now: LineMap, rows: Sequence[str]) -> Place | None:
    row, span, last_row = measured.row, measured.span, measured.last
    line = now.nearest(row.line, row.text, rows)
    if line is None or _opening(rows[line]) != _opening(row.text):
        if row.line > 0 or span.is_definition:
            return None
        line = 0  # what is said of the first line is said of the file
    start, end = row.columns(span.start, span.end, rows[line])
    first = now.get(span.first)
    last = line if span.last == row.line else now.nearest(span.last, last_row.text, rows)
    name = span.name
    if last is None or last < line:
        last, name = line, None
    elif name is not None:
        name = last_row.columns(*name, rows[last])
    return Place(line, start, end, line if first is None else min(first, line), last, name)


def _opening(text: str) -> str:
    """What a line holds, as its beginning tells: a decorator, a function, a class, a comment."""
    found = _OPENING.match(text.lstrip())
    return (found[1] or found[0]) if found else ""


def _behind_bom(place: Place) -> Place:
    """The place in a buffer whose first line begins with a byte order mark."""
    if place.line == 0:
        place = evolve(place, start=place.start + 1, end=place.end + 1)
    if place.last == 0 and place.name is not None:
        place = evolve(place, name=(place.name[0] + 1, place.name[1] + 1))
    return place
