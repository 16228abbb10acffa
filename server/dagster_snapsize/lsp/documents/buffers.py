"""The text of each file as the editor shows it, and where in it measured lines are now."""

from __future__ import annotations

import io
import os
import tokenize
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from pathlib import Path

from attrs import define, evolve
from lsprotocol.types import Position, Range
from pygls.workspace import PositionCodec, Workspace

from dagster_snapsize.core.model import SourceLocation, TimeOwner
from dagster_snapsize.lsp.anchors import Anchors, Language, Place
from dagster_snapsize.lsp.anchors.line_map import Lines
from dagster_snapsize.lsp.documents.places import Places
from dagster_snapsize.lsp.documents.positions import real_key, to_path, to_range, to_uri
from dagster_snapsize.measuring.worker.results import LocationResult
from dagster_snapsize.project.files.toml_document import read_file

_BOM = "\ufeff"
_LANGUAGES: dict[str, Language] = {".py": "python", ".yaml": "yaml", ".yml": "yaml"}


@define
class _File:
    """A file as it was measured, and where its lines are in the text seen last."""

    anchors: Anchors
    has_sizes: bool
    seen: str | None = None
    places: dict[int, Place | None] | None = None


class Buffers(Places):
    """The texts of all files, by the keys of their real paths.

    ``workspace`` gives the documents that are open; other files are read from disk.
    """

    def __init__(self, workspace: Callable[[], Workspace]):
        self._workspace = workspace
        self._files: dict[str, _File] = {}
        self._uris: dict[str, str] = {}  # key -> URI of the open document
        self._disk: dict[str, str | None] = {}
        self._split: dict[str, tuple[str, Sequence[str]]] = {}
        self._keys: dict[str, str] = {}  # following links costs a call for each folder

    def opened(self, uri: str) -> None:
        """The client opened a document."""
        path = to_path(uri)
        if path is not None:
            self._uris[self._key(path)] = uri

    def closed(self, uri: str) -> None:
        """The client closed it: from now on the file on disk counts."""
        path = to_path(uri)
        if path is not None:
            self._uris.pop(self._key(path), None)
            self._disk.pop(self._key(path), None)

    def changed_on_disk(self, changed: Set[str]) -> list[str]:
        """These files have changed on disk, or anything in these folders.

        Takes keys of real paths, and returns those of the open documents among them.
        """
        for path in _among(self._disk, changed):
            self._disk.pop(path, None)
        return _among(self._uris, changed)

    def is_saved(self, path: str) -> bool:
        """Whether no buffer of this file differs from the file on disk."""
        key = self._key(path)
        uri = self._uris.get(key)
        if uri is None:
            return True
        if key not in self._disk:
            self._disk[key] = _read(key)
        disk = self._disk[key]
        shown = self._workspace().get_text_document(uri).source
        if disk is None:
            return False
        if shown.removeprefix(_BOM) == disk.removeprefix(_BOM):
            return True
        # Some editors heed what a file says of its encoding.
        return "\ufffd" in disk and shown == _read_as_declared(key)

    def anchored(self, result: LocationResult) -> dict[str, _File]:
        """Read and anchor the files of a result, as they are on disk. For a thread.

        Where a measurement failed, the last good sizes stay: so do the lines that they are of.
        """
        lines: dict[str, set[int]] = {}
        located = [a.location for a in result.assets] + [f.location for f in result.findings]
        located += [result.definitions_location]
        located += [result.failure.location] if result.failure else []
        located += [owner.location for owner in result.load.lines] if result.load else []
        for place in located:
            if place is not None:
                lines.setdefault(real_key(place.path), set()).add(place.line)
        found = {}
        for path, wanted in lines.items():
            known = self._files.get(path)
            if result.failure and known is not None and known.has_sizes:
                continue
            text = _read(path)
            if text is not None:
                # Another location may be measured in the same file, on other lines.
                wanted |= {*known.anchors.lines_of(text)} if known else set()
                language = _LANGUAGES.get(Path(path).suffix.lower(), "other")
                anchors = Anchors.of(text, sorted(wanted), language)
                found[path] = _File(anchors, has_sizes=result.failure is None)
        return found

    def moved(self, lines: Iterable[TimeOwner]) -> tuple[TimeOwner, ...]:
        """Lines of the last measurement where they are in the files on disk now. For a thread.

        Those that are gone are left out.
        """
        places: dict[str, Mapping[int, Place | None]] = {}
        found = []
        for owner in lines:
            assert owner.location is not None, "it is a line"
            key = real_key(owner.location.path)
            if key not in places:
                file, text = self._files.get(key), _read(key)
                places[key] = file.anchors.locate(text) if file and text is not None else {}
            place = places[key].get(owner.location.line)
            if place is not None:
                found.append(evolve(owner, location=evolve(owner.location, line=place.line + 1)))
        return tuple(found)

    def measured(self, files: dict[str, _File]) -> None:
        """From now on these files stand as they were measured by the newest result."""
        self._keys.clear()
        for path, file in files.items():
            self._files[path] = file
            self._disk.pop(path, None)

    def range_of(self, location: SourceLocation) -> Range | None:
        """What to underline for a measured line; None where it was deleted since."""
        place = self._place_of(location)
        if place is None:
            return None
        return to_range(self._rows(location.path), place.line, place.start, place.end, self._codec)

    def is_at(self, location: SourceLocation, position: Position) -> bool:
        """Whether a position is on what was measured there."""
        place = self._place_of(location)
        if place is None:
            return False
        rows = self._rows(location.path)
        columns = place.hovered(rows, position.line)
        if columns is None:
            return False
        within = to_range(rows, position.line, *columns, self._codec)
        return within.start.character <= position.character <= within.end.character

    def line_range(self, path: str, line: int) -> Range:
        """All of a line (from 0) of a buffer, or of its last line for one behind it."""
        rows = self._rows(path)
        line = max(0, min(line, len(rows) - 1))
        return to_range(rows, line, 0, len(rows[line]), self._codec)

    def is_same_file(self, path: str, other: str) -> bool:
        """Whether two paths lead to one file."""
        return self._key(path) == self._key(other)

    def uri_of(self, path: str) -> str:
        """The URI under which the client knows a file."""
        return self._uris.get(self._key(path)) or to_uri(path)

    def text_of(self, path: str) -> str | None:
        """The text of a buffer, or of the file on disk where none is open."""
        return self._text(self._key(path))

    def version_of(self, path: str) -> int | None:
        """The version of an open document."""
        uri = self._uris.get(self._key(path))
        return self._workspace().get_text_document(uri).version if uri else None

    def _key(self, path: str) -> str:
        """What the paths of one file have in common, as it was after the newest measurement."""
        key = self._keys.get(path)
        if key is None:
            key = self._keys[path] = real_key(path)
        return key

    def _text(self, path: str) -> str | None:
        uri = self._uris.get(path)
        if uri is not None:
            return self._workspace().get_text_document(uri).source
        if path not in self._disk:
            self._disk[path] = _read(path)
        return self._disk[path]

    def _place_of(self, location: SourceLocation) -> Place | None:
        key = self._key(location.path)
        file = self._files.get(key)
        text = self._text(key)
        if file is None or text is None:
            return None
        if file.places is None or file.seen != text:
            file.places = dict(file.anchors.locate(text))
            file.seen = text
        return file.places.get(location.line)

    def _rows(self, path: str) -> Sequence[str]:
        """The lines of a file; split once for each text of it, not for each place in it."""
        key = self._key(path)
        text = self._text(key) or ""
        seen, rows = self._split.get(key, ("", [""]))
        if seen is not text:
            rows = Lines(text)
            self._split[key] = text, rows
        return rows

    @property
    def _codec(self) -> PositionCodec:
        return self._workspace().position_codec


def _among(paths: Iterable[str], changed: Set[str]) -> list[str]:
    """Those of ``paths`` that changed themselves, or are in a changed folder, however deep."""
    parents = {os.path.dirname(path) for path in paths}  # noqa: PTH120
    inside = {
        p for p in parents if p in changed or any(x.as_posix() in changed for x in Path(p).parents)
    }
    return [p for p in paths if p in changed or os.path.dirname(p) in inside]  # noqa: PTH120


def _read(path: str) -> str | None:
    try:
        return read_file(Path(path)).decode("utf-8", "replace")
    except OSError:
        return None


def _read_as_declared(path: str) -> str | None:
    """The text of a file in the encoding that it declares as Python sources do."""
    try:
        content = read_file(Path(path))
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding)
    except (OSError, SyntaxError, UnicodeError):
        return None
