"""``# snapsize: ignore`` where an asset is defined."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_snapsize.core.model import SourceLocation
from dagster_snapsize.project.ignore_comments import find_ignores


def rules(folder: Path, text: str, line: int, name: str = "assets.py") -> tuple[str, ...] | None:
    """What is silenced at that line; None where nothing is."""
    (folder / name).write_text(text, encoding="utf-8")
    place = SourceLocation(name, line)
    comments = [c for c in find_ignores([place], [], folder) if line in c.assets]
    return tuple(rule for c in comments for rule in c.rules) if comments else None


@pytest.mark.parametrize("comment_line", range(1, 6))
@pytest.mark.parametrize("located_line", [1, 4])
def test_any_line_of_decorator_and_signature(
    tmp_path: Path, comment_line: int, located_line: int
) -> None:
    lines = ["@dg.asset(", "    description='x',", ")", "def orders(", "):", "    return 1"]
    lines[comment_line - 1] += "  # snapsize: ignore[asset-over-budget]"
    assert rules(tmp_path, "\n".join(lines), located_line) == ("asset-over-budget",)


def test_not_in_the_body_nor_on_a_neighbour(tmp_path: Path) -> None:
    text = (
        "@asset\ndef a():\n    pass  # snapsize: ignore\n@asset  # snapsize: ignore\ndef b(): ...\n"
    )
    assert rules(tmp_path, text, 1) is None
    assert rules(tmp_path, text, 4) == ()


def test_a_call_over_several_lines(tmp_path: Path) -> None:
    text = (
        "specs = [\n    AssetSpec(\n        'a',  # snapsize: ignore[ asset-over-budget , x ]\n"
        "    ),\n    AssetSpec('b'),\n]\nlate = 1  # snapsize: ignore\n"
    )
    assert rules(tmp_path, text, 2) == ("asset-over-budget", "x")
    assert rules(tmp_path, text, 5) is None
    assert rules(tmp_path, text, 1) == ("asset-over-budget", "x")


def test_a_loop_is_not_silenced_by_its_body(tmp_path: Path) -> None:
    text = "for n in range(3):\n    make(n)  # snapsize: ignore\n"
    assert rules(tmp_path, text, 1) is None
    assert rules(tmp_path, text, 2) == ()


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# snapsize: ignore", ()),
        ("#snapsize:ignore[a]", ("a",)),
        ("# noqa  # snapsize: ignore[a]  # why", ("a",)),
        ("# snapsize: ignore[a], because", ("a",)),
        ("# snapsize: ignored", None),
        ("# snapsize: ignore-me", None),
        ("# snapsize ignore", None),
    ],
)
def test_how_the_comment_is_written(
    tmp_path: Path, comment: str, expected: tuple[str, ...] | None
) -> None:
    assert rules(tmp_path, f"x = asset()  {comment}\n", 1) == expected


def test_a_text_is_no_comment(tmp_path: Path) -> None:
    assert rules(tmp_path, "x = asset('# snapsize: ignore')\n", 1) is None


def test_newer_syntax_than_ours_is_read_line_by_line(tmp_path: Path) -> None:
    text = "x = asset()  # snapsize: ignore[a]\ny = from the future\n"
    assert rules(tmp_path, text, 1) == ("a",)


def test_yaml_and_non_latin_text(tmp_path: Path) -> None:
    text = "type: shop.Thing  # snapsize: ignore[a]\nattributes:\n  name: 注文\n"
    assert rules(tmp_path, text, 1, "defs.yaml") == ("a",)
    assert rules(tmp_path, text, 2, "defs.yaml") is None


def test_files_that_are_not_there_silence_nothing(tmp_path: Path) -> None:
    places = [SourceLocation("gone.py", 1), SourceLocation(str(tmp_path), 1)]
    assert find_ignores(places, ["gone.yaml"], tmp_path) == ()
    (tmp_path / "bytes.py").write_bytes(b"x = 1  # snapsize: ignore \xff\n")
    (found,) = find_ignores([SourceLocation(str(tmp_path / "bytes.py"), 1)], [], Path("/"))
    assert (found.rules, found.assets) == ((), (1,))


def test_comments_on_no_asset_are_found_in_every_definition_file(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text("x = 1\ny = 2  # snapsize: ignore[a]\n", encoding="utf-8")
    (tmp_path / "manifest.json").write_text('"# snapsize: ignore"', encoding="utf-8")
    (found,) = find_ignores([], ["helpers.py", "manifest.json"], tmp_path)
    assert (found.location, found.rules, found.assets) == (
        SourceLocation("helpers.py", 2), ("a",), ()
    )  # fmt: skip
