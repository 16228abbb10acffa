"""From a measurement and budgets to findings."""

from __future__ import annotations

import pytest
from attrs import evolve

from dagster_snapsize.core.findings import (
    exit_status,
    judge,
    snapshot_budget,
    snapshot_limits,
    unused_ignores,
)
from dagster_snapsize.core.model import (
    Budgets,
    Failure,
    Finding,
    IgnoreComment,
    Ledger,
    Limit,
    Owner,
    Seconds,
    Share,
    Snapshot,
    SourceLocation,
    StaleInput,
)
from support.measurements import (
    ASSET_PLACE,
    HERE,
    JOB,
    REPOSITORY,
    environment,
    measurement,
    snapshot,
)

SMALL = snapshot({"orders": {"description": 20_000}, "users": {"tags": 10_000}})
HEAVY = Budgets(asset=10**9)  # so that assets are silent where snapshots are tested


def test_within_budget_there_is_nothing_to_say() -> None:
    found = judge(measurement(SMALL), Budgets())
    assert found == ()
    assert exit_status(found) == 0


@pytest.mark.parametrize(("budget", "over"), [(30_004, False), (30_003, True)])
def test_a_snapshot_may_be_as_large_as_its_budget(budget: int, over: bool) -> None:
    budgets = evolve(HEAVY, repository=budget)
    found = judge(measurement(SMALL), budgets)
    assert [f.rule for f in found] == ["snapshot-over-budget" if over else "snapshot-near-budget"]
    assert exit_status(found) == (1 if over else 0)


def test_over_budget_names_numbers_the_heaviest_and_the_next_step() -> None:
    large = snapshot(
        {
            "wh/orders": {"metadata: dagster/column_schema": 9_000_000, "description": 1_000},
            "wh/users": {"description": 3_000_000},
            "wh/items": {"tags": 2_000},
            "wh/tiny": {"tags": 1},
        }
    )
    [finding] = judge(measurement(large), evolve(HEAVY, repository=10_000_000))
    assert finding.severity == "error"
    assert finding.snapshot == REPOSITORY
    assert (finding.bytes, finding.budget_bytes) == (12_003_005, 10_000_000)
    assert finding.location == HERE
    assert finding.text == (
        "Repository snapshot is 12 MB, 2 MB over its 10 MB budget (12,003,005 of 10,000,000"
        " bytes on the wire; budget.repository)."
        " Heaviest assets: wh/orders 9 MB, wh/users 3 MB, wh/items 2 kB;"
        " heaviest fields: metadata: dagster/column_schema 9 MB, description 3 MB, tags 2 kB."
        " Run `dagster-snapsize explain wh/orders` to see what to shorten, or split the code"
        " location, or raise budget.repository."
    )
    assert finding.advice == (
        "Run `dagster-snapsize explain wh/orders` to see what to shorten, or split the code"
        " location, or raise budget.repository."
    )


def test_a_resource_that_is_heavier_than_any_asset_is_named_first() -> None:
    owners = {
        Owner("asset", "orders"): {"op": Share(1_000)},
        Owner("resource", "spark"): {"config": Share(9_000)},
        Owner("resource", "io_manager"): {"config": Share(500)},
        Owner("job", "__ASSET_JOB"): {"execution config": Share(5_000)},
    }
    ledger = Ledger(15_500, owners, {}, {})
    heavy = evolve(snapshot({}, JOB), stored_bytes=15_500, wire_bytes=15_650, ledger=ledger)
    [finding] = judge(measurement(heavy, assets=()), evolve(HEAVY, job=10))
    assert finding.message.endswith(
        " Heaviest: resource spark 9 kB; heaviest asset: orders 1 kB;"
        " heaviest fields: config 9.5 kB, execution config 5 kB, op 1 kB."
    ), finding.message
    assert finding.advice == "Make the job smaller, or raise budget.job."


def test_a_limit_of_grpc_asks_for_both_variables() -> None:
    found = measurement(SMALL, environment=environment(dict.fromkeys(RX_AND_SEND, "30003")))
    [finding] = judge(found, HEAVY)
    assert "on the wire; DAGSTER_GRPC_MAX_RX_BYTES, the environment)" in finding.message
    assert (
        "raise DAGSTER_GRPC_MAX_RX_BYTES and DAGSTER_GRPC_MAX_SEND_BYTES on both ends"
        in finding.text
    )


RX_AND_SEND = ("DAGSTER_GRPC_MAX_RX_BYTES", "DAGSTER_GRPC_MAX_SEND_BYTES")


