"""One asset: every field in every snapshot, with its exclusive and shared bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import click

from dagster_snapsize.cli.reports import markdown
from dagster_snapsize.cli.reports.json_report import asset_json
from dagster_snapsize.cli.reports.lines import place
from dagster_snapsize.cli.reports.rows import stored_bytes
from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.errors import UserError, close_names
from dagster_snapsize.core.model import AssetCost, Owner, SharedGroup, Snapshot
from dagster_snapsize.core.sizes import counted, format_percent, format_size

_NAMES = 5


def explain_asset(report: Report, key: str, form: str, top: int) -> None:
    """Print what the asset ``key`` costs in every location that has it.

    Raises UserError with the nearest keys where none has it.
    """
    found = [
        (location, asset)
        for location in report.locations
        for asset in location.measurement.assets
        if asset.key == key
    ]
    if not found:
        raise _unknown_key(report, key)
    if form == "json":
        explained = [_json(location, asset) for location, asset in found]
        click.echo(json.dumps({"version": 1, "assets": explained}))
    elif form == "markdown":
        lines = (line for location, asset in found for line in _markdown(location, asset, top))
        click.echo("\n".join(lines).rstrip())
    else:
        for number, (location, asset) in enumerate(found):
            if number:
                click.echo()
            _print(location, asset, top)


def _unknown_key(report: Report, key: str) -> UserError:
    keys = sorted({a.key for location in report.locations for a in location.measurement.assets})
    near = [k for k in keys if k.rpartition("/")[2] == key]
    near += [k for k in close_names(key, keys, _NAMES, cutoff=0.4) if k not in near]
    hint = "Run `dagster-snapsize measure` to see the heaviest."
    if near:
        hint = f"Did you mean: {', '.join(near[:_NAMES])}?"
    return UserError(f"none of {counted(len(keys), 'asset')} has the key {key!r}", hint)


def _snapshots(location: LocationReport, asset: AssetCost) -> list[Snapshot]:
    mine = [s for s in location.measurement.snapshots if asset.by_snapshot.get(s.id)]
    return sorted(mine, key=lambda s: (s.kind != "repository", -asset.by_snapshot[s.id], s.id))


def _groups(snapshot: Snapshot, key: str) -> list[SharedGroup]:
    return [group for group in snapshot.ledger.shared_groups if key in group.asset_keys]


def _size_line(location: LocationReport, asset: AssetCost) -> str:
    """The bytes of the asset, their share of the location, and its rank among the assets."""
    measurement = location.measurement
    share = format_percent(asset.total_bytes, stored_bytes(measurement))
    rank = measurement.assets.index(asset) + 1
    return (
        f"{asset.total_bytes:,} bytes ({format_size(asset.total_bytes)}), {share} of"
        f" {measurement.name}; number {rank:,} of"
        f" {counted(len(measurement.assets), 'asset')}{_of_repository(location, asset)}"
    )


def _split_line(asset: AssetCost) -> str:
    return (
        f"{asset.exclusive_bytes:,} bytes are exclusive to it, {asset.shared_bytes:,} bytes are its"
        " part of what it shares with other assets"
    )


def _removal_line(asset: AssetCost) -> str:
    return (
        f"Removing it also frees {asset.dangling_bytes:,} bytes of references to it and"
        f" {asset.check_bytes:,} bytes of its checks."
    )


def _field_rows(snapshot: Snapshot, asset: AssetCost) -> list[tuple[str, str, str, str]]:
    """Name, bytes, exclusive and shared bytes of every field, heaviest first."""
    fields = snapshot.ledger.owners[Owner("asset", asset.key)]
    return [
        (name, f"{share.bytes:,}", f"{share.exclusive:,}", f"{share.shared:,}")
        for name, share in sorted(fields.items(), key=lambda item: (-item[1].bytes, item[0]))
    ]


def _shared_lines(snapshot: Snapshot, asset: AssetCost) -> Iterator[str]:
    for group in _groups(snapshot, asset.key):
        others = [key for key in group.asset_keys if key != asset.key]
        more = f" and {len(others) - _NAMES:,} more" if len(others) > _NAMES else ""
        yield f"shares {group.name} with {', '.join(others[:_NAMES])}{more}"


def _rest_line(rest: list[Snapshot], asset: AssetCost) -> str:
    size = sum(asset.by_snapshot[snapshot.id] for snapshot in rest)
    return f"and {size:,} bytes in {counted(len(rest), 'more snapshot')}"


def _print(location: LocationReport, asset: AssetCost, top: int) -> None:
    from dagster_snapsize.cli.reports.terminal import Part, Terminal

    terminal = Terminal()
    terminal.line((asset.key, "bold"), f"  {place(asset.location) or 'no source location'}")
    terminal.line(_size_line(location, asset))
    terminal.line(_split_line(asset))
    snapshots = _snapshots(location, asset)
    for snapshot in snapshots[:top]:
        rows: list[Sequence[Part]] = [*_field_rows(snapshot, asset)]
        rows.append([("total", "bold"), (f"{asset.by_snapshot[snapshot.id]:,}", "bold")])
        terminal.line()
        terminal.table(
            (f"{snapshot.kind} {snapshot.name}", "bytes", "exclusive", "shared"), rows, (1, 2, 3)
        )
        for line in _shared_lines(snapshot, asset):
            terminal.line((line, "dim"))
    if snapshots[top:]:
        terminal.line((_rest_line(snapshots[top:], asset), "dim"))
    terminal.line()
    terminal.line(_removal_line(asset))


def _markdown(location: LocationReport, asset: AssetCost, top: int) -> Iterator[str]:
    yield f"### {markdown.code(asset.key)}"
    yield ""
    if asset.location:
        yield markdown.code(place(asset.location))
        yield ""
    yield f"{markdown.text(_size_line(location, asset))}.  "
    yield f"{_split_line(asset)}.  "
    yield _removal_line(asset)
    yield ""
    snapshots = _snapshots(location, asset)
    for snapshot in snapshots[:top]:
        rows = [(markdown.code(name), *sizes) for name, *sizes in _field_rows(snapshot, asset)]
        rows.append(("**total**", f"**{asset.by_snapshot[snapshot.id]:,}**", "", ""))
        title = f"{snapshot.kind} {markdown.code(snapshot.name)}"
        yield from markdown.table((title, "bytes", "exclusive", "shared"), rows, right=(1, 2, 3))
        yield ""
        shared = [f"- {markdown.text(line)}" for line in _shared_lines(snapshot, asset)]
        if shared:
            yield from shared
            yield ""
    if snapshots[top:]:
        yield _rest_line(snapshots[top:], asset)
        yield ""


def _of_repository(location: LocationReport, asset: AssetCost) -> str:
    """The repository of the asset, where the location has several."""
    several = len({s.repository for s in location.measurement.snapshots}) > 1
    return f", in repository {asset.repository}" if several else ""


def _json(location: LocationReport, asset: AssetCost) -> dict[str, object]:
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
        for snapshot in _snapshots(location, asset)
    ]
    # `location` is the asset's place in a file, as in every other JSON.
    name = location.measurement.name
    return {"code_location": name, **asset_json(asset), "snapshots": snapshots}
