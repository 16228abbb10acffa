"""Definitions made by a function that Dagster calls when it loads the location."""

import dagster as dg


@dg.asset(description="Made lazily")
def early():
    pass


@dg.definitions
def lazily():
    @dg.asset(deps=[early])
    def late():
        pass

    return dg.Definitions(assets=[early, late], jobs=[dg.define_asset_job("both")])
