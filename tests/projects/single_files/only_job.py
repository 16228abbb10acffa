"""No Definitions: one job is the location."""

import dagster as dg


@dg.op
def say():
    pass


@dg.job(tags={"only": "one"})
def the_job():
    say()