def test_each_limit_judges_its_own_size() -> None:
    at_limit = Snapshot(
        REPOSITORY,
        "repository",
        "__repository__",
        "__repository__",
        stored_bytes=130_000_000,
        wire_bytes=130_000_005,
        ledger=Ledger(130_000_000, {Owner("structure", "[x]"): {"x": Share(130_000_000)}}, {}, {}),
    )
    plus = environment(dict.fromkeys(RX_AND_SEND, "200000000"), "dagster_cloud.yaml")
    found = measurement(at_limit, environment=plus)
    budget = snapshot_budget(at_limit, found, Budgets())
    assert budget == Limit("Dagster+ snapshot limit", "stored", 130_000_000, "dagster_cloud.yaml")
    # Exactly at 130 MB stored passes, though more goes over the wire.
    assert [f.rule for f in judge(found, HEAVY)] == ["snapshot-near-budget"]
    assert len(snapshot_limits(at_limit, found)) == 3


def test_what_sets_the_budget_of_a_job() -> None:
    job = snapshot({"orders": {"op": 50}}, JOB)
    other = snapshot({"orders": {"op": 50}}, "shop/__repository__/job/nightly")
    found = measurement(SMALL, job, other)
    budgets = Budgets(repository=1, job=2, jobs={"__ASSET_JOB": 3})
    assert snapshot_budget(SMALL, found, budgets).bytes == 1
    assert snapshot_budget(job, found, budgets).bytes == 3
    assert snapshot_budget(job, found, budgets).name == "budget.jobs.__ASSET_JOB"
    assert snapshot_budget(other, found, budgets).bytes == 2
    assert snapshot_budget(other, found, Budgets()).name == "DAGSTER_GRPC_MAX_RX_BYTES"


def test_the_share_at_which_a_warning_comes_is_the_users() -> None:
    found = measurement(SMALL)
    budgets = evolve(HEAVY, repository=40_000)
    assert judge(found, budgets) == ()  # 75 %
    [warning] = judge(found, evolve(budgets, warn_at=0.7))
    assert warning.severity == "warning"
    assert "75 % of its 40 kB budget (30,004 of 40,000 bytes" in warning.message


def test_a_budget_above_the_real_limit_is_not_silent() -> None:
    tight = environment(dict.fromkeys(RX_AND_SEND, "20000"))
    found = judge(measurement(SMALL, environment=tight), evolve(HEAVY, repository=10**6))
    [warning] = found
    assert (warning.rule, warning.severity) == ("snapshot-near-budget", "warning")
    assert "10 kB over a limit of 20 kB (30,004 of 20,000 bytes" in warning.message
    assert exit_status(found) == 0


def test_an_asset_is_named_once_with_its_heaviest_field() -> None:
    fields = {"orders": {"description": 70_000, "tags": 5_213}, "users": {"tags": 64_000}}
    jobs = [snapshot(fields, f"shop/__repository__/job/{name}") for name in ("one", "two")]
    [finding] = judge(measurement(snapshot(fields), *jobs), Budgets())
    assert (finding.rule, finding.severity) == ("asset-over-budget", "warning")
    assert (finding.asset, finding.bytes, finding.budget_bytes) == ("orders", 75_213, 64_000)
    assert finding.location == ASSET_PLACE
    assert finding.text == (
        "Asset orders takes 75.2 kB of the repository snapshot and of 2 other snapshots, over the"
        " 64 kB limit for one asset (75,213 of 64,000 bytes; budget.asset). Its heaviest field is"
        " description, 70 kB. Run `dagster-snapsize explain orders` to see all of its fields."
    )


def test_above_asset_max_an_asset_is_an_error() -> None:
    found = judge(
        measurement(snapshot({"orders": {"description": 70_000}})), Budgets(asset_max=65_000)
    )
    assert [(f.severity, f.budget_bytes) for f in found] == [("error", 65_000)]
    assert exit_status(found) == 1


@pytest.mark.parametrize(
    ("rules", "silent"),
    [((), True), (("asset-over-budget",), True), (("stale-input",), False)],
)
def test_an_asset_can_be_silenced_where_it_is_defined(rules: tuple[str, ...], silent: bool) -> None:
    at = evolve(ASSET_PLACE, line=ASSET_PLACE.line + 1)
    ignore = IgnoreComment(at, rules, (ASSET_PLACE.line,))
    heavy = measurement(snapshot({"orders": {"description": 70_000}}), ignores=(ignore,))
    assert (judge(heavy, Budgets()) == ()) is silent
    unused = [(u.location, u.rules) for u in unused_ignores(heavy, Budgets())]
    assert unused == ([] if silent else [(ignore.location, rules)])
    light = measurement(SMALL, ignores=(ignore,))
    assert [u.rules for u in unused_ignores(light, Budgets())] == [rules]


