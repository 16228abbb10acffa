"""What could be done about a location's size, as far as its serialized snapshots show it.

Part of the words of ``core/model.py``, which has them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import frozen

Lever = Literal["repeat", "code-references", "raw-sql", "non-latin", "one-value", "resource", "job"]


class Saves:
    """Something that could go from snapshots: ``by_snapshot`` says how many bytes, by their ids."""

    by_snapshot: Mapping[str, int]

    @property
    def saved_bytes(self) -> int:
        """What would go from all snapshots together."""
        return sum(self.by_snapshot.values())


@frozen
class Repeat(Saves):
    """One value that several assets carry, to the byte the same, in all snapshots it stands in.

    ``field`` is the user's word for where it stands (``metadata: dagster/column_schema``),
    ``preview`` its beginning, ``value_bytes`` its size where it stands once. ``by_snapshot`` says
    by snapshot id what would go if none of ``assets`` carried it.
    """

    field: str
    preview: str
    value_bytes: int
    assets: tuple[str, ...]
    repository: str
    by_snapshot: Mapping[str, int]


@frozen
class Saving(Saves):
    """Bytes of one kind that could go, and from which snapshots, by snapshot id.

    ``field`` is the user's word for where they stand; a job's name where it is the job that could
    go, a resource's where it is its schema; ``assets`` are those that carry them, sorted.
    """

    lever: Lever
    field: str
    preview: str
    assets: tuple[str, ...]
    repository: str
    by_snapshot: Mapping[str, int]
