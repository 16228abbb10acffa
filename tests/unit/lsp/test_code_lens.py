from __future__ import annotations

from lsprotocol.types import CodeLens, Command, MarkupContent, MarkupKind, Position

from dagster_snapsize.core.model import Failure, SourceLocation
from dagster_snapsize.lsp.features.code_lens import code_lenses, inlay_hints
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
        asset("orders", 12, 4_873, 9_000),
        asset("tiny", 20, 300),
        *(asset(f"table_{n}", 30, 1_000 + n) for n in range(12)),
        asset("elsewhere", 3, 5_000, path="/shop/other.py"),
        asset("unplaced", None, 5_000),
    ],
    snapshots=[
        snapshot(stored=240_000, budget=80_000_000),
        snapshot(ALL_JOB, stored=4_100_000),
        snapshot(NIGHTLY, stored=1_000),
    ],
)


def titles(lenses: list[CodeLens]) -> list[tuple[int, str]]:
    """Line (from 1) and words of each."""
    return [(lens.range.start.line + 1, lens.command.title) for lens in lenses if lens.command]


def test_a_lens_says_size_and_share_and_small_assets_are_quiet() -> None:
    lenses = code_lenses([view(project(SHOP), ASSETS, minimum=1_000)])
    assert titles(lenses) == [
        (12, "4.9 kB · 2 % of repository"),
        (30, "12 assets · 12.1 kB · 5 % of repository"),
    ]


def test_without_a_minimum_every_asset_has_one() -> None:
    assert (20, "300 B · 0.1 % of repository") in titles(code_lenses([view(project(SHOP), ASSETS)]))


def test_a_lens_opens_the_report_of_its_asset() -> None:
    first, factory = code_lenses([view(project(SHOP), ASSETS, minimum=1_000)])
    assert first.command == Command(
        title="4.9 kB · 2 % of repository",
        command="dagsterSnapsize.showAsset",
        arguments=["shop", "orders", "/shop", "__repository__"],
    )
    # Of many assets it is the heaviest.
    assert factory.command is not None
    assert factory.command.arguments == ["shop", "table_11", "/shop", "__repository__"]


def test_a_lens_moves_with_its_asset_and_goes_with_it() -> None:
    stale = project(LocationState("shop", "/shop", good=SHOP, stale=True))
    lenses = code_lenses([view(stale, ASSETS, places({12: 22, 30: None}), minimum=1_000)])
    assert titles(lenses) == [(22, "4.9 kB · 2 % of repository (stale)")]


def test_sizes_are_stale_when_the_newest_measurement_failed() -> None:
    failed = result(failure=Failure("KeyError"))
    state = project(LocationState("shop", "/shop", good=SHOP, failed=failed))
    assert titles(code_lenses([view(state, DEFINITIONS)])) == [
        (5, "Repository 240 kB of 80 MB · 2 jobs, heaviest 4.1 MB (stale)")
    ]


def test_the_definitions_say_how_much_of_the_budget_is_used() -> None:
    [lens] = code_lenses([view(project(SHOP), DEFINITIONS, minimum=10**9)])
    assert lens.command == Command(
        title="Repository 240 kB of 80 MB · 2 jobs, heaviest 4.1 MB",
        command="dagsterSnapsize.showReport",
        arguments=["shop", "/shop"],
    )


def test_one_job_and_no_job_read_well() -> None:
    one = result(snapshots=[snapshot(), snapshot(ALL_JOB, stored=62_046)])
    assert titles(code_lenses([view(project(one), DEFINITIONS)])) == [
        (5, "Repository 100 kB of 80 MB · 1 job 62.1 kB")
    ]
    none = result(snapshots=[snapshot()])
    assert titles(code_lenses([view(project(none), DEFINITIONS)])) == [
        (5, "Repository 100 kB of 80 MB")
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
        (12, "5 kB · 50 % of repository one"),
        (12, "6 kB · 30 % of repository two"),
    ]
    assert titles(code_lenses([view(state, DEFINITIONS)])) == [
        (5, "Repository one 10 kB of 80 MB"),
        (5, "Repository two 20 kB of 80 MB"),
    ]


def test_locations_are_named_where_they_share_a_line() -> None:
    rows = [asset("orders", 12, 50_000), asset("mine", 20, 50_000)]
    state = project(result(name="one", assets=rows), result(name="two", assets=rows[:1]))
    assert titles(code_lenses([view(state, ASSETS)])) == [
        (12, "50 kB · 50 % of repository of one"),
        (12, "50 kB · 50 % of repository of two"),
        (20, "50 kB · 50 % of repository"),
    ]
    assert titles(code_lenses([view(state, DEFINITIONS)])) == [
        (5, "one: repository 100 kB of 80 MB"),
        (5, "two: repository 100 kB of 80 MB"),
    ]


def test_a_location_that_was_never_measured_has_none() -> None:
    state = project(LocationState("shop", "/shop", failed=result(failure=Failure("KeyError"))))
    assert code_lenses([view(state, ASSETS)]) == []
    assert code_lenses([view(state, DEFINITIONS)]) == []


def test_inlay_hints_say_the_same_at_the_end_of_the_line() -> None:
    hints = inlay_hints(
        [view(project(SHOP), ASSETS, places(width=33), minimum=1_000)], whole_file()
    )
    assert [(h.position, h.label) for h in hints] == [
        (Position(11, 33), "4.9 kB · 2 % of repository"),
        (Position(29, 33), "12 assets · 12.1 kB · 5 % of repository"),
    ]
    assert all(h.padding_left for h in hints)
    assert hints[0].tooltip == MarkupContent(
        MarkupKind.Markdown,
        "`orders`: 4.9 kB (4,873 bytes) of the repository, 9,000 bytes in all snapshots",
    )


def test_the_tooltip_of_a_factory_names_the_heaviest_five() -> None:
    state = project(LocationState("shop", "/shop", good=SHOP, stale=True))
    hints = inlay_hints([view(state, ASSETS, minimum=1_000, markdown=False)], whole_file())
    assert hints[1].tooltip == MarkupContent(
        MarkupKind.PlainText,
        "table_11: 1 kB (1,011 bytes) of the repository, 1,011 bytes in all snapshots\n"
        "table_10: 1 kB (1,010 bytes) of the repository, 1,010 bytes in all snapshots\n"
        "table_9: 1 kB (1,009 bytes) of the repository, 1,009 bytes in all snapshots\n"
        "table_8: 1 kB (1,008 bytes) of the repository, 1,008 bytes in all snapshots\n"
        "table_7: 1 kB (1,007 bytes) of the repository, 1,007 bytes in all snapshots\n"
        "and 7 more assets: 7 kB (7,021 bytes)\n"
        "sizes from before the last edit",
    )


def test_inlay_hints_are_for_the_lines_that_are_asked_for() -> None:
    state = project(SHOP)
    assert inlay_hints([view(state, ASSETS)], line_range(12)) == []
    assert len(inlay_hints([view(state, ASSETS)], line_range(11))) == 1
    [hint] = inlay_hints([view(state, DEFINITIONS)], whole_file())
    assert hint.label == "Repository 240 kB of 80 MB · 2 jobs, heaviest 4.1 MB"


def test_definitions_whose_call_is_gone_have_no_lens() -> None:
    state = project(result(definitions=SourceLocation(DEFINITIONS, 5)))
    assert code_lenses([view(state, DEFINITIONS, places({5: None}))]) == []
