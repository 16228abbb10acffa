"""One asset of every kind, any of which can be left out; a test runs it with a real Dagster.

``python attribution_project.py FOLDER [ASSET...]`` writes the serialized snapshots of the project
into ``FOLDER/whole``: ``repository.json`` and one ``job-NAME.json`` for every job; and for each
ASSET into ``FOLDER/without-ASSET`` (slashes are dots) those of the project without that asset, its
checks and every reference to it.
"""

import gc
import inspect
import os
import sys
import warnings
from pathlib import Path

import dagster as dg
from dagster._serdes import serialize_value

warnings.filterwarnings("ignore")
gc.disable()  # nothing is garbage here, and each fork would look through all of Dagster

LEFT_OUT = None
for name in sys.argv[2:]:
    # A process of its own for each, forked here because importing Dagster takes the longest.
    if os.fork() == 0:
        LEFT_OUT = name
        break
    if os.wait()[1] != 0:
        sys.exit(f"the project without {name} could not be built")

WORDS = "every order that was placed and not taken back within a day "
COLUMNS = dg.TableSchema(
    [dg.TableColumn(f"column_{n}", "string", description=WORDS[:30]) for n in range(8)]
)


class Settings(dg.Config):
    """What an asset can be told."""

    rows: int = 100
    table: str = "orders"
    strict: bool = True


class Warehouse(dg.ConfigurableResource):
    """A place for tables."""

    url: str = "duckdb:///orders"


class Queue(dg.ConfigurableResource):
    """A resource that nests another."""

    warehouse: Warehouse
    name: str = "events"


def there(*names: str) -> list[dg.AssetKey]:
    """The keys of those assets that are not left out."""
    return [dg.AssetKey(name.split("/")) for name in names if name != LEFT_OUT]


def spec(name: str, *deps: str, **more: object) -> dg.AssetSpec:
    """The spec of an asset that depends on those of others that are there."""
    return dg.AssetSpec(dg.AssetKey(name.split("/")), deps=there(*deps), **more)


def op_like(name: str, **more: object) -> dg.OpDefinition:
    """An op that takes what it is fed."""

    @dg.op(name=name, **more)
    def run(value):
        return value

    return run


def source(name: str) -> dg.OpDefinition:
    """An op that is fed nothing."""

    @dg.op(name=name, description=WORDS)
    def run():
        return 1

    return run


PARTITIONS = {
    "static": dg.StaticPartitionsDefinition([f"region_{n}" for n in range(30)]),
    "daily": dg.DailyPartitionsDefinition("2024-01-01"),
    "multi": dg.MultiPartitionsDefinition(
        {
            "day": dg.DailyPartitionsDefinition("2024-01-01"),
            "region": dg.StaticPartitionsDefinition(["north", "south"]),
        }
    ),
    "dynamic": dg.DynamicPartitionsDefinition(name="customers"),
}


def plain_assets() -> list[object]:
    """Assets of one function each."""
    found: list[object] = []

    def add(name: str, *deps: str, **more: object) -> None:
        @dg.asset(key=dg.AssetKey(name.split("/")), deps=there(*deps), **more)
        def made() -> None: ...

        found.append(made)

    add("plain", description=WORDS * 3, metadata={"rows": 3, "dagster/column_schema": COLUMNS})
    add(
        "after_plain",
        "plain",
        "wh/orders",
        description=WORDS * 2,
        tags={"team": "sales"},
        owners=["team:sales"],
    )
    add("wh/orders", "plain", "external", "graphed", description="注文の一覧表です。" * 10)
    add("after_all", "wh/orders", "observed", "external", "sub_two", "fix_two", "gm_two", "checked")
    add("automated", "plain", automation_condition=dg.AutomationCondition.eager())
    add("after_automated", "automated", automation_condition=dg.AutomationCondition.eager())
    add("named_in_selections", "plain", description=WORDS)
    add("in_many_jobs", "named_in_selections", description=WORDS)
    for kind, partitions in PARTITIONS.items():
        add(f"{kind}_first", "plain", partitions_def=partitions)
        add(f"{kind}_second", f"{kind}_first", partitions_def=partitions)
        add(f"{kind}_third", f"{kind}_first", partitions_def=partitions)

    if LEFT_OUT == "configured":

        @dg.asset
        def after_configured(): ...

    else:

        @dg.asset
        def after_configured(configured): ...

    @dg.asset
    def configured(config: Settings, warehouse: Warehouse): ...

    @dg.asset(deps=there("plain"), required_resource_keys={"warehouse"})
    def also_resourceful(): ...

    @dg.asset(
        check_specs=[dg.AssetCheckSpec("inline_one", asset="checked", description=WORDS)],
        key="checked",
    )
    def checked(): ...

    @dg.observable_source_asset(description=WORDS)
    def observed(): ...

    found += [after_configured, configured, also_resourceful, checked, observed]
    return [made for made in found if key_text(made) != LEFT_OUT]


def key_text(made: object) -> str:
    """The key of a single asset."""
    return made.key.to_user_string()


