from __future__ import annotations

from attrs import evolve
from lsprotocol.types import Hover, MarkupContent, MarkupKind, Position
from markdown_it import MarkdownIt

from dagster_snapsize.core.model import Failure, Finding, SourceLocation
from dagster_snapsize.lsp.features.diagnostics import publish
from dagster_snapsize.lsp.features.hover import hover
from dagster_snapsize.lsp.state import LocationState
from dagster_snapsize.measuring.worker.results import (
    AssetDetail,
    AssetRow,
    LocationResult,
    SharedWith,
)
from support.lsp_values import (
    ALL_JOB,
    ASSETS,
    DEFINITIONS,
    NIGHTLY,
    REPOSITORY,
    asset,
    detail,
    files,
    line_range,
    places,
    project,
    result,
    snapshot,
    view,
)

ORDERS = asset("wh/orders", 12, 4_873, 9_203)
SHOP = result(
    assets=[ORDERS, asset("big", 3, 80_000), asset("small", 4, 10)],
    snapshots=[
        snapshot(stored=240_000),
        snapshot(ALL_JOB, stored=60_000, budget=90_000, budget_name="budget.job",
                 budget_source="the configuration"),
        snapshot(NIGHTLY, stored=40_000),
    ],
)  # fmt: skip
CELLS: dict[tuple[str, str], int | tuple[int, int]] = {
    (REPOSITORY, "metadata: dagster/column_schema"): 4_000,
    (REPOSITORY, "description"): 873,
    (ALL_JOB, "description"): 870,
    (ALL_JOB, "op"): 1_460,
    (NIGHTLY, "op"): 2_000,
}


def text(found: Hover | None) -> str:
    assert found is not None
    assert isinstance(found.contents, MarkupContent)
    return found.contents.value


def exact(good: LocationResult, row: AssetRow) -> AssetDetail:
    return detail(row, CELLS, dangling=2_213, checks=1_500)


def table(*lines: str) -> str:
    return "\n".join(("```text", *lines, "```"))


def test_an_asset_shows_its_bytes_by_snapshot_and_field_by_field() -> None:
    found = hover([view(project(SHOP), ASSETS, detail_of=exact)], Position(11, 0))
    fields = table(
        "field                              size  bytes  repository   jobs",
        "metadata: dagster/column_schema    4 kB  4,000       4,000      0",
        "op                               3.5 kB  3,460           0  3,460",
        "description                      1.7 kB  1,743         873    870",
        "together                         9.2 kB  9,203       4,873  4,330",
    )
    assert text(found) == (
        "`wh/orders`: 9.2 kB (9,203 bytes), 2.7 % of `shop`; number 2 of 3 assets\n"
        "\n"
        "In repository 4.9 kB, job `__ASSET_JOB` 2.3 kB, job `nightly` 2 kB.\n"
        "\n"
        f"{fields}\n"
        "\n"
        "Removing it also frees 2,213 bytes of references to it and 1,500 bytes of its checks."
    )
    assert found is not None
    assert found.range == line_range(11)


def test_what_is_shared_has_a_column_and_says_with_whom() -> None:
    row = asset("a", 12, 3_000)
    keys = tuple(f"b{n}" for n in range(5))
    shared = [SharedWith(where, "op many", 8, keys) for where in (REPOSITORY, ALL_JOB)]
    found = hover(
        [
            view(
                project(result(assets=[row])),
                ASSETS,
                detail_of=lambda _, r: detail(
                    r, {(REPOSITORY, "op"): (2_600, 400)}, shared_with=shared
                ),
            )
        ],
        Position(11, 0),
    )
    _, where, fields, *rest = text(found).split("\n\n")
    assert where == "In repository 3 kB."
    assert fields == table(
        "field     size  bytes  shared",
        "op        3 kB  3,000     400",
        "together  3 kB  3,000     400",
    )
    assert rest == [
        "2,600 bytes are its own, 400 bytes its part of what it shares.",
        "- Shares `op many` with `b0`, `b1`, `b2`, `b3`, `b4` and 2 more.",
    ]


def test_many_jobs_and_fields_are_summed_and_still_add_up() -> None:
    jobs = [f"shop/__repository__/job/j{n}" for n in range(6)]
    cells = {(j, f"metadata: m{f:02}"): 100 + f for j in jobs for f in range(15)}
    row = asset("a", 12, 0, sum(cells.values()))
    shop = result(assets=[row], snapshots=[snapshot(), *map(snapshot, jobs)])
    shown = text(
        hover(
            [view(project(shop), ASSETS, detail_of=lambda _, r: detail(r, cells))],
            Position(11, 0),
        )
    )
    _, where, fields = shown.split("\n\n")
    assert where == (
        "In job `j0` 1.6 kB, job `j1` 1.6 kB, job `j2` 1.6 kB, job `j3` 1.6 kB,"
        " 2 other snapshots 3.2 kB."
    )
    lines = fields.splitlines()
    assert len([x for x in lines if x.startswith("metadata")]) == 12
    assert lines[-3].split("  ") == ["3 other fields", "1.8 kB", "1,818"]
    assert lines[-2].split() == ["together", "9.6", "kB", "9,630"]


