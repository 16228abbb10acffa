"""Where each key of a TOML document is written, which TOML readers do not say.

Only for documents that a TOML reader has accepted: of others it says nothing sensible.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from attrs import define, field, frozen

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

Path = tuple[str, ...]

_BLANK = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE_VALUE = re.compile(r"[^,\]}#\r\n]+")
_KEY_PART = re.compile(r"[A-Za-z0-9_-]+|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'")
_REST_OF_LINE = re.compile(r"[^\r\n]*")


@frozen
class Entry:
    """A key with its value: full path of the key, offsets of key and value, in characters."""

    path: Path
    start: int
    value_start: int
    value_end: int


@frozen
class InlineTable:
    """``{...}``: its full path, the offsets behind ``{`` and at ``}``, its entries."""

    path: Path
    inside: int
    close: int
    entries: tuple[Entry, ...]


@define
class Section:
    """A header, or the top of the document, with the keys up to the next header.

    ``end`` is the offset behind the last line of it that says something, without its line's end;
    None at the top of a document that begins with a header.
    """

    path: Path
    is_array: bool
    start: int
    end: int | None
    entries: list[Entry] = field(factory=list)


@frozen
class Document:
    """A document's places."""

    sections: tuple[Section, ...]
    inline_tables: tuple[InlineTable, ...]


def scan(text: str) -> Document:
    """The places of a valid document. Raises RecursionError for values nested too deeply."""
    return _Scanner(text).document()


class _Scanner:
    def __init__(self, text: str):
        self._text = text
        self._at = 0
        self._inline: list[InlineTable] = []

    def document(self) -> Document:
        sections = [Section((), False, 0, None)]
        self._skip(_BETWEEN)
        while self._at < len(self._text):
            start = self._at
            if self._text[start] == "[":
                is_array = self._text.startswith("[[", start)
                self._at += 2 if is_array else 1
                path = self._key()
                self._at += 2 if is_array else 1
                sections.append(Section(path, is_array, start, start))
            else:
                sections[-1].entries.append(self._entry(sections[-1].path))
            self._skip(_REST_OF_LINE)
            sections[-1].end = self._at
            self._skip(_BETWEEN)
        return Document(tuple(sections), tuple(self._inline))

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()

    def _key(self) -> Path:
        """A dotted key, with the blanks around it."""
        parts: list[str] = []
        while True:
            self._skip(_BLANK)
            found = _KEY_PART.match(self._text, self._at)
            if found is None:
                raise ValueError(f"no key at {self._at}")
            parts.append(_unquoted(found[0]))
            self._at = found.end()
            self._skip(_BLANK)
            if self._text[self._at : self._at + 1] != ".":
                return tuple(parts)
            self._at += 1

    def _entry(self, table: Path) -> Entry:
        start = self._at
        path = (*table, *self._key())
        self._at += 1  # the =
        self._skip(_BLANK)
        value_start = self._at
        self._value(path)
        return Entry(path, start, value_start, self._at)

    def _value(self, path: Path | None) -> None:
        """Go behind a value; ``path`` is None inside of an array."""
        opening = self._text[self._at]
        if opening in "\"'":
            self._skip(_STRING)
        elif opening == "[":
            self._at += 1
            self._skip(_BETWEEN)
            while self._text[self._at] != "]":
                self._value(None)
                self._next()
            self._at += 1
        elif opening == "{":
            self._at += 1
            inside = self._at
            entries = []
            self._skip(_BETWEEN)
            while self._text[self._at] != "}":
                entries.append(self._entry(path or ()))
                self._next()
            if path is not None:
                self._inline.append(InlineTable(path, inside, self._at, tuple(entries)))
            self._at += 1
        else:
            bare = _BARE_VALUE.match(self._text, self._at)
            if bare is None:
                raise ValueError(f"no value at {self._at}")
            self._at += len(bare[0].rstrip())

    def _next(self) -> None:
        """Go behind the comma, if there is one."""
        self._skip(_BETWEEN)
        if self._text[self._at] == ",":
            self._at += 1
            self._skip(_BETWEEN)


def _unquoted(part: str) -> str:
    if part[0] not in "\"'":
        return part
    read: dict[str, Any] = tomllib.loads(f"{part} = 0")
    return next(iter(read))
