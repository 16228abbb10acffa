from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from dagster_snapsize.core.sizes import counted
from dagster_snapsize.lsp.features.markup import (
    code,
    escaped,
    fenced,
    flat,
)

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
# Much of what Markdown gives a meaning to, so that it meets often.
NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from("`|\\<>*_[]()!&#~$-+=:.;{}\"'\n\r\t ab1/\x00\u2028\u202e日"),
        st.characters(exclude_categories=("Cs",)),
    ),
    max_size=30,
)


def inline(source: str) -> list[Token]:
    return [t for token in MARKDOWN.parse(source) for t in token.children or ()]


def shown(tokens: list[Token]) -> str:
    """The text that a reader sees; fails where anything is more than text or code."""
    assert {t.type for t in tokens} <= {"text", "text_special", "code_inline"}, tokens
    return "".join(t.content for t in tokens)


@given(NASTY)
def test_a_name_in_a_table_is_shown_as_it_is_and_is_no_markup(name: str) -> None:
    source = f"| head | other |\n| --- | ---: |\n| {code(name)} | 1 |"
    tokens = MARKDOWN.parse(source)
    cells = [t for t in tokens if t.type == "inline"]
    assert [c.content for c in cells[:2]] == ["head", "other"]
    assert len(cells) == 4
    assert shown(cells[2].children or []) == flat(name)
    assert cells[3].content == "1"


@given(NASTY)
def test_a_name_in_a_sentence_is_shown_as_it_is_and_is_no_markup(name: str) -> None:
    assert shown(inline(f"The name: {code(name)}, and more")) == f"The name: {flat(name)}, and more"


@given(NASTY)
def test_a_text_in_a_sentence_is_shown_as_it_is_and_is_no_markup(text: str) -> None:
    source = f"The text: {escaped(text)}, and more"
    assert shown(inline(source)) == f"The text: {flat(text)}, and more"


@given(st.lists(NASTY, max_size=4))
def test_no_line_can_end_a_block(lines: list[str]) -> None:
    [block, after, *rest] = [
        t for t in MARKDOWN.parse(f"{fenced(chr(10).join(lines))}\n\nafter") if t.type in
        ("fence", "inline")
    ]  # fmt: skip
    assert (block.type, after.content, rest) == ("fence", "after", [])


@pytest.mark.parametrize(
    ("name", "markdown"),
    [
        ("wh/raw_orders", "`wh/raw_orders`"),
        ("__ASSET_JOB", "`__ASSET_JOB`"),
        ("a|b", "a&#124;b"),
        ("a`b", "a&#96;b"),
        ("one\ntwo", "`one two`"),
        ("a\\/b", "a&#92;/b"),
        ("<b>", "`<b>`"),
        ("", ""),
    ],
)
def test_names_are_code_where_they_can_be(name: str, markdown: str) -> None:
    assert code(name) == markdown


def test_text_is_escaped_no_more_than_it_must() -> None:
    assert escaped("dagster/column_schema: 1.5 (x)") == "dagster/column_schema: 1.5 (x)"


def test_nouns_are_counted() -> None:
    assert counted(1, "asset") == "1 asset"
    assert counted(1_200, "asset") == "1,200 assets"
