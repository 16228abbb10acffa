"""Values that several assets carry, to the byte the same.

Texts are compared by hash and not kept: of each value only its size is, its beginning,
who carries it, and how many bytes would go from each snapshot if nobody did.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from attrs import Factory, define

from dagster_snapsize.core.dagster_fields import printable
from dagster_snapsize.core.model import Repeat, Saving

REPORTABLE_BYTES = 1000
"""Savings below that many bytes, in all snapshots together, are not reported."""
MAX_REPEATS = 200
"""The most repeats that are reported of a repository: those that save most."""
PREVIEW_BYTES = 600
"""Bytes of a value that are kept for its preview."""
LARGE_BYTES = 16_000
"""A value of that many bytes is reported even if only one asset has it."""
_PREVIEW = 120  # characters
_CLASS = re.compile(r'"__(?:class|enum)__": "[^"\\]*"(?:, )?|"\w+": null(?:, )?')
_ENTRY = '{"__class__": "EventMetadataEntry"'
_LABEL = re.compile(r', "label": "(?:[^"\\]|\\.)*"\}$')
_COLUMN = re.compile(r'"name": "((?:[^"\\]|\\.)*)", "(?:tags|type)": ')
_KEYS = re.compile(r'"partition_keys": \[((?:[^\]"\\]|"(?:[^"\\]|\\.)*"?)*)')
_LABELLED = re.compile(r'"label": "((?:[^"\\]|\\.)+)"')
_ESCAPE = re.compile(r'\\(u[dD][89abAB]..\\u[dD][c-fC-F]..|u[0-9a-fA-F]{4}|["\\/bfnrt])')

ValueId = tuple[str, int]


@define(eq=False)
class Value:
    """One value: the field that it stands in, its size in bytes, and its beginning as it stands.

    ``holders`` are what it stands on, assets or op definitions; a value is repeated where there are
    two. ``by_snapshot`` are the bytes that would go, ``removed_bytes`` those of the repository
    snapshot.
    """

    field: str
    size: int
    beginning: str
    assets: dict[str, None] = Factory(dict)
    holders: set[str] = Factory(set)
    by_snapshot: dict[str, int] = Factory(dict)
    removed_bytes: int = 0

    def add(self, snapshot: str, size: int) -> None:
        """That many bytes would go from that snapshot."""
        self.by_snapshot[snapshot] = self.by_snapshot.get(snapshot, 0) + size


class Values:
    """All values of one repository that may be repeated."""

    def __init__(self) -> None:
        self._once: dict[ValueId, tuple[str, int]] = {}
        self.known: dict[ValueId, Value] = {}

    def record(self, value: ValueId, field: str, asset: str, text: str, removed_bytes: int) -> None:
        """A value that an asset carries in that field; ``removed_bytes`` bytes would go with it.

        Of a lighter one that was met once nothing is kept but that; its text is the second one's.
        """
        found = self.known.get(value)
        if found is None:
            first = self._once.get(value)
            if first is None and removed_bytes < LARGE_BYTES:
                self._once[value] = (asset, removed_bytes)
                return
            found = self.known[value] = Value(field, len(text), text[:PREVIEW_BYTES])
            if first is not None:
                found.assets[first[0]] = None
                found.removed_bytes = first[1]
        found.assets[asset] = None
        found.removed_bytes += removed_bytes

    def end_of_repository(self, snapshot: str) -> None:
        """All assets were met in that snapshot: what was met once is not repeated."""
        self._once.clear()
        for value in self.known.values():
            value.add(snapshot, value.removed_bytes)
            value.holders.update(value.assets)

    def record_on_op(
        self,
        value: ValueId,
        definition: str,
        assets: Iterable[str],
        text: str,
        removed_bytes: int,
        snapshot: str,
    ) -> None:
        """A value that only the definition of an op carries, once in each of its jobs."""
        found = self.known.get(value)
        if found is None:
            found = self.known[value] = Value(value[0], len(text), text[:PREVIEW_BYTES])
        found.assets.update(dict.fromkeys(assets))
        found.holders.add(definition)
        found.add(snapshot, removed_bytes)

    def repeats(self, repository: str) -> tuple[Repeat, ...]:
        """Those worth reporting, most bytes first."""
        reportable = [
            Repeat(
                field=value.field,
                preview=preview(value.field, value.beginning, value.size),
                value_bytes=value.size,
                assets=tuple(sorted(value.assets)),
                repository=repository,
                by_snapshot={name: size for name, size in value.by_snapshot.items() if size > 0},
            )
            for value in self.known.values()
            if len(value.holders) > 1
            and len(value.assets) > 1
            and sum(value.by_snapshot.values()) >= REPORTABLE_BYTES
        ]
        return tuple(sorted(reportable, key=rank)[:MAX_REPEATS])

    def large_values(self, repository: str) -> tuple[Saving, ...]:
        """Large values that only one asset has, most bytes first."""
        reportable = [
            Saving(
                kind="one-value",
                field=value.field,
                preview=preview(value.field, value.beginning, value.size),
                assets=tuple(value.assets),
                repository=repository,
                by_snapshot={name: size for name, size in value.by_snapshot.items() if size > 0},
            )
            for value in self.known.values()
            if len(value.assets) == 1 and sum(value.by_snapshot.values()) >= LARGE_BYTES
        ]
        return tuple(
            sorted(reportable, key=lambda s: (-s.saved_bytes, s.field, s.assets))[:MAX_REPEATS]
        )


def rank(repeat: Repeat) -> tuple[int, str, tuple[str, ...], str]:
    """The order of repeats: most bytes first, and the same in every run."""
    return (-repeat.saved_bytes, repeat.field, repeat.assets[:1], repeat.preview)


def preview(field: str, beginning: str, size: int) -> str:
    """The beginning of a serialized value as a person reads it, on one line.

    ``size`` is that of the whole value: a text that goes on ends in dots.
    """
    goes_on = len(beginning) < size
    text = beginning
    if text.startswith(_ENTRY):
        text = _LABEL.sub("", text.partition('"entry_data": ')[2])
    columns = _COLUMN.findall(text) if '"TableSchema"' in text else ()
    keys = _KEYS.search(text) if field == "partitions" else None
    condition = _LABELLED.search(text) if field == "automation" else None
    if columns:
        text = f"columns {', '.join(columns)}"
    elif keys:
        text = keys.group(1).replace('", "', ", ").strip('"')
        goes_on = goes_on and keys.end() == len(beginning)
    elif condition:
        text, goes_on = condition.group(1), False
    elif text.startswith('"'):
        text = text[1:] if goes_on else text[1:-1]
    else:
        text = _CLASS.sub("", text).replace(", }", "}")
    text = " ".join(printable(_ESCAPE.sub(_character, text)).split())
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    if len(text) > _PREVIEW or goes_on:
        return text[:_PREVIEW].rstrip() + "..."
    return text


def _character(escape: re.Match[str]) -> str:
    character: str = json.loads(f'"{escape.group()}"')
    return character
