import dagster as dg


@dg.asset
def basket():
    pass


@dg.asset
def checkout(basket):
    pass
