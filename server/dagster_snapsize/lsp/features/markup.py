"""Words for an editor as Markdown, or as plain text for clients without it."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from dagster_snapsize.lsp.features.words import code, escaped, fenced, flat


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
        """Words of ours that stand out."""
        return f"**{text}**" if self.markdown else text

    def note(self, text: str) -> str:
        """A sentence of ours, without its full stop."""
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
        """Columns of words stand to the left, the others, numbers, to the right."""
        if self.markdown:
            rule = ["---" if i in left else "---:" for i in range(len(titles))]
            return "\n".join(f"| {' | '.join(row)} |" for row in (titles, rule, *rows))
        widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if i in left else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in (titles, *rows)
        )