def test_a_link_leads_to_the_heaviest_field_where_that_is_on_another_line() -> None:
    code = "\n" * 11 + '@dg.asset(\n    metadata={},\n    description="long",\n)\n'
    cells: dict[tuple[str, str], int | tuple[int, int]] = {
        (REPOSITORY, "description"): 900,
        (REPOSITORY, "op"): 100,
    }

    def shown(source: str, **others: bool) -> str:
        has = files({ASSETS: source})
        heavy = view(
            project(SHOP),
            ASSETS,
            detail_of=lambda _, row: detail(row, cells),
            edits=has,
            **others,
        )
        return text(hover([heavy], Position(11, 0)))

    code += "def orders(): ...\n"
    assert shown(code).endswith("\n\n[Go to description](<file:///shop/assets.py#L14>)")
    assert "Go to" not in shown(code.replace("\n    ", ""))
    assert "Go to" not in shown(code, markdown=False)


def test_a_factory_line_shows_count_sum_and_the_heaviest_five() -> None:
    rows = [asset(f"table_{n}", 30, 1_000 * n, 2_000 * n) for n in range(1, 8)]
    found = hover([view(project(result(assets=rows)), ASSETS)], Position(29, 0))
    heaviest = table(
        "heaviest   size   bytes",
        "table_7   14 kB  14,000",
        "table_6   12 kB  12,000",
        "table_5   10 kB  10,000",
        "table_4    8 kB   8,000",
        "table_3    6 kB   6,000",
        "together  56 kB  56,000",
    )
    assert text(found) == (
        f"**7 assets** defined on this line: 56 kB (56,000 bytes), 56 % of `shop`\n\n{heaviest}"
    )


def test_definitions_show_the_budgets_and_which_size_each_of_them_judges() -> None:
    shop = evolve(
        SHOP,
        snapshots=(
            *SHOP.snapshots[:2],
            evolve(
                SHOP.snapshots[2],
                used_bytes=40_000,
                budget_bytes=130_000_000,
                budget_name="Dagster+ snapshot limit",
            ),
        ),
    )
    snapshots = table(
        "snapshot          stored  on the wire         budget    used  budget set by",
        "repository       240,000      240,004          80 MB   0.3 %  DAGSTER_GRPC_MAX_RX_BYTES",
        "job __ASSET_JOB   60,000       60,004          90 kB    67 %  budget.job",
        "job nightly       40,000       40,004  130 MB stored  <0.1 %  Dagster+ snapshot limit",
    )
    assert text(hover([view(project(shop), DEFINITIONS)], Position(4, 0))) == (
        "`shop`: 3 assets, 3 snapshots, 340 kB (340,000 bytes) stored; measured in 3.2 s with"
        f" Dagster 1.13.28\n\n{snapshots}"
    )


def test_many_jobs_are_cut_short_at_the_definitions() -> None:
    jobs = [snapshot(f"shop/__repository__/job/j{n}", stored=1_000 + n) for n in range(13)]
    found = hover(
        [view(project(result(snapshots=jobs)), DEFINITIONS)],
        Position(4, 0),
    )
    assert text(found).endswith("\n\nand 3 more jobs, each of at most 1 kB (1,006 bytes)")


def test_stale_sizes_say_so() -> None:
    state = project(LocationState("shop", "/shop", good=SHOP, stale=True))
    note = "\n\n*Sizes from before the last edit.*"
    assert text(hover([view(state, ASSETS, detail_of=exact)], Position(11, 0))).endswith(note)
    assert text(hover([view(state, DEFINITIONS, detail_of=exact)], Position(4, 0))).endswith(note)


def test_an_asset_is_found_where_it_is_now() -> None:
    state = project(LocationState("shop", "/shop", good=SHOP, stale=True))
    moved = places({12: 22})
    assert hover([view(state, ASSETS, moved, detail_of=exact)], Position(11, 0)) is None
    assert text(hover([view(state, ASSETS, moved, detail_of=exact)], Position(21, 0))).startswith(
        "`wh/orders`"
    )


def test_a_file_is_found_under_any_of_its_paths() -> None:
    shown = view(project(SHOP), ASSETS)
    assert hover([evolve(shown, path="/link/assets.py")], Position(11, 0)) is None
    linked = project(result(assets=[asset("orders", 12, 10, path="/link/assets.py")]))
    assert hover([view(linked, ASSETS)], Position(11, 0)) is not None


FAILED = result(
    failure=Failure(
        "KeyError: 'RE`GION'",
        SourceLocation(ASSETS, 40),
        'Traceback (most recent call last):\n  File "/shop/assets.py", line 40, in <module>\n'
        "KeyError: 'RE`GION'\n",
    ),
    findings=[
        Finding(
            "measurement-failed",
            "error",
            "Could not be measured: KeyError: 'RE`GION'",
            location=SourceLocation(ASSETS, 40),
        )
    ],
    definitions=None,
)


