"""Measured lines in the client's buffers, whatever the client calls their files."""

from __future__ import annotations

from pathlib import Path

from lsprotocol.types import Position, PositionEncodingKind, Range, TextDocumentItem
from pygls.workspace import Workspace

from dagster_snapsize.core.model import SourceLocation, TimeOwner
from dagster_snapsize.lsp.documents.buffers import Buffers
from support.lsp_values import asset, result

TEXT = 'X = "😋"\n\n@asset(\n    tags={},\n)\ndef orders(): ...\n'


def measured(path: Path, encoding: PositionEncodingKind = PositionEncodingKind.Utf16) -> Buffers:
    """The buffers after an asset was measured on line 3 of the file."""
    workspace = Workspace(None, position_encoding=encoding)
    buffers = Buffers(lambda: workspace)
    path.write_text(TEXT)
    row = asset("orders", 3, 100, path=str(path))
    buffers.measured(buffers.anchored(result(assets=[row], definitions=None)))
    return buffers


def open_document(buffers: Buffers, path: Path, text: str) -> None:
    buffers._workspace().put_text_document(TextDocumentItem(path.as_uri(), "python", 1, text))
    buffers.opened(path.as_uri())


def test_a_hover_answers_on_the_decorator_and_the_name_only(tmp_path: Path) -> None:
    path = tmp_path / "assets.py"
    buffers = measured(path)
    at = SourceLocation(str(path), 3)
    positions = [(2, 0), (2, 7), (2, 8), (3, 4), (3, 3), (5, 3), (5, 4), (5, 10), (5, 11), (6, 0)]
    assert [p for p in positions if buffers.is_at(at, Position(*p))] == [
        *((2, 0), (2, 7), (3, 4), (5, 4), (5, 10)),
    ]


def test_a_file_is_one_file_under_any_of_its_paths(tmp_path: Path) -> None:
    folder, link = tmp_path / "shop", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    buffers = measured(folder / "assets.py")
    open_document(buffers, link / "assets.py", "\n" + TEXT)
    for path in (folder / "assets.py", link / "assets.py", link / ".." / "shop" / "assets.py"):
        assert buffers.is_same_file(str(path), str(link / "assets.py"))
        assert buffers.uri_of(str(path)) == (link / "assets.py").as_uri()
        found = buffers.range_of(SourceLocation(str(path), 3))
        assert found == Range(Position(3, 0), Position(3, 7))
    buffers.closed((link / "assets.py").as_uri())
    found = buffers.range_of(SourceLocation(str(link / "assets.py"), 3))
    assert found == Range(Position(2, 0), Position(2, 7))


def test_ranges_count_in_the_units_of_the_client(tmp_path: Path) -> None:
    path = tmp_path / "assets.py"
    for encoding, end in ((PositionEncodingKind.Utf8, 10), (PositionEncodingKind.Utf16, 8)):
        buffers = measured(path, encoding)
        assert buffers.line_range(str(path), 0).end == Position(0, end)
        assert buffers.line_range(str(path), 99).start == Position(6, 0)


def test_lines_of_an_older_load_time_follow_their_text_to_the_newest_measurement(
    tmp_path: Path,
) -> None:
    path = tmp_path / "assets.py"
    buffers = measured(path)
    lines = [TimeOwner("@asset", SourceLocation(str(path), 3), "dagster", 5, {"dagster": 5})]
    path.write_text("import os\n\n" + TEXT)
    (moved,) = buffers.moved(lines)
    assert moved.location == SourceLocation(str(path), 5)
    path.write_text("import os\n")
    assert buffers.moved(lines) == ()
    path.unlink()
    assert buffers.moved(lines) == ()


def test_two_locations_may_have_assets_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "assets.py"
    buffers = measured(path)
    text = path.read_text()
    path.write_text(text + "\n@asset\ndef customers(): ...\n")
    for line in (3, 8):
        row = asset("any", line, 100, path=str(path))
        buffers.measured(buffers.anchored(result(assets=[row], definitions=None)))
    found = [buffers.range_of(SourceLocation(str(path), line)) for line in (3, 8)]
    assert [place and place.start.line for place in found] == [2, 7]