def test_snapshots_cannot_be_silenced_by_an_asset() -> None:
    found = measurement(SMALL, ignores=(IgnoreComment(HERE, (), (HERE.line,)),))
    assert len(judge(found, evolve(HEAVY, repository=1))) == 1


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (Seconds(load=144.1), "Loading the definitions took 2 min 24 s"),
        (Seconds(repositories={REPOSITORY: 144.1}), "DAGSTER_REPOSITORY_GRPC_TIMEOUT_SECONDS"),
        (Seconds(jobs={JOB: 48.1}), "80 % of the 60 s timeout DAGSTER_GRPC_TIMEOUT_SECONDS"),
    ],
)
def test_each_phase_has_its_own_timeout(seconds: Seconds, said: str) -> None:
    [finding] = judge(measurement(SMALL, seconds=seconds), Budgets())
    assert (finding.rule, finding.severity) == ("load-time-over-budget", "warning")
    assert said in finding.message


def test_below_four_fifths_of_a_timeout_all_is_well() -> None:
    seconds = Seconds(load=144, repositories={REPOSITORY: 144}, jobs={JOB: 48}, total=336)
    assert judge(measurement(SMALL, seconds=seconds), Budgets()) == ()
    [finding] = judge(measurement(SMALL, seconds=seconds), Budgets(load_time=120))
    assert "over the 2 min of budget.load-time" in finding.message


def test_a_stale_input_is_a_warning_with_advice() -> None:
    stale = StaleInput("dbt/target/manifest.json", ("a.sql", "b.sql", "c.sql", "d.sql"), "run it")
    found = judge(measurement(SMALL, stale_inputs=(stale,)), Budgets())
    [finding] = found
    assert (finding.rule, finding.severity) == ("stale-input", "warning")
    assert finding.location == SourceLocation("dbt/target/manifest.json", 1)
    assert "(a.sql, b.sql, c.sql and 1 more)" in finding.message
    assert finding.advice == "Run it."
    assert exit_status(found) == 0


@pytest.mark.parametrize(
    ("variables", "warned"),
    [
        ({}, False),
        ({"DAGSTER_GRPC_MAX_RX_BYTES": "200000000"}, True),
        ({"DAGSTER_GRPC_MAX_RX_BYTES": "100000000"}, True),
        (dict.fromkeys(RX_AND_SEND, "200000000"), False),
        (
            {
                "DAGSTER_GRPC_MAX_RX_BYTES": "200000000",
                "DAGSTER_GRPC_MAX_SEND_BYTES": "300000000",
            },
            True,
        ),
    ],
)
def test_the_two_ends_of_grpc_should_agree(variables: dict[str, str], warned: bool) -> None:
    found = judge(measurement(SMALL, environment=environment(variables)), Budgets())
    assert [f.rule for f in found] == (["grpc-limit-mismatch"] if warned else [])


def test_a_failure_is_one_error_and_no_word_on_sizes() -> None:
    place = SourceLocation("src/shop/assets.py", 3)
    failed = measurement(
        failure=Failure("NameError: name 'x' is not defined", place), seconds=Seconds(load=10**6)
    )
    found = judge(failed, Budgets(repository=1, load_time=1))
    [finding] = found
    assert (finding.rule, finding.severity) == ("measurement-failed", "error")
    assert finding.location == place
    assert "shop could not be measured: NameError" in finding.message
    assert exit_status(found) == 3


def test_errors_come_first_and_then_the_largest() -> None:
    job = snapshot({"orders": {"op": 70_000}}, JOB)
    found = judge(measurement(SMALL, job), Budgets(repository=1_000, job=10))
    assert [(f.rule, f.bytes) for f in found] == [
        ("snapshot-over-budget", 70_004),
        ("snapshot-over-budget", 30_004),
        ("asset-over-budget", 70_000),
    ]


def test_failing_to_measure_is_never_mistaken_for_too_large() -> None:
    too_large = Finding("snapshot-over-budget", "error", "")
    failed = Finding("measurement-failed", "error", "")
    assert exit_status([too_large, failed]) == 3
    assert exit_status([too_large]) == 1
    assert exit_status([Finding("stale-input", "warning", "")]) == 0
    assert exit_status([]) == 0


def test_messages_name_the_location_where_there_are_several() -> None:
    found = judge(measurement(SMALL), Budgets(repository=20_000), one_of_several=True)
    assert found[0].message.startswith("shop: Repository snapshot is 30 kB, ")
    failed = measurement(failure=Failure("no vault"))
    (failure,) = judge(failed, Budgets(), one_of_several=True)
    assert failure.message.count("shop") == 1
