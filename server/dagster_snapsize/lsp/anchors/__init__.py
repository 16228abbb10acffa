"""Where what was measured stands in a buffer that has been edited since.

Sizes belong to lines of the text on disk when it was measured. While someone types, each of those
lines is looked for in the buffer by what stands there (a function by its name, a call by its
literal key, an entry by its keys), so that it is found where it was moved to and is gone where it
was deleted. Every answer is made from the measured text, never from the answer before it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from attrs import field, frozen

from dagster_snapsize.lsp.anchors.line_map import LineMap, digests, split_lines, whole_line
from dagster_snapsize.lsp.anchors.match import Place, Placed, match
from dagster_snapsize.lsp.anchors.parts import KnownParts, Part, placed, read_parts
from dagster_snapsize.lsp.anchors.yaml_sites import yaml_sites

__all__ = ["Anchors", "Language", "Place", "split_lines"]

Language = Literal["python", "yaml", "other"]

_BOM = "\ufeff"
_TEXT_LENGTH = 200  # characters of a line that are kept to know it again after an edit
# These say what they are as a whole, whatever they call on their line.
_WHOLE = ("stmt Raise", "stmt Assert")


class _Interest(NamedTuple):
    """What stood at a measured line (from 0).

    ``sites`` are indices, with the name of the begin or None for a line further down, ``offset``
    lines from the first. Without sites the line is known by its ``text`` alone.
    """

    line: int
    text: str
    sites: tuple[tuple[int, str | None], ...]
    offset: int


@frozen
class Anchors:
    """The measured lines of one file, to be found again in its buffers.

    It keeps numbers for the lines and what is called as the definitions of interest are, not the
    text.
    """

    _language: Language
    _digest: int
    _places: Mapping[int, Place | None] = field(repr=False)
    _interests: tuple[_Interest, ...] = field(repr=False)
    _sites: tuple[Placed, ...] = field(repr=False)
    _known: KnownParts | None = field(repr=False)
    _lines: array[int] = field(repr=False)

    @classmethod
    def of(cls, text: str, lines: Sequence[int], language: Language) -> Anchors:
        """Remember what stands at these lines (from 1) of a measured text.

        A line that the text does not have is gone everywhere. The whole text is parsed, which takes
        20 to 60 ms for 1,000 lines of Python.
        """
        rows = split_lines(text.removeprefix(_BOM))
        wanted = sorted({line for line in lines if 1 <= line <= len(rows)})
        parts = read_parts(rows) if language == "python" else []
        sites = placed(parts) if language == "python" else _other_sites(language, rows) or []
        chosen = _meant(sites, [line - 1 for line in wanted])
        heads = {sites[index].site.head for found in chosen.values() for index, _ in found}
        keep = [i for i, site in enumerate(sites) if site.site.head in heads]
        renumbered = {old: new for new, old in enumerate(keep)}
        interests = tuple(
            _Interest(
                line=line,
                text=rows[line].strip()[:_TEXT_LENGTH],
                sites=tuple((renumbered[i], begin) for i, begin in found),
                offset=line - sites[found[0][0]].line if found else 0,
            )
            for line, found in sorted(chosen.items())
        )
        places: dict[int, Place | None] = dict.fromkeys(lines)
        for interest in interests:
            own = [(sites[i], begin) for i, begin in chosen[interest.line]]
            places[interest.line + 1] = (
                _place(interest, own[0], rows) if own else _whole(rows, interest.line)
            )
        return cls(
            language=language,
            digest=_digest(rows),
            places=MappingProxyType(places),
            interests=interests,
            sites=tuple(sites[i] for i in keep),
            known=KnownParts.of(parts, heads) if language == "python" else None,
            lines=array("q", digests(rows)),
        )

    def locate(self, buffer: str) -> Mapping[int, Place | None]:
        """Each measured line (from 1) with its place in the buffer, or None where it is gone.

        Of a Python file only those statements at the left edge are parsed that were not measured
        as they are: 10 ms after one edit in 5,000 lines, and up to 300 ms where all of those lines
        are one list.
        """
        has_bom = buffer.startswith(_BOM)
        rows = split_lines(buffer.removeprefix(_BOM))
        places = self._places if _digest(rows) == self._digest else self._find(rows)
        if not has_bom:
            return places
        return {line: _behind_bom(place) if place else None for line, place in places.items()}

    def _find(self, rows: Sequence[str]) -> Mapping[int, Place | None]:
        now = _LinesNow(self._lines, rows)
        parts: list[Part] = []
        if self._language == "python":
            heads = {site.site.head for site in self._sites}
            parts = read_parts(rows, heads, self._known)
            sites: list[Placed] | None = placed(parts)
        else:
            sites = _other_sites(self._language, rows)
        pairs = match(self._sites, sites or (), now.get) if sites else {}
        places: dict[int, Place | None] = dict.fromkeys(self._places)
        for interest in self._interests:
            found = next(((pairs[i], b) for i, b in interest.sites if i in pairs), None)
            if found and sites:
                place: Place | None = _place(interest, (sites[found[0]], found[1]), rows)
            else:
                place = self._by_line(interest, rows, now, parts, sites is not None)
            places[interest.line + 1] = place
        return places

    def _by_line(
        self,
        interest: _Interest,
        rows: Sequence[str],
        now: _LinesNow,
        parts: Sequence[Part],
        was_read: bool,
    ) -> Place | None:
        """The place of what is no site, or of a site in text that cannot be read for sites."""
        heads = [self._sites[i].site.head for i, _ in interest.sites]
        is_named = any(self._sites[i].site.is_named for i, _ in interest.sites)
        line = None
        if not heads or not was_read:
            line = now.nearest(interest)
        elif all(head.startswith("stmt ") for head in heads):
            # A part that does not parse is read for functions and calls only.
            line = now.get(interest.line)
            if not any(part.broken and part.start <= (line or 0) < part.end for part in parts):
                line = None
        if line is None and interest.line == 0 and not is_named:
            line = 0  # what is said of the first line is said of the file
        return None if line is None else _whole(rows, line)


class _LinesNow:
    """Where lines of the measured text are now, found out when it is first asked."""

    def __init__(self, before: Sequence[int], rows: Sequence[str]):
        self._before = before
        self._rows = rows
        self._map: LineMap | None = None

    def _made(self) -> LineMap:
        if self._map is None:
            self._map = LineMap.between(self._before, digests(self._rows))
        return self._map

    def get(self, line: int) -> int | None:
        return self._made().get(line)

    def nearest(self, interest: _Interest) -> int | None:
        return self._made().nearest(interest.line, interest.text, self._rows)


def _other_sites(language: Language, rows: Sequence[str]) -> list[Placed] | None:
    return yaml_sites(rows) if language == "yaml" else None


def _digest(rows: Sequence[str]) -> int:
    return hash("\n".join(rows))


def _meant(
    sites: Sequence[Placed], lines: Sequence[int]
) -> dict[int, tuple[tuple[int, str | None], ...]]:
    """What each line (from 0) stands for: indices of sites, each with the begin that it is of it.

    Several calls side by side on one line are all meant. The begin is None on a line further down.
    """
    functions: dict[int, tuple[int, str]] = {}
    whole: dict[int, tuple[int, str]] = {}
    beside: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    chained: dict[int, tuple[int, str]] = {}
    for index, (site, down) in enumerate(sites):
        first, *others = site.begins
        if site.head.startswith("def "):
            # Whichever decorator is the first: that is where Python says a function begins.
            functions[first.line + down] = (index, "")
            functions.update((b.line + down, (index, b.name)) for b in others)
        elif site.head in _WHOLE:
            whole[first.line + down] = (index, "")
        elif not site.head.startswith("stmt ") and not site.inner:
            beside[first.line + down].append((index, ""))
            chained.update((b.line + down, (index, b.name)) for b in others)
    found: dict[int, tuple[tuple[int, str | None], ...]] = {}
    for line in lines:
        for single in (functions, whole):
            if line in single:
                found[line] = (single[line],)
                break
        else:
            if line in beside:
                found[line] = tuple(beside[line])
            elif line in chained:
                found[line] = (chained[line],)
    return {**_around(sites, [line for line in lines if line not in found]), **found}


def _around(
    sites: Sequence[Placed], lines: Sequence[int]
) -> dict[int, tuple[tuple[int, str | None], ...]]:
    """The narrowest site whose header goes over each line; lines are in ascending order."""
    narrowest: dict[int, tuple[int, int]] = {}
    for index, placed_ in enumerate(sites):
        height = placed_.site.last - placed_.site.first
        for line in lines[
            bisect_left(lines, placed_.line) : bisect_right(lines, placed_.line + height)
        ]:
            if line not in narrowest or height <= narrowest[line][0]:
                narrowest[line] = height, index
    return {line: ((narrowest[line][1], None),) if line in narrowest else () for line in lines}


def _place(interest: _Interest, found: tuple[Placed, str | None], rows: Sequence[str]) -> Place:
    (site, down), begin = found
    if begin is not None:
        return site.place(site.begin_called(begin), down)
    inside = range(site.first + down, min(site.last + down + 1, len(rows)))
    same = [line for line in inside if rows[line].strip()[:_TEXT_LENGTH] == interest.text]
    if not same:
        return site.place(site.begins[0], down)
    there = site.first + down + interest.offset
    return _whole(rows, min(same, key=lambda line: abs(line - there)))


def _whole(rows: Sequence[str], line: int) -> Place:
    span = whole_line(rows, line)
    return Place(*span, names=(span,))


def _behind_bom(place: Place) -> Place:
    """The place in a buffer whose first line begins with a byte order mark."""

    def later(line: int, column: int) -> int:
        return column + 1 if line == 0 else column

    return Place(
        place.line,
        later(place.line, place.start),
        later(place.line, place.end),
        tuple((line, later(line, a), later(line, b)) for line, a, b in place.names),
    )
