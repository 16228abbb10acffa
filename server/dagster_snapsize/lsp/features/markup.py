"""Sizes and names as an editor shows them: short, as Markdown or as plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from attrs import frozen

from dagster_snapsize.measuring.worker.results import LocationResult, SnapshotRow

STALE_NOTE = "sizes from before the last edit"
_MARKUP = re.compile(r"[\\`*\[\]<>|~&$#]|(?<![^\W_])_|_(?![^\W_])")


def repository_label(
    result: LocationResult, repository: str, name: Callable[[str], str] | None = None
) -> str:
    """``repository``, with its name where the location has several."""
    if len({s.repository for s in result.snapshots}) == 1:
        return "repository"
    return f"repository {(name or flat)(repository)}"


def snapshot_label(
    result: LocationResult, snapshot: SnapshotRow, name: Callable[[str], str] | None = None
) -> str:
    """``repository`` or ``job nightly``; and of which repository where there are several."""
    repository = repository_label(result, snapshot.repository, name)
    if snapshot.kind == "repository":
        return repository
    of = "" if repository == "repository" else f" of {repository}"
    return f"job {(name or flat)(snapshot.name)}{of}"


def flat(text: str) -> str:
    """The text on one line, without characters that an editor cannot show."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def code(text: str) -> str:
    """A name from user code as Markdown: code, in which nothing is read as markup.

    A code span cannot simply hold a backtick, nor a pipe or a backslash before one in a table: such
    names become text in which every special character is escaped.
    """
    line = flat(text)
    if not line or set(line) & set("`|\\") or "  " in line:
        return escaped(text)
    return f"`{line}`"


def escaped(text: str) -> str:
    """A text from user code for the middle of a line of Markdown, with no markup left in it.

    As little as possible is escaped: some editors show Markdown as it is written.
    """
    return _MARKUP.sub(lambda m: f"&#{ord(m[0])};", flat(text))


def fenced(text: str) -> str:
    """Lines from user code as a Markdown block that none of them can end."""
    lines = [flat_right(line) for line in text.splitlines()]
    longest = max((len(line) - len(line.lstrip("`")) for line in map(str.lstrip, lines)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join((f"{fence}text", *lines, fence))


def flat_right(line: str) -> str:
    """A line without characters that an editor cannot show; its indentation stays."""
    return "".join(c if c.isprintable() else " " for c in line).rstrip()


@frozen
class MarkupBuilder:
    """Writes Markdown, or the same as plain text."""

    markdown: bool

    def name(self, text: str) -> str:
        """A name from user code."""
        return code(text) if self.markdown else flat(text)

    def text(self, text: str) -> str:
        """A text from user code, in the middle of a line."""
        return escaped(text) if self.markdown else flat(text)

    def strong(self, text: str) -> str:
        """Our own text, emphasized."""
        return f"**{text}**" if self.markdown else text

    def note(self, text: str) -> str:
        """Our own sentence, given without its full stop."""
        return f"*{text[0].upper()}{text[1:]}.*" if self.markdown else f"{text.capitalize()}."

    def block(self, text: str) -> str:
        """Lines from user code."""
        return fenced(text) if self.markdown else text.rstrip()

    def points(self, lines: Sequence[str]) -> str:
        """A list."""
        return "\n".join(f"- {line}" for line in lines) if self.markdown else "\n".join(lines)

    def table(
        self, titles: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)
    ) -> str:
        """A table; the columns ``left`` are aligned to the left, the others to the right.

        Cells are plain text, aligned by blanks in Markdown too: hovers of VS Code put nothing
        between the cells of a Markdown table, and other editors show it as it is written.
        """
        lines = [tuple(map(flat, row)) for row in (titles, *rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return self.block(
            "\n".join(
                "  ".join(
                    cell.ljust(width) if i in left else cell.rjust(width)
                    for i, (cell, width) in enumerate(zip(row, widths, strict=True))
                ).rstrip()
                for row in lines
            )
        )
