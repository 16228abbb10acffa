"""A location whose snapshots are as large as variables say: what running servers are tried with."""

import os

import dagster as dg


@dg.asset(description="Each night", metadata={"x": {"external_job_refs": [{"name": "no job"}]}})
def raw():
    pass


@dg.asset(deps=[raw], group_name="marts")
def mart():
    pass


@dg.op(description="j" * int(os.environ.get("JOB_BYTES", 1000)))
def work():
    pass


@dg.job
def heavy():
    work()


@dg.op
def rest():
    pass


@dg.job(description='a name of its own: "Ünï \\ \n')
def plain():
    rest.alias("alone")()


nightly = dg.ScheduleDefinition(
    "nightly",
    job=heavy,
    cron_schedule="0 0 * * *",
    description="r" * int(os.environ.get("REPOSITORY_BYTES", 1000)),
)
defs = dg.Definitions(assets=[raw, mart], jobs=[heavy, plain], schedules=[nightly])
