"""What a line of Python is, by the syntax tree of its file."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_LONGEST = 60  # characters


class SourceLines:
    """The statements of one file, by line.

    Raises SyntaxError or ValueError where it is not Python.
    """

    def __init__(self, source: str):
        self._tree = ast.parse(source)

    def describe(self, line: int) -> str | None:
        """``import polars``, ``@dbt_assets`` or ``load_assets_from_modules()``.

        None where nothing of the kind is on the line.
        """
        best: tuple[int, int, str] | None = None
        for node, text in _describable(self._tree):
            first, last = _lines(node)
            if first <= line <= last:
                # The smallest that covers the line, and of several that start on it the outermost.
                rank = (0, 0) if first == line else (1, last - first)
                if best is None or rank < best[:2]:
                    best = (*rank, text)
        return best[2] if best else None


def _describable(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, _import(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                called = decorator.func if isinstance(decorator, ast.Call) else decorator
                yield decorator, _shortened(f"@{ast.unparse(called)}")
        elif isinstance(node, ast.Call):
            yield node, _shortened(f"{_name(node.func)}()")


def _lines(node: ast.AST) -> tuple[int, int]:
    first: int = getattr(node, "lineno", 0)
    return first, getattr(node, "end_lineno", None) or first


def _import(node: ast.Import | ast.ImportFrom) -> str:
    if isinstance(node, ast.Import):
        return _shortened(f"import {', '.join(alias.name for alias in node.names)}")
    names = ", ".join(alias.name for alias in node.names)
    return _shortened(f"from {'.' * node.level}{node.module or ''} import {names}")


def _name(function: ast.expr) -> str:
    """``dg.load_assets_from_modules``; of a call of a call the last attribute."""
    if isinstance(function, ast.Attribute) and not isinstance(
        function.value, ast.Name | ast.Attribute
    ):
        return function.attr
    return ast.unparse(function)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."
