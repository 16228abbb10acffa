"""Op jobs, graph jobs and asset jobs."""

import dagster as dg

from everything.assets import combine, scale, scale_twice
from everything.checks import events_complete, uniqueness
from everything.partitioned import days, regions


@dg.op(ins={"start": dg.In(dg.Nothing)}, out=dg.DynamicOut(int), description="Fans out")
def fan_out():
    yield dg.DynamicOutput(1, mapping_key="one")


@dg.op(
    config_schema={
        "size": dg.Field(int, default_value=3, description="How many"),
        "flags": dg.Field(dg.Permissive({"known": dg.Field(bool, default_value=False)})),
        "either": dg.Field(dg.ScalarUnion(int, {"value": int}), is_required=False),
        "list": dg.Field(dg.Array(dg.Noneable(str)), is_required=False),
    },
    code_version="1",
    retry_policy=dg.RetryPolicy(max_retries=1),
)
def begin(context):
    """The first step."""


@dg.op
def literal():
    return [1, 2]


@dg.failure_hook
def on_failure(context):
    pass


@dg.job(
    description="Ops, fan-out and fan-in 扇出",
    tags={"team": "platform", "note": "naïve"},
    metadata={"runbook": dg.MetadataValue.url("https://runbook.example/op-job"), "level": 2},
    hooks={on_failure},
    config=dg.RunConfig(ops={"begin": {"config": {"flags": {}}}}),
    executor_def=dg.in_process_executor,
)
def op_job():
    combine(fan_out(begin()).map(scale).collect())


@dg.graph
def pipeline():
    combine([scale_twice(literal()), scale(literal.alias("other")())])


graph_job = pipeline.to_job("graph_job", tags={"made": "from a graph"})
graph_job_again = pipeline.to_job(
    "graph_job_again",
    config={"ops": {"scale": {"config": {"factor": 7}}}},
)


@dg.config_mapping(config_schema={"base": int})
def simple_config(value):
    return {"ops": {"scale": {"config": {"factor": value["base"]}}}}


mapped_job = pipeline.to_job("mapped_job", config=simple_config)


@dg.daily_partitioned_config(start_date="2024-01-01")
def day_config(start, _end):
    return {"ops": {"begin": {"config": {"flags": {"known": bool(start)}}}}}


@dg.job(config=day_config)
def partitioned_op_job():
    begin()


core_job = dg.define_asset_job(
    "core_job",
    selection=dg.AssetSelection.groups("core").downstream(1),
    description="The core group and what follows",
    tags={"group": "core"},
    metadata={"kind": "assets"},
    config=dg.RunConfig(ops={"events": {"config": {"columns": ["a"]}}}),
)
one_asset_job = dg.define_asset_job("one_asset_job", selection="eager_asset")
daily_job = dg.define_asset_job("daily_job", selection=["daily_0", "daily_1"], partitions_def=days)
regional_job = dg.define_asset_job(
    "regional_job", selection=["by_region_0", "by_region_1"], partitions_def=regions
)
checks_job = dg.define_asset_job(
    "checks_job", selection=dg.AssetSelection.checks(events_complete, uniqueness)
)
subset_job = dg.define_asset_job("subset_job", selection=[dg.AssetKey(["split", "views"])])


@dg.job(name="repository", description="A job with the name of the other kind of snapshot")
def repository_job():
    literal()


JOBS = [
    op_job,
    graph_job,
    graph_job_again,
    mapped_job,
    partitioned_op_job,
    core_job,
    one_asset_job,
    daily_job,
    regional_job,
    checks_job,
    subset_job,
    repository_job,
]
