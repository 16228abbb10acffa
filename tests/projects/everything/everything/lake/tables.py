import dagster as dg


@dg.asset(io_manager_key="lake")
def landing():
    pass


@dg.asset
def refined(landing):
    pass
