"""Which definition of a measured text is which of its edited version.

A site is what can stand at a line: a function, a call, a statement, an entry of a YAML file. Sites
are told apart by what they are called, by where they are nested, by the literal key that they are
given and by their content; a definition with another name or key is another definition.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

from attrs import frozen

Span = tuple[int, int, int]  # line, start, end


@frozen
class Place:
    """Where something stands in a buffer; lines count from 0, columns are indices into the line.

    ``line`` is where a lens or a diagnostic belongs, ``start`` to ``end`` what to underline on it.
    ``names`` are the parts of lines (line, start, end) that a hover answers on.
    """

    line: int
    start: int
    end: int
    names: tuple[Span, ...]


class Begin(NamedTuple):
    """A line that a site can be meant by: a decorator, by its name, or where it begins."""

    name: str
    line: int
    start: int
    end: int


class Site(NamedTuple):
    """Something that can stand at a line; lines count from the start of its part of the file.

    ``head`` is what it is (``def orders``), ``path`` the functions, classes or keys around it,
    ``label`` its literal key or name, ``targets`` what it is assigned to, ``digest`` its content.
    ``first`` to ``last`` are the lines of its header, of a call all its lines. What is ``inner``
    begins on the line of what it stands in, so that no line means it.
    """

    head: str
    path: str
    label: str
    targets: str
    digest: int
    first: int
    last: int
    begins: tuple[Begin, ...]
    spans: tuple[Span, ...]
    inner: bool = False

    @property
    def decorators(self) -> frozenset[str]:
        """The names of its decorators, without their modules."""
        return frozenset(b.name for b in self.begins if b.name.startswith("@"))

    @property
    def is_named(self) -> bool:
        """Whether name or key alone say what it is."""
        return bool(self.label) or self.head.startswith("def ")

    def begin_called(self, name: str) -> Begin:
        """The decorator of that name, or the first line it begins at."""
        return next((b for b in self.begins if b.name == name), self.begins[0])

    def place(self, begin: Begin, down: int) -> Place:
        """Its place in a file where its part starts ``down`` lines below the top."""
        spans = tuple((line + down, start, end) for line, start, end in self.spans)
        return Place(begin.line + down, begin.start, begin.end, spans)


class Placed(NamedTuple):
    """A site, and the line at which its part of the file starts."""

    site: Site
    down: int

    @property
    def line(self) -> int:
        """Its line in the file."""
        return self.site.first + self.down


def decorator_begins(decorators: Iterable[tuple[str, Span]]) -> tuple[Begin, ...]:
    """Decorators by name and place; the second of one name is another."""
    count: Counter[str] = Counter()
    begins = []
    for name, span in decorators:
        count[name] += 1
        nth = f" {count[name]}" if count[name] > 1 else ""
        begins.append(Begin(f"@{name}{nth}", *span))
    return tuple(begins)


def match(
    old: Sequence[Placed], new: Sequence[Placed], line_now: Callable[[int], int | None]
) -> dict[int, int]:
    """Indices of ``old`` to indices of ``new``; what is gone has none. Both are in file order.

    ``line_now`` tells where a line of the old text is now, and is asked only to break a tie.
    """
    found: dict[int, int] = {}
    news = _by((p.site.head for p in new), range(len(new)))
    for head, olds in _by((p.site.head for p in old), range(len(old))).items():
        if head in news:
            found.update(_Group(old, new, olds, news[head], line_now).match())
    return found


_Key = Callable[[Site], Hashable]


class _Group:
    """The sites of one head on both sides."""

    def __init__(
        self,
        old: Sequence[Placed],
        new: Sequence[Placed],
        olds: Sequence[int],
        news: Sequence[int],
        line_now: Callable[[int], int | None],
    ):
        self._old, self._new = old, new
        self._olds, self._news = olds, news
        self._line_now = line_now
        self._found: dict[int, int] = {}
        self._taken: set[int] = set()

    def match(self) -> dict[int, int]:
        """From the surest sign to the weakest."""
        self._same(lambda s: (s.path, s.label, s.targets, s.digest))
        self._same(lambda s: (s.label, s.digest))
        self._same(lambda s: (s.path, s.digest))  # a function whose decorator changed
        self._same_name_edited()
        self._lone(lambda s: (s.path, s.label) if s.is_named else None)
        self._lone(lambda s: s.label or None)
        # A module has one of these, wherever it is put and whatever it is called.
        self._lone(lambda s: s.head if s.head == "call Definitions" else None)
        return self._found

    def _same(self, key: _Key) -> None:
        for olds, news in self._both(key):
            if len(olds) == len(news):
                self._pair(zip(olds, news, strict=True))
            else:
                self._by_line(olds, news)

    def _same_name_edited(self) -> None:
        """Edited sites of the same name: those between two that are known keep their order."""
        for olds, news in self._both(lambda s: (s.path, s.label, s.targets), left=False):
            rank = {index: position for position, index in enumerate(news)}
            run: list[int] = []
            start = 0
            for index in (*olds, None):
                if index is not None and index not in self._found:
                    run.append(index)
                    continue
                end = len(news) if index is None else rank.get(self._found[index])
                if end is None:  # it has gone to another name, and bounds nothing here
                    continue
                if run:
                    free = [n for n in news[start:end] if n not in self._taken]
                    if len(free) == len(run):
                        self._pair(zip(run, free, strict=True))
                    else:
                        self._by_line(run, free)
                run, start = [], end + 1

    def _lone(self, key: _Key) -> None:
        """The only one left on either side."""
        for olds, news in self._both(key):
            if len(olds) == len(news) == 1:
                self._pair([(olds[0], news[0])])

    def _both(self, key: _Key, left: bool = True) -> list[tuple[list[int], list[int]]]:
        """Indices of one key on both sides, those not paired yet if ``left``."""
        olds = [i for i in self._olds if not (left and i in self._found)]
        if not olds:
            return []
        news = [i for i in self._news if not (left and i in self._taken)]
        others = _by((key(self._new[i].site) for i in news), news)
        groups = _by((key(self._old[i].site) for i in olds), olds).items()
        return [(group, others[k]) for k, group in groups if k is not None and k in others]

    def _by_line(self, olds: Sequence[int], news: Sequence[int]) -> None:
        lines = _by((self._new[i].line for i in news), news)
        for index in olds:
            line = self._line_now(self._old[index].line)
            free = [n for n in lines.get(line, ()) if n not in self._taken]
            if free:
                self._pair([(index, free[0])])

    def _pair(self, pairs: Iterable[tuple[int, int]]) -> None:
        for old, new in pairs:
            before = self._old[old].site.decorators
            # A function that has lost what made it an asset is one no more.
            if not before or before & self._new[new].site.decorators:
                self._found[old] = new
                self._taken.add(new)


def _by(keys: Iterable[Hashable], indices: Sequence[int]) -> dict[Hashable, list[int]]:
    groups: defaultdict[Hashable, list[int]] = defaultdict(list)
    for key, index in zip(keys, indices, strict=True):
        groups[key].append(index)
    return dict(groups)
