"""What takes much of a location by itself: one value of one asset, or one resource's schema."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_snapsize.core.levers import Saving
from dagster_snapsize.core.model import Measurement

_LEAST = 16_000  # bytes
_LEAST_PART = 0.05  # of all stored bytes
# What a job holds of a resource that is given its configuration, by ``.configured({})``: 504 bytes
# of one whose name has six letters (Dagster 1.13.28), more where it has a description.
_WITHOUT_SCHEMA = 504


def heavy(measurement: Measurement) -> Iterator[Saving]:
    """Values and schemas that take a twentieth of all stored bytes, and 16 kB.

    Of a resource only its copies in jobs are counted: the repository snapshot keeps the schema.
    """
    whole = sum(snapshot.stored_bytes for snapshot in measurement.snapshots)
    values = (saving for saving in measurement.savings if saving.lever == "one-value")
    for saving in (*values, *_schemas(measurement)):
        if saving.saved_bytes >= max(_LEAST, _LEAST_PART * whole):
            yield saving


def _schemas(measurement: Measurement) -> Iterator[Saving]:
    found: dict[tuple[str, str], dict[str, int]] = {}
    for snapshot in measurement.snapshots:
        for owner, fields in snapshot.ledger.owners.items() if snapshot.kind == "job" else ():
            if owner.kind == "resource":
                size = sum(share.bytes for share in fields.values()) - _WITHOUT_SCHEMA
                if size > 0:
                    found.setdefault((snapshot.repository, owner.name), {})[snapshot.id] = size
    for (repository, name), by_snapshot in found.items():
        yield Saving("resource", name, "", (), repository, by_snapshot)
