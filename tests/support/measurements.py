"""Measurements as values, without a probe."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from dagster_snapsize.core.ledger.totals import asset_costs
from dagster_snapsize.core.limits import InstanceSettings, Layer, effective_environment
from dagster_snapsize.core.model import (
    AssetCost,
    Environment,
    IgnoreComment,
    Inputs,
    Ledger,
    Limit,
    Measurement,
    Owner,
    Repeat,
    Saving,
    Seconds,
    Setting,
    Share,
    Snapshot,
    SourceLocation,
    StaleInput,
    UncacheableCall,
)
from support.ledgers import attribute_job, attribute_repository
from support.snapshot_values import asset, check, job, node, op, payload, repository

HERE = SourceLocation("src/shop/definitions.py", 1)
ASSET_PLACE = SourceLocation("src/shop/assets.py", 12)
REPOSITORY = "shop/__repository__/repository"
JOB = "shop/__repository__/job/__ASSET_JOB"
# As the functions of Dagster 1.13 answer with no DAGSTER_* variable set.
DEFAULTS: dict[str, int | None] = {
    "max_rx_bytes": 100_000_000,
    "max_send_bytes": 100_000_000,
    "default_grpc_timeout": 60,
    "default_repository_grpc_timeout": 180,
    "default_schedule_grpc_timeout": 60,
    "default_sensor_grpc_timeout": 60,
    "default_grpc_server_shutdown_grace_period": 60,
    "local_startup_timeout": 180,
}


def environment(
    variables: dict[str, str] | None = None,
    dagster_plus: str | None = None,
    dagster_version: str = "",
) -> Any:
    layers = [Layer("the environment", variables or {})]
    return effective_environment(
        DEFAULTS, layers, InstanceSettings(), dagster_plus, dagster_version
    )


def snapshot(
    fields: dict[str, dict[str, int]], identity: str = REPOSITORY, wrapper: int = 4
) -> Snapshot:
    """A snapshot that holds these fields of these assets; ``wrapper`` bytes go on the wire."""
    owners = {
        Owner("asset", key): {name: Share(size) for name, size in of_asset.items()}
        for key, of_asset in fields.items()
    }
    stored = sum(size for of_asset in fields.values() for size in of_asset.values())
    is_repository = identity.endswith("/repository")
    return Snapshot(
        id=identity,
        kind="repository" if is_repository else "job",
        name="__repository__" if is_repository else identity.rsplit("/", 1)[1],
        repository="__repository__",
        stored_bytes=stored,
        wire_bytes=stored + wrapper,
        ledger=Ledger(stored, owners, {}, {}),
    )


def measurement(*snapshots: Snapshot, **changes: Any) -> Measurement:
    keys = {o.name for s in snapshots for o in s.ledger.owners}
    assets = []
    for key in sorted(keys):
        found = {s.id: s.ledger.owners.get(Owner("asset", key), {}) for s in snapshots}
        by_snapshot = {i: sum(x.bytes for x in f.values()) for i, f in found.items() if f}
        total = sum(by_snapshot.values())
        fields: dict[str, int] = {}
        for of_snapshot in found.values():
            for name, share in of_snapshot.items():
                fields[name] = fields.get(name, 0) + share.bytes
        assets.append(
            AssetCost(
                key, "__repository__", total, total, 0, 0, 0, by_snapshot, fields, ASSET_PLACE
            )
        )
    made = Measurement(
        name="shop",
        target={"module_name": "shop.definitions"},
        python="/usr/bin/python3",
        python_version="3.11.7",
        dagster_version="1.13.28",
        seconds=Seconds(),
        peak_rss_bytes=0,
        snapshots=snapshots,
        assets=tuple(assets),
        definition_files=(),
        environment=environment(),
        definitions_location=HERE,
    )
    return evolve(made, **changes)


def drawn_snapshot(name: str, drawn: Ledger, repository_name: str = "r") -> Snapshot:
    """A measured snapshot with that ledger."""
    size, is_job = drawn.stored_bytes, name != "repository"
    return Snapshot(
        id=f"here/{repository_name}/{name}",
        kind="job" if is_job else "repository",
        name=name,
        repository=repository_name,
        stored_bytes=size,
        wire_bytes=size + 4,
        ledger=drawn,
        compressed_bytes=size // 10 if is_job else None,
        snapshot_id=f"id of {name}" if is_job else None,
    )


def drawn_snapshots() -> tuple[Snapshot, ...]:
    """A repository of a heavy and two light assets, and two jobs; first the jobs."""
    jobs = ("j", "k")
    text = payload(
        repository(
            asset("heavy", op_description="d" * 500, jobs=jobs),
            asset("m/two", "heavy", op="many", output_name="two", jobs=jobs),
            asset("m/one", "heavy", op="many", output_name="one", jobs=jobs),
            external_asset_checks=[check("heavy", "is_heavy")],
        )
    )
    drawn, index = attribute_repository(text)
    ops = [op("heavy"), op("many", ("heavy",), ("one", "two"))]
    nodes = [node("heavy"), node("many", heavy=("heavy", "result"))]
    ledgers = [attribute_job(payload(job(name, ops, nodes)), index) for name in jobs]
    return (*map(drawn_snapshot, jobs, ledgers), drawn_snapshot("repository", drawn))


def full_measurement() -> Measurement:
    """One in which nothing is empty."""
    snapshots = drawn_snapshots()
    places = {"heavy": SourceLocation("/p/é.py", 3), "m/one": SourceLocation("/p/b.py", 7)}
    return Measurement(
        name="shop",
        target={"module_name": "shop", "attribute": "defs"},
        python="/p/.venv/bin/python",
        python_version="3.11.7",
        dagster_version="1.13.28",
        seconds=Seconds(1.25, 0.1, 2.0000000001, {snapshots[-1].id: 0.1}, {snapshots[0].id: 0.3}),
        peak_rss_bytes=123_456_789,
        snapshots=snapshots,
        assets=asset_costs(
            "r", snapshots, places, {"heavy": "g", "m/one": None}, {"m/one": ("heavy",)}
        ),
        definition_files=("/p/a.py", "/p/\udcff.py"),
        environment=Environment(
            (
                Setting("A", 5, "bytes", "here", "what"),
                Setting("B", None, "seconds", "there", "what", "it is wrong"),
                Setting("C", True, "switch", "there", "what"),
            ),
            (Limit("A", "wire", 5, "here"),),
            (Limit("B", "stored", 6, "there"),),
        ),
        definitions_location=SourceLocation("/p/a.py", 9),
        folders=("/p/defs",),
        untracked_files=("/p/new.py",),
        stale_inputs=(StaleInput("/p/manifest.json", ("/p/m.sql",), "parse it"),),
        ignores=(IgnoreComment(SourceLocation("/p/a.py", 4), ("asset-over-budget",), (3, 4)),),
        inputs=Inputs(
            read=("/p/x",),
            listed=("/p",),
            variables=(),
            installed=(("/lib/a.py", 5, 1_700_000_000_000_000_001),),
            distributions=("/lib",),
            modules=("dagster",),
            uncacheable=(
                UncacheableCall("opened a socket", "/p/a.py", 3),
                UncacheableCall("w", None, None),
            ),
        ),
        repeats=(
            Repeat("tags", "team: é", 900, ("heavy", "m/one", "m/two"), "r", {snapshots[0].id: 9}),
            Repeat("tags", "other", 500, ("heavy", "m/two"), "r", {snapshots[1].id: 7}),
        ),
        savings=(Saving("job", "j", "", ("m/one",), "r", {snapshots[0].id: 5}),),
    )
