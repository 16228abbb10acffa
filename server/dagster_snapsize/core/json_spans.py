"""JSON text with exact positions: every byte of a container lies in one item or in the container.

The payload is read as Latin-1, so that one character is one byte and a position in the text is a
position in the payload. A :class:`ReadPlan` says where to descend; everything else is read by
the C scanner of the standard library, which is what makes this fast. Neither separators nor the
order of keys are assumed: an item runs to the start of the next one, its separator included, and
the last one to the closing bracket. Where the order of a list may differ between processes, the
last element has as many bytes more as the others have for their separators, from the brackets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import accumulate
from json.decoder import JSONDecodeError, JSONDecoder
from json.scanner import make_scanner
from typing import Literal, NamedTuple, cast

from attrs import define, field, frozen

# Whole numbers are read as floats: no rule needs their value, and ``int`` refuses more than 4,300
# digits, which JSON does not.
_decoder = JSONDecoder(parse_int=float)
_read = make_scanner(cast("make_scanner", _decoder))
_BLANKS = ("", " ", "\t", "\n", "\r")
_blank = re.compile(r"[ \t\n\r]*")
_plain_name = re.compile(r'"([^"\\\x00-\x1f\x80-\xff]*)"[ \t\n\r]*:[ \t\n\r]*')
# What one character of a string may look like in its JSON text, read as Latin-1.
_character = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\u[0-9a-fA-F]{4}|\\.|[\x00-\x7f]|[\x80-\xff][\x80-\xbf]*",
    re.DOTALL,
)
_scalar = re.compile(
    r"(?:true|false|null|NaN|-?Infinity|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)"
)


@frozen
class ReadPlan:
    """How far to descend into a value.

    ``named`` are the plans of an object's fields, ``each`` that of all other fields and of a list's
    elements. With ``only``, fields that are not named make no items: they count as the container's
    own. With ``keep`` a value that is not descended into is kept, else only whether there is
    something in it: True, or None where it is null, an empty list or an empty object. ``levels`` is
    for values of unknown form: descend into everything, that many levels deep, and keep scalars.
    With ``unordered``, the size of a list's element does not depend on its place: it may be a set.
    """

    keep: bool = False
    named: Mapping[str, ReadPlan] = field(factory=dict)
    each: ReadPlan | None = None
    only: bool = False
    levels: int = 0
    unordered: bool = False
    descends: bool = field(init=False)
    other: ReadPlan = field(init=False)

    @descends.default
    def _descends(self) -> bool:
        return bool(self.named) or self.each is not None or self.levels > 0

    @other.default
    def _other(self) -> ReadPlan:
        if self.each is None and self.levels:
            return ReadPlan(keep=True, levels=self.levels - 1, unordered=self.unordered)
        return self.each or (SKIP if self.descends else self)


SKIP = ReadPlan()
KEEP = ReadPlan(keep=True)


class Item(NamedTuple):
    """An element of a list or a field of an object: the bytes from ``start`` up to ``stop``.

    ``name`` is None in a list. ``at`` is where the value starts. ``value`` is a :class:`Spans`
    where the plan descends.
    """

    name: str | None
    start: int
    at: int
    stop: int
    value: object

    @property
    def size(self) -> int:
        """Bytes, key and separator included."""
        return self.stop - self.start


@define
class Spans:
    """A container that was walked by hand; ``start`` and ``end`` are its brackets' bounds."""

    kind: Literal["object", "list"]
    start: int
    end: int
    items: list[Item]

    @property
    def own(self) -> int:
        """Bytes that lie in no item: the brackets, and fields that are no items."""
        return self.end - self.start - self.inside

    @property
    def inside(self) -> int:
        """Bytes of all items."""
        return sum([item[3] - item[1] for item in self.items])

    def get(self, name: str) -> object:
        """The value of the last field of that name, or None; None for lists."""
        for item in reversed(self.items):
            if item[0] == name:
                return item[4]
        return None

    def text(self, name: str) -> str | None:
        """The value of that field if it is a string."""
        value = self.get(name)
        return value if isinstance(value, str) else None


