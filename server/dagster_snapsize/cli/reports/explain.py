"""One asset or other owner: every field in every snapshot, with exclusive and shared bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import click

from dagster_snapsize.cli.reports import markdown
from dagster_snapsize.cli.reports.json_report import asset_json, place_json
from dagster_snapsize.cli.reports.lines import place
from dagster_snapsize.cli.reports.rows import OwnerCost, other_owners, stored_bytes, where
from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.errors import UserError, close_names
from dagster_snapsize.core.model import AssetCost, Owner, SharedGroup, Snapshot
from dagster_snapsize.core.sizes import counted, format_percent, format_size

_NAMES = 5
_Cost: TypeAlias = AssetCost | OwnerCost
_Found: TypeAlias = tuple[LocationReport, _Cost]


def explain_owner(report: Report, name: str, form: str, top: int) -> None:
    """Print what an owner costs in every location that has it.

    ``name`` is the key of an asset, or the name of anything else, as in ``nightly`` or, where two
    kinds have one name, ``job nightly``. Raises UserError with the nearest names where nothing has
    it.
    """
    found: list[_Found] = [
        (location, asset)
        for location in report.locations
        for asset in location.measurement.assets
        if asset.key == name
    ]
    if not found:
        found = [
            (location, cost)
            for location in report.locations
            for cost in other_owners(location.measurement)
            if name in (cost.owner.name, cost.owner.label)
        ]
    if not found:
        raise _unknown(report, name)
    if form == "json":
        assets = [_json(*one) for one in found if isinstance(one[1], AssetCost)]
        owners = [_json(*one) for one in found if isinstance(one[1], OwnerCost)]
        click.echo(json.dumps({"version": 1, "assets": assets, "owners": owners}))
    elif form == "markdown":
        lines = (line for location, asset in found for line in _markdown(location, asset, top))
        click.echo("\n".join(lines).rstrip())
    else:
        for number, (location, asset) in enumerate(found):
            if number:
                click.echo()
            _print(location, asset, top)


def _unknown(report: Report, name: str) -> UserError:
    measured = [location.measurement for location in report.locations]
    keys = sorted({asset.key for measurement in measured for asset in measurement.assets})
    others = sorted({cost.owner.label for m in measured for cost in other_owners(m)})
    near = [k for k in keys if k.rpartition("/")[2] == name]
    close = close_names(name, [*keys, *others], _NAMES, cutoff=0.4)
    near += [k for k in close if k not in near]
    hint = "Run `dagster-snapsize measure` to see the heaviest."
    if near:
        hint = f"Did you mean: {', '.join(near[:_NAMES])}?"
    there = f"{counted(len(keys), 'asset')} and {counted(len(others), 'other definition')}"
    return UserError(f"none of {there} is called {name!r}", hint)


def _owner(cost: _Cost) -> Owner:
    return cost.owner if isinstance(cost, OwnerCost) else Owner("asset", cost.key)


def _snapshots(location: LocationReport, cost: _Cost) -> list[tuple[Snapshot, int]]:
    """The snapshots in which it has bytes, with these: the repository first, then the heaviest."""
    owner = _owner(cost)
    sizes = [
        (snapshot, snapshot.ledger.total(owner))
        for snapshot in location.measurement.snapshots
        if snapshot.repository == cost.repository and owner in snapshot.ledger.owners
    ]
    return sorted(sizes, key=lambda found: (found[0].kind != "repository", -found[1], found[0].id))


def _groups(snapshot: Snapshot, key: str) -> list[SharedGroup]:
    return [group for group in snapshot.ledger.shared_groups if key in group.asset_keys]


def _title(cost: _Cost) -> str:
    return cost.key if isinstance(cost, AssetCost) else cost.owner.label


def _where(location: LocationReport, cost: _Cost) -> str:
    if isinstance(cost, AssetCost):
        return where(cost, location.measurement)
    return place(cost.location)


def _size_line(location: LocationReport, cost: _Cost) -> str:
    """Its bytes, their share of the location, and the rank of an asset among the assets."""
    measurement = location.measurement
    share = format_percent(cost.total_bytes, stored_bytes(measurement))
    rank = ""
    if isinstance(cost, AssetCost):
        number = measurement.assets.index(cost) + 1
        rank = f"; number {number:,} of {counted(len(measurement.assets), 'asset')}"
    return (
        f"{cost.total_bytes:,} bytes ({format_size(cost.total_bytes)}), {share} of"
        f" {measurement.name}{rank}{_of_repository(location, cost)}"
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


def _field_rows(snapshot: Snapshot, cost: _Cost) -> list[tuple[str, str, str, str]]:
    """Name, bytes, exclusive and shared bytes of every field, heaviest first."""
    fields = snapshot.ledger.owners[_owner(cost)]
    return [
        (name, f"{share.bytes:,}", f"{share.exclusive:,}", f"{share.shared:,}")
        for name, share in sorted(fields.items(), key=lambda item: (-item[1].bytes, item[0]))
    ]


def _shared_lines(snapshot: Snapshot, cost: _Cost) -> Iterator[str]:
    key = cost.key if isinstance(cost, AssetCost) else ""
    for group in _groups(snapshot, key):
        others = [other for other in group.asset_keys if other != key]
        more = f" and {len(others) - _NAMES:,} more" if len(others) > _NAMES else ""
        yield f"shares {group.name} with {', '.join(others[:_NAMES])}{more}"


def _rest_line(rest: list[tuple[Snapshot, int]]) -> str:
    size = sum(size for _, size in rest)
    return f"and {size:,} bytes in {counted(len(rest), 'more snapshot')}"


def _print(location: LocationReport, cost: _Cost, top: int) -> None:
    from dagster_snapsize.cli.reports.terminal import Part, Terminal

    terminal = Terminal()
    asset = cost if isinstance(cost, AssetCost) else None
    there = _where(location, cost) or ("no source location" if asset else "")
    terminal.line((_title(cost), "bold"), f"  {there}" if there else "")
    terminal.line(_size_line(location, cost))
    if asset:
        terminal.line(_split_line(asset))
    snapshots = _snapshots(location, cost)
    for snapshot, size in snapshots[:top]:
        rows: list[Sequence[Part]] = [*_field_rows(snapshot, cost)]
        rows.append([("total", "bold"), (f"{size:,}", "bold")])
        terminal.line()
        terminal.table(
            (f"{snapshot.kind} {snapshot.name}", "bytes", "exclusive", "shared"), rows, (1, 2, 3)
        )
        for line in _shared_lines(snapshot, cost):
            terminal.line((line, "dim"))
    if snapshots[top:]:
        terminal.line((_rest_line(snapshots[top:]), "dim"))
    if asset:
        terminal.line()
        terminal.line(_removal_line(asset))


def _markdown(location: LocationReport, cost: _Cost, top: int) -> Iterator[str]:
    yield f"### {markdown.code(_title(cost))}"
    yield ""
    if there := _where(location, cost):
        yield markdown.code(there)
        yield ""
    yield f"{markdown.text(_size_line(location, cost))}.  "
    if isinstance(cost, AssetCost):
        yield f"{_split_line(cost)}.  "
        yield _removal_line(cost)
    yield ""
    snapshots = _snapshots(location, cost)
    for snapshot, size in snapshots[:top]:
        rows = [(markdown.code(name), *sizes) for name, *sizes in _field_rows(snapshot, cost)]
        rows.append(("**total**", f"**{size:,}**", "", ""))
        title = f"{snapshot.kind} {markdown.code(snapshot.name)}"
        yield from markdown.table((title, "bytes", "exclusive", "shared"), rows, right=(1, 2, 3))
        yield ""
        shared = [f"- {markdown.text(line)}" for line in _shared_lines(snapshot, cost)]
        if shared:
            yield from shared
            yield ""
    if snapshots[top:]:
        yield _rest_line(snapshots[top:])
        yield ""


def _of_repository(location: LocationReport, cost: _Cost) -> str:
    """The repository of the owner, where the location has several."""
    several = len({s.repository for s in location.measurement.snapshots}) > 1
    return f", in repository {cost.repository}" if several else ""


def _json(location: LocationReport, cost: _Cost) -> dict[str, object]:
    owner = _owner(cost)
    key = cost.key if isinstance(cost, AssetCost) else ""
    snapshots = [
        {
            "id": snapshot.id,
            "fields": {
                name: {"exclusive": share.exclusive, "shared": share.shared}
                for name, share in snapshot.ledger.owners[owner].items()
            },
            "shared_with": [
                {"name": group.name, "assets": list(group.asset_keys)}
                for group in _groups(snapshot, key)
            ],
        }
        for snapshot, _ in _snapshots(location, cost)
    ]
    # `location` is the asset's place in a file, as in every other JSON.
    name = location.measurement.name
    if isinstance(cost, AssetCost):
        return {"code_location": name, **asset_json(cost), "snapshots": snapshots}
    return {
        "code_location": name,
        "kind": owner.kind,
        "name": owner.name,
        "repository": cost.repository,
        "total_bytes": cost.total_bytes,
        "location": place_json(cost.location),
        "snapshots": snapshots,
    }
