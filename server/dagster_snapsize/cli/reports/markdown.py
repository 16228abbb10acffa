"""The user's texts in Markdown, escaped so that they are shown as they are.

Special characters of names, paths and messages are written as character references, which cannot be
markup or end a cell. What services look for in a rendered page (mentions, issue numbers, links) is
broken up by an invisible word joiner, or written as code, where they do not look.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# Within a word _ is plain. Lines that begin with :: are commands to GitHub, where it prints them.
_SPECIAL = re.compile(r"[&<>|`*~\[\]#@\\$]|(?<![^\W_])_|_(?![^\W_])|(?<!\S):(?=:)")
_PLAIN = re.compile(r"[\w./:()=,+-]+(?: [\w./:()=,+-]+)*", re.ASCII)
_REFERENCE = re.compile(r"(?:[@#!$%&~^]|GH-|:/)(?=[\w\"'/])|\bwww(?=\.)", re.I)
_JOINER = "\u2060"


def text(raw: str) -> str:
    """A text of the user in a sentence."""
    return _escaped(_REFERENCE.sub(lambda found: found[0] + _JOINER, flat(raw)))


def code(raw: str) -> str:
    """A name or a path of the user, as code."""
    if _PLAIN.fullmatch(raw):
        return f"`{raw}`"
    return f"<code>{_escaped(flat(raw))}</code>" if raw else ""


def block(raw: str) -> str:
    """Lines of the user, preformatted."""
    lines = "\n".join(_escaped(flat(line)) for line in raw.splitlines())
    return f"<pre>\n{lines}\n</pre>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> list[str]:
    """The lines of a table; columns in ``right`` are numbers. Cells are Markdown already."""
    rules = [" ---: " if column in right else " --- " for column in range(len(head))]
    return [_line(head), f"|{'|'.join(rules)}|", *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(raw: str) -> str:
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", raw)


def flat(raw: str) -> str:
    """The text in one line, without characters that reorder or hide others."""
    return "".join(c if c.isprintable() else " " for c in raw)
