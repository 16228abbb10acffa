import dagster as dg


@dg.asset
def fact_orders():
    """Loaded with a prefix that it does not know of."""


@dg.asset(deps=[fact_orders])
def fact_revenue():
    pass
