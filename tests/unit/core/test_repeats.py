"""What is repeated, and what else could go, seen in serialized texts."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings

from dagster_snapsize.core.advice.repeats import preview
from dagster_snapsize.core.advice.savings import count_non_ascii, raw_sql_bytes
from dagster_snapsize.core.advice.scan import Scan
from dagster_snapsize.core.ledger import attribute_job, attribute_repository
from support.snapshot_values import asset, job, node, op, payload, repository
from support.strategies import jobs, repositories, texts

TEXT = "rebuilt every night " * 40


def observed(*jobs: str, **descriptions: str) -> Scan:
    """What is seen of assets with these descriptions, all of them in these jobs."""
    scan = Scan("r")
    text = payload(
        repository(*(asset(k, op_description=d, jobs=jobs) for k, d in descriptions.items()))
    )
    _, index = attribute_repository(text, partial(scan.scan_repository, "repository"))
    for name in jobs:
        ops = [{**op(key), "description": text} for key, text in descriptions.items()]
        drawn = payload(job(name, ops, [node(key) for key in descriptions]))
        attribute_job(drawn, index, partial(scan.scan_job, name))
    return scan


def test_a_value_is_counted_in_every_snapshot_that_has_it() -> None:
    (repeat,) = observed("j", "k", a=TEXT, b=TEXT, c="another").repeats()
    gone = 2 * (len(TEXT) + 2 - len("null"))
    assert repeat.by_snapshot == {"repository": gone, "j": gone, "k": gone}
    assert (repeat.field, repeat.assets, repeat.saved_bytes) == (
        "description",
        ("a", "b"),
        3 * gone,
    )
    assert repeat.value_bytes == len(TEXT) + 2


def test_what_one_asset_carries_in_many_jobs_is_no_repeat() -> None:
    assert observed("j", "k", a=TEXT, b=TEXT + "!").repeats() == ()


def test_what_saves_less_than_a_kilobyte_is_not_told() -> None:
    assert observed(a=TEXT[:450], b=TEXT[:450]).repeats() == ()
    assert len(observed("j", a=TEXT[:450], b=TEXT[:450]).repeats()) == 1


@pytest.mark.parametrize(
    ("label", "fields"),
    [
        ("team", ["metadata: team"]),
        ("dagster/column_schema", ["metadata: dagster/column_schema"]),
        ("dagster_dbt/manifest", []),
        ("dagster/auto_created_stub_asset", []),
    ],
)
def test_what_dagster_or_an_integration_needs_is_no_repeat(label: str, fields: list[str]) -> None:
    scan = Scan("r")
    entry = {"__class__": "TextMetadataEntryData", "label": label, "text": TEXT}
    text = payload(repository(*(asset(key, metadata_entries=[entry]) for key in ("a", "b"))))
    attribute_repository(text, partial(scan.scan_repository, "repository"))
    assert [repeat.field for repeat in scan.repeats()] == fields


def test_there_are_never_more_than_two_hundred() -> None:
    many = {f"a{number}_{copy}": f"{number} {TEXT}" for number in range(300) for copy in "xy"}
    found = observed(**many).repeats()
    assert len(found) == 200
    assert [r.saved_bytes for r in found] == sorted((r.saved_bytes for r in found), reverse=True)


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("description", '"two\\nlines \\u00e9 \\ud83d\\ude80 \\"x\\""', 'two lines é 🚀 "x"'),
        ("description", '"half of a pair \\ud83d"', "half of a pair ?"),
        ("tags", '{"a": "b\\u202ec"}', '{"a": "b\N{REPLACEMENT CHARACTER}c"}'),
        (
            "partitions",
            '{"__class__": "X", "partition_keys": ["a, [1]", "b\\u00e9"]}',
            "a, [1], bé",
        ),
        ("automation", '{"__class__": "X", "label": "eager", "operands": []}', "eager"),
        (
            "metadata: m",
            '{"__class__": "EventMetadataEntry", "description": null, "entry_data": {"__class__":'
            ' "TextMetadataEntryData", "text": "t"}, "label": "m"}',
            '{"text": "t"}',
        ),
    ],
)
def test_a_preview_is_one_line_that_a_person_reads(field: str, value: str, shown: str) -> None:
    assert preview(field, value, len(value)) == shown


def test_a_long_preview_ends_in_dots() -> None:
    value = '"' + "x" * 1000 + '"'
    shown = preview("description", value[:600], len(value))
    assert shown == "x" * 120 + "..."


@pytest.mark.parametrize(
    ("text", "characters", "gone"),
    [
        ('"plain"', 0, 0),
        ('"\\u00e9t\\u00e9"', 2, 10),
        ('"\\ud83d\\ude80"', 1, 11),
        ('"\\u0007 a control character"', 0, 0),
        ('"C:\\\\u00e9 is a path"', 0, 0),
    ],
)
def test_characters_that_are_not_ascii(text: str, characters: int, gone: int) -> None:
    assert count_non_ascii(text) == (characters, gone)


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        (
            '"Orders.\\n\\n#### Raw SQL:\\n```sql\\n    select 1\\n```"',
            len("\\n\\n#### Raw SQL:\\n```sql\\n    select 1\\n```"),
        ),
        ('"Orders.\\n\\n#### Raw SQL:\\n```sql\\n    select 1\\n```\\nAnd more."', 0),
        ('"Orders.\\n```"', 0),
    ],
)
def test_the_sql_in_a_description(text: str, gone: int) -> None:
    assert raw_sql_bytes(text) == gone


@settings(max_examples=100, deadline=None)
@given(texts(repositories()), texts(jobs()))
def test_whatever_json_comes_nothing_is_raised(repository_text: bytes, job_text: bytes) -> None:
    scan = Scan("r")
    _, index = attribute_repository(repository_text, partial(scan.scan_repository, "repository"))
    attribute_job(job_text, index, partial(scan.scan_job, "j"))
    for found in (*scan.repeats(), *scan.savings()):
        assert found.saved_bytes <= len(repository_text) + len(job_text)
        for shown in (found.field, found.preview, *found.assets):
            shown.encode()
