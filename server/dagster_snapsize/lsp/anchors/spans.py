"""How far the definition at a measured line reaches, and which part of the line to underline."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from dagster_snapsize.lsp.anchors.line_map import whole_line

Language = Literal["python", "yaml", "other"]

# The argument that holds an asset's key; without one of them it is the first.
_KEY_WORDS = ("key", "name", "asset_key")
_ENTRY = re.compile(r"(?P<before>\s*(?P<items>(?:-\s+)*))(?P<text>.*?)(?:\s+#[^'\"]*|:?\s*)$")
_Function = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Span(NamedTuple):
    """The columns to underline on a line, and the lines on which a hover shows the definition.

    ``name`` are the columns on the line ``last`` that a hover answers on; None is all of its text.
    """

    start: int
    end: int
    first: int
    last: int
    name: tuple[int, int] | None = None
    is_definition: bool = False


def spans(rows: Sequence[str], lines: Collection[int], language: Language) -> Mapping[int, Span]:
    """The span at each of these lines (from 0); all of a line where nothing is defined on it."""
    found: dict[int, Span] = {}
    if language == "python":
        found = _python_spans(rows, lines)
    elif language == "yaml":
        found = {line: span for line in lines if (span := _yaml_span(rows, line))}
    return {line: found.get(line) or _whole(rows, line) for line in lines}


def _whole(rows: Sequence[str], line: int) -> Span:
    _, start, end = whole_line(rows, line)
    return Span(start, end, line, line)


def _python_spans(rows: Sequence[str], lines: Collection[int]) -> dict[int, Span]:
    """Of functions at their decorators and names, and of the outermost call on a line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the user's code, such as an invalid escape
            tree = ast.parse("\n".join(rows))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    functions: dict[int, Span] = {}
    others: dict[int, Span] = {}
    for node in ast.walk(tree):  # the outer ones first
        if isinstance(node, _Function):
            functions.update(_function_spans(rows, node))
        elif isinstance(node, ast.Raise | ast.Assert):
            others.setdefault(node.lineno - 1, _whole(rows, node.lineno - 1))
        elif isinstance(node, ast.Call) and (line := _line(node)) in lines:
            others.setdefault(line, _call_span(rows, node, line))
    return {**others, **functions}


def _function_spans(
    rows: Sequence[str], node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
) -> Iterator[tuple[int, Span]]:
    own = node.lineno - 1
    decorators = [decorator.lineno - 1 for decorator in node.decorator_list]
    first = min([own, *decorators])
    start = rows[own].find(node.name, rows[own].find(" ", node.col_offset))
    name = (start, start + len(node.name)) if start >= 0 else None
    for line in decorators:
        _, start, end = whole_line(rows, line)
        yield line, Span(start, end, first, own, name, is_definition=True)
    _, start, end = whole_line(rows, own)
    yield own, Span(*(name or (start, end)), first, own, name, is_definition=True)


def _call_span(rows: Sequence[str], node: ast.Call, line: int) -> Span:
    _, start, end = whole_line(rows, line)
    if node.lineno - 1 == line:
        start = _column(rows[line], node.col_offset)
    if node.end_lineno is not None and node.end_lineno - 1 == line:
        end = _column(rows[line], node.end_col_offset or 0)
    keys = [word.value for word in node.keywords if word.arg in _KEY_WORDS] or node.args[:1]
    last = max([line, *(key.lineno - 1 for key in keys[:1])])
    return Span(start, end, line, last, is_definition=True)


def _line(node: ast.Call) -> int:
    """The line (from 0) that Python has for a call: of a chained one, that of its name."""
    return (node.func.end_lineno or node.func.lineno) - 1


def _column(row: str, offset: int) -> int:
    """An offset in UTF-8, as ast gives it, as an index into the line."""
    if row.isascii():
        return offset
    return len(row.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "replace"))


def _yaml_span(rows: Sequence[str], line: int) -> Span | None:
    """Of an entry of a mapping or list with all that is indented below it."""
    entry = _ENTRY.match(rows[line])
    if entry is None or not entry["text"] or entry["text"].startswith("#"):
        return None
    last = line
    for number in range(line + 1, len(rows)):
        text = rows[number].lstrip()
        if not text or text.startswith("#"):
            continue
        if len(rows[number]) - len(text) <= len(entry["before"]) - len(entry["items"]):
            break
        last = number
    is_item = bool(entry["items"])
    return Span(entry.start("text"), entry.end("text"), line, last, is_definition=is_item)
