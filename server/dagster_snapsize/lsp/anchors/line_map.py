"""Which line of a text became which line of its edited version, by the lines' content alone.

Lines count from 0 here.
"""

from __future__ import annotations

import difflib
import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

_BLANK = hash("")
# Above this many pairs of lines, what stands between two anchors is not compared any closer.
_CLOSE = 40_000
_GAP = 50  # lines of the buffer that one changed line is looked for in
_ALIKE = 0.6
_COMPARED = 200  # characters of a line
_FUNCTION = ("def ", "class ", "async def ")
_OPEN = ("(", "[", "{")


def split_lines(text: str) -> list[str]:
    """The lines as editors count them: ended by LF, CRLF or CR alone, and by nothing else.

    ``str.splitlines`` also ends lines at form feeds, U+2028 and the like, which neither the
    language server protocol nor Python's own line numbers do.
    """
    return lf_only(text).split("\n")


def lf_only(text: str) -> str:
    """The text with every end of a line as LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class Lines(Sequence[str]):
    """The same, each cut out of the text when it is asked for: lines take twice their length."""

    def __init__(self, text: str):
        self._text = lf_only(text)
        ends = (match.end() for match in re.finditer("\n", self._text))
        self._starts = array("L", [0, *ends, len(self._text) + 1])

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        line = range(len(self))[index]
        return self._text[self._starts[line] : self._starts[line + 1] - 1]


def digests(lines: Sequence[str]) -> list[int]:
    """One number for each line, the same for any indentation.

    A line that many definitions have in common counts with what tells them apart: a decorator with
    the name of its function, an open bracket with the line after it.
    """
    found = []
    function = below = ""
    for line in reversed(lines):
        text = line.strip()
        if text[:1] == "@":
            found.append(hash((text, function)))
        elif text.startswith(_FUNCTION):
            function = text.removeprefix("async ").partition("(")[0]
            found.append(hash(text))
        elif text.endswith(_OPEN):
            found.append(hash((text, below)))
        else:
            found.append(hash(text))
        below = text or below
    found.reverse()
    return found


def whole_line(lines: Sequence[str], line: int) -> tuple[int, int, int]:
    """A line with the columns between which it has text."""
    text = lines[line].rstrip()
    return line, len(text) - len(text.lstrip()), len(text)


@frozen
class LineMap:
    """Old line to new line.

    ``order`` is what kept its order; ``moved`` are lines of which there is but one on either side
    and which stand in another order now.
    """

    order: Mapping[int, int]
    moved: Mapping[int, int]
    _known: Sequence[int]

    @classmethod
    def between(cls, old: Sequence[int], new: Sequence[int]) -> LineMap:
        """The map between two texts, each as the digests of its lines."""
        order = _in_order(old, new)
        known = sorted(order)
        left = [i for i in range(len(old)) if i not in order]
        if not left:
            return cls(order, {}, known)
        taken = set(order.values())
        once_old, once_new = _once(old, 0, len(old)), _once(new, 0, len(new))
        candidates = ((i, once_new.get(old[i])) for i in left if old[i] in once_old)
        moved = {i: j for i, j in candidates if j is not None and j not in taken}
        return cls(order, moved, known)

    def get(self, line: int) -> int | None:
        """Where an unchanged line is now."""
        found = self.order.get(line)
        return self.moved.get(line) if found is None else found

    def nearest(self, line: int, text: str, lines: Sequence[str]) -> int | None:
        """Where a line is now that may have been edited: the most alike between its neighbours.

        ``text`` is what it was, stripped; ``lines`` are those of the buffer.
        """
        found = self.get(line)
        if found is not None or not text:
            return found
        at = bisect_left(self._known, line)
        above = self.order[self._known[at - 1]] if at else -1
        below = self.order[self._known[at]] if at < len(self._known) else len(lines)
        taken = set(self.moved.values())
        matcher = difflib.SequenceMatcher(None, b=text[:_COMPARED], autojunk=False)
        best, likeness = None, _ALIKE
        for candidate in range(above + 1, min(below, above + 1 + _GAP)):
            stripped = lines[candidate].strip()[:_COMPARED]
            if candidate in taken or not stripped:
                continue
            matcher.set_seq1(stripped)
            if matcher.real_quick_ratio() > likeness and matcher.quick_ratio() > likeness:
                ratio = matcher.ratio()
                if ratio > likeness:
                    best, likeness = candidate, ratio
        return best


def _in_order(old: Sequence[int], new: Sequence[int]) -> dict[int, int]:
    """Equal lines, in ascending order on both sides: patience first, difflib in small gaps."""
    mapped: dict[int, int] = {}
    todo = [(0, len(old), 0, len(new))]
    while todo:
        a, a_end, b, b_end = todo.pop()
        while a < a_end and b < b_end and old[a] == new[b]:
            mapped[a] = b
            a, b = a + 1, b + 1
        while a < a_end and b < b_end and old[a_end - 1] == new[b_end - 1]:
            a_end, b_end = a_end - 1, b_end - 1
            mapped[a_end] = b_end
        if a == a_end or b == b_end:
            continue
        anchors = _anchors(old, new, a, a_end, b, b_end)
        if anchors:
            for i, j in anchors:
                mapped[i] = j
                todo.append((a, i, b, j))
                a, b = i + 1, j + 1
            todo.append((a, a_end, b, b_end))
        elif (a_end - a) * (b_end - b) <= _CLOSE:
            matcher = difflib.SequenceMatcher(None, old[a:a_end], new[b:b_end], autojunk=False)
            for i, j, size in matcher.get_matching_blocks():
                mapped.update((a + i + k, b + j + k) for k in range(size))
    return mapped


def _anchors(
    old: Sequence[int], new: Sequence[int], a: int, a_end: int, b: int, b_end: int
) -> list[tuple[int, int]]:
    """The longest ascending run of pairs of lines that are there but once on either side."""
    once_new = _once(new, b, b_end)
    pairs = [(i, once_new[x]) for x, i in _once(old, a, a_end).items() if x in once_new]
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        at = bisect_left(tails, j)
        before.append(ends[at - 1] if at else -1)
        tails[at : at + 1] = [j]
        ends[at : at + 1] = [index]
    run = []
    index = ends[-1] if ends else -1
    while index >= 0:
        run.append(pairs[index])
        index = before[index]
    return run[::-1]


def _once(lines: Sequence[int], start: int, end: int) -> dict[int, int]:
    """The lines that are there but once, with where, in ascending order."""
    part = lines[start:end]
    count = Counter(part)
    return {x: start + i for i, x in enumerate(part) if count[x] == 1 and x != _BLANK}