def test_a_location_that_failed_says_why_at_the_frame_and_above_the_good_sizes() -> None:
    state = project(LocationState("shop", "/shop", good=SHOP, failed=FAILED))
    why = (
        "**`shop` could not be measured:**\n"
        "\n"
        "```text\nKeyError: 'RE`GION'\n```\n"
        "\n"
        "```text\n"
        "Traceback (most recent call last):\n"
        '  File "/shop/assets.py", line 40, in <module>\n'
        "```"
    )
    assert text(hover([view(state, ASSETS)], Position(39, 0))) == why
    at_definitions = text(hover([view(state, DEFINITIONS)], Position(4, 0)))
    assert at_definitions.startswith(f"{why}\n\n`shop`: 3 assets")
    assert at_definitions.endswith("*Sizes from before the last edit.*")


def test_a_hover_says_nothing_that_the_editor_shows_of_the_line_already() -> None:
    failed = project(LocationState("shop", "/shop", good=SHOP, failed=FAILED))
    told = view(failed, ASSETS, published=publish(view(failed, DEFINITIONS))[ASSETS])
    assert hover([told], Position(39, 0)) is None
    # It is not told at the definitions, nor are the frames where editors cannot show them.
    assert "KeyError" in text(hover([evolve(told, path=DEFINITIONS, published=[])], Position(4, 0)))
    assert hover([evolve(told, related_information=False)], Position(39, 0)) is not None


def test_rows_that_cannot_be_read_leave_the_sum() -> None:
    assert text(hover([view(project(SHOP), ASSETS)], Position(11, 0))) == (
        "`wh/orders`: 9.2 kB (9,203 bytes), 2.7 % of `shop`; number 2 of 3 assets\n\n"
        "Its fields are not available. Save to measure again."
    )


def test_nothing_is_shown_elsewhere() -> None:
    assert hover([view(project(SHOP), ASSETS, detail_of=exact)], Position(200, 0)) is None
    assert hover([view(project(SHOP), "/shop/other.py", detail_of=exact)], Position(11, 0)) is None


def test_clients_without_markdown_get_aligned_text() -> None:
    found = hover([view(project(SHOP), ASSETS, detail_of=exact, markdown=False)], Position(11, 0))
    assert found is not None
    assert isinstance(found.contents, MarkupContent)
    assert found.contents.kind == MarkupKind.PlainText
    assert found.contents.value == (
        "wh/orders: 9.2 kB (9,203 bytes), 2.7 % of shop; number 2 of 3 assets\n"
        "\n"
        "In repository 4.9 kB, job __ASSET_JOB 2.3 kB, job nightly 2 kB.\n"
        "\n"
        "field                              size  bytes  repository   jobs\n"
        "metadata: dagster/column_schema    4 kB  4,000       4,000      0\n"
        "op                               3.5 kB  3,460           0  3,460\n"
        "description                      1.7 kB  1,743         873    870\n"
        "together                         9.2 kB  9,203       4,873  4,330\n"
        "\n"
        "Removing it also frees 2,213 bytes of references to it and 1,500 bytes of its checks."
    )


def test_names_from_user_code_cannot_break_the_table() -> None:
    evil = "a|b`c\n# <b>x</b>"
    row = asset(evil, 12, 100)
    job = "shop/__repository__/job/j|1"
    shop = result(assets=[row], snapshots=[snapshot(), snapshot(job)])
    found = hover(
        [
            view(
                project(shop),
                ASSETS,
                detail_of=lambda _, r: detail(
                    r, {(REPOSITORY, "```\n# metadata: |`x`|"): 60, (job, "[y](http://z)"): 40}
                ),
            )
        ],
        Position(11, 0),
    )
    tokens = MarkdownIt("commonmark").enable("table").parse(text(found))
    [fields] = [t for t in tokens if t.type == "fence"]
    assert len(fields.content.splitlines()) == 4
    shown = {c.type for t in tokens for c in t.children or ()}
    assert shown <= {"text", "text_special", "code_inline", "strong_open", "strong_close"}
    assert not any(t.type in ("heading_open", "html_block") for t in tokens)


def test_repositories_are_named_where_there_are_several() -> None:
    rows = [asset("orders", 12, 500, repository=name) for name in ("one", "two")]
    shop = result(
        assets=rows,
        snapshots=[snapshot("shop/one/repository"), snapshot("shop/two/repository")],
    )
    found = text(
        hover(
            [
                view(
                    project(shop),
                    ASSETS,
                    detail_of=lambda _, r: detail(
                        r, {(f"shop/{r.repository}/repository", "op"): 500}
                    ),
                )
            ],
            Position(11, 0),
        )
    )
    first, second = found.split("\n\n---\n\n")
    assert "of `shop`, of repository `one`; number 1 of 2 assets" in first
    assert "of `shop`, of repository `two`; number 1 of 2 assets" in second
    assert "\nrepository one  100,000  " in text(
        hover([view(project(shop), DEFINITIONS)], Position(4, 0))
    )
