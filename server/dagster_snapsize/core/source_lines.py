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
        self._nodes = [*_describable(ast.parse(source))]

    def describe(self, line: int) -> str | None:
        """``import polars``, ``@dbt_assets`` or ``load_assets_from_modules()``.

        None where nothing of the kind is on the line.
        """

        def rank(found: _Found) -> tuple[int, int]:
            # The smallest that covers the line, and of several that start on it the outermost.
            first, last = _lines(found[0])
            return (0, 0) if first == line else (1, last - first)

        covering = [x for x in self._nodes if _lines(x[0])[0] <= line <= _lines(x[0])[1]]
        return _text(*min(covering, key=rank)) if covering else None


_Found = tuple[ast.AST, bool]


def _describable(tree: ast.AST) -> Iterator[_Found]:
    """Imports, calls and decorators, and whether they are the latter."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Call):
            yield node, False
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                yield decorator, True


def _text(node: ast.AST, is_decorator: bool) -> str:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return _import(node)
    called = node.func if isinstance(node, ast.Call) else node
    if is_decorator:
        return _shortened(f"@{ast.unparse(called)}")
    return _shortened(f"{_name(called)}()")


def _lines(node: ast.AST) -> tuple[int, int]:
    first: int = getattr(node, "lineno", 0)
    return first, getattr(node, "end_lineno", None) or first


def _import(node: ast.Import | ast.ImportFrom) -> str:
    if isinstance(node, ast.Import):
        return _shortened(f"import {', '.join(alias.name for alias in node.names)}")
    names = ", ".join(alias.name for alias in node.names)
    return _shortened(f"from {'.' * node.level}{node.module or ''} import {names}")


def _name(function: ast.AST) -> str:
    """``dg.load_assets_from_modules``; of a call of a call the last attribute."""
    if isinstance(function, ast.Attribute) and not isinstance(
        function.value, ast.Name | ast.Attribute
    ):
        return function.attr
    return ast.unparse(function)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."
