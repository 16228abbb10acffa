import dagster as dg


@dg.asset(deps=[["sales", "orders"]])
def plain():
    """Beside the components, in Python."""


@dg.schedule(cron_schedule="@daily", target=plain)
def every_day():
    return {}
