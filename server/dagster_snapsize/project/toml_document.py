"""TOML files as the user wrote them: every mistake with its file and line."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from attrs import frozen

from dagster_snapsize.core.errors import UserError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(
    r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)
_PART = re.compile(r"\"([^\"]*)\"|'([^']*)'|([\w-]+)")
_ERROR_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")


@frozen
class TomlDocument:
    """A TOML file that was read; ``data`` is its content."""

    path: Path
    text: str
    data: dict[str, Any]

    def line_of(self, *keys: str) -> int:
        """The 1-based line where ``keys`` (or the nearest of their parents) is written.

        A reader of its own, because TOML readers drop the places: it follows headers, and keys at
        the start of a line. Keys inside an inline table have the line of the table.
        """
        best, depth, table = 1, 0, ()  # type: tuple[int, int, tuple[str, ...]]
        for number, line in enumerate(self.text.splitlines(), start=1):
            if header := _HEADER.match(line):
                table = _parts(header[1])
                path = table
            elif key := _KEY.match(line):
                path = (*table, *_parts(key[1]))
            else:
                continue
            shared = _shared(path, keys)
            if shared > depth:
                best, depth = number, shared
        return best

    def table(self, *keys: str) -> dict[str, Any]:
        """The table under ``keys``; empty where there is none, an error where it is no table."""
        found: Any = self.data
        for position, key in enumerate(keys):
            found = found.get(key, {})
            if not isinstance(found, dict):
                name = ".".join(keys[: position + 1])
                raise UserError(
                    f"`{name}` is no table",
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
    except tomllib.TOMLDecodeError as error:
        place = _ERROR_PLACE.search(str(error))
        line = int(place[1]) if place and place[1] else len(text.splitlines()) or 1
        reason = _ERROR_PLACE.sub("", str(error))
        raise UserError(
            f"{path.name} is not valid TOML: {reason}", path=str(path), line=line
        ) from error


def read_text(path: Path) -> str | None:
    """The text of a UTF-8 file with or without a byte order mark, or None where there is none."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except IsADirectoryError as error:
        raise UserError(f"{path.name} is a folder, not a file", path=str(path)) from error
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


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(a or b or c for a, b, c in _PART.findall(dotted))


def _shared(path: tuple[str, ...], keys: tuple[str, ...]) -> int:
    """How many of ``keys`` the path leads through; 0 where it leads elsewhere."""
    if len(path) > len(keys):
        # A table defined by its children alone: [a.b.c] is a place of a.b too.
        return len(keys) if path[: len(keys)] == keys else 0
    return len(path) if path == keys[: len(path)] else 0
