from __future__ import annotations

import json

import pytest
from attrs import evolve
from lsprotocol.types import Diagnostic, DiagnosticSeverity, DiagnosticTag

from dagster_snapsize.core.model import Budgets, Failure, Finding, SourceLocation, UnusedIgnore
from dagster_snapsize.lsp.features.diagnostics import publish
from dagster_snapsize.lsp.state import ConfigError, LocationState, ProjectState
from dagster_snapsize.measuring.worker.results import LocationResult
from support.lsp_values import (
    ALL_JOB,
    ASSETS,
    DEFINITIONS,
    NIGHTLY,
    REPOSITORY,
    asset,
    files,
    line_range,
    over_asset_budget,
    over_budget,
    places,
    project,
    result,
    snapshot,
    view,
)

FAILED = Failure(
    "KeyError: 'REGION'",
    SourceLocation(ASSETS, 12),
    'Traceback (most recent call last):\n  File "/shop/definitions.py", line 3, in <module>\n'
    "  File \"/shop/assets.py\", line 12, in <module>\nKeyError: 'REGION'\n",
)


def failed_result() -> LocationResult:
    finding = Finding(
        "measurement-failed",
        "error",
        "Could not be measured: KeyError: 'REGION'",
        location=FAILED.location,
    )
    return result(findings=[finding], failure=FAILED, definitions=None)


def only(found: dict[str, list[Diagnostic]], path: str) -> Diagnostic:
    assert list(found) == [path]
    [diagnostic] = found[path]
    return diagnostic


def test_a_heavy_asset_has_its_finding_on_its_line_without_a_command_line() -> None:
    finding = over_asset_budget("orders", 12, 83_910)
    state = project(result(assets=[asset("orders", 12, 83_910)], findings=[finding]))

    found = only(publish(view(state, DEFINITIONS)), ASSETS)

    assert found.range == line_range(11)
    assert found.message == finding.message and "explain" not in found.message
    assert found.severity == DiagnosticSeverity.Warning
    assert (found.source, found.code) == ("dagster-snapsize", "asset-over-budget")
    assert found.code_description is None


def test_no_message_has_a_character_that_a_terminal_obeys() -> None:
    odd = "\x1b[2Ja\r\nb\x9b1m\u202ec\u2028d"
    finding = evolve(over_asset_budget("orders", 12, 83_910), message=odd)
    state = project(result(assets=[asset("orders", 12, 83_910)], findings=[finding]))

    found = only(publish(view(state, DEFINITIONS)), ASSETS)

    assert found.message == " [2Ja\nb 1m c d"


def test_an_asset_that_moved_takes_its_finding_along_and_a_deleted_one_loses_it() -> None:
    findings = [over_asset_budget("orders", 12, 83_910), over_asset_budget("gone", 30, 70_000)]
    state = project(LocationState("shop", "/shop", good=result(findings=findings), stale=True))

    found = only(publish(view(state, DEFINITIONS, places({12: 22, 30: None}))), ASSETS)

    assert found.range == line_range(21)
    assert found.message.endswith(" (sizes from before the last edit)")


def test_assets_of_one_line_are_one_diagnostic_with_the_heaviest_five() -> None:
    findings = [over_asset_budget(f"table_{n}", 9, 100_000 + 1000 * n) for n in range(7)]
    state = project(result(findings=findings))

    found = only(publish(view(state, DEFINITIONS)), ASSETS)

    assert found.message == (
        "7 assets over 64 kB in one snapshot, each: table_6 106 kB, table_5 105 kB,"
        " table_4 104 kB, table_3 103 kB, table_2 102 kB and 2 more"
    )
    assert found.data["asset"] == "table_6"
    assert found.data["assets"] == 7


