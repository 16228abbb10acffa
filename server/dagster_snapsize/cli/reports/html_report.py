"""One file that draws everything: it opens from a disk and fetches nothing.

The drawing (``report_page/``) is built from ``vscode-extension/webview`` by ``npm run page``. The
measurement is compressed JSON in base64, so that no text of the user can be taken for a part of the
page; a policy allows that script and that style alone.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from attrs import asdict

from dagster_snapsize import PACKAGE
from dagster_snapsize.cli.reports.json_report import Json, finding_json
from dagster_snapsize.cli.reports.lines import excerpt, place, reportable
from dagster_snapsize.cli.reports.markdown import flat
from dagster_snapsize.cli.reports.rows import budget_use, heaviest, versions
from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.advice import advice_json, advise
from dagster_snapsize.core.findings import exit_status
from dagster_snapsize.core.limits import ShownLimit
from dagster_snapsize.core.load_time import load_time_json
from dagster_snapsize.core.model import AssetCost, Ledger, Measurement, Share, Snapshot

_FOLDER = PACKAGE / "cli" / "reports" / "report_page"
_LEVEL = 6  # of compression; 9 takes twice as long for 1 % less
_FRAMES = 20


def print_report(report: Report, status: int, top: int) -> None:
    """Print the page, in ASCII: any encoding reads it alike."""
    sys.stdout.write(page(report))


def page(report: Report) -> str:
    """The whole page."""
    script = (_FOLDER / "page.js").read_text(encoding="ascii")
    style = (_FOLDER / "page.css").read_text(encoding="ascii")
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}';"
        " base-uri 'none'; form-action 'none'"
    )
    names = ", ".join(location.measurement.name for location in report.locations)
    title = html.escape(flat(f"Snapsize: {names}"))
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="referrer" content="no-referrer">\n',
            f"<title>{title.encode('ascii', 'xmlcharrefreplace').decode('ascii')}</title>\n",
            f"<style>{style}</style>\n</head>\n<body>\n",
            "<noscript>A script in this file draws the report, and scripts are switched off.\n"
            "<code>dagster-snapsize measure --format markdown</code> needs none.</noscript>\n",
            *_blocks(report),
            f"<script>{script}</script>\n</body>\n</html>\n",
        ]
    )


def _digest(text: str) -> str:
    """The digest by which a policy allows a script or a style in the page."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('ascii')).digest()).decode()}"


def _blocks(report: Report) -> Iterator[str]:
    yield _block("locations", [_about(location) for location in report.locations])
    for number, location in enumerate(report.locations):
        if not location.measurement.failure:
            data, details = columns(
                location, [advice_json(x) for x in advise(location.measurement)]
            )
            yield _block(f"data-{number}", data)
            yield _block(f"details-{number}", details)


def _block(name: str, content: Any) -> str:
    plain = json.dumps(content, separators=(",", ":")).encode("ascii")
    packed = base64.b64encode(zlib.compress(plain, _LEVEL)).decode("ascii")
    return f'<script type="application/octet-stream" id="{name}">{packed}</script>\n'


def _about(location: LocationReport) -> dict[str, str | None]:
    measurement = location.measurement
    status = exit_status(location.findings)
    when = location.cached.measured_at or datetime.now(timezone.utc).isoformat()
    about = [f"measured {datetime.fromisoformat(when).astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"]
    if measurement.dagster_version:
        about = [versions(measurement), *about]
    return {
        "name": measurement.name,
        "state": {0: "", 1: "over budget", 3: "could not be measured"}[status],
        "about": ", ".join(about),
        "failure": _failure(location),
    }


def _failure(location: LocationReport) -> str | None:
    failure = location.measurement.failure
    if failure is None:
        return None
    where = place(failure.location)
    frames = excerpt(failure.traceback.rstrip().splitlines(), _FRAMES)
    first = f"{where}: {failure.message}" if where else failure.message
    return "\n".join([first, *(["", *frames] if frames else [])])


# -- columns of numbers ----------------------------------------------------------------------

# The names are those of vscode-extension/shared/reportData.ts and webview/model/details.ts. Columns
# and not one object for each asset, because 10,000 assets in 20 jobs are 200,000 shares.

_NO_GROUP = "(no group)"
_AMOUNTS = ("total", "exclusive", "shared", "dangling", "check")


def columns(location: LocationReport, advice: Sequence[Json]) -> tuple[Json, Json]:
    """What is drawn of one location that was measured, and the fields of every owner.

    Raises AssertionError where the columns do not sum to the snapshots.
    """
    measurement = location.measurement
    names = _AllNumbers()
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
        "findings": [finding_json(finding) for finding in reportable(location.findings)],
        "limits": [asdict(ShownLimit.of(setting)) for setting in measurement.environment.settings],
        "places": _places(measurement.assets),
        "loadTime": measurement.load_time and load_time_json(measurement.load_time),
    }
    return data, details


class _Numbers(dict[str, int]):
    """Names by number, in the order in which they came."""

    def __missing__(self, name: str) -> int:
        self[name] = number = len(self)
        return number


class _AllNumbers:
    def __init__(self) -> None:
        self.repositories = _Numbers()
        self.groups = _Numbers()
        self.kinds = _Numbers()
        self.fields = _Numbers()

    def lists(self) -> dict[str, list[str]]:
        return {name: list(numbers) for name, numbers in vars(self).items()}


def _snapshot(snapshot: Snapshot, location: LocationReport) -> Json:
    use = budget_use(snapshot, location)
    return {
        "id": snapshot.id,
        "kind": snapshot.kind,
        "name": snapshot.name,
        "repository": snapshot.repository,
        "storedBytes": snapshot.stored_bytes,
        "wireBytes": snapshot.wire_bytes,
        "usedBytes": use.bytes,
        "budgetBytes": use.budget.bytes,
        "budgetName": use.budget.name,
        "budgetSource": use.budget.source,
        "level": _level(snapshot, location),
    }


def _level(snapshot: Snapshot, location: LocationReport) -> str:
    """By the findings, as the project's configuration says how near is near."""
    rules = {finding.rule for finding in location.findings if finding.snapshot == snapshot.id}
    if "snapshot-over-budget" in rules:
        return "over"
    return "near" if "snapshot-near-budget" in rules else "within"


def _assets(assets: Sequence[AssetCost], names: _AllNumbers) -> Json:
    largest = [heaviest(asset.fields) for asset in assets]
    return {
        "key": [asset.key for asset in assets],
        "repository": [names.repositories[asset.repository] for asset in assets],
        "group": [names.groups[asset.group or _NO_GROUP] for asset in assets],
        **{name: [getattr(asset, f"{name}_bytes") for asset in assets] for name in _AMOUNTS},
        "field": [names.fields[name] for name, _ in largest],
        "fieldBytes": [size for _, size in largest],
        # Without an editor that could open a source, "places" are shown instead.
        "hasSource": [0] * len(assets),
    }


def _places(assets: Sequence[AssetCost]) -> Json:
    paths = _Numbers()
    return {
        "path": [paths[a.location.path] if a.location else -1 for a in assets],
        "line": [a.location.line if a.location else 0 for a in assets],
        "paths": list(paths),
    }


class _Cells:
    """The fields of one owner after another."""

    def __init__(self, names: _AllNumbers):
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


def _owners(measurement: Measurement, names: _AllNumbers) -> tuple[Json, Json, Json]:
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
