"""``# snapsize: ignore[rule]``: findings that the user has silenced where an asset is defined."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from dagster_snapsize.core.model import IgnoreComment, SourceLocation
from dagster_snapsize.project.files.toml_document import read_file

_IGNORE = re.compile(r"#\s*snapsize:\s*ignore(?:\[(?P<rules>[^\]]*)\])?(?![\w\[-])")
_YAML = (".yaml", ".yml")
_SUFFIXES = (".py", *_YAML)


def find_ignores(
    locations: Iterable[SourceLocation], files: Iterable[str], root: Path
) -> tuple[IgnoreComment, ...]:
    """The comments in these Python and YAML files and in those of the locations of assets.

    A comment is an asset's on any line of what starts at the asset's location: decorators, the
    ``def`` and its signature, a call or an assignment over several lines; in YAML on the line
    itself. ``root`` is where relative paths start. Files that cannot be read have no comments.
    """
    lines_of: dict[str, set[int]] = defaultdict(set)
    for location in locations:
        lines_of[location.path].add(location.line)
    paths = dict.fromkeys([*lines_of, *(f for f in files if f.endswith(_SUFFIXES))])
    return tuple(
        comment for path in paths for comment in _ignores_in(root, path, lines_of.get(path, set()))
    )


def _ignores_in(root: Path, path: str, lines: set[int]) -> tuple[IgnoreComment, ...]:
    try:
        content = read_file(root / path)
    except OSError:
        return ()
    if b"snapsize:" not in content:
        return ()
    return ignores_in_text(content.decode("utf-8-sig", errors="replace"), path, lines)


def ignores_in_text(text: str, path: str, lines: set[int]) -> tuple[IgnoreComment, ...]:
    """The comments of a file whose assets are at ``lines``, as ``find_ignores`` has them."""
    is_python = not path.endswith(_YAML)
    comments = _comments(text, is_python)
    spans = _spans(text, lines) if is_python and comments else {}
    reach = {line: spans.get(line, (line, line)) for line in sorted(lines)}
    return tuple(
        IgnoreComment(
            SourceLocation(path, number),
            rules,
            tuple(line for line, (first, last) in reach.items() if first <= number <= last),
        )
        for number, rules in comments.items()
    )


def _comments(text: str, is_python: bool) -> dict[int, tuple[str, ...]]:
    """The rules that each line silences, by line."""
    lines = dict(enumerate(text.splitlines(), start=1))
    if is_python:
        # Text in a string is not a comment. Newer syntax than ours ends the tokens early: then the
        # rest of the lines are taken as they are.
        seen: dict[int, str] = {}
        try:
            for token in tokenize.generate_tokens(io.StringIO(text).readline):
                if token.type == tokenize.COMMENT:
                    seen[token.start[0]] = token.string
            lines = seen
        except (tokenize.TokenError, SyntaxError):
            pass
    found = ((number, _IGNORE.search(line)) for number, line in lines.items())
    return {number: _rules(match) for number, match in found if match}


def _rules(match: re.Match[str]) -> tuple[str, ...]:
    return tuple(rule.strip() for rule in (match["rules"] or "").split(",") if rule.strip())


def _spans(text: str, lines: set[int]) -> dict[int, tuple[int, int]]:
    """First and last line of what each of ``lines`` begins: a signature, a statement, a call.

    A function or class begins at any line from its first decorator to its ``def``.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return {}  # newer syntax than ours: the line alone counts
    spans: dict[int, tuple[int, int]] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            begins = lines.intersection(range(first, node.lineno + 1))
            last = max(node.lineno, node.body[0].lineno - 1)
        elif isinstance(node, (ast.stmt, ast.Call)) and not hasattr(node, "body"):
            begins = lines & {node.lineno}
            first, last = node.lineno, node.end_lineno or node.lineno
        else:
            continue
        for line in begins:
            # Of several that begin there, the longest.
            before = spans.get(line, (first, last))
            spans[line] = min(first, before[0]), max(last, before[1])
    return spans
