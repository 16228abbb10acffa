"""Writes a code location of N assets and M jobs, like a data warehouse's, as plain Python source.

    python benchmarks/generate.py 2000x10 FOLDER

makes the package ``warehouse`` in FOLDER, with 50 assets to a module. The same numbers always give
the same source. With ``--all`` every job selects all assets, and not a fifth of them; ``--import``
names modules that the package imports beside Dagster. The graph is wide and shallow (eight layers),
as Dagster itself ends in a RecursionError where thousands of assets depend on each other in a row.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

PER_MODULE = 50
LAYERS = 8
GROUPS = 10
TYPES = ("bigint", "varchar(255)", "timestamp with time zone", "numeric(18, 4)", "boolean")

COMMON = '''"""What every module shares: resources, partitions, configuration."""

import dagster as dg
# more imports


class Warehouse(dg.ConfigurableResource):
    host: str = dg.EnvVar("WAREHOUSE_HOST")
    database: str = "analytics"
    pool_size: int = 8


class Options(dg.Config):
    full_refresh: bool = False
    limit: int = 0


DAYS = dg.DailyPartitionsDefinition("2023-01-01")
RESOURCES = {"warehouse": Warehouse()}


def schema(*columns):
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, type_, description=description)
            for name, type_, description in columns
        ]
    )
'''

MORE_IMPORTS = "# more imports\n"
IMPORTS = """import dagster as dg

from warehouse.common import DAYS, Options, Warehouse, schema
"""


def write(
    assets: int, jobs: int, folder: Path, *, all_in_each: bool = False, imports: Sequence[str] = ()
) -> None:
    """Write a location of that many assets and jobs, the implicit asset job not counted.

    Jobs select a fifth of the assets each, or all; ``imports`` are modules to import as well.
    """
    package = folder / "warehouse"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("")
    others = "".join(f"import {name}\n" for name in imports)
    (package / "common.py").write_text(COMMON.replace(MORE_IMPORTS, others))
    modules = []
    for number, first in enumerate(range(0, assets, PER_MODULE)):
        modules.append(f"tables_{number:03}")
        texts = [_asset(n, assets) for n in range(first, min(first + PER_MODULE, assets))]
        (package / f"{modules[-1]}.py").write_text("\n\n".join([IMPORTS, *texts]))
    (package / "definitions.py").write_text(_definitions(modules, jobs, all_in_each))


def _asset(number: int, assets: int) -> str:
    """The source of one asset, with its check where it has one."""
    width = max(1, assets // LAYERS)
    layer = min(number // width, LAYERS - 1)
    before = max(0, (layer - 1) * width)
    deps = sorted({before + (number * step) % width for step in (1, 7, 31)}) if layer else []
    columns = ", ".join(
        f'("column_{n}", "{TYPES[(number + n) % len(TYPES)]}", "What column {n} holds")'
        for n in range(4 + number % 9)
    )
    description = f"Table {number} of layer {layer}. " + "It is rebuilt from its sources. " * (
        1 + number % 6
    )
    arguments = [
        f'name="table_{number}"',
        f'key_prefix=["warehouse", "layer_{layer}"]',
        f"deps=[{', '.join(_key(dep, assets) for dep in deps)}]",
        f'description="{description.strip()}"',
        f'group_name="group_{number % GROUPS}"',
        f'owners=["team:team_{number % 7}"]',
        f'tags={{"domain": "domain_{number % 12}", "tier": "{number % 3}"}}',
        f'metadata={{"dagster/column_schema": schema({columns}), "cost_center": {number % 40}}}',
    ]
    if number % 5 == 1:
        arguments.append("automation_condition=dg.AutomationCondition.eager()")
    if number % 3 == 0:
        arguments.append("partitions_def=DAYS")
    if number % 6 == 2:
        arguments.append(
            f'check_specs=[dg.AssetCheckSpec("not_empty", asset={_key(number, assets)})]'
        )
    takes = ("context", "context, warehouse: Warehouse", "context, config: Options")[number % 3]
    listed = "".join(f"    {argument},\n" for argument in arguments)
    return f"@dg.asset(\n{listed})\ndef table_{number}({takes}):\n    pass\n"


def _key(number: int, assets: int) -> str:
    layer = min(number // max(1, assets // LAYERS), LAYERS - 1)
    return f'dg.AssetKey(["warehouse", "layer_{layer}", "table_{number}"])'


def _definitions(modules: list[str], jobs: int, all_in_each: bool) -> str:
    """Jobs take all assets or one or two groups each, so that every asset is in some of them."""
    lines = ["import dagster as dg", "", f"from warehouse import {', '.join(modules)}"]
    lines += ["from warehouse.common import RESOURCES", "", "JOBS = ["]
    for number in range(jobs):
        groups = sorted({number % GROUPS, (number * 3 + 1) % GROUPS})
        selection = " | ".join(f'dg.AssetSelection.groups("group_{group}")' for group in groups)
        if all_in_each:
            selection = "dg.AssetSelection.all()"
        lines.append(f'    dg.define_asset_job("job_{number}", selection={selection}),')
    lines += ["]", "defs = dg.Definitions("]
    lines += [f"    assets=dg.load_assets_from_modules([{', '.join(modules)}]),"]
    lines += ["    jobs=JOBS,", "    schedules=["]
    lines += [
        f'        dg.ScheduleDefinition(job=JOBS[{number}], cron_schedule="0 {number % 24} * * *"),'
        for number in range(jobs)
    ]
    lines += ["    ],", "    resources=RESOURCES,", ")", ""]
    return "\n".join(lines)


def parse_size(text: str) -> tuple[int, int]:
    """``2000x10`` -> (2000, 10); ValueError for anything else."""
    assets, jobs = text.split("x")
    return int(assets), int(jobs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", type=parse_size, metavar="ASSETSxJOBS")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="every job selects all assets")
    parser.add_argument("--import", nargs="+", default=[], dest="imports", metavar="MODULE")
    given = parser.parse_args()
    write(*given.size, given.folder, all_in_each=given.all, imports=given.imports)
