"""TOML as the user wrote it: its data, and where each key is, for errors and for edits.

TOML readers drop the positions, so ``scan`` finds them again in a text that one has accepted.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from dagster_snapsize.core.errors import NotParsed, UserError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

KeyPath = tuple[str, ...]

_MOST_BYTES = 500_000_000
_ERROR_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")
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
class TomlDocument:
    """A TOML file that was read; ``data`` is its content."""

    path: Path
    text: str
    data: dict[str, Any]

    @cached_property
    def places(self) -> TomlPlaces:
        """Where its keys are."""
        return scan(self.text)

    def line_of(self, *keys: str) -> int:
        """The 1-based line where ``keys``, or the nearest of their parents, are written."""
        best, depth = 0, 0
        for path, start in self.places.keys:
            shared = _shared(path, keys)
            if shared > depth:
                best, depth = start, shared
        return self.text.count("\n", 0, best) + 1

    def table(self, *keys: str) -> dict[str, Any]:
        """The table under ``keys``; empty where there is none.

        Raises UserError where there is something else.
        """
        found: Any = self.data
        for position, key in enumerate(keys):
            found = found.get(key, {})
            if not isinstance(found, dict):
                name = ".".join(keys[: position + 1])
                raise UserError(
                    f"`{name}` is not a table",
                    hint=f"Write [{name}] on a line of its own, and its keys below.",
                    path=str(self.path),
                    line=self.line_of(*keys[: position + 1]),
                )
        return found  # type: ignore[no-any-return]


def read_toml(path: Path) -> TomlDocument | None:
    """The file, or None where there is none. Raises UserError where it cannot be read."""
    text = read_text(path)
    if text is None:
        return None
    try:
        return TomlDocument(path, text, tomllib.loads(text))
    except RecursionError as error:
        raise UserError(f"{path.name} is nested too deeply", path=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        place = _ERROR_PLACE.search(str(error))
        line = int(place[1]) if place and place[1] else len(text.splitlines()) or 1
        message = f"{path.name} is not valid TOML: {_ERROR_PLACE.sub('', str(error))}"
        raise NotParsed(message, path=str(path), line=line) from error
    except ValueError as error:  # a number of thousands of digits, which Python does not read
        raise UserError(f"{path.name} is not valid TOML: {error}", path=str(path)) from error


def parse_toml(text: str) -> dict[str, Any] | None:
    """The content of a text; None where it is not valid TOML, or nested too deeply."""
    try:
        return dict(tomllib.loads(text))
    except (ValueError, RecursionError):
        return None


def read_file(path: Path) -> bytes:
    """The content of a regular file.

    Anything else could keep us waiting for ever or fill the memory: pipes, devices, and files that
    the system makes up while they are read, such as /proc/kmsg, which hold more than their size.

    Raises:
        OSError: It cannot be read, is no regular file, or is larger than any file of a project.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise OSError(0, "it is a folder, not a file")
    if stat.S_ISREG(status.st_mode) and status.st_size > _MOST_BYTES:
        raise OSError(0, f"it has {status.st_size:,} bytes; more than {_MOST_BYTES:,} are not read")
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb", opener=_open_without_waiting) as stream:
            content = stream.read(status.st_size + 1)
            if content is not None and len(content) <= status.st_size:
                return content
            if os.fstat(stream.fileno()).st_size > status.st_size:  # written to at this moment
                return content + stream.read(_MOST_BYTES)
    raise OSError(0, "it is a device or a pipe, not a file")


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_text(path: Path) -> str | None:
    """The text of a UTF-8 file with or without a byte order mark, or None where there is none."""
    try:
        content = read_file(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"{path.name} cannot be read: {reason}", path=str(path)) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(
            f"{path.name} is not UTF-8: byte {content[error.start]:#04x} cannot be read",
            hint="Save it as UTF-8.",
            path=str(path),
            line=line,
        ) from error


def _shared(path: KeyPath, keys: KeyPath) -> int:
    """How many of ``keys`` the path leads through; 0 where it leads elsewhere."""
    if len(path) > len(keys):
        # A table defined by its children alone: [a.b.c] is a place of a.b too.
        return len(keys) if path[: len(keys)] == keys else 0
    return len(path) if path == keys[: len(path)] else 0


# -- positions -----------------------------------------------------------------------------------


@frozen
class TomlEntry:
    """A key with its value: full path of the key, offsets of key and value, in characters."""

    path: KeyPath
    start: int
    value_start: int
    value_end: int


@frozen
class InlineTable:
    """``{...}``: its full path, the offsets behind ``{`` and at ``}``, and its last entry."""

    path: KeyPath
    inside: int
    close: int
    last: TomlEntry | None


@define
class TomlSection:
    """A header, or the top of the document, with the keys up to the next header.

    ``start`` is the offset of the header, ``last`` that of its last key, or of the header. ``end``
    is behind its last line that is not blank or a comment, without the line's end; None at the top
    of a document that begins with a header.
    """

    path: KeyPath
    start: int
    last: int
    end: int | None


@frozen
class TomlPlaces:
    """Where everything in a document is; ``entries`` are those of all sections and tables."""

    sections: list[TomlSection] = field(factory=list)
    inline_tables: list[InlineTable] = field(factory=list)
    entries: list[TomlEntry] = field(factory=list)

    @property
    def keys(self) -> list[tuple[KeyPath, int]]:
        """Headers and keys with their offsets, in the order of the text."""
        found = [(s.path, s.start) for s in self.sections[1:]]
        return sorted([*found, *((e.path, e.start) for e in self.entries)], key=lambda k: k[1])


def scan(text: str) -> TomlPlaces:
    """The positions in a valid document. Raises RecursionError for values nested too deeply."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str):
        self._text = text
        self._at = 0
        self._places = TomlPlaces()

    def scan(self) -> TomlPlaces:
        sections = self._places.sections
        sections.append(TomlSection((), 0, 0, None))
        self._skip(_BETWEEN)
        while self._at < len(self._text):
            start = self._at
            if self._text[start] == "[":
                brackets = 2 if self._text.startswith("[[", start) else 1
                self._at += brackets
                path = self._key()
                self._at += brackets
                sections.append(TomlSection(path, start, start, start))
            else:
                self._entry(sections[-1].path)
                sections[-1].last = start
            self._skip(_REST_OF_LINE)
            sections[-1].end = self._at
            self._skip(_BETWEEN)
        return self._places

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()

    def _key(self) -> KeyPath:
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

    def _entry(self, table: KeyPath) -> TomlEntry:
        start = self._at
        path = (*table, *self._key())
        self._at += 1  # the =
        self._skip(_BLANK)
        value_start = self._at
        self._value(path)
        entry = TomlEntry(path, start, value_start, self._at)
        self._places.entries.append(entry)
        return entry

    def _value(self, path: KeyPath) -> None:
        """Go behind a value; those in an array have the path of the array."""
        opening = self._text[self._at]
        if opening in "\"'":
            self._skip(_STRING)
        elif opening == "[":
            self._at += 1
            self._skip(_BETWEEN)
            while self._text[self._at] != "]":
                self._value(path)
                self._next()
            self._at += 1
        elif opening == "{":
            self._at += 1
            inside, last = self._at, None
            self._skip(_BETWEEN)
            while self._text[self._at] != "}":
                last = self._entry(path)
                self._next()
            self._places.inline_tables.append(InlineTable(path, inside, self._at, last))
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
