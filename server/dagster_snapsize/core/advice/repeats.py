"""Values that several assets carry, to the byte the same.

Texts are told apart by their hash and are not kept: of each value there is its size, its beginning,
who carries it, and how many bytes would go from each snapshot if nobody did.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from attrs import Factory, define

from dagster_snapsize.core.dagster_fields import printable
from dagster_snapsize.core.model import Repeat, Saving

WORTH_TELLING = 1000
"""Bytes: what saves less in all snapshots together is not told."""
MOST = 200
"""No repository has more repeats than that; those that save most are told."""
BEGINNING = 600
"""Bytes of a value that are kept for its preview."""
HEAVY = 16_000
"""Bytes: a value of that size is told of even where one asset alone carries it."""
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
    two. ``by_snapshot`` are the bytes that would go, ``gone`` those of the repository's own.
    """

    field: str
    size: int
    beginning: str
    assets: dict[str, None] = Factory(dict)
    holders: set[str] = Factory(set)
    by_snapshot: dict[str, int] = Factory(dict)
    gone: int = 0

    def add(self, snapshot: str, size: int) -> None:
        """That many bytes would go from that snapshot."""
        self.by_snapshot[snapshot] = self.by_snapshot.get(snapshot, 0) + size


class Values:
    """All values of one repository that may be repeated."""

    def __init__(self) -> None:
        self._once: dict[ValueId, tuple[str, int]] = {}
        self.known: dict[ValueId, Value] = {}

    def meet(self, value: ValueId, field: str, asset: str, text: str, gone: int) -> None:
        """A value that an asset carries in that field; ``gone`` bytes would go with it.

        Of a lighter one that was met once nothing is kept but that; its text is the second one's.
        """
        found = self.known.get(value)
        if found is None:
            first = self._once.get(value)
            if first is None and gone < HEAVY:
                self._once[value] = (asset, gone)
                return
            found = self.known[value] = Value(field, len(text), text[:BEGINNING])
            if first is not None:
                found.assets[first[0]] = None
                found.gone = first[1]
        found.assets[asset] = None
        found.gone += gone

    def all_met(self, snapshot: str) -> None:
        """All assets were met in that snapshot: what was met once is not repeated."""
        self._once.clear()
        for value in self.known.values():
            value.add(snapshot, value.gone)
            value.holders.update(value.assets)

    def on_op(
        self,
        value: ValueId,
        definition: str,
        assets: Iterable[str],
        text: str,
        gone: int,
        snapshot: str,
    ) -> None:
        """A value that only the definition of an op carries, once in each of its jobs."""
        found = self.known.get(value)
        if found is None:
            found = self.known[value] = Value(value[0], len(text), text[:BEGINNING])
        found.assets.update(dict.fromkeys(assets))
        found.holders.add(definition)
        found.add(snapshot, gone)

    def repeats(self, repository: str) -> tuple[Repeat, ...]:
        """Those that are worth telling, most bytes first."""
        told = [
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
            and sum(value.by_snapshot.values()) >= WORTH_TELLING
        ]
        return tuple(sorted(told, key=rank)[:MOST])

    def heavy(self, repository: str) -> tuple[Saving, ...]:
        """Those of one asset alone that are heavy, most bytes first."""
        told = [
            Saving(
                kind="one-value",
                field=value.field,
                preview=preview(value.field, value.beginning, value.size),
                assets=tuple(value.assets),
                repository=repository,
                by_snapshot={name: size for name, size in value.by_snapshot.items() if size > 0},
            )
            for value in self.known.values()
            if len(value.assets) == 1 and sum(value.by_snapshot.values()) >= HEAVY
        ]
        return tuple(sorted(told, key=lambda s: (-s.saved_bytes, s.field, s.assets))[:MOST])


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
