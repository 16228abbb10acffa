import dagster as dg


@dg.asset
def dim_customer():
    pass


@dg.multi_asset(outs={"dim_day": dg.AssetOut(), "dim_hour": dg.AssetOut()})
def calendar():
    return 1, 2
