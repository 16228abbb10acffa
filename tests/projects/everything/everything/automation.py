"""Schedules and sensors of every kind."""

import dagster as dg

from everything import jobs
from everything.versions import has, supported

nightly = dg.ScheduleDefinition(
    name="nightly",
    job=jobs.core_job,
    cron_schedule="0 3 * * *",
    execution_timezone="Europe/Berlin",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    tags={"kind": "schedule"},
    description="每晚",
    **supported(dg.ScheduleDefinition, metadata={"owner": "platform"}),
)
of_assets = dg.ScheduleDefinition(
    name="of_assets",
    cron_schedule=["0 5 * * *", "0 17 * * *"],
    **supported(dg.ScheduleDefinition, target=dg.AssetSelection.groups("split")),
)
from_partitions = dg.build_schedule_from_partitioned_job(jobs.daily_job, hour_of_day=6)


@dg.schedule(job=jobs.op_job, cron_schedule="*/15 * * * *", required_resource_keys={"catalog"})
def with_body(context):
    yield dg.RunRequest()


@dg.sensor(jobs=[jobs.op_job, jobs.graph_job], minimum_interval_seconds=60)
def plain_sensor(context):
    """Looks for files."""


@dg.asset_sensor(asset_key=dg.AssetKey("events"), job=jobs.graph_job)
def on_events(context, event):
    yield dg.RunRequest()


@dg.run_status_sensor(run_status=dg.DagsterRunStatus.SUCCESS, monitored_jobs=[jobs.op_job])
def on_success(context):
    pass


@dg.run_failure_sensor(monitor_all_code_locations=True)
def on_failure(context):
    pass


SENSORS = [plain_sensor, on_events, on_success, on_failure]

if has("multi_asset_sensor"):

    @dg.multi_asset_sensor(
        monitored_assets=[dg.AssetKey("events"), dg.AssetKey("customers")],
        job=jobs.one_asset_job,
    )
    def on_both(context):
        pass

    SENSORS.append(on_both)


def _target(selection):
    """The selection under the name that this Dagster gives it."""
    known = supported(
        dg.AutomationConditionSensorDefinition, target=selection, asset_selection=selection
    )
    return {"target": selection} if "target" in known else {"asset_selection": selection}


if has("AutomationConditionSensorDefinition"):
    SENSORS.append(
        dg.AutomationConditionSensorDefinition(
            "conditions",
            **_target(dg.AssetSelection.assets("eager_asset", "missing_asset")),
            tags={"kind": "automation"},
            minimum_interval_seconds=45,
        )
    )
    SENSORS.append(
        dg.AutomationConditionSensorDefinition(
            "conditions_of_keys",
            **_target(dg.AssetSelection.assets("nightly_asset")),
            **supported(dg.AutomationConditionSensorDefinition, use_user_code_server=True),
        )
    )

SCHEDULES = [nightly, of_assets, from_partitions, with_body]
