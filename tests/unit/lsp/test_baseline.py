"""Growth since the baseline and repeated values, as an editor shows them."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import Mock

import pytest
from attrs import evolve
from lsprotocol.types import CodeAction, Diagnostic, DiagnosticSeverity, MarkupContent, Position

from dagster_snapsize.core.baseline import KnownSeconds, baseline_of
from dagster_snapsize.core.baseline_text import from_text, to_text
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.model import Budgets, Measurement, Repeat, SourceLocation
from dagster_snapsize.lsp.features.code_actions import code_actions
from dagster_snapsize.lsp.features.code_lens import code_lenses
from dagster_snapsize.lsp.features.diagnostics import publish
from dagster_snapsize.lsp.features.hover import hover
from dagster_snapsize.lsp.state import ProjectState
from dagster_snapsize.measuring.worker import __main__ as worker
from dagster_snapsize.measuring.worker.results import (
    AssetDetail,
    AssetGrowth,
    AssetRow,
    BaselineProblem,
    BaselineUse,
    LocationResult,
    RepeatedValue,
    read_detail,
)
from dagster_snapsize.measuring.worker.summary import summarize
from dagster_snapsize.measuring.worker.write_baseline import baseline_of_rows, write_baseline
from support.lsp_values import (
    ASSETS,
    BASELINE,
    DEFINITIONS,
    NIGHTLY,
    REPOSITORY,
    asset,
    detail,
    files,
    grown,
    line_range,
    over_budget,
    project,
    result,
    snapshot,
    view,
    whole_file,
)
from support.measurements import JOB, measurement
from support.measurements import snapshot as measured

KNOWN = BaselineUse(BASELINE, is_known=True)
INFORMATION = DiagnosticSeverity.Information


def shown(state: ProjectState, path: str = ASSETS, *, information: bool = True) -> list[Diagnostic]:
    return publish(view(state, DEFINITIONS, information=information)).get(path, [])


def hover_text(
    good: LocationResult, row: AssetRow, growth: AssetGrowth | None, *repeats: RepeatedValue
) -> list[str]:
    """What stands between the sizes by snapshot and the table."""

    def detail_of(_: LocationResult, asked: AssetRow) -> AssetDetail:
        whole = detail(asked, {(REPOSITORY, "description"): row.total_bytes})
        return evolve(whole, growth=growth, repeats=repeats)

    found = hover([view(project(good), ASSETS, detail_of=detail_of)], Position(11, 0))
    assert found is not None
    assert isinstance(found.contents, MarkupContent)
    return found.contents.value.split("\n\n")[2:-1]


def actions(shop: LocationResult, path: str) -> list[CodeAction]:
    state = project(shop)
    return code_actions(
        [view(state, path, published=shown(state, path), edits=files({}))],
        whole_file(),
    )


# -- diagnostics ---------------------------------------------------------------------------------


def test_growth_is_an_information_that_a_setting_hides() -> None:
    finding = grown("orders", 12, 1_213)
    state = project(result(findings=[finding], baseline=KNOWN))
    [found] = shown(state)
    assert (found.severity, found.code, found.message) == (
        INFORMATION,
        "asset-grew",
        finding.message,
    )
    assert found.range == line_range(11)
    assert shown(state, information=False) == []


def test_assets_of_one_line_that_grew_are_one_diagnostic_with_the_most_first() -> None:
    rows = [asset(f"table_{n}", 9, 5_000, growth=100 * n) for n in range(1, 8)]
    findings = [
        grown(r.key, 9, r.growth_bytes, severity="error" if r.growth_bytes > 500 else "information")
        for r in rows
    ]
    [found] = shown(project(result(assets=rows, findings=findings, baseline=KNOWN)))
    assert found.severity == DiagnosticSeverity.Error
    assert found.message == (
        "7 assets grew by 2.8 kB (2,800 bytes) since the baseline, 2 of them by more than"
        " budget.asset-growth allows: table_7 +700 B, table_6 +600 B, table_5 +500 B,"
        " table_4 +400 B, table_3 +300 B and 2 more"
    )


def test_a_baseline_that_cannot_be_read_is_told_of_at_its_line_and_once() -> None:
    problem = BaselineProblem("there is a merge conflict in the baseline", "Take either.", 7, True)
    use = BaselineUse(BASELINE, problem=problem)
    one, two = result(name="one", baseline=use), result(name="two", baseline=use)
    [found] = shown(project(one, two), BASELINE)
    assert found.range == line_range(6)
    assert found.severity == DiagnosticSeverity.Error
    assert found.message == "there is a merge conflict in the baseline"  # and a quick fix
    assert [a.title for a in actions(one, BASELINE)] == ["Rewrite the baseline"]
    newer = evolve(use, problem=evolve(problem, is_damaged=False))
    assert actions(result(baseline=newer), BASELINE) == []


# -- hovers and lenses ---------------------------------------------------------------------------


def test_a_hover_says_what_grew_and_what_others_carry_too() -> None:
    row = asset("orders", 12, 9_000, growth=1_213)
    growth = AssetGrowth(
        7_787, {"description": 1_000, "tags": 300, "a|b": 50, "op": -100, "x": -37}
    )
    good = result(assets=[row], baseline=KNOWN)
    repeats = [
        RepeatedValue("metadata: x|y", "...", 411, 400_123),
        RepeatedValue("description", "...", 1, 5_000),
    ]
    assert hover_text(good, row, growth, *repeats) == [
        "Since the baseline: +1.2 kB (1,213 bytes): `description` +1 kB, `tags` +300 B,"
        " a&#124;b +50 B, 2 other fields -137 B.",
        "- metadata: x&#124;y is the same on 411 other assets: removing it from all 412 saves"
        " 400.1 kB (400,123 bytes).\n"
        "- `description` is the same on 1 other asset: removing it from both saves"
        " 5 kB (5,000 bytes).",
    ]


@pytest.mark.parametrize(
    ("growth", "said"),
    [
        (None, []),
        (AssetGrowth(9_000, {}), []),
        (AssetGrowth(None, {"description": 9_000}), ["New since the baseline."]),
        (
            AssetGrowth(9_500, {"description": -500}),
            ["Since the baseline: -500 bytes: `description` -500 B."],
        ),
    ],
)
def test_a_hover_says_no_more_than_is_known(growth: AssetGrowth | None, said: list[str]) -> None:
    row = asset("orders", 12, 9_000)
    assert hover_text(result(assets=[row], baseline=KNOWN), row, growth) == said


def test_growth_that_is_shown_as_a_finding_is_not_said_again() -> None:
    row = asset("orders", 12, 9_000, growth=1_213)
    state = project(result(assets=[row], findings=[grown("orders", 12, 1_213)], baseline=KNOWN))
    whole = evolve(
        detail(row, {(REPOSITORY, "description"): 9_000}),
        growth=AssetGrowth(7_787, {"description": 1_213}),
    )
    shared = {"published": shown(state), "detail_of": lambda *_: whole}
    told = hover([view(state, ASSETS, **shared)], Position(11, 0))
    assert "Since the baseline" not in str(told)
    untold = hover([view(state, ASSETS, detail_of=lambda *_: whole)], Position(11, 0))
    assert "Since the baseline" in str(untold)


def test_a_hover_says_that_a_baseline_is_of_another_dagster() -> None:
    row = asset("orders", 12, 9_000)
    use = evolve(KNOWN, mismatch=("Dagster 1.12.22, and this is 1.13.28",))
    [line] = hover_text(result(assets=[row], baseline=use), row, AssetGrowth(8_000, {"op": 1_000}))
    assert line.endswith(
        " The baseline is from Dagster 1.12.22, and this is 1.13.28: sizes may differ for that"
        " reason alone."
    )


def test_the_hover_of_the_definitions_compares_every_snapshot() -> None:
    good = result(snapshots=[snapshot(growth=1_213), snapshot(NIGHTLY)], baseline=KNOWN)
    found = hover([view(project(good), DEFINITIONS)], Position(4, 0))
    assert found is not None
    assert isinstance(found.contents, MarkupContent)
    _, header, *rows, _ = found.contents.value.split("\n\n")[1].splitlines()
    assert header.endswith("  since the baseline")
    assert [row.split()[-1] for row in rows] == ["+1,213", "new"]


@pytest.mark.parametrize(
    ("by", "words"),
    [(1_213, " · +1.2 kB"), (99, ""), (-1_213, ""), (9_000, "")],
)
def test_a_lens_tells_growth_that_is_worth_a_look(by: int, words: str) -> None:
    good = result(assets=[asset("orders", 12, 9_000, growth=by)], baseline=KNOWN)
    [lens] = code_lenses([view(project(good), ASSETS)])
    assert lens.command is not None
    assert lens.command.title == f"9 kB · 9 % of location{words}"


# -- quick fixes ---------------------------------------------------------------------------------


def test_what_is_judged_by_the_baseline_can_be_taken_for_it() -> None:
    shop = result(findings=[grown("orders", 12, 1_213)], baseline=KNOWN)
    [fix] = [a for a in actions(shop, ASSETS) if a.title == "Update the baseline"]
    assert fix.command is not None
    assert fix.command.command == "dagsterSnapsize.updateBaseline"
    assert fix.command.arguments == ["shop", "/shop"]
    assert fix.edit is None


@pytest.mark.parametrize(
    ("growth", "severity", "offered"),
    [(500, "error", True), (None, "error", False), (0, "warning", False)],
)
def test_a_budget_is_no_matter_of_the_baseline_unless_it_blocks(
    growth: int | None, severity: str, offered: bool
) -> None:
    finding = evolve(over_budget(), severity=severity)
    shop = result(snapshots=[snapshot(growth=growth)], findings=[finding], baseline=KNOWN)
    found = [a for a in actions(shop, DEFINITIONS) if a.title == "Update the baseline"]
    assert bool(found) == offered


# -- what the worker hands over ------------------------------------------------------------------


def shop() -> Measurement:
    repository = {f"table_{n}": {"description": 1000 * n, "tags": n} for n in range(1, 4)}
    return measurement(
        measured(repository), measured({"table_1": {"op": 900}, "table_3": {"op": 50}}, JOB)
    )


def summarized(whole: Measurement, folder: Path, was: Measurement | None) -> LocationResult:
    return summarize(
        whole,
        Budgets(),
        root=folder,
        config_path=None,
        python_source=".venv",
        rows=folder / "shop.rows",
        baseline=baseline_of(was) if was else None,
        baseline_path=str(folder / "snapsize-baseline.jsonl"),
    )


def test_rows_know_growth_in_all_snapshots(tmp_path: Path) -> None:
    before = measurement(
        measured({"table_1": {"description": 400}, "table_2": {"description": 2000, "tags": 2}}),
        measured({"table_1": {"op": 1000}}, JOB),
    )
    found = summarized(shop(), tmp_path, before)
    rows = {row.key: row for row in found.assets}
    assert {k: r.growth_bytes for k, r in rows.items()} == {
        "table_1": 501,
        "table_2": 0,
        "table_3": 3053,
    }
    growth = {key: read_detail(found.rows, row).growth for key, row in rows.items()}
    assert growth == {
        "table_1": AssetGrowth(1400, {"description": 600, "tags": 1, "op": -100}),
        "table_2": AssetGrowth(2002, {}),
        "table_3": AssetGrowth(None, {"description": 3000, "op": 50, "tags": 3}),
    }


def test_without_a_baseline_nothing_grew(tmp_path: Path) -> None:
    found = summarized(shop(), tmp_path, None)
    assert {row.growth_bytes for row in found.assets} == {0}
    assert {read_detail(found.rows, row).growth for row in found.assets} == {None}
    assert {row.growth_bytes for row in found.snapshots} == {None}


def test_rows_know_what_others_carry_and_the_last_line_the_advice(tmp_path: Path) -> None:
    keys = ("table_1", "table_3")
    repeat = Repeat("description", "text", 900, keys, "__repository__", {REPOSITORY: 1_800})
    found = summarized(evolve(shop(), repeats=(repeat,)), tmp_path, None)
    carried = {r.key: read_detail(found.rows, r).repeats for r in found.assets}
    own = (RepeatedValue("description", "text", 1, 1_800),)
    assert carried == {"table_1": own, "table_2": (), "table_3": own}
    last = json.loads(Path(found.rows).read_text(encoding="utf-8").splitlines()[-1])
    [advice] = last["advice"]
    assert (advice["kind"], advice["saved_bytes"], advice["assets"]) == (
        "repeat",
        1_800,
        list(keys),
    )


def test_growth_that_is_allowed_is_told_of_the_lines_that_grew_most(tmp_path: Path) -> None:
    def sized(more: int) -> Measurement:
        tables = {f"table_{n}": {"description": 100 + more * (n + 1)} for n in range(250)}
        whole = measurement(measured(tables))
        placed = [
            evolve(a, location=SourceLocation(ASSETS, int(a.key[6:]) + 1)) for a in whole.assets
        ]
        return evolve(whole, assets=tuple(placed))

    found = summarized(sized(1), tmp_path, sized(0))
    told = {f.asset for f in found.findings if f.rule == "asset-grew"}
    assert told == {f"table_{n}" for n in range(200, 250)}


def test_the_baseline_that_an_editor_writes_is_that_of_the_measurement(tmp_path: Path) -> None:
    found = summarized(shop(), tmp_path, None)
    assert baseline_of_rows(found) == baseline_of(shop())
    said = write_baseline(tmp_path, [found])
    assert said.startswith("wrote snapsize-baseline.jsonl: 1 location, 2 snapshots, ")
    text = (tmp_path / "snapsize-baseline.jsonl").read_text(encoding="utf-8")
    assert text == to_text({found.name: baseline_of(shop())})
    assert from_text(text) == {found.name: baseline_of(shop())}
    assert write_baseline(tmp_path, [found]) == "snapsize-baseline.jsonl is up to date"
    timed = evolve(baseline_of(shop()), seconds=KnownSeconds(8.3, 1.8))
    (tmp_path / "snapsize-baseline.jsonl").write_text(to_text({found.name: timed}))
    assert write_baseline(tmp_path, [found]) == "snapsize-baseline.jsonl is up to date"


def test_an_editor_compares_no_load_times_since_it_mostly_forks(tmp_path: Path) -> None:
    timed = evolve(baseline_of(shop()), seconds=KnownSeconds(8.3, 1.8))
    (tmp_path / "snapsize-baseline.jsonl").write_text(to_text({"shop": timed}))
    found, problem = worker._baseline(Mock(root=tmp_path, stable_name="shop"))
    assert (found, problem) == (baseline_of(shop()), None)


def test_rows_of_another_measurement_are_not_written(tmp_path: Path) -> None:
    found = summarized(shop(), tmp_path, None)
    summarized(measurement(measured({"table_1": {"description": 5}})), tmp_path, None)
    with pytest.raises(UserError, match=r"sizes of .* were replaced|no longer available"):
        write_baseline(tmp_path, [found])
    Path(found.rows).unlink()
    with pytest.raises(UserError, match="no longer available"):
        write_baseline(tmp_path, [found])
    assert not (tmp_path / "snapsize-baseline.jsonl").exists()
