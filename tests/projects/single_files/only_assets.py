"""No Definitions: the assets of the module are the location."""

import dagster as dg


@dg.asset
def alone():
    pass


@dg.asset(deps=[alone], group_name="pair")
def together():
    pass
