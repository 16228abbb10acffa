"""Tables for reports."""

import dagster as dg

DAILY = dg.DailyPartitionsDefinition(start_date="2025-01-01")


@dg.asset(
    group_name="marts",
    deps=["raw_orders", "exchange_rates"],
    partitions_def=DAILY,
    metadata={
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn("order_id", "bigint", description="Key of the order."),
                dg.TableColumn("customer_id", "bigint", description="Who ordered."),
                dg.TableColumn("amount_eur", "numeric", description="At the rate of the day."),
            ]
        )
    },
)
def orders() -> None:
    """One row for each order, in euros."""


@dg.asset(group_name="marts", deps=["raw_customers", orders])
def customers() -> None:
    """One row for each customer with an order."""


@dg.multi_asset(
    specs=[
        dg.AssetSpec("revenue_by_day", deps=[orders], group_name="marts"),
        dg.AssetSpec("revenue_by_country", deps=[orders, customers], group_name="marts"),
    ]
)
def revenue(): ...


@dg.asset_check(asset=orders, description="No order is listed twice.")
def orders_are_unique() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)
