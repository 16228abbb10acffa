"""One asset, opened: field by field, snapshot by snapshot, its own bytes and those it shares."""

from __future__ import annotations

import difflib
import json

import click
from rich.console import Console
from rich.text import Text

from dagster_snapsize.cli.reports.json_report import asset_json
from dagster_snapsize.cli.reports.lines import place
from dagster_snapsize.cli.reports.terminal import (
    bytes_cell,
    plain_table,
    print_table,
    report_console,
)
from dagster_snapsize.cli.run import Judged, Outcome
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.model import AssetCost, Owner, SharedGroup, Snapshot
from dagster_snapsize.core.sizes import counted, format_percent, format_size

_NAMES = 5


def explain_asset(outcome: Outcome, key: str, form: str, top: int) -> None:
    """Print what the asset ``key`` costs in every location that has it.

    Raises UserError with the nearest keys where none has it.
    """
    found = [
        (judged, asset)
        for judged in outcome.judged
        for asset in judged.measurement.assets
        if asset.key == key
    ]
    if not found:
        raise _unknown_key(outcome, key)
    if form == "json":
        explained = [_json(judged, asset) for judged, asset in found]
        click.echo(json.dumps({"version": 1, "assets": explained}))
        return
    console = report_console()
    for number, (judged, asset) in enumerate(found):
        if number:
            console.print()
        _print(console, judged, asset, top)


def _unknown_key(outcome: Outcome, key: str) -> UserError:
    keys = sorted({a.key for judged in outcome.judged for a in judged.measurement.assets})
    near = [k for k in keys if k.rpartition("/")[2] == key]
    near += [k for k in difflib.get_close_matches(key, keys, n=_NAMES, cutoff=0.4) if k not in near]
    hint = (
        f"The nearest are: {', '.join(near[:_NAMES])}" if near else "Run measure to see them all."
    )
    return UserError(f"no asset has the key {key!r} among {len(keys):,} assets", hint)


def _snapshots(judged: Judged, asset: AssetCost) -> list[Snapshot]:
    mine = [s for s in judged.measurement.snapshots if asset.by_snapshot.get(s.id)]
    return sorted(mine, key=lambda s: (s.kind != "repository", -asset.by_snapshot[s.id], s.id))


def _groups(snapshot: Snapshot, key: str) -> list[SharedGroup]:
    return [group for group in snapshot.ledger.shared_groups if key in group.asset_keys]


def _print(console: Console, judged: Judged, asset: AssetCost, top: int) -> None:
    measurement = judged.measurement
    total = sum(s.stored_bytes for s in measurement.snapshots)
    rank = measurement.assets.index(asset) + 1
    title = Text(asset.key, style="bold")
    console.print(
        title.append(f"  {place(asset.location) or 'no source location'}", "not bold dim")
    )
    console.print(
        f"{bytes_cell(asset.total_bytes)} bytes ({format_size(asset.total_bytes)}),"
        f" {format_percent(asset.total_bytes, total)} of {measurement.name}; number {rank:,} of"
        f" {len(measurement.assets):,} assets{_of_repository(judged, asset)}"
    )
    console.print(
        f"{bytes_cell(asset.exclusive_bytes)} bytes are its own, {bytes_cell(asset.shared_bytes)}"
        " bytes its part of what it shares"
    )
    snapshots = _snapshots(judged, asset)
    owner = Owner("asset", asset.key)
    for snapshot in snapshots[:top]:
        table = plain_table(
            (f"{snapshot.kind} {snapshot.name}", "left"),
            ("bytes", "right"),
            ("own", "right"),
            ("shared", "right"),
        )
        fields = snapshot.ledger.owners[owner]
        for name, share in sorted(fields.items(), key=lambda item: (-item[1].bytes, item[0])):
            table.add_row(
                Text(name),
                bytes_cell(share.bytes),
                bytes_cell(share.exclusive),
                bytes_cell(share.shared),
            )
        table.add_row(
            Text("together", style="bold"), Text(bytes_cell(asset.by_snapshot[snapshot.id]), "bold")
        )
        console.print()
        print_table(console, table)
        for group in _groups(snapshot, asset.key):
            others = [k for k in group.asset_keys if k != asset.key]
            more = f" and {len(others) - _NAMES:,} more" if len(others) > _NAMES else ""
            console.print(
                Text(f"shares {group.name} with {', '.join(others[:_NAMES])}{more}", style="dim"),
                soft_wrap=True,
            )
    if len(snapshots) > top:
        rest = sum(asset.by_snapshot[s.id] for s in snapshots[top:])
        more = counted(len(snapshots) - top, "more snapshot")
        console.print(f"and {bytes_cell(rest)} bytes in {more}", style="dim")
    console.print()
    console.print(
        f"Removing it also frees {bytes_cell(asset.dangling_bytes)} bytes of references to it and"
        f" {bytes_cell(asset.check_bytes)} bytes of its checks.",
        soft_wrap=True,
    )


def _of_repository(judged: Judged, asset: AssetCost) -> str:
    """Needed only where a location has several."""
    several = len({s.repository for s in judged.measurement.snapshots}) > 1
    return f", in repository {asset.repository}" if several else ""


def _json(judged: Judged, asset: AssetCost) -> dict[str, object]:
    owner = Owner("asset", asset.key)
    snapshots = [
        {
            "id": snapshot.id,
            "fields": {
                name: {"exclusive": share.exclusive, "shared": share.shared}
                for name, share in snapshot.ledger.owners[owner].items()
            },
            "shared_with": [
                {"name": group.name, "assets": list(group.asset_keys)}
                for group in _groups(snapshot, asset.key)
            ],
        }
        for snapshot in _snapshots(judged, asset)
    ]
    # `location` is the asset's place in a file, as in every other JSON.
    name = judged.measurement.name
    return {"code_location": name, **asset_json(asset), "snapshots": snapshots}
