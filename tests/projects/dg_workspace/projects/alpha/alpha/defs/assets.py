import dagster as dg


@dg.asset
def of_alpha():
    pass
