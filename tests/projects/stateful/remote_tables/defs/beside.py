import dagster as dg


@dg.asset
def beside():
    """Here with the state and without it."""
