from __future__ import annotations

from attrs import evolve
from lsprotocol.types import CodeLens, Command, MarkupContent, MarkupKind, Position

from dagster_snapsize.core.model import Budgets, Failure, SourceLocation
from dagster_snapsize.lsp.features.code_lens import code_lenses, inlay_hints
from dagster_snapsize.lsp.settings import HintSettings
from dagster_snapsize.lsp.state import LocationState
from dagster_snapsize.measuring.worker.results import LocationResult
from support.lsp_values import (
    ALL_JOB,
    ASSETS,
    DEFINITIONS,
    NIGHTLY,
    asset,
    line_range,
    places,
    project,
    result,
    snapshot,
    view,
    whole_file,
)

SHOP = result(
    assets=[
        asset("orders", 12, 4_873, 90_000),
        asset("tiny", 20, 300, 40_000),
        *(asset(f"table_{n}", 30, 1_000 + n, 10_000 + n) for n in range(12)),
        asset("elsewhere", 3, 5_000, path="/shop/other.py"),
        asset("unplaced", None, 5_000),
    ],
    snapshots=[
        snapshot(stored=240_000, budget=80_000_000),
        snapshot(ALL_JOB, stored=4_100_000),
        snapshot(NIGHTLY, stored=160_000, budget=200_000),
    ],
)


def titles(lenses: list[CodeLens]) -> list[tuple[int, str]]:
    """Line (from 1) and words of each."""
    return [(lens.range.start.line + 1, lens.command.title) for lens in lenses if lens.command]


def test_a_lens_says_what_an_asset_takes_of_all_snapshots_where_that_is_noteworthy() -> None:
    assert titles(code_lenses([view(project(SHOP), ASSETS)])) == [
        (12, "90 kB · 2 % of location"),
        (30, "12 assets · 120.1 kB · 2.7 % of location"),
    ]


def test_an_asset_near_its_own_budget_has_a_lens_in_a_large_location_too() -> None:
    rows = [asset("light", 3, 31_000), asset("heavy", 8, 32_000), asset("orders", 12, 31_000)]
    budgets = Budgets(assets={"orders": 62_000})
    shop = result(assets=rows, snapshots=[snapshot(stored=80_000_000)], budgets=budgets)
    assert titles(code_lenses([view(project(shop), ASSETS)])) == [
        (8, "32 kB · <0.1 % of location"),
        (12, "31 kB · <0.1 % of location"),
    ]


def test_a_minimum_hides_smaller_ones_whatever_their_share() -> None:
    lenses = code_lenses([view(project(SHOP), ASSETS, minimum=100_000)])
    assert [line for line, _ in titles(lenses)] == [30]


def test_a_lens_opens_the_report_of_its_asset() -> None:
    first, factory = code_lenses([view(project(SHOP), ASSETS)])
    assert first.command == Command(
        title="90 kB · 2 % of location",
        command="dagsterSnapsize.showAsset",
        arguments=["shop", "orders", "/shop", "__repository__"],
    )
    # Of many assets it is the heaviest.
    assert factory.command is not None
    assert factory.command.arguments == ["shop", "table_11", "/shop", "__repository__"]


def test_a_lens_moves_with_its_asset_and_goes_with_it() -> None:
    stale = project(LocationState("shop", "/shop", good=SHOP, stale=True))
    lenses = code_lenses([view(stale, ASSETS, places({12: 22, 30: None}))])
    assert titles(lenses) == [(22, "90 kB · 2 % of location (stale)")]


def test_sizes_are_stale_when_the_newest_measurement_failed() -> None:
    failed = result(failure=Failure("KeyError"))
    state = project(LocationState("shop", "/shop", good=SHOP, failed=failed))
    assert titles(code_lenses([view(state, DEFINITIONS)])) == [
        (5, "Repository 0.3 % of 80 MB · 2 jobs, at most 80 % of 200 kB (stale)")
    ]


def test_the_definitions_say_how_much_of_the_budget_is_used() -> None:
    [lens] = code_lenses([view(project(SHOP), DEFINITIONS, minimum=10**9)])
    assert lens.command == Command(
        title="Repository 0.3 % of 80 MB · 2 jobs, at most 80 % of 200 kB",
        command="dagsterSnapsize.showReport",
        arguments=["shop", "/shop"],
    )


def test_one_job_and_no_job_read_well() -> None:
    one = result(snapshots=[snapshot(), snapshot(ALL_JOB, stored=62_046)])
    assert titles(code_lenses([view(project(one), DEFINITIONS)])) == [
        (5, "Repository 0.1 % of 80 MB · 1 job 0.1 % of 80 MB")
    ]
    none = result(snapshots=[snapshot()])
    assert titles(code_lenses([view(project(none), DEFINITIONS)])) == [
        (5, "Repository 0.1 % of 80 MB")
    ]