class Document:
    """A serialized snapshot as text in which a position is a byte's position."""

    def __init__(self, payload: bytes) -> None:
        self.ascii = payload.isascii()
        if not self.ascii:
            try:
                payload.decode("utf-8")
            except UnicodeDecodeError as error:
                raise ValueError(f"the snapshot is not UTF-8: {error.reason}") from None
        self.text = payload.decode("latin-1")

    @classmethod
    def of_characters(cls, text: str) -> Document:
        """A text in which a position is that of a character."""
        document = cls(b"")
        document.text = text
        return document

    def read(self, plan: ReadPlan) -> tuple[object, int, int]:
        """The document's value, its start and its end; ValueError where it is no JSON."""
        start = self._blank(0)
        value, end = self.walk(start, plan)
        if self._blank(end) != len(self.text):
            raise self._invalid("more text after its end", end)
        return value, start, end

    def walk(self, at: int, plan: ReadPlan) -> tuple[object, int]:
        """The value at that position, as the plan says, and where it ends."""
        if plan.descends:
            opening = self.text[at : at + 1]
            if opening == "{":
                return self._object(at, plan)
            if opening == "[":
                return self._list(at, plan)
        value, end = self.scan(at)
        if plan.keep or plan.descends:
            return (value if self.ascii else self._decoded(at, end)), end
        return (None if value is None or value in ([], {}) else True), end

    def scan(self, at: int) -> tuple[object, int]:
        """The value at that position and its end; a value too deep to be read is None."""
        try:
            return _read(self.text, at)
        except RecursionError:
            return None, self._skip(at)
        except StopIteration:
            raise self._invalid("a value is missing", at) from None
        except JSONDecodeError as error:
            raise self._invalid(error.msg, error.pos) from None

    def _decoded(self, at: int, end: int) -> object:
        """A value of a text that is not ASCII, with its characters put together again."""
        try:
            return _read(self.text[at:end].encode("latin-1").decode("utf-8"), 0)[0]
        except RecursionError:
            return None

    def _object(self, at: int, plan: ReadPlan) -> tuple[Spans, int]:
        text, named, other, only = self.text, plan.named, plan.other, plan.only
        new, plain_name = tuple.__new__, _plain_name.match
        items: list[Item] = []
        pos = at + 1
        if text[pos : pos + 1] != '"':
            pos = self._blank(pos)
            if text[pos : pos + 1] == "}":
                return Spans("object", at, pos + 1, items), pos + 1
        while True:
            start = pos
            match = plain_name(text, pos)
            if match:
                name, value_at = match[1], match.end()
            else:
                name, value_at = self._odd_name(pos)
            value, pos = self.walk(value_at, named.get(name, other))
            if text[pos : pos + 3] == ', "':
                pos += 2
                if not only or name in named:
                    items.append(new(Item, (name, start, value_at, pos, value)))
                continue
            pos, closed = self._separator(pos, "}")
            if not only or name in named:
                items.append(new(Item, (name, start, value_at, pos, value)))
            if closed:
                return Spans("object", at, pos + 1, items), pos + 1

    def _odd_name(self, pos: int) -> tuple[str, int]:
        """A field's name that holds escapes or is not ASCII, and where the field's value starts."""
        start, at = pos, self._name(pos)
        name, end = self.scan(start)
        return str(name if self.ascii else self._decoded(start, end)), at

    def _list(self, at: int, plan: ReadPlan) -> tuple[Spans, int]:
        each, walk, new = plan.other, self.walk, tuple.__new__
        items: list[Item] = []
        ends: list[int] = []
        pos = self._blank(at + 1)
        if self.text[pos : pos + 1] == "]":
            return Spans("list", at, pos + 1, items), pos + 1
        while True:
            start = pos
            value, end = walk(pos, each)
            pos, closed = self._separator(end, "]")
            items.append(new(Item, (None, start, start, pos, value)))
            ends.append(end)
            if closed:
                if plan.unordered and len(items) > 1:
                    # Two bytes of brackets are there for the separator that the last one lacks.
                    width = min(2, *(i.stop - e for i, e in zip(items[:-1], ends, strict=False)))
                    items = [i._replace(stop=e + width) for i, e in zip(items, ends, strict=True)]
                return Spans("list", at, pos + 1, items), pos + 1

    def _separator(self, pos: int, closing: str) -> tuple[int, bool]:
        """Where the next item starts, or the closing bracket and True."""
        if self.text[pos : pos + 2] == ", " and self.text[pos + 2 : pos + 3] not in _BLANKS:
            return pos + 2, False
        if self.text[pos : pos + 1] not in (",", closing):
            pos = self._blank(pos)
        char = self.text[pos : pos + 1]
        if char == closing:
            return pos, True
        if char != ",":
            raise self._invalid(f"a comma or {closing!r} is missing", pos)
        return self._blank(pos + 1), False

    def _blank(self, pos: int) -> int:
        match = _blank.match(self.text, pos)
        return match.end() if match else pos

    def _invalid(self, what: str, pos: int) -> ValueError:
        return ValueError(f"the snapshot is no valid JSON: {what} (byte {pos})")

    def _skip(self, pos: int) -> int:
        """The end of a value that nests deeper than the C scanner goes."""
        open_brackets: list[str] = []
        text = self.text
        while True:
            char = text[pos : pos + 1]
            if char in ("{", "["):
                open_brackets.append("}" if char == "{" else "]")
                pos = self._blank(pos + 1)
                if text[pos : pos + 1] != open_brackets[-1]:
                    pos = self._name(pos) if char == "{" else pos
                    continue
            elif char == '"':
                pos = self.scan(pos)[1]
            else:
                match = _scalar.match(text, pos)
                if not match:
                    raise self._invalid("Expecting value", pos)
                pos = match.end()
            while open_brackets:
                pos, closed = self._separator(pos, open_brackets[-1])
                if not closed:
                    pos = self._name(pos) if open_brackets[-1] == "}" else pos
                    break
                open_brackets.pop()
                pos += 1
            else:
                return pos

    def _name(self, pos: int) -> int:
        """The start of the value of the field whose name starts here."""
        if self.text[pos : pos + 1] != '"':
            raise self._invalid("a field's name is missing", pos)
        pos = self._blank(self.scan(pos)[1])
        if self.text[pos : pos + 1] != ":":
            raise self._invalid("a colon is missing", pos)
        return self._blank(pos + 1)


