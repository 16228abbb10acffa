"""Changes of texts as edits that a client can apply."""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import frozen
from lsprotocol.types import (
    CreateFile,
    CreateFileOptions,
    OptionalVersionedTextDocumentIdentifier,
    Position,
    Range,
    TextDocumentEdit,
    TextEdit,
    WorkspaceEdit,
)

_EOL = re.compile(r"\r\n|\r|\n")


@frozen
class TextChange:
    """``text`` instead of what stands from ``start`` to ``end``, offsets in characters."""

    start: int
    end: int
    text: str

    def apply(self, text: str) -> str:
        """The text after the change."""
        return text[: self.start] + self.text + text[self.end :]


@frozen
class FileEdits:
    """The client's files, and what it can do with edits of them.

    ``text_of`` gives the text of a buffer, or of the file on disk where none is open; None where
    there is no file. ``version_of`` is None for what is not open.
    ``units_of`` counts a text in the units of the position encoding. ``creates_files`` needs
    ``document_changes``.
    """

    text_of: Callable[[str], str | None]
    version_of: Callable[[str], int | None]
    uri_of: Callable[[str], str]
    units_of: Callable[[str], int]
    document_changes: bool
    creates_files: bool

    def read(self, path: str) -> str | None:
        """The text as an editor counts it: without a byte order mark."""
        text = self.text_of(path)
        return None if text is None else text.removeprefix("\ufeff")

    def changed(self, path: str, text: str, change: TextChange) -> WorkspaceEdit:
        """The edit that makes the change in a file with that text."""
        within = Range(self._position(text, change.start), self._position(text, change.end))
        edit = TextEdit(within, change.text)
        uri = self.uri_of(path)
        if not self.document_changes:
            return WorkspaceEdit(changes={uri: [edit]})
        document = OptionalVersionedTextDocumentIdentifier(uri, self.version_of(path))
        return WorkspaceEdit(document_changes=[TextDocumentEdit(document, [edit])])

    def created(self, path: str, text: str) -> WorkspaceEdit | None:
        """The edit that makes a file, or None for clients that cannot."""
        if not (self.document_changes and self.creates_files):
            return None
        uri = self.uri_of(path)
        document = OptionalVersionedTextDocumentIdentifier(uri, None)
        start = Position(0, 0)
        return WorkspaceEdit(
            document_changes=[
                # A file that someone has written in the meantime stays, and the edit fails.
                CreateFile(uri=uri, options=CreateFileOptions(overwrite=False)),
                TextDocumentEdit(document, [TextEdit(Range(start, start), text)]),
            ]
        )

    def _position(self, text: str, offset: int) -> Position:
        ends = [match.end() for match in _EOL.finditer(text, 0, offset)]
        start = ends[-1] if ends else 0
        return Position(len(ends), self.units_of(text[start:offset]))
