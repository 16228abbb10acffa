"""One budget changed in a TOML file, with every comment and blank of the user's left as it is."""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from dagster_snapsize.lsp.documents.edits import TextChange
from dagster_snapsize.project.toml_scan import Document, Path, scan

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def prefix_of(file_name: str) -> Path:
    """The table that a file of that name has our settings in."""
    return ("tool", "dagster-snapsize") if file_name == "pyproject.toml" else ()


def read_budget(text: str, prefix: Path, keys: Path) -> Any:
    """What stands at ``budget.<keys>``; None where there is nothing, or no TOML."""
    try:
        found: Any = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    for key in (*prefix, "budget", *keys):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def set_budget(text: str, prefix: Path, keys: Path, value: str) -> TextChange | None:
    """The change that sets ``budget.<keys>`` to a text, such as "96 kB".

    ``keys`` is ``("asset",)``, ``("jobs", "nightly")``, .... None where there is no change after
    which the document says the same as before and the new value: the first of several ways for
    which that holds is taken.
    """
    try:
        before = tomllib.loads(text)
        wanted = _with(before, (*prefix, "budget", *keys), value)
        if wanted is None:
            return None
        for change in _changes(text, scan(text), prefix, keys, _quoted(value)):
            if _says(change.apply(text), wanted):
                return change
    except (tomllib.TOMLDecodeError, RecursionError, ValueError, IndexError):
        # What is no TOML is not ours to change; the others: written in a way that we cannot follow.
        return None
    return None


def new_file(prefix: Path, keys: Path, value: str) -> str:
    """A file that says nothing else."""
    path = (*prefix, "budget", *keys)
    return f"{_new_table(_names(path, keys), len(prefix) + 1, _quoted(value), chr(10))}\n"


def _with(document: dict[str, Any], path: Path, value: str) -> dict[str, Any] | None:
    """A copy of the document with one more value; None where a table is needed and none stands."""
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


def _says(text: str, wanted: dict[str, Any]) -> bool:
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return bool(_comparable(read) == _comparable(wanted))


def _comparable(value: Any) -> Any:
    """Values as text, because a NaN is no other NaN and 1 is no True."""
    if isinstance(value, dict):
        return {key: _comparable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_comparable(inner) for inner in value]
    return type(value).__name__, repr(value)


def _changes(
    text: str, document: Document, prefix: Path, keys: Path, value: str
) -> Iterator[TextChange]:
    """The ways to say it, the nearest to what the user has written first."""
    path = (*prefix, "budget", *keys)
    entries = [
        *(e for section in document.sections for e in section.entries),
        *(e for inline in document.inline_tables for e in inline.entries),
    ]
    yield from (TextChange(e.value_start, e.value_end, value) for e in entries if e.path == path)
    new = _New(text, document, path, _names(path, keys), value)
    for depth in range(len(path) - 1, len(prefix) - 1, -1):
        yield from new.in_inline_tables(depth)
        yield from new.beside_dotted_keys(depth)
        if depth > len(prefix):
            yield from new.in_sections(depth)
    yield new.table_of_its_own(prefix)
    for depth in range(len(prefix) - 1, 0, -1):
        yield from new.in_inline_tables(depth)


@frozen
class _New:
    """Ways to write a key that the document does not have.

    ``names`` are the parts of its ``path`` as they are written.
    """

    text: str
    document: Document
    path: Path
    names: tuple[str, ...]
    value: str

    @property
    def eol(self) -> str:
        """The line ends of the document."""
        return "\r\n" if "\r\n" in self.text else "\n"

    def in_inline_tables(self, depth: int) -> Iterator[TextChange]:
        """As the last key of ``budget = { ... }``."""
        for inline in self.document.inline_tables:
            if inline.path != self.path[:depth]:
                continue
            entry = f"{'.'.join(self.names[depth:])} = {self.value}"
            if inline.entries:
                end = inline.entries[-1].value_end
                yield TextChange(end, end, f", {entry}")
            else:
                yield TextChange(inline.inside, inline.close, f" {entry} ")

    def beside_dotted_keys(self, depth: int) -> Iterator[TextChange]:
        """After the last of ``budget.asset = ...`` and the like."""
        for section in self.document.sections:
            above = len(section.path)
            if above >= depth or section.path != self.path[:above]:
                continue
            beside = [
                e
                for e in section.entries
                if len(e.path) > depth and e.path[:depth] == self.path[:depth]
            ]
            if beside:
                end = _line_end(self.text, beside[-1].value_end)
                whole = depth == len(self.path) - 1
                yield self._line_after(end, beside[-1].start, above, dotted=whole)

    def in_sections(self, depth: int) -> Iterator[TextChange]:
        """As the last key under a header."""
        for section in self.document.sections:
            if section.path == self.path[:depth] and section.end is not None:
                near = section.entries[-1].start if section.entries else section.start
                yield self._line_after(section.end, near, depth)

    def table_of_its_own(self, prefix: Path) -> TextChange:
        """After our other tables, else at the end of the file."""
        text, eol = self.text, self.eol
        table = _new_table(self.names, len(prefix) + 1, self.value, eol)
        sections = self.document.sections
        ours = [s for s in sections if prefix and s.path[: len(prefix)] == prefix]
        if ours and ours[-1] is not sections[-1] and ours[-1].end is not None:
            end = ours[-1].end
            return TextChange(end, end, f"{eol}{eol}{table}")
        end = len(text)
        if not text:
            return TextChange(end, end, f"{table}{eol}")
        if not text.endswith("\n"):
            return TextChange(end, end, f"{eol}{eol}{table}")
        blank = "" if text.endswith(("\n\n", "\r\n\r\n")) else eol
        return TextChange(end, end, f"{blank}{table}{eol}")

    def _line_after(self, end: int, near: int, depth: int, dotted: bool = False) -> TextChange:
        """A line behind the one that ends there, indented like the one with ``near``."""
        entry = _entry(self.names[depth:], self.value, dotted)
        return TextChange(end, end, f"{self.eol}{_indent(self.text, near)}{entry}")


def _names(path: Path, keys: Path) -> tuple[str, ...]:
    """The parts of a path as they are written: names of jobs always in quotes."""
    fixed = len(path) - len(keys) + 1
    return (
        *(k if _BARE.fullmatch(k) else _quoted(k) for k in path[:fixed]),
        *map(_quoted, keys[1:]),
    )


def _new_table(names: tuple[str, ...], depth: int, value: str, eol: str) -> str:
    return f"[{'.'.join(names[:depth])}]{eol}{_entry(names[depth:], value)}"


def _entry(names: tuple[str, ...], value: str, dotted: bool = False) -> str:
    """``asset = "96 kB"``, ``jobs = { "nightly" = "2 MB" }``, ``budget.job = "2 MB"``."""
    if not dotted and len(names) > 1 and names[-2] == "jobs":
        return f"{'.'.join(names[:-1])} = {{ {names[-1]} = {value} }}"
    return f"{'.'.join(names)} = {value}"


def _quoted(text: str) -> str:
    return f'"{"".join(map(_character, text))}"'


def _character(c: str) -> str:
    if c in _ESCAPES:
        return _ESCAPES[c]
    return f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else c


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    if end < 0:
        return len(text)
    return end - 1 if text[end - 1] == "\r" else end


def _indent(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]
