"""Found by its name where nothing else says what the location is."""

import dagster as dg


@dg.asset
def found_by_name():
    pass


defs = dg.Definitions(assets=[found_by_name])
