"""A table for spreadsheets: the bytes of every field of every owner in every snapshot.

RFC 4180: commas, quotes where they are needed, lines end with CR LF. A text that a spreadsheet
would take for a formula gets an apostrophe in front, as OWASP advises
(https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator

from dagster_snapsize.cli.run import LocationReport, Report

HEAD = (
    *("location", "repository", "snapshot_kind", "snapshot", "kind", "name", "group", "field"),
    *("bytes", "exclusive_bytes", "shared_bytes", "path", "line"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def print_report(report: Report, status: int, top: int) -> None:
    """Print the table; the bytes of each snapshot's rows sum to its stored bytes."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Or Windows makes CR CR LF of each line's end, and half of a pair cannot be written.
        sys.stdout.reconfigure(newline="", errors="backslashreplace")
    writer = csv.writer(sys.stdout)
    writer.writerow(HEAD)
    for location in report.locations:
        writer.writerows(_rows(location))


def _rows(location: LocationReport) -> Iterator[tuple[str | int, ...]]:
    measurement = location.measurement
    assets = {(asset.repository, asset.key): asset for asset in measurement.assets}
    for snapshot in measurement.snapshots:
        of = (
            _text(measurement.name),
            _text(snapshot.repository),
            snapshot.kind,
            _text(snapshot.name),
        )
        for owner, fields in snapshot.ledger.owners.items():
            asset = assets.get((snapshot.repository, owner.name)) if owner.kind == "asset" else None
            group = _text((asset and asset.group) or "")
            place = asset.location if asset else None
            where = (_text(place.path), place.line) if place else ("", "")
            name = _text(owner.name)
            for field, share in fields.items():
                sizes = (share.bytes, share.exclusive, share.shared)
                yield (*of, owner.kind, name, group, _text(field), *sizes, *where)


def _text(text: str) -> str:
    """The text, with an apostrophe if a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
