"""Partitioned assets, three of each partitioning, with mappings between them."""

import dagster as dg

regions = dg.StaticPartitionsDefinition(["north", "south", "東", "west"])
days = dg.DailyPartitionsDefinition("2024-01-01", timezone="Europe/Berlin", end_offset=1)
hours = dg.HourlyPartitionsDefinition("2024-01-01-00:00")
weeks = dg.TimeWindowPartitionsDefinition(
    start="2024-01-01", fmt="%Y-%m-%d", cron_schedule="0 0 * * 1"
)
days_and_regions = dg.MultiPartitionsDefinition({"day": days, "region": regions})
tenants = dg.DynamicPartitionsDefinition(name="tenants")


def _three(name, partitions, **more):
    made = []
    for number in range(3):

        @dg.asset(
            name=f"{name}_{number}",
            partitions_def=partitions,
            group_name="partitioned",
            deps=[f"{name}_{number - 1}"] if number else [],
            **more,
        )
        def one(context):
            pass

        made.append(one)
    return made


@dg.asset(
    partitions_def=days,
    ins={
        "hourly_2": dg.AssetIn(partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1)),
        "by_region_2": dg.AssetIn(
            partition_mapping=dg.SpecificPartitionsPartitionMapping(["north"])
        ),
    },
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def daily_summary(hourly_2, by_region_2):
    pass


@dg.asset(
    partitions_def=days_and_regions,
    deps=[
        dg.AssetDep(
            "daily_2",
            partition_mapping=dg.MultiToSingleDimensionPartitionMapping(
                partition_dimension_name="day"
            ),
        )
    ],
)
def by_day_and_region():
    pass


ASSETS = [
    *_three("by_region", regions),
    *_three("daily", days, backfill_policy=dg.BackfillPolicy.multi_run(5)),
    *_three("hourly", hours),
    *_three("weekly", weeks),
    *_three("daily_by_region", days_and_regions),
    *_three("by_tenant", tenants),
    daily_summary,
    by_day_and_region,
]
