from __future__ import annotations

import pytest

from dagster_snapsize.lsp.features.field_source import field_source

PYTHON = '''\
import dagster as dg

TEXT = "long"

@dg.asset(
    description=TEXT, tags={"a": "b"},
    metadata={
        "dagster/column_schema": schema(),
        "é": 1, "owner notes": [1],
    },
    partitions_def=dg.StaticPartitionsDefinition(
        [str(n) for n in range(1000)]
    ),
)
def orders(raw):
    """Not this one."""
    return load(description="nor this")

@dg.asset
def customers():
    """All of
    them."""

for name in NAMES:
    specs.append(dg.AssetSpec(name, deps=["orders"], description=f"Table {name}"))
'''
YAML = """\
type: parts.TableSet
attributes:
  tables:
    - key: one
      description: first
      metadata:
        owner: me
    - key: two
      description: second
"""


def written(text: str, suffix: str, line: int, field: str) -> str | None:
    """Line (from 1) and text of what is found for a line (from 1)."""
    found = field_source(text, suffix, line - 1, field)
    if found is None:
        return None
    number, start, end = found
    return f"{number + 1}: {text.splitlines()[number][start:end]}"


@pytest.mark.parametrize(
    ("line", "field", "expected"),
    [
        (5, "description", "6: description=TEXT"),
        (15, "description", "6: description=TEXT"),
        (5, "tags", '6: tags={"a": "b"}'),
        (5, "metadata: dagster/column_schema", '8: "dagster/column_schema"'),
        (5, "metadata: owner notes", '9: "owner notes"'),
        (5, "metadata: computed", "7: metadata={"),
        (5, "partitions", "11: partitions_def=dg.StaticPartitionsDefinition("),
        (5, "automation", None),
        (5, "structure", None),
        (19, "description", '21: """All of'),
        (25, "deps", '25: deps=["orders"]'),
        (25, "description", '25: description=f"Table {name}"'),
        (3, "description", None),
        (99, "description", None),
    ],
)
def test_python(line: int, field: str, expected: str | None) -> None:
    assert written(PYTHON, ".py", line, field) == expected


@pytest.mark.parametrize(
    ("line", "field", "expected"),
    [
        (4, "description", "5: description"),
        (8, "description", "9: description"),
        (4, "metadata: owner", "7: owner"),
        (8, "metadata: owner", None),
        (1, "description", "5: description"),
        (99, "description", None),
    ],
)
def test_yaml(line: int, field: str, expected: str | None) -> None:
    assert written(YAML, ".yaml", line, field) == expected


def test_code_that_is_being_typed_has_no_fields() -> None:
    assert field_source("@asset(\n", ".py", 0, "description") is None