def test_assets_that_an_edit_moved_to_one_line_are_merged_too() -> None:
    findings = [over_asset_budget("a", 9, 70_000), over_asset_budget("b", 11, 80_000)]
    found = only(
        publish(view(project(result(findings=findings)), DEFINITIONS, places({11: 9}))), ASSETS
    )
    assert found.message.startswith("2 assets over 64 kB in one snapshot, ")


def test_one_error_among_merged_warnings_is_an_error() -> None:
    findings = [
        over_asset_budget("a", 9, 70_000),
        over_asset_budget("b", 9, 300_000, budget=256_000, severity="error"),
    ]
    found = only(publish(view(project(result(findings=findings)), DEFINITIONS)), ASSETS)
    assert found.severity == DiagnosticSeverity.Error
    assert found.message == ("2 assets over their budgets in one snapshot, each: b 300 kB, a 70 kB")


def test_an_asset_of_two_repositories_counts_once() -> None:
    findings = [
        over_asset_budget("orders", 9, 70_000, snapshot_id="shop/one/repository"),
        over_asset_budget("orders", 9, 71_000, snapshot_id="shop/two/repository"),
    ]
    found = only(publish(view(project(result(findings=findings)), DEFINITIONS)), ASSETS)
    assert found.message == "asset orders takes 71,000 bytes of shop/two/repository"


def test_a_snapshot_over_budget_leads_to_the_heaviest_and_says_no_size_twice() -> None:
    finding = evolve(over_budget(), message="Repository at 113 % of 80 MB: orders 83.9 kB")
    state = project(
        result(
            findings=[finding],
            snapshots=[snapshot(heaviest=[("orders", 83_910), ("gone", 5), ("unplaced", 3)])],
            assets=[asset("orders", 12, 83_910), asset("gone", 30, 5), asset("unplaced", None, 3)],
        )
    )

    found = only(publish(view(state, DEFINITIONS)), DEFINITIONS)

    assert found.range == line_range(4)
    assert found.severity == DiagnosticSeverity.Error
    related = found.related_information or []
    assert [(x.location.uri, x.location.range, x.message) for x in related] == [
        ("file:///shop/assets.py", line_range(11), "orders is defined here"),
        ("file:///shop/assets.py", line_range(29), "gone: 5 B of it"),
    ]


def test_contributors_that_are_gone_since_are_not_pointed_at() -> None:
    good = result(
        findings=[over_budget()],
        snapshots=[snapshot(heaviest=[("orders", 83_910), ("gone", 5)])],
        assets=[asset("orders", 12, 83_910), asset("gone", 30, 5)],
    )
    state = project(LocationState("shop", "/shop", good=good, stale=True))
    found = only(publish(view(state, DEFINITIONS, places({30: None}))), DEFINITIONS)
    assert [x.message for x in found.related_information or []] == ["orders: 83.9 kB of it"]


def test_clients_without_related_information_get_none() -> None:
    state = project(
        result(
            findings=[over_budget()],
            snapshots=[snapshot(heaviest=[("orders", 83_910)])],
            assets=[asset("orders", 12, 83_910)],
        )
    )
    assert (
        only(
            publish(view(state, DEFINITIONS, related_information=False)), DEFINITIONS
        ).related_information
        is None
    )


def test_a_finding_without_a_line_stays_when_the_definitions_call_is_gone() -> None:
    state = project(LocationState("shop", "/shop", result(findings=[over_budget()]), stale=True))
    assert only(
        publish(view(state, DEFINITIONS, places({5: None}))), DEFINITIONS
    ).range == line_range(4)


def test_an_asset_without_a_place_is_judged_at_the_definitions() -> None:
    state = project(result(findings=[over_asset_budget("orders", None, 70_000)]))
    assert only(publish(view(state, DEFINITIONS)), DEFINITIONS).range == line_range(4)


