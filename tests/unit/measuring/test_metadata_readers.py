"""Which metadata the project's own code reads from definitions."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_snapsize.core.model import MetadataReader, SourceLocation
from dagster_snapsize.measuring.metadata_readers import metadata_readers


@pytest.mark.parametrize(
    ("line", "is_read"),
    [
        ('schema = context.definition_metadata["schema"]', True),
        ("schema = (context.output_metadata or {}).get('schema')", False),
        ('schema = context.definition_metadata.get("schema", "public")', True),
        ('x = assets_def.metadata_by_key[context.asset_key]["schema"]', True),
        ('x = spec.metadata.get("other")', False),
        ('metadata = {"schema": "public"}', False),
        ('metadata["schema"] = "public"', False),
        ('same = metadata["schema"] == "public"', True),
    ],
)
def test_what_code_reads_and_what_it_sets(tmp_path: Path, line: str, is_read: bool) -> None:
    (tmp_path / "io.py").write_text(f"import dagster as dg\n{line}\n", encoding="utf-8")
    found = metadata_readers(["io.py", "gone.py", "data.csv"], {"schema"}, tmp_path)
    expected = (MetadataReader("schema", SourceLocation("io.py", 2)),) if is_read else ()
    assert found == expected
