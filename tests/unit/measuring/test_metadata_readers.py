"""Which metadata the project's code and its integrations read from definitions."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_snapsize.core.model import MetadataReader, SourceLocation
from dagster_snapsize.measuring.metadata_readers import integration_of, metadata_readers


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


def test_installed_integrations_read_metadata_too(tmp_path: Path) -> None:
    folder = tmp_path / "lib/site-packages/dagster_delta"
    folder.mkdir(parents=True)
    (folder / "io.py").write_text('x = metadata.get("merge_predicate", None)\n', encoding="utf-8")
    path = (folder / "io.py").as_posix()
    assert metadata_readers([path], {"merge_predicate"}, tmp_path) == (
        MetadataReader("merge_predicate", SourceLocation(path, 1), "dagster_delta"),
    )
    for path in ("site-packages/dagster/io.py", "site-packages/dagster_shared/a.py", "src/io.py"):
        assert integration_of(f"/venv/{path}") is None