def test_a_failure_is_one_error_at_the_users_frame_and_the_good_sizes_stay() -> None:
    good = result(findings=[over_asset_budget("orders", 20, 83_910)])
    state = project(LocationState("shop", "/shop", good=good, failed=failed_result()))

    found = publish(view(state, DEFINITIONS))

    failure, size = found[ASSETS]
    assert failure.range == line_range(11)
    assert failure.severity == DiagnosticSeverity.Error
    assert failure.message == "Could not be measured: KeyError: 'REGION'"
    assert [(x.location.uri, x.location.range) for x in failure.related_information or []] == [
        ("file:///shop/definitions.py", line_range(2))
    ]
    assert size.message.endswith(" (sizes from before the last edit)")


def test_surroundings_are_told_by_the_newest_measurement_only() -> None:
    stale = Finding(
        "stale-input", "warning", "manifest", location=SourceLocation("/shop/manifest.json", 1)
    )
    good, failed = result(findings=[stale]), failed_result()
    state = project(LocationState("shop", "/shop", good=good, failed=failed))
    assert list(publish(view(state, DEFINITIONS))) == [ASSETS]


@pytest.mark.parametrize(
    ("config_path", "path"),
    [("/shop/snapsize.toml", "/shop/snapsize.toml"), (None, "/shop/workspace.yaml")],
)
def test_a_failure_without_a_frame_stands_in_the_projects_own_file(
    config_path: str | None, path: str
) -> None:
    failure = Failure("the definitions were not loaded after 5 min")
    finding = Finding("measurement-failed", "error", failure.message)
    failed = result(findings=[finding], failure=failure, definitions=None, config_path=config_path)
    state = project(LocationState("shop", "/shop", failed=failed))
    assert only(
        publish(view(state, DEFINITIONS, home="/shop/workspace.yaml")), path
    ).range == line_range(0)


def test_a_configuration_mistake_stands_on_its_key_with_what_to_write() -> None:
    mistake = ConfigError(
        "unknown key `repositry`", "The keys are: asset.", "/shop/pyproject.toml", 14
    )
    twice = LocationState("shop", "/shop", config_error=mistake)
    state = ProjectState("/shop", locations=(twice, twice), config_error=mistake)

    found = only(
        publish(view(state, DEFINITIONS, rules="https://x.example/rules")),
        mistake.path or "",
    )

    assert found.range == line_range(13)
    assert found.message == "unknown key `repositry`\nThe keys are: asset."
    assert (found.severity, found.code) == (DiagnosticSeverity.Error, "configuration")
    assert found.code_description is None


def test_rules_link_to_their_docs_where_there_are_any() -> None:
    state = project(result(findings=[over_budget()]))
    found = only(publish(view(state, DEFINITIONS, rules="https://x.example/rules")), DEFINITIONS)
    assert found.code_description is not None
    assert found.code_description.href == "https://x.example/rules#snapshot-over-budget"


def test_data_is_json_with_all_that_a_quick_fix_needs() -> None:
    finding = over_asset_budget("orders", 12, 83_910)
    found = only(publish(view(project(result(findings=[finding])), DEFINITIONS)), ASSETS)
    assert json.loads(json.dumps(found.data)) == {
        "rule": "asset-over-budget",
        "severity": "warning",
        "location": "shop",
        "snapshot": REPOSITORY,
        "asset": "orders",
        "repository": "__repository__",
        "assets": 1,
        "bytes": 83_910,
        "budget_bytes": 64_000,
        "config_path": "/shop/pyproject.toml",
    }


def test_two_locations_that_share_a_file_each_say_their_own() -> None:
    one = result(name="one", findings=[over_asset_budget("orders", 12, 83_910)])
    other_finding = over_asset_budget("orders", 12, 90_000, snapshot_id=ALL_JOB)
    two = result(name="two", findings=[other_finding])
    found = publish(view(project(one, two), DEFINITIONS))
    assert [d.data["location"] for d in found[ASSETS]] == ["one", "two"]


