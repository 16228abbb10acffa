import dagster as dg


@dg.asset
def of_package():
    pass


defs = dg.Definitions(assets=[of_package])
