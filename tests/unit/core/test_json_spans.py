"""JSON with exact positions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from dagster_snapsize.core.json_spans import KEEP, SKIP, Document, ReadPlan, Spans
from support.strategies import ANYTHING, texts

EVERYTHING = ReadPlan(keep=True, levels=100)


def tiled(spans: Spans) -> None:
    """Items lie side by side and inside of their container, at every level."""
    place = spans.items[0].start if spans.items else spans.end - 1
    assert spans.start < place
    for item in spans.items:
        assert item.start == place <= item.at < item.stop
        place = item.stop
        if isinstance(item.value, Spans):
            assert item.at == item.value.start < item.value.end <= item.stop
            tiled(item.value)
    assert place == spans.end - 1
    assert spans.own + spans.inside == spans.end - spans.start


def rebuilt(value: object) -> object:
    """The plain value of a walked one."""
    if not isinstance(value, Spans):
        return value
    if value.kind == "list":
        return [rebuilt(item.value) for item in value.items]
    return {item.name: rebuilt(item.value) for item in value.items}


@given(texts(ANYTHING))
def test_walking_reads_what_json_reads_and_tiles_it(text):
    value, start, end = Document(text).read(EVERYTHING)
    assert text[:start].strip() == text[end:].strip() == b""
    expected = json.loads(text, parse_int=float)
    assert repr(rebuilt(value)) == repr(expected)
    if isinstance(value, Spans):
        tiled(value)


def test_an_item_runs_to_the_start_of_the_next_one():
    text = b'{ "a" : 1 ,\n "b":[ 2 , 3 ] }'
    value, _, _ = Document(text).read(ReadPlan(named={"b": ReadPlan(each=KEEP)}, each=KEEP))
    assert isinstance(value, Spans)
    assert [text[i.start : i.stop] for i in value.items] == [b'"a" : 1 ,\n ', b'"b":[ 2 , 3 ] ']
    inner = value.items[1].value
    assert isinstance(inner, Spans)
    assert [text[i.start : i.stop] for i in inner.items] == [b"2 , ", b"3 "]


def test_fields_that_a_plan_does_not_want_count_as_the_containers_own():
    value, _, _ = Document(b'{"a": 1, "b": {"c": 2}, "a": 3}').read(
        ReadPlan(named={"a": KEEP}, only=True)
    )
    assert isinstance(value, Spans)
    assert value.own == len('{"b": {"c": 2}, }')
    assert value.get("a") == 3


def test_a_value_that_is_not_kept_still_says_whether_there_is_something_in_it():
    value, _, _ = Document(b'[null, [], {}, 0, "", [1], false]').read(ReadPlan(each=SKIP))
    assert isinstance(value, Spans)
    assert [item.value for item in value.items] == [None, None, None, True, True, True, True]


@pytest.mark.parametrize(
    "deep", ["[" * 50_000 + "1" + "]" * 50_000, '{"a":' * 50_000 + "{}" + "}" * 50_000]
)
def test_deep_nesting_is_one_value(deep):
    value, _, _ = Document(f'{{"x": {deep}, "y": "z"}}'.encode()).read(ReadPlan(each=KEEP))
    assert isinstance(value, Spans)
    assert [item.size for item in value.items] == [len('"x": , ') + len(deep), len('"y": "z"')]


@pytest.mark.parametrize(
    "deep",
    ["[" * 50_000, "[" * 50_000 + "]" * 49_999 + "}", "[" * 50_000 + "]" * 50_001,
     '{"a":' * 50_000 + "1,}" + "}" * 49_999, "[" * 50_000 + "1 2" + "]" * 50_000],
    ids=["open", "mixed", "closed twice", "trailing comma", "no comma"],
)  # fmt: skip
def test_deep_nonsense_is_no_json(deep):
    with pytest.raises(ValueError, match="no valid JSON"):
        Document(deep.encode()).read(ReadPlan(keep=True))
