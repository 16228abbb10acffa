"""The code location: all definitions of this project."""

import dagster as dg

from shop_analytics import features, marts, sources

nightly = dg.define_asset_job("nightly", selection=dg.AssetSelection.groups("raw", "marts"))

defs = dg.Definitions(
    assets=[
        *dg.load_assets_from_modules([sources, marts, features]),
        sources.exchange_rates,
    ],
    asset_checks=[marts.orders_are_unique],
    jobs=[nightly],
    schedules=[dg.ScheduleDefinition(job=nightly, cron_schedule="0 4 * * *")],
)
