"""What starts the runs that measure: a schedule, and a sensor that sees another deploy.

Both are of the implicit asset job: a job of their own would add 26 kB to the code location.
No ``from __future__ import annotations`` here: Dagster refuses a context whose annotation is text.
"""

from collections.abc import Sequence

from dagster import (
    AssetKey,
    AssetSelection,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
)

_ASSET_JOB = "__ASSET_JOB"  # the one that Dagster makes of all assets
_SECONDS = 60  # between two looks of the sensor, which cost next to nothing after the first


def schedule_of(name: str, keys: Sequence[AssetKey], cron: str) -> ScheduleDefinition:
    """Measures at these times, in UTC; it runs without being switched on."""

    def request(context: ScheduleEvaluationContext) -> RunRequest:
        return RunRequest(asset_selection=list(keys))

    return ScheduleDefinition(
        name=name,
        job_name=_ASSET_JOB,
        cron_schedule=cron,
        execution_fn=request,
        default_status=DefaultScheduleStatus.RUNNING,
    )


def sensor_of(keys: Sequence[AssetKey]) -> SensorDefinition:
    """Measures when the location was loaded with other definitions than at the last look."""

    def request(context: SensorEvaluationContext) -> RunRequest | SkipReason:
        # What only a run and this need: code locations load sooner without it.
        from dagster_snapsize.dagster.own_location import fingerprint

        found = fingerprint(context.repository_def)
        if found == context.cursor:
            return SkipReason("the definitions are those that were measured last")
        context.update_cursor(found)
        return RunRequest(asset_selection=list(keys))

    return SensorDefinition(
        name="snapshot_sizes_on_deploy",
        asset_selection=AssetSelection.assets(*keys),
        evaluation_fn=request,
        minimum_interval_seconds=_SECONDS,
        default_status=DefaultSensorStatus.RUNNING,
    )