def items_of(value: object) -> list[Item]:
    """The items of a container that was walked by hand; none for anything else."""
    return value.items if isinstance(value, Spans) else []


def text_of(value: object, name: str) -> str:
    """The string in that field of an object, walked or kept; empty where there is none."""
    found = value.get(name) if isinstance(value, (Spans, dict)) else None
    return found if isinstance(found, str) else ""


class Escaped:
    """An object that is written as JSON inside a string."""

    def __init__(self, spans: Spans, value: str, ends: list[int] | None) -> None:
        self.spans = spans
        self._value = value
        self._ends = ends

    def size(self, item: Item) -> int:
        """Bytes of the outer text that an item takes, key and separator included."""
        if self._ends is None:
            return len(json.dumps(self._value[item.start : item.stop])) - 2
        return self._ends[item.stop] - self._ends[item.start]


def escaped(raw: str, value: str, plan: ReadPlan) -> Escaped | None:
    """The object inside a string, walked by the plan; None where there is none.

    ``raw`` is the string as it stands in the document, quotes included, ``value`` what it says.
    """
    if not value.startswith("{"):
        return None
    try:
        # Positions in the inner text are those of characters, in the outer one those of bytes.
        spans, _, _ = Document.of_characters(value).read(plan)
    except ValueError:
        return None
    if not isinstance(spans, Spans):
        return None
    if json.dumps(value) == raw:
        return Escaped(spans, value, None)
    ends = [0, *accumulate(len(match.group()) for match in _character.finditer(raw[1:-1]))]
    return Escaped(spans, value, ends) if len(ends) == len(value) + 1 else None
