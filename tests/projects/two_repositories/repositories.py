"""Two repositories of the older kind in one file, with a job in both."""

from dagster import (
    RunRequest,
    ScheduleDefinition,
    asset,
    define_asset_job,
    job,
    op,
    repository,
    sensor,
    with_resources,
)


@op
def step():
    return 1


@job(description="In both repositories")
def shared_job():
    step()


@job
def own_job():
    step.alias("alone")()


@asset
def left_asset():
    pass


@asset(deps=[left_asset], required_resource_keys={"tool"})
def left_dependent():
    pass


@asset
def right_asset():
    """右"""


@sensor(job=own_job)
def watcher():
    yield RunRequest()


@repository(description="The left one")
def left():
    from dagster import ResourceDefinition

    tool = ResourceDefinition.hardcoded_resource("hammer")
    return [
        shared_job,
        left_asset,
        *with_resources([left_dependent], {"tool": tool}),
        ScheduleDefinition(job=shared_job, cron_schedule="@daily"),
    ]


@repository(metadata={"side": "right"})
def right():
    return [shared_job, own_job, right_asset, define_asset_job("assets_of_right"), watcher]
