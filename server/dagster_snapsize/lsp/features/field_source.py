"""Where in the code of an asset the bytes of one of its fields come from."""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Iterator, Sequence

from dagster_snapsize.core.dagster_fields import LABELS
from dagster_snapsize.lsp.anchors.line_map import split_lines

Span = tuple[int, int, int]
"""A line (from 0), and where in it something starts and ends, in characters."""


def field_source(text: str, suffix: str, line: int, field: str) -> Span | None:
    """Where a field of the asset that starts at a line (from 0) is written.

    ``suffix`` is the file's, such as ".py". None where it is not written there: the code may
    compute it, or it is no argument.
    """
    kind, _, label = field.partition(": ")
    names = LABELS[kind].arguments if kind in LABELS else ()
    if suffix in (".yaml", ".yml"):
        return _in_yaml(split_lines(text), line, names, label)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    rows = split_lines(text)
    for node in _starting_at(tree, line + 1):
        found = _in_python(node, names, label)
        if found is None and kind == "description":
            found = _docstring(node)
        if found is not None:
            return _span(rows, found)
    return None


def _starting_at(tree: ast.Module, line: int) -> Iterator[ast.AST]:
    """What starts at a line (from 1), the outermost first; a function does at its decorators."""
    nodes: deque[ast.AST] = deque([tree])
    while nodes:
        node = nodes.popleft()
        nodes.extend(ast.iter_child_nodes(node))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first <= line <= node.lineno:
                yield node
        elif isinstance(node, (ast.stmt, ast.Call)) and node.lineno == line:
            yield node


def _in_python(node: ast.AST, names: Sequence[str], label: str) -> ast.AST | None:
    """The argument, or the entry of it that is called ``label``, of the outermost call."""
    # Of a function only what is above its body.
    decorators = getattr(node, "decorator_list", None)
    nodes: deque[ast.AST] = deque([node] if decorators is None else decorators)
    arguments: dict[str, ast.keyword] = {}
    while nodes:
        inner = nodes.popleft()
        nodes.extend(ast.iter_child_nodes(inner))
        if isinstance(inner, ast.Call):
            for keyword in inner.keywords:
                if keyword.arg is not None:
                    arguments.setdefault(keyword.arg, keyword)
    for name in names:
        argument = arguments.get(name)
        if argument is not None:
            return _entry(argument.value, label) or argument
    return None


def _entry(value: ast.expr, label: str) -> ast.AST | None:
    if not label or not isinstance(value, ast.Dict):
        return None
    keys = (key for key in value.keys if isinstance(key, ast.Constant))
    return next((key for key in keys if key.value == label), None)


def _docstring(node: ast.AST) -> ast.AST | None:
    body = getattr(node, "body", None)
    first = body[0] if isinstance(body, list) and body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return first.value if isinstance(first.value.value, str) else None
    return None


def _span(rows: Sequence[str], node: ast.AST) -> Span:
    """The first line of a node; Python counts its columns in bytes of UTF-8."""
    assert isinstance(node, (ast.expr, ast.keyword)), "arguments and constants have a place"
    row = rows[node.lineno - 1]
    start = len(row.encode()[: node.col_offset].decode())
    end = len(row)
    if node.end_lineno == node.lineno and node.end_col_offset is not None:
        end = len(row.encode()[: node.end_col_offset].decode())
    return node.lineno - 1, start, end


def _in_yaml(rows: Sequence[str], line: int, names: Sequence[str], label: str) -> Span | None:
    """In the block that starts at a line: what is indented like it or more."""
    if line >= len(rows):
        return None
    indent = _indent(rows[line])
    wanted = [*([label] if label else []), *names]
    found: dict[str, Span] = {}
    for number, row in enumerate(rows[line:], start=line):
        if not row.strip():
            continue
        # Another item of the same list is another asset.
        is_next = number > line and row.lstrip().startswith("- ") and _indent(row) <= indent
        if is_next or _indent(row) < indent:
            break
        for name in wanted:
            key = re.match(rf"\s*(?:- )*([\"']?{re.escape(name)}[\"']?)\s*:(?:\s|$)", row)
            if key:
                found.setdefault(name, (number, key.start(1), key.end(1)))
    return next((found[name] for name in wanted if name in found), None)


def _indent(row: str) -> int:
    return len(row) - len(row.lstrip(" "))
