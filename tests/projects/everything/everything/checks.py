"""Asset checks of every kind."""

from datetime import timedelta

import dagster as dg

from everything.assets import customers, events
from everything.resources import Warehouse


@dg.asset_check(asset=events, description="事件不为空", metadata={"limit": 10})
def events_complete(context, warehouse: Warehouse):
    return dg.AssetCheckResult(passed=True)


@dg.asset_check(
    asset=customers,
    additional_ins={"other": dg.AssetIn("events")},
    config_schema={"tolerance": dg.Field(float, default_value=0.1)},
    automation_condition=dg.AutomationCondition.eager(),
)
def customers_match(customers, other):
    return dg.AssetCheckResult(passed=True)


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec("unique", asset=events),
        dg.AssetCheckSpec("unique", asset=customers, additional_deps=[events]),
        dg.AssetCheckSpec("known", asset="events_by_customer"),
    ],
    can_subset=True,
)
def uniqueness(context):
    yield dg.AssetCheckResult(check_name="unique", asset_key="events", passed=True)


freshness = dg.build_last_update_freshness_checks(
    assets=[events, customers], lower_bound_delta=timedelta(hours=12)
)
FRESHNESS_SENSOR = dg.build_sensor_for_freshness_checks(freshness_checks=freshness)

CHECKS = [events_complete, customers_match, uniqueness, *freshness]
