"""Change one budget in a TOML file, and leave every comment and blank of the user's as it is."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from dagster_snapsize.lsp.documents.edits import TextChange
from dagster_snapsize.project.files.toml_document import KeyPath, TomlPlaces, parse_toml, scan

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def prefix_of(file_name: str) -> KeyPath:
    """The table that a file of that name has the settings in."""
    return ("tool", "dagster-snapsize") if file_name == "pyproject.toml" else ()


def read_budget(text: str, prefix: KeyPath, keys: KeyPath) -> Any:
    """The value of ``budget.<keys>``; None where there is none, or the text is not valid TOML."""
    found: Any = parse_toml(text)
    for key in (*prefix, "budget", *keys):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def set_budget(text: str, prefix: KeyPath, keys: KeyPath, value: str) -> TextChange | None:
    """The change that sets ``budget.<keys>`` to a text, such as "96 kB".

    ``keys`` is ``("asset",)``, ``("jobs", "nightly")``, .... Of several ways the first is taken
    after which the document has the new value and else the same content as before. None where
    there is no such way, as for a text that is not valid TOML.
    """
    before = parse_toml(text)
    wanted = _with(before, (*prefix, "budget", *keys), value) if before is not None else None
    if wanted is None:
        return None
    changes = _changes(text, scan(text), prefix, keys, _quoted(value))
    return next((c for c in changes if _equal(parse_toml(c.apply(text)), wanted)), None)


def new_file(prefix: KeyPath, keys: KeyPath, value: str) -> str:
    """A file with this budget alone."""
    return f"{_new_table(_names(prefix, keys), len(prefix) + 1, _quoted(value), chr(10))}\n"


def _with(document: dict[str, Any], path: KeyPath, value: str) -> dict[str, Any] | None:
    """A copy of the document with the value; None where something else is in the way."""
    copied = copy.deepcopy(document)
    table: Any = copied
    for key in path[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            return None
    if isinstance(table.get(path[-1]), dict):
        return None
    table[path[-1]] = value
    return copied


def _equal(one: Any, other: Any) -> bool:
    """Compares values as text, because a NaN equals no other NaN, and 1 equals True."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return type(one) is type(other) and repr(one) == repr(other)


def _changes(
    text: str, places: TomlPlaces, prefix: KeyPath, keys: KeyPath, value: str
) -> Iterator[TextChange]:
    """The ways to write it: in place of the old value, else a line in the nearest table."""
    path, names = (*prefix, "budget", *keys), _names(prefix, keys)
    for entry in places.entries:
        if entry.path == path:
            yield TextChange(entry.value_start, entry.value_end, value)
    for depth in range(len(path) - 1, -1, -1):
        if depth == len(prefix) - 1:
            yield _table_at_the_end(text, _new_table(names, len(prefix) + 1, value, _eol(text)))
        line = f"{'.'.join(names[depth:])} = {value}"
        for inline in places.inline_tables:
            if inline.path == path[:depth] and inline.last is not None:
                end = inline.last.value_end
                yield TextChange(end, end, f", {line}")
            elif inline.path == path[:depth]:
                yield TextChange(inline.inside, inline.close, f" {line} ")
        for section in places.sections:
            if section.path == path[:depth] and section.end is not None:
                indented = f"{_eol(text)}{_indent(text, section.last)}{line}"
                yield TextChange(section.end, section.end, indented)
    if not prefix:
        yield _table_at_the_end(text, _new_table(names, 1, value, _eol(text)))


def _table_at_the_end(text: str, table: str) -> TextChange:
    """The table after a blank line; the file ends with a line end if it did before."""
    end, eol = len(text), _eol(text)
    if not text:
        return TextChange(end, end, f"{table}{eol}")
    if not text.endswith("\n"):
        return TextChange(end, end, f"{eol}{eol}{table}")
    blank = "" if text.endswith(("\n\n", "\r\n\r\n")) else eol
    return TextChange(end, end, f"{blank}{table}{eol}")


def _names(prefix: KeyPath, keys: KeyPath) -> tuple[str, ...]:
    """The parts of the path as they are written: names of jobs always in quotes."""
    fixed = (*prefix, "budget", keys[0])
    return (
        *(key if _BARE.fullmatch(key) else _quoted(key) for key in fixed),
        *map(_quoted, keys[1:]),
    )


def _new_table(names: tuple[str, ...], depth: int, value: str, eol: str) -> str:
    return f"[{'.'.join(names[:depth])}]{eol}{'.'.join(names[depth:])} = {value}"


def _eol(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _quoted(text: str) -> str:
    return f'"{"".join(map(_character, text))}"'


def _character(c: str) -> str:
    if c in _ESCAPES:
        return _ESCAPES[c]
    return f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else c


def _indent(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]