def test_a_repeated_value_is_no_row_in_the_list_of_problems() -> None:
    repeated = Finding(
        "repeated-value", "information", "45 kB of repeats", asset="orders",
        repository="__repository__", bytes=45_000, location=SourceLocation(ASSETS, 12),
    )  # fmt: skip
    assert publish(view(project(result(findings=[repeated])), DEFINITIONS)) == {}


def test_a_budget_of_an_asset_or_a_job_that_there_is_not_stands_on_its_key() -> None:
    written = (
        "[tool.dagster-snapsize.budget]\n"
        'jobs = { "nightli" = "1 MB" }\n'
        'assets = { "ordrs" = "1 MB", "raw/*" = "1 MB", "wh/*" = "1 MB" }\n'
    )
    sizes = {"ordrs": 10**6, "raw/*": 10**6, "wh/*": 10**6}
    shop = result(
        assets=[asset("orders", 12, 5), asset("wh/users", 20, 5)],
        snapshots=[snapshot(), snapshot(NIGHTLY)],
        budgets=Budgets(jobs={"nightli": 10**6}, assets=sizes),
    )
    config = "/shop/pyproject.toml"
    shown = view(project(shop), DEFINITIONS, edits=files({config: written}))
    assert [(d.range, d.severity, d.message) for d in publish(shown)[config]] == [
        (line_range(line), DiagnosticSeverity.Warning, f"there is no {what}")
        for line, what in (
            (1, "job `nightli`, which budget.jobs names; did you mean `nightly`?"),
            (2, "asset `ordrs`, which budget.assets names; did you mean `orders`?"),
            (2, "asset `raw/*`, which budget.assets names"),
        )
    ]
    # Another location has it, or may have it.
    other = result(name="other", assets=[asset("ordrs", 9, 5), asset("raw/a", 9, 5)])
    both = evolve(shown, state=project(shop, other))
    assert [d.range.start.line for d in publish(both)[config]] == [1]
    unknown = project(shop, LocationState("other", "/shop", stale=True))
    assert publish(evolve(shown, state=unknown)) == {}


def test_nothing_to_say_is_no_file() -> None:
    assert publish(view(project(result(assets=[asset("orders", 12, 5)])), DEFINITIONS)) == {}


@pytest.mark.parametrize(
    ("rules", "on_asset", "message"),
    [
        ((), True, "this comment silences nothing"),
        (("stale-input",), True, "this comment silences nothing of stale-input"),
        (("asset-over-budget",), False, "this comment silences nothing of asset-over-budget: no"
         " asset is defined here"),
    ],
)  # fmt: skip
def test_an_ignore_that_silences_nothing_is_a_hint(
    rules: tuple[str, ...], on_asset: bool, message: str
) -> None:
    unused = UnusedIgnore(SourceLocation(ASSETS, 13), rules, on_asset)
    measured = result(assets=[asset("orders", 12, 5)], unused_ignores=[unused])
    hint = only(publish(view(project(measured), DEFINITIONS)), ASSETS)
    assert (hint.range, hint.message) == (line_range(12), message)
    assert hint.severity == DiagnosticSeverity.Hint
    assert hint.tags == [DiagnosticTag.Unnecessary]


def test_an_ignore_that_another_location_needs_is_no_hint() -> None:
    unused = UnusedIgnore(SourceLocation(ASSETS, 13), (), True)
    one, other = result(name="one", unused_ignores=[unused]), result(name="other")
    assert publish(view(project(one, other), DEFINITIONS)) == {}
    both = result(name="other", unused_ignores=[unused])
    assert list(publish(view(project(one, both), DEFINITIONS))) == [ASSETS]


def test_hints_on_ignores_wait_for_current_sizes() -> None:
    measured = result(unused_ignores=[UnusedIgnore(SourceLocation(ASSETS, 13), (), True)])
    stale = LocationState("shop", "/shop", good=measured, stale=True)
    assert publish(view(project(stale), DEFINITIONS)) == {}
