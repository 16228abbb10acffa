import dagster as dg


@dg.asset
def of_beta():
    pass


@dg.asset(deps=[of_beta])
def after_beta():
    pass


defs = dg.Definitions(assets=[of_beta, after_beta])
