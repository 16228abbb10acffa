"""Two sets of definitions, told apart by attribute; one of them is made by a function."""

import dagster as dg


@dg.asset
def small():
    pass


@dg.asset(metadata={"note": "n" * 500})
def large():
    pass


production = dg.Definitions(assets=[small, large], jobs=[dg.define_asset_job("all_of_them")])


def make_staging():
    return dg.Definitions(assets=[small])
