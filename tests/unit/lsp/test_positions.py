"""Columns in the client's units, and files by their URIs."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lsprotocol.types import Position, PositionEncodingKind
from pygls.workspace import PositionCodec

from dagster_snapsize.lsp.anchors.line_map import Lines
from dagster_snapsize.lsp.documents.positions import (
    path_key,
    split_lines,
    to_path,
    to_position,
    to_range,
    to_uri,
)

UTF8, UTF16, UTF32 = CODECS = [
    PositionCodec(kind)
    for kind in (PositionEncodingKind.Utf8, PositionEncodingKind.Utf16, PositionEncodingKind.Utf32)
]
TEXTS = st.lists(
    st.one_of(st.sampled_from("\r\n\r\f\x85\u2028\tæ語😋👩‍🚀a"), st.characters(codec="utf-8"))
).map("".join)


@pytest.mark.parametrize(("codec", "start"), [(UTF8, 7), (UTF16, 5), (UTF32, 4)])
def test_a_symbol_behind_an_emoji(codec: PositionCodec, start: int) -> None:
    lines = split_lines('x="😋"; orders = 1')
    quote = lines[0].index('"', 3)
    assert to_position(lines, 0, quote, codec) == Position(0, start)


@given(TEXTS, st.data())
def test_columns_count_the_units_of_each_encoding(text: str, data: st.DataObject) -> None:
    lines = split_lines(text)
    line = data.draw(st.integers(0, len(lines) - 1))
    before = lines[line][: data.draw(st.integers(0, len(lines[line])))]
    units = (len(before.encode()), len(before.encode("utf-16-le")) // 2, len(before))
    assert [to_position(lines, line, len(before), codec) for codec in CODECS] == [
        Position(line, count) for count in units
    ]


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_past_the_end_is_at_the_end(codec: PositionCodec) -> None:
    lines = ["abc", "dé"]
    end = to_position(lines, 1, 2, codec)
    assert to_position(lines, 1, 99, codec) == to_position(lines, 7, 0, codec) == end


def test_lines_end_where_an_editor_ends_them() -> None:
    assert split_lines("a\r\nb\rc\nd") == ["a", "b", "c", "d"]
    assert split_lines("a\n\r\n") == ["a", "", ""]
    assert split_lines("") == [""]
    assert split_lines("a\fb\x0bc\x85d\u2028e\x1cf") == ["a\fb\x0bc\x85d\u2028e\x1cf"]


@given(TEXTS)
def test_lines_that_are_cut_out_one_by_one_are_the_same(text: str) -> None:
    whole, lines = split_lines(text), Lines(text)
    assert [*lines] == lines[:] == whole
    assert (len(lines), lines[-1], lines[1:3]) == (len(whole), whole[-1], whole[1:3])


def test_a_place_as_a_range() -> None:
    lines = split_lines("a\r\n# 😋\r@asset\n")
    found = to_range(lines, 1, 2, 3, UTF16)
    assert (found.start, found.end) == (Position(1, 2), Position(1, 4))


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///home/me/a.py", "/home/me/a.py"),
        ("file:///home/me/mein%20Projekt/%C3%BC.py", "/home/me/mein Projekt/ü.py"),
        ("file:///home/me/ü b.py", "/home/me/ü b.py"),
        ("FILE:///home/me/a.py", "/home/me/a.py"),
        ("file://localhost/home/me/a.py", "/home/me/a.py"),
        ("file:/home/me/a.py", "/home/me/a.py"),
        ("file:///home/me/./x/..//a.py", "/home/me/a.py"),
        ("file:///home/me/a%23b%3Fc.py", "/home/me/a#b?c.py"),
        ("file:///home/me/a;b.py", "/home/me/a;b.py"),
        ("file:///home/me/a%5Cb.py", "/home/me/a\\b.py"),
        ("file:///home/me/%FF.py", "/home/me/\udcff.py"),
        ("file:///", "/"),
        ("file://elsewhere/home/me/a.py", None),
        ("file:///home/me/a%00.py", None),
    ],
)
def test_uris_of_files(uri: str, path: str | None) -> None:
    assert to_path(uri, windows=False) == path


@pytest.mark.parametrize(
    "uri",
    [
        "untitled:Untitled-1",
        "git:/home/me/a.py?%7B%7D",
        "vscode-notebook-cell:/home/me/a.ipynb#W0",
        "http://example.com/a.py",
        "file:",
        "file://[broken",
        "/home/me/a.py",
        "C:\\x.py",
        "",
    ],
)
@pytest.mark.parametrize("windows", [False, True])
def test_what_is_no_file_has_no_path(uri: str, windows: bool) -> None:
    assert to_path(uri, windows=windows) is None


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///c%3A/Users/Me/a.py", "C:/Users/Me/a.py"),
        ("file:///C:/Users/Me/a.py", "C:/Users/Me/a.py"),
        ("file:///c:/Users/Me/mein%20Projekt/../a.py", "C:/Users/Me/a.py"),
        ("file:///c%3a/Users%5CMe/a.py", "C:/Users/Me/a.py"),
        ("file://c:/Users/Me/a.py", "C:/Users/Me/a.py"),
        ("file://Server/share/a.py", "//server/share/a.py"),
        ("file:////server/share/a.py", "//server/share/a.py"),
    ],
)
def test_uris_of_files_on_windows(uri: str, path: str) -> None:
    assert to_path(uri, windows=True) == path


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C:\\Users\\Me\\a.py", "c:/users/me/A.py"),
        ("\\\\Server\\Share\\a.py", "//server/share/a.py"),
        ("\\\\?\\C:\\x\\a.py", "C:/x/a.py"),
        ("\\\\?\\UNC\\server\\share\\a.py", "//server/share/a.py"),
        ("C:/x/./y/..\\a.py", "C:/x/a.py"),
    ],
)
def test_spellings_of_one_path_on_windows(one: str, other: str) -> None:
    assert path_key(one, windows=True) == path_key(other, windows=True)


def test_case_tells_paths_apart_but_on_windows() -> None:
    assert path_key("/x/A.py", windows=False) != path_key("/x/a.py", windows=False)
    assert path_key("//x//a.py", windows=False) == path_key("/x/a.py", windows=False)


@pytest.mark.parametrize(
    ("path", "windows", "uri"),
    [
        ("/home/me/mein Projekt/ü#1.py", False, "file:///home/me/mein%20Projekt/%C3%BC%231.py"),
        ("C:\\Users\\Me\\a b.py", True, "file:///c%3A/Users/Me/a%20b.py"),
        ("//server/share/a.py", True, "file://server/share/a.py"),
        ("C:/", True, "file:///c%3A/"),
    ],
)
def test_paths_as_uris(path: str, windows: bool, uri: str) -> None:
    assert to_uri(path, windows=windows) == uri


PARTS = st.lists(
    st.text(st.characters(exclude_characters="/\\\0", codec="utf-8"), min_size=1).filter(
        lambda part: part not in (".", "..")
    ),
    min_size=1,
)


@given(PARTS)
def test_every_path_comes_back_from_its_uri(parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    assert to_path(to_uri(path, windows=False), windows=False) == path
    assert to_path(to_uri("C:" + path, windows=True), windows=True) == "C:" + path


@given(st.text())
@example("\\")
def test_no_uri_is_an_error(text: str) -> None:
    for windows in (False, True):
        for uri in (text, f"file://{text}", f"file:///{text}"):
            path = to_path(uri, windows=windows)
            assert path is None or to_path(to_uri(path, windows=windows), windows=windows) == path
