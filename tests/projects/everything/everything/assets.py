"""Assets of every kind that Dagster has."""

from datetime import timedelta
from enum import Enum

import dagster as dg
from pydantic import Field

from everything.resources import Warehouse
from everything.versions import has, supported


class Mode(Enum):
    FULL = "full"
    INCREMENTAL = "incremental"


class Window(dg.Config):
    start: str | None = None
    days: int = Field(default=7, description="How many days to read")


class Settings(dg.Config):
    mode: Mode = Mode.FULL
    window: Window = Window()
    columns: list[str] = Field(default_factory=list)
    renames: dict[str, str] = Field(default_factory=dict)


SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn("id", "bigint", constraints=dg.TableColumnConstraints(nullable=False)),
        *(
            dg.TableColumn(f"column_{n}", "varchar", description=f"Column number {n}")
            for n in range(12)
        ),
    ]
)

raw_events = dg.AssetSpec(
    "raw_events",
    description="Written by another system",
    metadata={"dagster/uri": "s3://events/raw", "dagster/column_schema": SCHEMA},
    group_name="external",
)
raw_customers = dg.AssetSpec("raw_customers", tags={"source": "crm"}, group_name="external")


@dg.observable_source_asset(group_name="external", description="Looked at, never written")
def upstream_file():
    return dg.DataVersion("1")


@dg.multi_observable_source_asset(
    specs=[dg.AssetSpec("feed_a", group_name="external"), dg.AssetSpec("feed_b")]
)
def feeds():
    yield dg.ObserveResult(asset_key="feed_a")


old_source = dg.SourceAsset(dg.AssetKey(["legacy", "source"]), description="Of the older kind")


@dg.asset(
    deps=["raw_events", "feed_a"],
    description="Événements nettoyés \N{EM DASH} 清理后的事件 \N{BAR CHART}",
    metadata={
        "owner notes": dg.MetadataValue.md("**每天** 更新"),
        "dagster/column_schema": SCHEMA,
        "path": dg.MetadataValue.path("/data/events"),
        "rows": 12,
        "ratio": 0.5,
        "extra": {"a": [1, 2, 3], "b": {"c": "d"}},
        "empty": None,
    },
    tags={"domain": "events", "priority": "high"},
    owners=["team:data", "someone@example.com"],
    group_name="core",
    code_version="3",
    op_tags={"cpu": "2"},
    retry_policy=dg.RetryPolicy(max_retries=2, delay=0.5, backoff=dg.Backoff.EXPONENTIAL),
    check_specs=[dg.AssetCheckSpec("not_empty", asset="events", description="At least one row")],
    **supported(dg.asset, kinds={"python", "duckdb"}, pool="warehouse"),
)
def events(context, config: Settings, warehouse: Warehouse):
    """Cleaned events."""


@dg.asset(group_name="core", required_resource_keys={"catalog"}, io_manager_key="lake")
def customers(raw_customers):
    """Customers, read from the source as an input."""


@dg.asset(
    ins={"left": dg.AssetIn("events"), "right": dg.AssetIn("customers", metadata={"n": 1})},
    group_name="core",
    dagster_type=dg.DagsterType(lambda _context, _value: True, "Joined", description="A join"),
    config_schema={"threshold": dg.Field(float, default_value=0.5), "note": dg.Noneable(str)},
)
def events_by_customer(left, right):
    """A join of both."""


@dg.multi_asset(
    specs=[
        dg.AssetSpec(dg.AssetKey(["split", name]), deps=["events"], group_name="split")
        for name in ("clicks", "views", "orders")
    ],
    can_subset=True,
    check_specs=[dg.AssetCheckSpec("clicks_fresh", asset=dg.AssetKey(["split", "clicks"]))],
)
def split(context):
    """Three assets of one op, any of which can be made alone."""


@dg.multi_asset(
    outs={
        "train": dg.AssetOut(key_prefix="model", description="Training set"),
        "test": dg.AssetOut(key_prefix="model", is_required=False),
    },
    ins={"events_by_customer": dg.AssetIn()},
    internal_asset_deps={
        "train": {dg.AssetKey("events_by_customer")},
        "test": {dg.AssetKey("events_by_customer"), dg.AssetKey(["model", "train"])},
    },
)
def train_and_test(events_by_customer):
    return 1, 2


@dg.op(config_schema={"factor": dg.Field(int, default_value=2)}, tags={"kind": "math"})
def scale(value):
    return value


@dg.op(out={"small": dg.Out(), "large": dg.Out(is_required=False)})
def divide(value):
    """Small ones apart from large ones."""
    return value, value


@dg.op(required_resource_keys={"catalog"})
def combine(values):
    return values


@dg.graph(description="A graph inside a graph")
def scale_twice(value):
    return scale.alias("second")(scale.alias("first")(value))


@dg.graph(out={"small": dg.GraphOut(), "large": dg.GraphOut()})
def scale_and_divide(value):
    small, large = divide(scale_twice(value))
    return {"small": small, "large": large}


@dg.graph_asset(group_name="graphs", description="Made by a graph", tags={"shape": "graph"})
def scaled_events(events):
    return combine([scale_twice(events), scale(events)])


@dg.graph_multi_asset(
    outs={
        "small": dg.AssetOut(key=["graphs", "small"], description="The small ones"),
        "large": dg.AssetOut(key=["graphs", "large"]),
    },
    group_name="graphs",
)
def small_and_large(scaled_events):
    small, large = scale_and_divide(scaled_events)
    return {"small": small, "large": large}


@dg.graph
def daily_report(customers):
    return combine.alias("combine_report")([scale.alias("scale_report")(customers)])


report = dg.AssetsDefinition.from_graph(daily_report, group_name="graphs")


@dg.op(out=dg.Out(int))
def count_rows():
    return 1


row_count = dg.AssetsDefinition.from_op(count_rows)


@dg.asset(deps=[events], automation_condition=dg.AutomationCondition.eager())
def eager_asset():
    pass


@dg.asset(
    deps=[events, customers],
    automation_condition=dg.AutomationCondition.on_cron("0 4 * * *", "Europe/Berlin").with_label(
        "nightly"
    ),
)
def nightly_asset():
    pass


@dg.asset(
    deps=[nightly_asset],
    automation_condition=dg.AutomationCondition.on_missing()
    & ~dg.AutomationCondition.in_progress(),
)
def missing_asset():
    pass


if has("FreshnessPolicy") and hasattr(dg.FreshnessPolicy, "time_window"):
    _freshness = {
        "freshness_policy": dg.FreshnessPolicy.time_window(
            fail_window=timedelta(hours=24), warn_window=timedelta(hours=12)
        )
    }
else:
    _freshness = {}


@dg.asset(deps=[events], **_freshness)
def fresh_asset():
    pass


ASSETS = [
    raw_events,
    raw_customers,
    upstream_file,
    feeds,
    old_source,
    events,
    customers,
    events_by_customer,
    split,
    train_and_test,
    scaled_events,
    small_and_large,
    report,
    row_count,
    eager_asset,
    nightly_asset,
    missing_asset,
    fresh_asset,
]
