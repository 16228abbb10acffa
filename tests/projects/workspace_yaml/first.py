import dagster as dg


@dg.asset
def of_first():
    pass


defs = dg.Definitions(assets=[of_first])
