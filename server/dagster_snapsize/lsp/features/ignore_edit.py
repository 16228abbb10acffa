"""``# snapsize: ignore[rule]`` written where an asset is defined."""

from __future__ import annotations

import io
import re
import tokenize

from dagster_snapsize.lsp.documents.edits import TextChange
from dagster_snapsize.project.ignore_comments import ignores_in_text

_LIST = re.compile(r"#\s*snapsize:\s*ignore\[(?P<rules>[^\]]*)\]")
# A line of YAML that is certainly over at its end: a key, or a value on one line.
_YAML_LINE = re.compile(
    r"""\s*(?:-\s+)*(?:
        [\w./-]+:(?:\s+(?:"[^"\\]*"|'[^']*'|[\w./][^\#:"'{}\[\]|>&*!]*))?
        |"[^"\\]*"|'[^']*'|[\w./][^\#:"'{}\[\]|>&*!]*
    )(?:\s+\#.*|\s*)""",
    re.VERBOSE,
)


def silence(text: str, suffix: str, line: int, rule: str) -> TextChange | None:
    """The change that silences a rule for what starts at a line (from 1) of a file.

    ``suffix`` is the file's, such as ".py". None where a comment would be no comment, or would not
    count.
    """
    place = line if suffix in (".yaml", ".yml") else _line_with_room(text, line)
    if place is None:
        return None
    start, end = _bounds(text, place)
    written = text[start:end]
    if suffix in (".yaml", ".yml") and not _YAML_LINE.fullmatch(written):
        return None
    listed = _LIST.search(written)
    if listed and listed["rules"].strip():
        at = start + listed.end("rules")
        change = TextChange(at, at, f", {rule}")
    else:
        at = start + len(written.rstrip())
        change = TextChange(at, end, f"  # snapsize: ignore[{rule}]")
    # A suffix is path enough here.
    after = ignores_in_text(change.apply(text), suffix, {line})
    heeded = any(rule in comment.rules and line in comment.assets for comment in after)
    return change if heeded else None


def _line_with_room(text: str, line: int) -> int | None:
    """The first line from there on whose end is no part of a text and is not continued."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in (tokenize.NEWLINE, tokenize.NL) and token.start[0] >= line:
                return token.start[0]
    except (tokenize.TokenError, SyntaxError):
        return None
    return None


def _bounds(text: str, line: int) -> tuple[int, int]:
    """Where a line (from 1) starts and where it ends, without its line's end."""
    start = 0
    for number, match in enumerate(re.finditer(r"\r\n|\r|\n|\Z", text), start=1):
        if number == line:
            return start, match.start()
        start = match.end()
    return len(text), len(text)
