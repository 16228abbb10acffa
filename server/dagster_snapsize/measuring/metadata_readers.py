"""Which metadata the project's code and its integrations read from definitions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path

from dagster_snapsize.core.model import MetadataReader, SourceLocation

# `context.definition_metadata["schema"]`, `context.output_metadata.get("schema")`,
# `assets_def.metadata_by_key[key]["schema"]`
_READ = re.compile(
    r"""metadata\w*(?:\[[^\]"'\n]*\])?(?:\.get\(|\[)\s*(?P<quote>["'])(?P<label>[^"'\n]+)(?P=quote)\s*"""
    r"""(?:\](?!\s*=[^=])|[,)])"""
)


_INTEGRATION = re.compile(r"/(?:site|dist)-packages/(dagster_(?!shared|pipes|graphql)\w+)/")


def integration_of(path: str) -> str | None:
    """The package of a file of an installed integration such as ``dagster_polars``, or None."""
    found = _INTEGRATION.search(path)
    return found[1] if found else None


def metadata_readers(
    files: Iterable[str], labels: Collection[str], root: Path
) -> tuple[MetadataReader, ...]:
    """The first line in these Python files that reads each of the labels.

    Paths may be relative to ``root``. Files that cannot be read are left out.
    """
    found: dict[str, MetadataReader] = {}
    for path in files if labels else ():
        if not path.endswith(".py"):
            continue
        try:
            text = (root / path).read_text("utf-8-sig", errors="replace")
        except OSError:
            continue
        for match in _READ.finditer(text) if "metadata" in text else ():
            if match["label"] in labels and match["label"] not in found:
                line = text.count("\n", 0, match.start()) + 1
                found[match["label"]] = MetadataReader(
                    match["label"], SourceLocation(path, line), integration_of(path)
                )
    return tuple(reader for _, reader in sorted(found.items()))
