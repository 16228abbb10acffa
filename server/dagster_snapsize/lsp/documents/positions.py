"""Positions and files as an editor names them, and as Python does.

An editor counts columns in units of the encoding that was agreed on, Python in characters. Lines
here are those of ``split_lines``; pygls's own ``TextDocument.lines`` also ends lines at form feeds
and the like, where no editor does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from urllib.parse import quote, unquote_to_bytes, urlsplit

from lsprotocol.types import Position, Range
from pygls.workspace import PositionCodec

from dagster_snapsize.lsp.anchors.line_map import split_lines

__all__ = [
    "path_key",
    "real_key",
    "split_lines",
    "to_path",
    "to_position",
    "to_range",
    "to_uri",
]

_WINDOWS = os.name == "nt"
_DRIVE = re.compile(r"/?([A-Za-z]):(?=/|$)")


def to_position(lines: Sequence[str], line: int, column: int, codec: PositionCodec) -> Position:
    """An index into a line, in the client's units; what is past an end is moved to that end."""
    if line >= len(lines):
        line, column = len(lines) - 1, len(lines[-1])
    before = lines[line][: max(0, column)]
    units = len(before) if before.isascii() else codec.client_num_units(before)
    return Position(line, units)


def to_range(lines: Sequence[str], line: int, start: int, end: int, codec: PositionCodec) -> Range:
    """Columns of a line as a range, in the client's units."""
    return Range(to_position(lines, line, start, codec), to_position(lines, line, end, codec))


def to_path(uri: str, *, windows: bool = _WINDOWS) -> str | None:
    """The file that a ``file:`` URI names, with forward slashes; None for any other scheme.

    ``.`` and ``..`` are resolved, a drive letter is a capital one and a share is ``//host/share``.
    """
    # Not urlparse, as pygls does: it takes what follows a semicolon off the path.
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme.lower() != "file" or not parts.path:
        return None
    path = _decode(parts.path, windows)
    if "\0" in path:
        return None
    host = _decode(parts.netloc, windows)
    if host.lower() not in ("", "localhost"):
        if not windows:
            return None
        # Some clients write file://c:/x.
        path = f"{host}{path}" if _DRIVE.fullmatch(host) else f"//{host}{path}"
    return _normal(path, windows)


def to_uri(path: str, *, windows: bool = _WINDOWS) -> str:
    """The URI of an absolute path."""
    path = _normal(path, windows)
    host = ""
    if windows and path.startswith("//"):
        host, _, path = path[2:].partition("/")
        path = "/" + path
    drive = _DRIVE.match(path) if windows else None
    if drive:
        # As VS Code writes it, which compares URIs as text in some places.
        return f"file:///{drive[1].lower()}%3A{_encode(path[drive.end() :], windows)}"
    return f"file://{_encode(host, windows)}{_encode(path, windows)}"


def path_key(path: str, *, windows: bool = _WINDOWS) -> str:
    """What two spellings of one path have in common, to compare paths with; on Windows its case.

    Reads no file: a link and what it leads to are two paths.
    """
    normal = _normal(path, windows)
    return normal.lower() if windows else normal


def real_key(path: str) -> str:
    """The key of the file that a path leads to: two paths are of one file where these are equal."""
    return path_key(os.path.realpath(path))


def _normal(path: str, windows: bool) -> str:
    """Forward slashes, nothing doubled, no ``.`` and ``..``, a capital drive letter."""
    share = ""
    if windows:
        path = path.replace("\\", "/")
        # What Windows puts before long paths says nothing about the file.
        path = re.sub(r"^//[?.]/(UNC/)?", lambda found: "//" if found[1] else "", path)
        drive = _DRIVE.match(path)
        if drive:
            share, path = f"{drive[1].upper()}:", path[drive.end() :]
        elif re.match("//[^/]", path):
            host, _, path = path[2:].partition("/")
            share = f"//{host.lower()}"
            path = "/" + path
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return f"{share}/{'/'.join(parts)}"


def _decode(text: str, windows: bool) -> str:
    """Percent-encoded bytes as a path: names that are no UTF-8 are possible but on Windows."""
    errors = "replace" if windows else "surrogateescape"
    return unquote_to_bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", errors)


def _encode(path: str, windows: bool) -> str:
    return quote(path.encode("utf-8", "replace" if windows else "surrogateescape"))
