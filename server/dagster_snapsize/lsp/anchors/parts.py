"""Python files, read part by part.

A file is read in parts, one for each statement at its left edge, so that one edit has one part
parsed again and a syntax error, as there is at every second key stroke, costs no other part. A part
that does not parse is read by patterns. Cut at the left edge, a part that parses ends where its
statement does, so reading the parts gives what reading the whole would.
"""

from __future__ import annotations

import re
import warnings
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise

from attrs import frozen

from dagster_snapsize.lsp.anchors.match import Placed, Site
from dagster_snapsize.lsp.anchors.outline import outline
from dagster_snapsize.lsp.anchors.python_sites import python_sites

_NO_START = re.compile(r"[\s#)\]}]|$|(?:else|elif|except|finally)\b")
_DECORATED = re.compile(r"(?:async|def|class)\b|@")
_NEVER_INSIDE_BRACKETS = re.compile(r"(?:def|class|import|from|return)\b|@")
_MORE = 4  # parts that an open bracket may go on for


@frozen
class Part:
    """One statement at the left edge, with the lines (from 0) that it takes.

    ``digests`` has one number for each stretch of text that it was cut into first. A part that is
    ``broken`` does not parse, and its sites are guesses.
    """

    start: int
    end: int
    digests: tuple[int, ...]
    sites: tuple[Site, ...]
    broken: bool


@frozen
class KnownParts:
    """Parts that were read before, by their text."""

    by_digests: Mapping[tuple[int, ...], Part]
    by_first: Mapping[int, tuple[tuple[int, ...], ...]]

    @classmethod
    def of(cls, parts: Sequence[Part], heads: Collection[str]) -> KnownParts:
        """These parts, with only the sites of these heads kept."""
        by_digests = {}
        by_first: dict[int, set[tuple[int, ...]]] = {}
        for part in parts:
            sites = tuple(site for site in part.sites if site.head in heads)
            by_digests[part.digests] = Part(part.start, part.end, part.digests, sites, part.broken)
            by_first.setdefault(part.digests[0], set()).add(part.digests)
        longest_first = {x: tuple(sorted(d, key=len, reverse=True)) for x, d in by_first.items()}
        return cls(by_digests, longest_first)


def read_parts(
    lines: Sequence[str], heads: Collection[str] | None = None, known: KnownParts | None = None
) -> list[Part]:
    """The parts of a file, with the sites of these heads, or with all."""
    cuts = [*_cuts(lines), len(lines)]
    stretches = [hash("\n".join(lines[a:b])) for a, b in pairwise(cuts)]
    parts = []
    at = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the user's code: an invalid escape, for one
        while at < len(stretches):
            part = _known(stretches, at, cuts, known) or _read(lines, stretches, at, cuts, heads)
            parts.append(part)
            at += len(part.digests)
    return parts


def placed(parts: Sequence[Part]) -> list[Placed]:
    """All sites in the order of the file."""
    return [Placed(site, part.start) for part in parts for site in part.sites]


def _cuts(lines: Sequence[str]) -> list[int]:
    """The lines that begin a statement at the left edge; a decorator begins its function."""
    cuts = [0]
    decorated = False
    for number, line in enumerate(lines):
        if _NO_START.match(line):
            continue
        if not decorated or not _DECORATED.match(line):
            cuts.append(number)
        decorated = line.startswith("@")
    return cuts[1:] if cuts[1:2] == [0] else cuts


def _known(
    stretches: Sequence[int], at: int, cuts: Sequence[int], known: KnownParts | None
) -> Part | None:
    for candidate in known.by_first.get(stretches[at], ()) if known else ():
        if tuple(stretches[at : at + len(candidate)]) == candidate:
            part = known.by_digests[candidate]  # type: ignore[union-attr]
            end = cuts[at + len(candidate)]
            return Part(cuts[at], end, candidate, part.sites, part.broken)
    return None


def _read(
    lines: Sequence[str],
    stretches: Sequence[int],
    at: int,
    cuts: Sequence[int],
    heads: Collection[str] | None,
) -> Part:
    def part(size: int, sites: tuple[Site, ...], broken: bool) -> Part:
        return Part(cuts[at], cuts[at + size], tuple(stretches[at : at + size]), sites, broken)

    def text(size: int) -> list[str]:
        return list(lines[cuts[at] : cuts[at + size]])

    own = text(1)
    try:
        return part(1, python_sites(own, heads), False)
    except SyntaxError as error:
        sizes = _longer(error.msg, lines, at, cuts)
    except (ValueError, RecursionError, MemoryError):
        sizes = iter(())
    for size in sizes:
        more = text(size)
        try:
            return part(size, python_sites(more, heads), False)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return part(1, outline(own, heads), True)


def _longer(message: str, lines: Sequence[str], at: int, cuts: Sequence[int]) -> Iterator[int]:
    """How many stretches the statement may really have, which text at the left edge cut short."""
    count = len(cuts) - 1 - at
    if "triple-quoted" in message:
        for quote in ('"""', "'''"):
            start = cuts[at + 1]
            closing = next((i for i in range(start, len(lines)) if quote in lines[i]), None)
            if closing is not None:
                yield bisect_right(cuts, closing) - at
    elif "never closed" in message or "unexpected EOF" in message:
        for size in range(2, min(count, 1 + _MORE) + 1):
            if _NEVER_INSIDE_BRACKETS.match(lines[cuts[at + size - 1]]):
                return
            yield size
