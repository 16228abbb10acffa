"""One of everything that exists in Dagster, in one code location."""

import dagster as dg

from everything import assets, automation, checks, factories, jobs, partitioned
from everything.lake import tables
from everything.resources import RESOURCES
from everything.versions import supported
from everything.warehouse import dimensions, facts

defs = dg.Definitions(
    assets=[
        *assets.ASSETS,
        *partitioned.ASSETS,
        *factories.ASSETS,
        *dg.load_assets_from_modules(
            [facts, dimensions], key_prefix=["warehouse", "core"], group_name="warehouse"
        ),
        *dg.load_assets_from_modules([tables], key_prefix="lake"),
    ],
    asset_checks=[*checks.CHECKS, *factories.CHECKS],
    jobs=jobs.JOBS,
    schedules=automation.SCHEDULES,
    sensors=[*automation.SENSORS, checks.FRESHNESS_SENSOR],
    resources=RESOURCES,
    executor=dg.multiprocess_executor.configured({"max_concurrent": 2}),
    loggers={"console": dg.colored_console_logger},
    **supported(dg.Definitions, metadata={"maintainer": "plâtforme", "revision": 7}),
)
