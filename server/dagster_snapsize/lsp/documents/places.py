"""What a feature is given of a file: its project's sizes, and where they stand in its buffer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from attrs import frozen
from lsprotocol.types import Diagnostic, Position, Range

from dagster_snapsize.core.model import SourceLocation
from dagster_snapsize.lsp.documents.edits import FileEdits
from dagster_snapsize.lsp.settings import Settings
from dagster_snapsize.lsp.state import ProjectState
from dagster_snapsize.measuring.worker.results import AssetDetail, AssetRow, LocationResult

# An asset's fields, or None where the file that they are in cannot be read.
DetailOf = Callable[[LocationResult, AssetRow], AssetDetail | None]


class Places(ABC):
    """Measured source locations in the client's buffers.

    Paths are absolute; all ranges are in the position encoding that was agreed with the client.
    """

    @abstractmethod
    def range_of(self, location: SourceLocation) -> Range | None:
        """What to underline for a measured line; None where it was deleted since."""

    @abstractmethod
    def is_at(self, location: SourceLocation, position: Position) -> bool:
        """Whether a position is on what was measured there."""

    @abstractmethod
    def line_range(self, path: str, line: int) -> Range:
        """All of a line (from 0) of a buffer, or of its last line for one behind it."""

    @abstractmethod
    def uri_of(self, path: str) -> str:
        """The URI by which the client knows a file."""

    @abstractmethod
    def is_same_file(self, path: str, other: str) -> bool:
        """Whether two paths lead to one file."""

    def range_or_line(self, location: SourceLocation) -> Range:
        """Where it is now, else the line that it had: for what must not disappear."""
        return self.range_of(location) or self.line_range(location.path, max(0, location.line - 1))


@frozen
class View:
    """One project as features see it, and the file that the client asks about.

    ``home`` is the file of the project that shows what belongs to no file. ``published`` are the
    diagnostics of the file at ``path`` as they were sent. ``markdown``, ``related_information`` and
    ``shows_lenses`` say what the client can show. ``rules`` is the address of a page with a heading
    for each rule, for clients that show links.
    """

    state: ProjectState
    settings: Settings
    places: Places
    edits: FileEdits
    detail_of: DetailOf
    home: str
    path: str
    published: Sequence[Diagnostic] = ()
    markdown: bool = True
    related_information: bool = True
    shows_lenses: bool = True
    rules: str | None = None

    def is_here(self, location: SourceLocation | None) -> bool:
        """Whether a source location is in this file."""
        return location is not None and self.holds(location.path)

    def holds(self, path: str) -> bool:
        """Whether a path leads to this file."""
        return path == self.path or self.places.is_same_file(path, self.path)
