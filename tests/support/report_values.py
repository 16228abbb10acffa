"""Measurements of any size, made of nothing, for tests of what is reported of them.

Run as a program (``python tests/report_values.py ASSETS JOBS FILE``) it writes the HTML report of
one, beside a location that failed.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve

from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.findings import judge
from dagster_snapsize.core.ledger.totals import asset_costs
from dagster_snapsize.core.model import (
    Budgets,
    Environment,
    Failure,
    Ledger,
    Limit,
    Measurement,
    Owner,
    Seconds,
    Share,
    SharedGroup,
    Snapshot,
    SourceLocation,
)
from dagster_snapsize.measuring.measure import Cached
from dagster_snapsize.project.config import Config
from dagster_snapsize.project.interpreters import Interpreter
from dagster_snapsize.project.locations import CodeLocation

HOSTILE = (
    "</script><script>document.title='broken'</script>",
    "<!--<script>",
    "<img src=x onerror=\"document.title='broken'\">",
    "\"quoted\" 'single' `ticks` | pipe \\ backslash",
    "@everyone #1 !2 https://example.com www.example.com [link](javascript:alert(1)) <b>bold</b>",
    "line\u2028separator\u2029and\nnewline\r\ttab\x00nul",
    "\ud800 half of a pair \udfff",
    "\U0001f9ea emoji \u202ereversed\u202c Größe 表",
    '=HYPERLINK("https://example.com")',
    "__proto__",
)
"""Names that a report must show, and never obey."""

_FIELDS = ("description", "deps", "tags", "metadata: dagster/column_schema", "op")
_LIMIT = Limit("DAGSTER_GRPC_MAX_RX_BYTES", "wire", 100_000_000, "the default")


def plain(number: int) -> str:
    """An asset key as people have them."""
    return f"warehouse/layer_{number % 4}/table_{number:05}"


def hostile(number: int) -> str:
    """One of the names that try to break out."""
    return f"{HOSTILE[number % len(HOSTILE)]}{number // len(HOSTILE) or ''}"


def report(
    assets: int, jobs: int, name: Callable[[int], str] = plain, budgets: Budgets | None = None
) -> Report:
    """One location of that many assets, all of them in every job; always the same."""
    return Report((location_report(measurement(assets, jobs, name), budgets or Budgets()),), ())


def location_report(
    measured: Measurement, budgets: Budgets | None = None, **location: Any
) -> LocationReport:
    """What the command line has of a measurement."""
    here = Path("/project")
    code_location = CodeLocation(
        name=measured.name,
        target={"module_name": "shop.definitions"},
        working_directory=here,
        root=here,
        executable_path=None,
        source="-m",
        config=Config(),
        dagster_cloud=None,
        cwd=here,
        folder=here,
        stable_name=measured.name,
    )
    budgets = budgets or Budgets()
    return LocationReport(
        evolve(code_location, **location),
        Interpreter("/usr/bin/python3", "--python"),
        measured,
        budgets,
        judge(measured, budgets),
        Cached(measured, True, "2026-01-02T03:04:05+00:00"),
    )


def measurement(
    assets: int, jobs: int, name: Callable[[int], str] = plain, *, location: str = "shop"
) -> Measurement:
    """Sizes by chance, the same for the same numbers; every seventh asset shares an op."""
    chance = random.Random(f"{assets} {jobs}")
    keys = [name(number) for number in range(assets)]
    snapshots = [
        _snapshot(location, "repository", "__repository__", keys, chance, name),
        *(
            _snapshot(location, "job", f"job_{job}" if job else "__ASSET_JOB", keys, chance, name)
            for job in range(jobs)
        ),
    ]
    costs = asset_costs(
        "__repository__",
        snapshots,
        {
            key: SourceLocation(f"shop/assets_{number % 40}.py", 1 + number)
            for number, key in enumerate(keys)
            if number % 5 != 4
        },
        {key: f"group_{number % 10}" for number, key in enumerate(keys) if number % 10 != 9},
    )
    return Measurement(
        name=location,
        target={"module_name": "shop.definitions"},
        python="/usr/bin/python3",
        python_version="3.11.7",
        dagster_version="1.13.28",
        seconds=Seconds(1.0, 1.0, 2.0),
        peak_rss_bytes=0,
        snapshots=tuple(snapshots),
        assets=costs,
        definition_files=("shop/definitions.py",),
        environment=Environment((), (_LIMIT,), (_LIMIT,)),
        definitions_location=SourceLocation("shop/definitions.py", 9),
    )


def failed(location: str = "broken") -> Measurement:
    """A location that could not be measured."""
    failure = Failure(
        "KeyError: '<b>x</b>'",
        SourceLocation("shop/assets.py", 3),
        'File "shop/assets.py", line 3, in <module>\n    {}["<b>x</b>"]\n',
    )
    whole = measurement(0, 0, location=location)
    return evolve(whole, snapshots=(), assets=(), failure=failure)


def _snapshot(
    location: str,
    kind: Any,
    snapshot: str,
    keys: Sequence[str],
    chance: random.Random,
    name: Callable[[int], str],
) -> Snapshot:
    owners: dict[Owner, dict[str, Share]] = {}
    for number, key in enumerate(keys):
        heavy = 1 + 400 // (1 + number // 20) if kind == "repository" else 1
        owners[Owner("asset", key)] = {
            field: Share(20 + chance.randrange(200) * heavy, 90 if number % 7 == 0 else 0)
            for field in _FIELDS
        }
    for number in range(len(keys) // 10):
        owners[Owner("check", f"{keys[number]}:{name(number)}")] = {"description": Share(200)}
    owners[Owner("structure", "[structure]")] = {"structure": Share(4_000)}
    stored = sum(share.bytes for fields in owners.values() for share in fields.values())
    group = SharedGroup("load", tuple(keys[::7]), 90 * len(_FIELDS) * len(keys[::7]))
    return Snapshot(
        f"{location}/__repository__/{'repository' if kind == 'repository' else f'job/{snapshot}'}",
        kind,
        snapshot,
        "__repository__",
        stored,
        stored + 150,
        Ledger(stored, owners, {}, {}, (group,)),
    )


if __name__ == "__main__":
    from dagster_snapsize.cli.reports.html_report import page

    found = report(int(sys.argv[1]), int(sys.argv[2])).locations
    text = page(Report((*found, location_report(failed())), ()))
    Path(sys.argv[3]).write_text(text, encoding="ascii")
