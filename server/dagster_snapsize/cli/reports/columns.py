"""A measurement as columns of numbers, as the drawing of the HTML report reads them.

The names are those of ``vscode-extension/shared/reportData.ts`` and ``webview/model/details.ts``.
Columns and not one object for each asset, because 10,000 assets in 20 jobs are 200,000 shares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dagster_snapsize.cli.reports.json_report import finding_json
from dagster_snapsize.cli.reports.lines import told
from dagster_snapsize.cli.run import LocationReport
from dagster_snapsize.core.findings import judged_bytes, snapshot_budget
from dagster_snapsize.core.model import AssetCost, Ledger, Measurement, Share, Snapshot

Json = dict[str, Any]
_NO_GROUP = "(no group)"
_AMOUNTS = ("total", "exclusive", "shared", "dangling", "check")


def columns(location: LocationReport, advice: Sequence[Json]) -> tuple[Json, Json]:
    """What is drawn of one location that was measured, and the fields of every owner.

    Raises AssertionError where the columns do not sum to the snapshots.
    """
    measurement = location.measurement
    names = _AllNames()
    assets = _assets(measurement.assets, names)
    shares, others, details = _owners(measurement, names)
    data = {
        "location": measurement.name,
        "assetBudgetBytes": location.budgets.asset,
        "snapshots": [_snapshot(snapshot, location) for snapshot in measurement.snapshots],
        "assets": assets,
        "shares": shares,
        "others": others,
        "names": names.lists(),
        "advice": list(advice),
        "findings": [finding_json(finding) for finding in told(location.findings)],
        "places": _places(measurement.assets),
    }
    return data, details


class _Names(dict[str, int]):
    """Names by number, in the order in which they came."""

    def __missing__(self, name: str) -> int:
        self[name] = number = len(self)
        return number


class _AllNames:
    def __init__(self) -> None:
        self.repositories = _Names()
        self.groups = _Names()
        self.kinds = _Names()
        self.fields = _Names()

    def lists(self) -> dict[str, list[str]]:
        return {name: list(numbers) for name, numbers in vars(self).items()}


def _snapshot(snapshot: Snapshot, location: LocationReport) -> Json:
    budget = snapshot_budget(snapshot, location.measurement, location.budgets)
    return {
        "id": snapshot.id,
        "kind": snapshot.kind,
        "name": snapshot.name,
        "repository": snapshot.repository,
        "storedBytes": snapshot.stored_bytes,
        "wireBytes": snapshot.wire_bytes,
        "usedBytes": judged_bytes(snapshot, budget),
        "budgetBytes": budget.bytes,
        "budgetName": budget.name,
        "budgetSource": budget.source,
        "level": _level(snapshot, location),
    }


def _level(snapshot: Snapshot, location: LocationReport) -> str:
    """As the findings say: how near is near stands in the project's configuration."""
    rules = {finding.rule for finding in location.findings if finding.snapshot == snapshot.id}
    if "snapshot-over-budget" in rules:
        return "over"
    return "near" if "snapshot-near-budget" in rules else "within"


def _assets(assets: Sequence[AssetCost], names: _AllNames) -> Json:
    heaviest = [_heaviest(asset.fields) for asset in assets]
    return {
        "key": [asset.key for asset in assets],
        "repository": [names.repositories[asset.repository] for asset in assets],
        "group": [names.groups[asset.group or _NO_GROUP] for asset in assets],
        **{name: [getattr(asset, f"{name}_bytes") for asset in assets] for name in _AMOUNTS},
        "field": [names.fields[name] for name, _ in heaviest],
        "fieldBytes": [size for _, size in heaviest],
        # No editor is there that could go to a source: the places are told instead.
        "hasSource": [0] * len(assets),
    }


def _places(assets: Sequence[AssetCost]) -> Json:
    paths = _Names()
    return {
        "path": [paths[a.location.path] if a.location else -1 for a in assets],
        "line": [a.location.line if a.location else 0 for a in assets],
        "paths": list(paths),
    }


class _Cells:
    """The fields of one owner after another."""

    def __init__(self, names: _AllNames):
        self._fields = names.fields
        self._columns: Json = {"count": [], "field": [], "exclusive": [], "shared": []}

    def add(self, fields: Mapping[str, Share]) -> tuple[int, int, int, int]:
        """The bytes of all, how many of them are shared, the heaviest field and its bytes."""
        columns = self._columns
        columns["count"].append(len(fields))
        numbers = [self._fields[name] for name in fields]
        exclusive = [share.exclusive for share in fields.values()]
        shared = [share.shared for share in fields.values()]
        columns["field"] += numbers
        columns["exclusive"] += exclusive
        columns["shared"] += shared
        sizes = [own + part for own, part in zip(exclusive, shared, strict=True)]
        most = max(sizes, default=0)
        return sum(sizes), sum(shared), numbers[sizes.index(most)] if sizes else 0, most

    def columns(self) -> Json:
        return self._columns


def _owners(measurement: Measurement, names: _AllNames) -> tuple[Json, Json, Json]:
    """What assets have of each snapshot, what others have, and the fields of both."""
    rows = {(asset.repository, asset.key): row for row, asset in enumerate(measurement.assets)}
    shares: Json = {"start": [0], **_empty("asset", "bytes", "shared", "field", "fieldBytes")}
    others: Json = _empty("snapshot", "kind", "name", "bytes", "field", "fieldBytes")
    of_assets, of_others = _Cells(names), _Cells(names)
    for number, snapshot in enumerate(measurement.snapshots):
        whole = 0
        owners = snapshot.ledger.owners
        own = [(rows[snapshot.repository, o.name], o) for o in owners if o.kind == "asset"]
        for row, owner in sorted(own, key=lambda pair: pair[0]):
            size, shared, field, most = of_assets.add(owners[owner])
            _append(shares, asset=row, bytes=size, shared=shared, field=field, fieldBytes=most)
            whole += size
        for owner, fields in owners.items():
            if owner.kind != "asset":
                size, _, field, most = of_others.add(fields)
                kind = names.kinds[owner.kind]
                _append(others, snapshot=number, kind=kind, name=owner.name)
                _append(others, bytes=size, field=field, fieldBytes=most)
                whole += size
        shares["start"].append(len(shares["asset"]))
        if whole != snapshot.stored_bytes:
            raise AssertionError(f"{snapshot.id}: {whole} bytes of {snapshot.stored_bytes}")
    details = {
        "shares": of_assets.columns(),
        "others": of_others.columns(),
        "groups": [
            group
            for number, snapshot in enumerate(measurement.snapshots)
            for group in _groups(number, snapshot.repository, snapshot.ledger, rows)
        ],
    }
    return shares, others, details


def _groups(
    number: int, repository: str, ledger: Ledger, rows: Mapping[tuple[str, str], int]
) -> Iterable[Json]:
    for group in ledger.shared_groups:
        found = [rows[repository, key] for key in group.asset_keys if (repository, key) in rows]
        yield {"snapshot": number, "name": group.name, "assets": found}


def _empty(*names: str) -> Json:
    return {name: [] for name in names}


def _append(columns: Mapping[str, list[Any]], **values: Any) -> None:
    for name, value in values.items():
        columns[name].append(value)


def _heaviest(sizes: Mapping[str, int]) -> tuple[str, int]:
    return max(sizes.items(), key=lambda item: item[1], default=("", 0))
