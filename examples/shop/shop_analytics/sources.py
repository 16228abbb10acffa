"""Source tables from the shop's systems."""

import dagster as dg


@dg.asset(group_name="raw", description="Orders as the till writes them.")
def raw_orders() -> None: ...


@dg.asset(group_name="raw", description="Customers as they signed up.")
def raw_customers() -> None: ...


exchange_rates = dg.AssetSpec("exchange_rates", group_name="raw", description="Daily rates.")
