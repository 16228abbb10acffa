"""User text in Markdown: shown as it stands, and taken for nothing else.

Names, paths and messages are the user's. Written as character references they cannot be markup, end
a cell or a block; what services look for in the finished page (mentions, numbers of issues, links)
is kept apart by an invisible word joiner, or stands in ``<code>``, where they do not look.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_SPECIAL = re.compile(r"[&<>|`*~\[\]#@\\$]|(?<![^\W_])_|_(?![^\W_])")  # within a word _ is plain
_PLAIN = re.compile(r"[\w./:()=,+-]+(?: [\w./:()=,+-]+)*", re.ASCII)
_REFERENCE = re.compile(r"(?:[@#!$%&~^]|GH-|:/)(?=[\w\"'/])|\bwww(?=\.)", re.I)
_JOINER = "\u2060"


def text(words: str) -> str:
    """Text of the user's in a sentence."""
    return _escaped(_REFERENCE.sub(lambda found: found[0] + _JOINER, _flat(words)))


def code(words: str) -> str:
    """A name or a path of the user's, in the type of code."""
    if _PLAIN.fullmatch(words):
        return f"`{words}`"
    return f"<code>{_escaped(_flat(words))}</code>" if words else ""


def block(words: str) -> str:
    """Lines of the user's, as they stand."""
    lines = "\n".join(_escaped(_flat(line)) for line in words.splitlines())
    return f"<pre>\n{lines}\n</pre>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> list[str]:
    """The lines of a table; columns in ``right`` are numbers. Cells are Markdown already."""
    rules = [" ---: " if column in right else " --- " for column in range(len(head))]
    return [_line(head), f"|{'|'.join(rules)}|", *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(words: str) -> str:
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", words)


def _flat(words: str) -> str:
    """In one line, without what reorders or hides others."""
    return "".join(c if c.isprintable() else " " for c in words)
