"""What the editor shows of each file now, and where in it that is what was measured."""

from __future__ import annotations

import io
import os
import tokenize
from collections.abc import Callable, Iterable, Sequence, Set
from pathlib import Path

from attrs import define
from lsprotocol.types import Range
from pygls.workspace import PositionCodec, Workspace

from dagster_snapsize.lsp.anchors import Anchors, Language, Place
from dagster_snapsize.lsp.anchors.line_map import Lines
from dagster_snapsize.lsp.documents.positions import to_path, to_range, to_uri
from dagster_snapsize.lsp.features.asset_groups import Places
from dagster_snapsize.measuring.worker.results import LocationResult

_BOM = "\ufeff"
_LANGUAGES: dict[str, Language] = {".py": "python", ".yaml": "yaml", ".yml": "yaml"}


@define
class _File:
    """A file as it was measured, and where its lines are in the text seen last."""

    anchors: Anchors
    has_sizes: bool
    seen: str | None = None
    places: dict[int, Place | None] | None = None


class Buffers:
    """The texts of all files, by their real paths.

    ``workspace`` gives the documents that are open; other files are read from disk.
    """

    def __init__(self, workspace: Callable[[], Workspace]):
        self._workspace = workspace
        self._files: dict[str, _File] = {}
        self._uris: dict[str, str] = {}  # real path -> URI of the open document
        self._disk: dict[str, str | None] = {}
        self._split: dict[str, tuple[str, Sequence[str]]] = {}
        self._real_paths: dict[str, str] = {}  # following links costs a call for each folder

    def opened(self, uri: str) -> None:
        """The client opened a document."""
        path = to_path(uri)
        if path is not None:
            self._uris[self._real(path)] = uri

    def closed(self, uri: str) -> None:
        """The client closed it: from now on the file on disk counts."""
        path = to_path(uri)
        if path is not None:
            self._uris.pop(self._real(path), None)
            self._disk.pop(self._real(path), None)

    def forget_disk(self, paths: Iterable[str]) -> None:
        """These files have changed on disk, or anything in these folders."""
        changed = {self._real(path) for path in paths}
        for path in [*changed, *_below(self._disk, changed)]:
            self._disk.pop(path, None)

    def opened_below(self, folders: Iterable[str]) -> list[str]:
        """The real paths of open documents in these folders."""
        return _below(self._uris, {self._real(path) for path in folders})

    def is_saved(self, path: str) -> bool:
        """Whether no buffer of this file differs from the file on disk."""
        real = self._real(path)
        uri = self._uris.get(real)
        if uri is None:
            return True
        if real not in self._disk:
            self._disk[real] = _read(real)
        disk = self._disk[real]
        shown = self._workspace().get_text_document(uri).source
        if disk is None:
            return False
        if shown.removeprefix(_BOM) == disk.removeprefix(_BOM):
            return True
        # Some editors heed what a file says of its encoding.
        return "\ufffd" in disk and shown == _read_as_declared(real)

    def anchored(self, result: LocationResult) -> dict[str, _File]:
        """Read and anchor the files of a result, as they are on disk. For a thread.

        Where a measurement failed, the last good sizes stay: so do the lines that they are of.
        """
        lines: dict[str, set[int]] = {}
        located = [a.location for a in result.assets] + [f.location for f in result.findings]
        located += [result.definitions_location]
        located += [result.failure.location] if result.failure else []
        for place in located:
            if place is not None:
                lines.setdefault(os.path.realpath(place.path), set()).add(place.line)
        found = {}
        for path, wanted in lines.items():
            known = self._files.get(path)
            if result.failure and known is not None and known.has_sizes:
                continue
            text = _read(path)
            if text is not None:
                language = _LANGUAGES.get(Path(path).suffix.lower(), "other")
                anchors = Anchors.of(text, sorted(wanted), language)
                found[path] = _File(anchors, has_sizes=result.failure is None)
        return found

    def measured(self, files: dict[str, _File]) -> None:
        """From now on these files stand as they were measured by the newest result."""
        self._real_paths.clear()
        for path, file in files.items():
            self._files[path] = file
            self._disk.pop(path, None)

    def places(self) -> Places[Place]:
        """The functions that features find measured places with."""
        return Places(self._place_of, self._to_range, self._line_range, self.uri_of, self._names_on)

    def uri_of(self, path: str) -> str:
        """The URI under which the client knows a file."""
        return self._uris.get(self._real(path)) or to_uri(path)

    def text_of(self, path: str) -> str | None:
        """The text of a buffer, or of the file on disk where none is open."""
        return self._text(self._real(path))

    def version_of(self, path: str) -> int | None:
        """The version of an open document."""
        uri = self._uris.get(self._real(path))
        return self._workspace().get_text_document(uri).version if uri else None

    def _real(self, path: str) -> str:
        """The path without links, as it was after the newest measurement."""
        real = self._real_paths.get(path)
        if real is None:
            real = self._real_paths[path] = os.path.realpath(path)
        return real

    def _text(self, path: str) -> str | None:
        uri = self._uris.get(path)
        if uri is not None:
            return self._workspace().get_text_document(uri).source
        if path not in self._disk:
            self._disk[path] = _read(path)
        return self._disk[path]

    def _place_of(self, path: str, line: int) -> Place | None:
        real = self._real(path)
        file = self._files.get(real)
        text = self._text(real)
        if file is None or text is None:
            return None
        if file.places is None or file.seen != text:
            file.places = dict(file.anchors.locate(text))
            file.seen = text
        return file.places.get(line)

    def _to_range(self, path: str, place: Place) -> Range:
        return to_range(self._rows(path), place.line, place.start, place.end, self._codec())

    def _names_on(self, path: str, place: Place, line: int) -> list[Range]:
        rows = self._rows(path)
        columns = place.hovered(rows, line)
        return [to_range(rows, line, *columns, self._codec())] if columns else []

    def _rows(self, path: str) -> Sequence[str]:
        """The lines of a file; split once for each text of it, not for each place in it."""
        real = self._real(path)
        text = self._text(real) or ""
        seen, rows = self._split.get(real, ("", [""]))
        if seen is not text:
            rows = Lines(text)
            self._split[real] = text, rows
        return rows

    def _line_range(self, path: str, line: int) -> Range:
        lines = self._rows(path)
        line = max(0, min(line, len(lines) - 1))
        return to_range(lines, line, 0, len(lines[line]), self._codec())

    def _codec(self) -> PositionCodec:
        return self._workspace().position_codec


def _below(paths: Iterable[str], folders: Set[str]) -> list[str]:
    """Those of ``paths`` that are in one of the folders, however deep."""
    places = {os.path.dirname(path) for path in paths}  # noqa: PTH120
    inside = {p for p in places if p in folders or any(str(x) in folders for x in Path(p).parents)}
    return [path for path in paths if os.path.dirname(path) in inside]  # noqa: PTH120


def _read(path: str) -> str | None:
    try:
        return Path(path).read_bytes().decode("utf-8", "replace")
    except OSError:
        return None


def _read_as_declared(path: str) -> str | None:
    """The text of a file in the encoding that it declares as Python sources do."""
    try:
        content = Path(path).read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding)
    except (OSError, SyntaxError, UnicodeError):
        return None
