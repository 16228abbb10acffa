"""The table for spreadsheets: exact sums, and no cell that is calculated."""

from __future__ import annotations

import csv
import io

import pytest

from dagster_snapsize.cli.reports.csv_report import HEAD, print_report
from support import report_values


def test_rows_add_up_to_every_snapshot_and_no_name_is_a_formula(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = report_values.report(20, 2, report_values.hostile)
    print_report(report, 0, 0)
    printed = capsys.readouterr().out
    rows = list(csv.DictReader(io.StringIO(printed, newline="")))
    assert tuple(rows[0]) == HEAD
    assert printed.startswith(",".join(HEAD) + "\r\n")
    (location,) = report.locations
    for snapshot in location.measurement.snapshots:
        own = [row for row in rows if row["snapshot"] == snapshot.name]
        assert sum(int(row["bytes"]) for row in own) == snapshot.stored_bytes
    for row in rows:
        assert int(row["bytes"]) == int(row["exclusive_bytes"]) + int(row["shared_bytes"])
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())
    names = {row["name"].removeprefix("'") for row in rows if row["kind"] == "asset"}
    assert names == {
        asset.key.encode("utf-8", "backslashreplace").decode("utf-8")
        for asset in location.measurement.assets
    }
    assert any(name.startswith("=") for name in names)
