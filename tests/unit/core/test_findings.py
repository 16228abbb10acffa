"""From a measurement and budgets to findings."""

from __future__ import annotations

import pytest
from attrs import evolve

from dagster_snapsize.core.budgets import snapshot_budget, snapshot_limits
from dagster_snapsize.core.findings import exit_status, judge, unused_ignores
from dagster_snapsize.core.model import (
    NO_LEDGER,
    Budgets,
    Environment,
    Failure,
    Finding,
    IgnoreComment,
    JudgedSize,
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


def test_what_is_within_budget_is_not_looked_into() -> None:
    """Not even read, where it is in the cache."""

    def read() -> Ledger:
        raise AssertionError

    unread = evolve(measurement(SMALL), snapshots=(evolve(SMALL, ledger=read),))
    assert judge(unread, Budgets()) == ()


@pytest.mark.parametrize(("budget", "over"), [(30_004, False), (30_003, True)])
def test_a_snapshot_may_be_as_large_as_its_budget(budget: int, over: bool) -> None:
    budgets = evolve(HEAVY, repository=budget)
    found = judge(measurement(SMALL), budgets)
    assert [f.rule for f in found] == ["snapshot-over-budget" if over else "snapshot-near-budget"]
    assert exit_status(found) == (1 if over else 0)


REFUSED = evolve(SMALL, stored_bytes=0, ledger=NO_LEDGER, measured_by="refusal")


@pytest.mark.parametrize("judges", ["wire", "stored"])
def test_a_refused_snapshot_is_judged_by_its_bytes_on_the_wire(judges: JudgedSize) -> None:
    limit = Limit("SEND", judges, REFUSED.wire_bytes - 1, "it refused job nightly")
    refused = evolve(measurement(REFUSED), environment=Environment((), (limit,), (limit,)))
    [finding] = judge(refused, HEAVY)

    assert finding.rule == "snapshot-over-budget"
    assert finding.bytes == REFUSED.wire_bytes
    assert finding.message.endswith("the server refuses to send it")


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
    assert finding.message == "Repository at 120 % of 10 MB: wh/orders 9 MB"
    assert finding.details == (
        "12,003,005 of 10,000,000 bytes on the wire, 2 MB too many (budget.repository)."
        " Next: wh/users 3 MB, wh/items 2 kB, wh/tiny 1 B;"
        " heaviest fields: metadata: dagster/column_schema 9 MB, description 3 MB, tags 2 kB."
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
    assert finding.message == "Job __ASSET_JOB at 156,500 % of 10 B: resource spark 9 kB"
    assert finding.details and finding.details.endswith(
        " Next: orders 1 kB, resource io_manager 500 B;"
        " heaviest fields: config 9.5 kB, execution config 5 kB, op 1 kB."
    )
    assert finding.advice == (
        "Run `dagster-snapsize advise` to see what to shorten, or make the job smaller, or raise"
        " budget.job."
    )


def test_where_no_owner_takes_much_the_heaviest_field_is_named() -> None:
    many = snapshot({f"t{n}": {"description": 900, "tags": 100} for n in range(100)})
    [finding] = judge(measurement(many), evolve(HEAVY, repository=90_000))
    assert finding.message == "Repository at 111 % of 90 kB: description 90 kB"
    assert finding.details and " Heaviest: t0 1 kB, t1 1 kB, t2 1 kB; next fields: tags 10 kB." in (
        finding.details
    )
    assert finding.advice and finding.advice.startswith("Run `dagster-snapsize advise`")


def test_a_limit_of_grpc_asks_for_both_variables() -> None:
    found = measurement(SMALL, environment=environment(dict.fromkeys(RX_AND_SEND, "30003")))
    [finding] = judge(found, HEAVY)
    assert "on the wire, 1 B too many (DAGSTER_GRPC_MAX_RX_BYTES, the environment)" in finding.text
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
    assert warning.message == "Repository at 75 % of 40 kB: orders 20 kB"
    assert "30,004 of 40,000 bytes on the wire (budget.repository)." in warning.text


def test_a_budget_above_the_real_limit_is_not_silent() -> None:
    tight = environment(dict.fromkeys(RX_AND_SEND, "20000"))
    found = judge(measurement(SMALL, environment=tight), evolve(HEAVY, repository=10**6))
    [warning] = found
    assert (warning.rule, warning.severity) == ("snapshot-near-budget", "warning")
    assert warning.message == (
        "Repository at 150 % of 20 kB, a limit, but within its budget of 1 MB"
    )
    assert "30,004 of 20,000 bytes on the wire (DAGSTER_GRPC_MAX_RX_BYTES, " in warning.text
    assert exit_status(found) == 0


def test_an_asset_is_named_once_with_its_heaviest_field() -> None:
    fields = {"orders": {"description": 70_000, "tags": 5_213}, "users": {"tags": 64_000}}
    jobs = [snapshot(fields, f"shop/__repository__/job/{name}") for name in ("one", "two")]
    [finding] = judge(measurement(snapshot(fields), *jobs), Budgets())
    assert (finding.rule, finding.severity) == ("asset-over-budget", "warning")
    assert (finding.asset, finding.bytes, finding.budget_bytes) == ("orders", 75_213, 64_000)
    assert finding.location == ASSET_PLACE
    assert finding.message == (
        "Asset at 118 % of 64 kB: orders 75.2 kB in repository and over it in 2 other snapshots"
    )
    assert finding.text.endswith(
        ". 75,213 of 64,000 bytes stored (budget.asset). Heaviest field: description 70 kB. In all"
        " snapshots together it is 225.6 kB. Run `dagster-snapsize explain orders` to see all of"
        " its fields."
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
        (Seconds(load=144.1), "2 min 24 s to load the definitions, 80 % of the 3 min timeout "),
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
    assert finding.message.startswith("Could not be measured: NameError")
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
    assert found[0].message == "Repository at 150 % of 20 kB: orders 20 kB (location shop)"
    failed = measurement(failure=Failure("no vault\nhint"))
    (failure,) = judge(failed, Budgets(), one_of_several=True)
    assert failure.message == "Could not be measured: no vault (location shop)\nhint"


def test_an_asset_may_have_a_budget_of_its_own() -> None:
    heavy = {"marts/orders": {"description": 90_000}, "marts/users": {"description": 70_000}}
    found = measurement(snapshot(heavy))
    own = {"marts/orders": 95_000}
    assert [f.asset for f in judge(found, Budgets(assets=own))] == ["marts/users"]
    # By a glob of keys; the key itself comes first, in whatever order they are written.
    by_glob = {"marts/*": 80_000, **own}
    assert judge(found, Budgets(assets=by_glob)) == ()
    [finding] = judge(found, Budgets(assets={"marts/*": 80_000}))
    assert finding.message == "Asset at 113 % of 80 kB: marts/orders 90 kB in repository"
    assert finding.details and "(budget.assets.marts/*)" in finding.details
    # It may be below that of the others, and above their maximum, which else stays an error.
    [low] = judge(found, Budgets(asset=10**6, assets={"marts/users": 60_000}))
    assert (low.asset, low.severity, low.budget_bytes) == ("marts/users", "warning", 60_000)
    assert [
        (f.severity, f.budget_bytes)
        for f in judge(found, Budgets(asset_max=65_000, assets={"marts/orders": 89_000}))
    ] == [("error", 89_000), ("error", 65_000)]


def test_a_definition_that_is_no_asset_may_have_a_budget() -> None:
    owners = {
        Owner("sensor", "watch"): {"asset keys": Share(90_000)},
        Owner("resource", "lake"): {"config": Share(3_000)},
        Owner("structure", "[structure]"): {"[structure]": Share(50)},
    }
    ledger = Ledger(93_050, owners, {}, {})
    found = measurement(evolve(snapshot({}), stored_bytes=93_050, ledger=ledger), assets=())
    by_kind = {"sensor watch": 60_000, "resource *": 1_000}
    first, second = judge(found, Budgets(owners=by_kind))
    assert (first.rule, first.severity) == ("owner-over-budget", "warning")
    assert first.message == "Sensor watch at 150 % of 60 kB: 90 kB in repository"
    assert first.details == (
        "90,000 of 60,000 bytes stored (budget.owners.sensor watch)."
        " Heaviest field: asset keys 90 kB."
    )
    assert second.message == "Resource lake at 300 % of 1 kB: 3 kB in repository"
    # The name alone will do.
    [alone] = judge(found, Budgets(owners={"watch": 60_000}))
    assert alone.message == first.message
    assert judge(found, Budgets(owners={"watch": 95_000, "[structure]": 1})) == ()


def test_a_limit_that_an_upgrade_brings_back_is_a_warning() -> None:
    large = measurement(snapshot({"orders": {"description": 121_000_000}}))
    for version, is_warned in (("1.10.21", True), ("1.11.15", False)):
        limits = environment(dagster_version=version)
        found = evolve(large, environment=limits, dagster_version=version)
        rules = {f.rule: f for f in judge(found, Budgets(asset=10**9))}
        assert ("snapshot-over-budget" in rules) is not is_warned
        if is_warned:
            warning = rules["snapshot-near-budget"]
            assert warning.severity == "warning"
            assert warning.message == "Repository at 121 % of 100 MB after an upgrade"
            assert warning.details and "Dagster 1.10.21 asks for it in chunks" in warning.details


LONG = "very_long_name_of_a_company/its_department/its_data_product/customer_features"


@pytest.mark.parametrize(
    ("finding", "fact"),
    [
        (Budgets(repository=90_000), "Repository at 111 % of 90 kB: "),
        (Budgets(repository=110_000), "Repository at 91 % of 110 kB: "),
        (Budgets(asset=50_000), "Asset at 200 % of 50 kB: "),
        (Budgets(asset_max=50_000, asset=10**9), "Asset at 200 % of 50 kB: "),
        (Budgets(load_time=1), "2 min 24 s to measure "),
    ],
)
def test_the_fact_is_in_the_first_forty_characters(finding: Budgets, fact: str) -> None:
    of = measurement(snapshot({LONG: {"description": 100_000}}), seconds=Seconds(total=144))
    found = judge(evolve(of, name="a_long.name.of.a.location"), finding, one_of_several=True)
    messages = [f.message for f in found if f.message.startswith(fact)]
    assert len(messages) == 1, found
    assert len(fact) <= 40
    assert messages[0].endswith(" (location a_long.name.of.a.location)")


# -- the instance's storage ----------------------------------------------------------------------

MYSQL = evolve(environment(), job_limits=(Limit("mysql", "compressed", 65_535, "dagster.yaml:1"),))


def compressed(size: int) -> Snapshot:
    return evolve(snapshot({"orders": {"op": 700_000}}, JOB), compressed_bytes=size)


@pytest.mark.parametrize(
    ("size", "severity"),
    [(52_428, None), (52_429, "warning"), (65_535, "warning"), (65_536, "error")],
)
def test_mysql_takes_a_row_that_is_exactly_as_large_as_its_column(
    size: int, severity: str | None
) -> None:
    job = compressed(size)
    measured = measurement(SMALL, job, environment=MYSQL)
    found = judge(measured, HEAVY)
    assert [f.severity for f in found] == ([severity] if severity else [])
    assert all(
        (f.rule, f.bytes, f.location) == ("snapshot-over-storage", size, HERE) for f in found
    )
    assert snapshot_budget(job, measured, HEAVY).name == "protobuf"  # it keeps nothing from loading


def test_what_mysql_refuses_comes_with_its_error_and_the_remedies() -> None:
    (found,) = judge(measurement(compressed(76_880), environment=MYSQL), HEAVY)
    assert found.message == (
        "Job __ASSET_JOB at 117 % of the 65.5 kB that MySQL stores, compressed: no run of it can be"
        " created"
    )
    said = f"{found.details} {found.advice}"
    for part in (
        "76,880 of 65,535 bytes compressed, 11.3 kB too many (mysql, dagster.yaml:1)",
        "1406 (22001): Data too long for column 'snapshot_body' at row 1",
        "ALTER TABLE snapshots MODIFY snapshot_body LONGBLOB NOT NULL;",
        'storage-limit = "16 MB"',
        "dagster-snapsize advise",
    ):
        assert part in said


def test_other_storages_take_any_size() -> None:
    assert judge(measurement(compressed(10**8)), HEAVY) == ()