def shared_assets() -> list[object]:
    """Assets that share an op or a graph."""
    sub_specs = [
        spec("sub_one", "plain", skippable=True),
        spec("sub_two", "plain", "external", description=WORDS, skippable=True),
        spec("sub_three", "wh/orders", skippable=True),
    ]

    @dg.multi_asset(specs=[s for s in sub_specs if s.key in there(*SUB)], can_subset=True)
    def can_subset(config: Settings): ...

    fix_specs = [
        spec("fix_one", "plain", "external"),
        spec("fix_two", "external", metadata={"rows": 5}),
    ]

    @dg.multi_asset(specs=[s for s in fix_specs if s.key in there(*FIX)], op_tags={"kind": "x"})
    def cannot_subset(): ...

    begin, finish = source("graph_begin"), op_like("graph_finish", description=WORDS)
    step, second = op_like("nested_step"), op_like("nested_second")

    @dg.graph
    def nested(value):
        return second(step(value))

    def graph_asset() -> dg.AssetsDefinition:
        if LEFT_OUT == "plain":

            @dg.graph_asset
            def graphed():
                return finish(nested(begin()))

        else:
            feed = op_like("graph_feed")

            @dg.graph_asset
            def graphed(plain):
                return finish(nested(feed(plain)))

        return graphed

    gm_begin, gm_first, gm_second = source("gm_begin"), op_like("gm_first"), op_like("gm_second")

    @dg.graph
    def inner_second(value):
        return gm_second(value)

    outs = {name: dg.AssetOut() for name in ("gm_one", "gm_two") if name != LEFT_OUT}

    @dg.graph_multi_asset(outs=outs)
    def graph_multi():
        value = gm_begin()
        made = {}
        if "gm_one" in outs:
            made["gm_one"] = gm_first(value)
        if "gm_two" in outs:
            made["gm_two"] = inner_second(value)
        return made if len(made) > 1 else next(iter(made.values()))

    graphs = [graph_multi] if LEFT_OUT == "graphed" else [graph_asset(), graph_multi]
    external = [] if LEFT_OUT == "external" else [spec("external", description=WORDS)]
    return [can_subset, cannot_subset, *graphs, *external]


SUB = ("sub_one", "sub_two", "sub_three")
FIX = ("fix_one", "fix_two")


def checks() -> list[object]:
    """Checks of every form."""

    @dg.asset_check(asset="checked", description=WORDS, blocking=True)
    def first_check(checked): ...

    @dg.asset_check(asset="checked", additional_deps=there("plain"))
    def second_check(): ...

    @dg.asset_check(asset="plain")
    def plain_check(): ...

    both = [
        dg.AssetCheckSpec("several", asset=key, additional_deps=there("plain"))
        for key in there("checked", "after_plain")
    ]

    @dg.multi_asset_check(specs=both, can_subset=True)
    def several_checks(): ...

    found = [several_checks]
    if LEFT_OUT != "checked":
        found += [first_check, second_check]
    if LEFT_OUT != "plain":
        found.append(plain_check)
    return found


def selection(*names: str) -> dg.AssetSelection:
    """Those assets that are there."""
    return dg.AssetSelection.assets(*there(*names))


@dg.op(config_schema={"rows": dg.Field(int, default_value=3)})
def count(warehouse_name: str) -> int:
    return len(warehouse_name)


@dg.op
def name_it() -> str:
    return "x"


@dg.job
def op_job():
    count(name_it())


RESOURCEFUL = ("configured", "also_resourceful")
MANY = ("plain", "after_plain", "in_many_jobs", "named_in_selections", *RESOURCEFUL, "checked")
jobs = [
    op_job,
    dg.define_asset_job("many", selection=selection(*MANY), tags={"a": "b"}),
    dg.define_asset_job(
        "more", selection=selection(*MANY, *SUB, *FIX, "graphed", "gm_one", "gm_two")
    ),
    dg.define_asset_job(
        "regions", selection=selection(*(f"static_{n}" for n in ("first", "second")))
    ),
    dg.define_asset_job(
        "some", selection=selection("in_many_jobs", "automated", "sub_two", "sub_one")
    ),
]


def takes(definition: type, name: str) -> bool:
    """Whether this Dagster's definition has that parameter."""
    return name in inspect.signature(definition).parameters


TARGET = "target" if takes(dg.AutomationConditionSensorDefinition, "target") else "asset_selection"
SCHEDULED = (
    {"target": selection("named_in_selections", "plain", "in_many_jobs")}
    if takes(dg.ScheduleDefinition, "target")
    else {"job": op_job}
)
defs = dg.Definitions(
    assets=[*plain_assets(), *shared_assets()],
    asset_checks=checks(),
    jobs=jobs,
    schedules=[
        dg.ScheduleDefinition(
            name="nightly",
            cron_schedule="0 0 * * *",
            **SCHEDULED,
        )
    ],
    sensors=[
        dg.AutomationConditionSensorDefinition(
            "automation",
            **{TARGET: selection("named_in_selections", "automated", "after_automated")},
        )
    ],
    resources={
        "warehouse": Warehouse(),
        "queue": Queue(warehouse=Warehouse(), name="events"),
        "io_manager": dg.FilesystemIOManager(base_dir="/tmp/somewhere"),
    },
)


def main() -> None:
    """Write the snapshots."""
    part = "whole" if LEFT_OUT is None else f"without-{LEFT_OUT.replace('/', '.')}"
    folder = Path(sys.argv[1]) / part
    folder.mkdir(parents=True)
    repository = defs.get_repository_def()
    from dagster._core.remote_representation.external_data import RepositorySnap
    from dagster._core.snap.job_snapshot import JobSnap

    text = serialize_value(RepositorySnap.from_def(repository, defer_snapshots=True))
    (folder / "repository.json").write_text(text, encoding="utf-8")
    for job in repository.get_all_jobs():
        text = serialize_value(JobSnap.from_job_def(job))
        (folder / f"job-{job.name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