def two_repositories() -> LocationResult:
    return result(
        assets=[
            asset("orders", 12, 5_000, repository="one"),
            asset("orders", 12, 6_000, repository="two"),
        ],
        snapshots=[
            snapshot("shop/one/repository", stored=10_000),
            snapshot("shop/two/repository", stored=20_000),
        ],
    )


def test_repositories_are_named_where_there_are_several() -> None:
    state = project(two_repositories())
    assert titles(code_lenses([view(state, ASSETS)])) == [
        (12, "5 kB · 17 % of location · repository one"),
        (12, "6 kB · 20 % of location · repository two"),
    ]
    assert titles(code_lenses([view(state, DEFINITIONS)])) == [
        (5, "Repository one <0.1 % of 80 MB"),
        (5, "Repository two <0.1 % of 80 MB"),
    ]


def test_locations_are_named_where_they_share_a_line() -> None:
    rows = [asset("orders", 12, 50_000), asset("mine", 20, 50_000)]
    state = project(result(name="one", assets=rows), result(name="two", assets=rows[:1]))
    assert titles(code_lenses([view(state, ASSETS)])) == [
        (12, "50 kB · 50 % of location one"),
        (12, "50 kB · 50 % of location two"),
        (20, "50 kB · 50 % of location"),
    ]
    assert titles(code_lenses([view(state, DEFINITIONS)])) == [
        (5, "one: repository 0.1 % of 80 MB"),
        (5, "two: repository 0.1 % of 80 MB"),
    ]


def test_a_location_that_was_never_measured_has_none() -> None:
    state = project(LocationState("shop", "/shop", failed=result(failure=Failure("KeyError"))))
    assert code_lenses([view(state, ASSETS)]) == []
    assert code_lenses([view(state, DEFINITIONS)]) == []


def test_inlay_hints_say_it_at_the_end_of_the_line_where_no_lens_does() -> None:
    state = project(SHOP)
    hints = inlay_hints([view(state, ASSETS, places(width=33), shows_lenses=False)], whole_file())
    assert [(h.position, h.label) for h in hints] == [
        (Position(11, 33), "90 kB · 2 % of location"),
        (Position(29, 33), "12 assets · 120.1 kB · 2.7 % of location"),
    ]
    assert all(h.padding_left for h in hints)
    assert hints[0].tooltip == MarkupContent(
        MarkupKind.Markdown, "`orders`: 90 kB (90,000 bytes) in all snapshots"
    )
    assert inlay_hints([view(state, ASSETS)], whole_file()) == []
    assert inlay_hints([view(state, DEFINITIONS)], whole_file()) == []
    # Lenses from a larger size on leave lines to the hints.
    both = view(state, ASSETS)
    few = evolve(both, settings=evolve(both.settings, code_lens=HintSettings(True, 100_000)))
    assert [h.position.line for h in inlay_hints([few], whole_file())] == [11]
    off = evolve(both, settings=evolve(both.settings, code_lens=HintSettings(False, 0)))
    assert [h.position.line for h in inlay_hints([off], whole_file())] == [11, 29]


def test_the_tooltip_of_a_factory_names_the_heaviest_five() -> None:
    state = project(LocationState("shop", "/shop", good=SHOP, stale=True))
    hints = inlay_hints([view(state, ASSETS, markdown=False, shows_lenses=False)], whole_file())
    assert hints[1].tooltip == MarkupContent(
        MarkupKind.PlainText,
        "table_11: 10 kB (10,011 bytes) in all snapshots\n"
        "table_10: 10 kB (10,010 bytes) in all snapshots\n"
        "table_9: 10 kB (10,009 bytes) in all snapshots\n"
        "table_8: 10 kB (10,008 bytes) in all snapshots\n"
        "table_7: 10 kB (10,007 bytes) in all snapshots\n"
        "and 7 more assets: 70 kB (70,021 bytes)\n"
        "sizes from before the last edit",
    )


def test_inlay_hints_are_for_the_lines_that_are_asked_for() -> None:
    state = project(SHOP)
    shown = view(state, ASSETS, shows_lenses=False)
    assert inlay_hints([shown], line_range(12)) == []
    assert len(inlay_hints([shown], line_range(11))) == 1
    [hint] = inlay_hints([evolve(shown, path=DEFINITIONS)], whole_file())
    assert hint.label == "Repository 0.3 % of 80 MB · 2 jobs, at most 80 % of 200 kB"


def test_definitions_whose_call_is_gone_have_no_lens() -> None:
    state = project(result(definitions=SourceLocation(DEFINITIONS, 5)))
    assert code_lenses([view(state, DEFINITIONS, places({5: None}))]) == []
