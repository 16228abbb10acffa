from __future__ import annotations

from collections.abc import Sequence

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol.types import (
    CodeAction,
    CodeActionKind,
    Command,
    CreateFile,
    OptionalVersionedTextDocumentIdentifier,
    Position,
    Range,
    TextDocumentEdit,
    TextEdit,
    WorkspaceEdit,
)

from dagster_snapsize.core.model import Budgets, Finding
from dagster_snapsize.core.sizes import format_size, parse_size
from dagster_snapsize.lsp.documents.edits import FileEdits
from dagster_snapsize.lsp.features.code_actions import code_actions, round_up
from dagster_snapsize.lsp.features.diagnostics import publish
from dagster_snapsize.lsp.state import LocationState
from dagster_snapsize.measuring.worker.results import LocationResult
from support.lsp_values import (
    ALL_JOB,
    ASSETS,
    DEFINITIONS,
    REPOSITORY,
    asset,
    detail,
    files,
    line_range,
    over_asset_budget,
    over_budget,
    project,
    result,
    snapshot,
    view,
    whole_file,
)

CONFIG = "/shop/pyproject.toml"
SETTINGS = '[tool.dagster-snapsize.budget]\nrepository = "80 MB" # all\nasset = "64 kB"\n'
CODE = "import dagster as dg\n\n\n@dg.asset\ndef orders(): ...\n"
NONE = files({})


def actions(
    shop: LocationResult,
    path: str = ASSETS,
    within: Range | None = None,
    *,
    has: FileEdits = NONE,
    only: Sequence[str] | None = None,
) -> list[CodeAction]:
    state = project(shop)
    published = publish(view(state, DEFINITIONS)).get(path, [])
    return code_actions(
        [view(state, path, published=published, edits=has)],
        within or whole_file(),
        only,
    )


def titles(found: list[CodeAction]) -> list[str]:
    return [action.title for action in found]


def edited(action: CodeAction, text: str) -> str:
    """The text after the action's only edit, applied as a client does."""
    assert action.edit is not None
    [change] = action.edit.document_changes or []
    assert isinstance(change, TextDocumentEdit)
    [edit] = change.edits
    assert isinstance(edit, TextEdit)
    lines = text.splitlines(keepends=True)
    at, end = (
        sum(len(x) for x in lines[: p.line]) + p.character
        for p in (edit.range.start, edit.range.end)
    )
    return text[:at] + edit.new_text + text[end:]


HEAVY = result(
    assets=[asset("orders", 4, 87_000)], findings=[over_asset_budget("orders", 4, 87_000)]
)


def allow(found: list[CodeAction], whom: str = "every asset") -> CodeAction:
    """The action that allows more bytes for it."""
    [action] = [a for a in found if a.title.startswith("Allow") and a.title.endswith(whom)]
    return action


def test_a_heavy_asset_can_be_silenced_looked_at_and_allowed_in_this_order() -> None:
    has = files({CONFIG: SETTINGS, ASSETS: CODE})
    found = actions(HEAVY, has=has)
    assert titles(found) == [
        "Silence asset-over-budget for this asset",
        "Show the full report of orders",
        "Allow 96 kB for orders only",
        "Allow 96 kB for every asset",
    ]
    # A report is no fix, and neither is a larger budget.
    assert [action.kind for action in found] == [CodeActionKind.QuickFix, None, None, None]
    assert all(action.diagnostics and len(action.diagnostics) == 1 for action in found)
    silenced, report, one, every = found
    assert edited(every, SETTINGS) == SETTINGS.replace('"64 kB"', '"96 kB"')
    assert edited(one, SETTINGS) == f'{SETTINGS}assets."orders" = "96 kB"\n'
    assert edited(silenced, CODE) == CODE.replace(
        "@dg.asset\n", "@dg.asset  # snapsize: ignore[asset-over-budget]\n"
    )
    assert report.command == Command(
        title="Show the full report of orders",
        command="dagsterSnapsize.showAsset",
        arguments=["shop", "orders", "/shop", "__repository__"],
    )


def test_an_asset_with_a_budget_of_its_own_has_that_raised() -> None:
    own = f'{SETTINGS}assets = {{ "orders" = "70 kB" }}\n'
    shop = evolve(HEAVY, budgets=Budgets(assets={"orders": 70_000}))
    found = actions(shop, has=files({CONFIG: own}))
    assert titles(found)[1:] == ["Allow 96 kB for orders only"]
    assert edited(allow(found, "orders only"), own) == own.replace("70 kB", "96 kB")


def test_a_byte_order_mark_is_not_counted() -> None:
    text = "tool.dagster-snapsize.budget.asset = 'x'"
    raised = allow(actions(HEAVY, has=files({CONFIG: "\ufeff" + text})))
    assert edited(raised, text) == text.replace("'x'", '"96 kB"')


def test_an_edit_names_the_version_that_it_is_for() -> None:
    raised = allow(actions(HEAVY, has=files({CONFIG: SETTINGS})))
    assert raised.edit == WorkspaceEdit(
        document_changes=[
            TextDocumentEdit(
                OptionalVersionedTextDocumentIdentifier("file:///shop/pyproject.toml", 7),
                [TextEdit(Range(Position(2, 8), Position(2, 15)), '"96 kB"')],
            )
        ]
    )


def test_clients_without_document_changes_get_changes() -> None:
    raised = allow(actions(HEAVY, has=files({CONFIG: SETTINGS}, document_changes=False)))
    assert raised.edit == WorkspaceEdit(
        changes={
            "file:///shop/pyproject.toml": [
                TextEdit(Range(Position(2, 8), Position(2, 15)), '"96 kB"')
            ]
        }
    )


@pytest.mark.parametrize(("encoding", "width"), [("utf-8", 4), ("utf-16-le", 2), ("utf-32-le", 1)])
def test_positions_are_in_the_units_of_the_client(encoding: str, width: int) -> None:
    text = "tool.dagster-snapsize.budget = {'🐧' = 1, asset = 'x'}\n"
    unit = {"utf-8": 1, "utf-16-le": 2, "utf-32-le": 4}[encoding]
    has = files({CONFIG: text}, units_of=lambda s: len(s.encode(encoding)) // unit)
    raised = allow(actions(HEAVY, has=has))
    assert raised.edit is not None
    [change] = raised.edit.document_changes or []
    assert isinstance(change, TextDocumentEdit)
    before = text.index("'x'") - 1 + width
    assert change.edits[0].range.start == Position(0, before)


def test_a_project_without_a_file_gets_one_from_clients_that_can() -> None:
    shop = result(assets=HEAVY.assets, findings=HEAVY.findings, config_path=None)
    raised = allow(actions(shop))
    assert raised.edit is not None
    create, fill = raised.edit.document_changes or []
    assert isinstance(create, CreateFile)
    assert (create.uri, create.options and create.options.overwrite) == (
        "file:///shop/pyproject.toml",
        False,
    )
    assert isinstance(fill, TextDocumentEdit)
    assert [e.new_text for e in fill.edits if isinstance(e, TextEdit)] == [
        '[tool.dagster-snapsize.budget]\nasset = "96 kB"\n'
    ]
    cannot = files({}, creates_files=False)
    assert titles(actions(shop, has=cannot)) == ["Show the full report of orders"]


def test_settings_go_into_the_file_that_has_them() -> None:
    path = "/shop/snapsize.toml"
    shop = result(assets=HEAVY.assets, findings=HEAVY.findings, config_path=path)
    raised = allow(actions(shop, has=files({path: 'python = "x"\n'})))
    assert edited(raised, 'python = "x"\n') == 'python = "x"\nbudget.asset = "96 kB"\n'


@pytest.mark.parametrize(
    "settings",
    ["[tool.dagster-snapsize", f'{SETTINGS.replace("64 kB", "1 MB")}assets.orders = "1 MB"\n'],
    ids=["not valid TOML", "raised already"],
)
def test_settings_that_cannot_or_need_not_change_are_left(settings: str) -> None:
    assert titles(actions(HEAVY, has=files({CONFIG: settings}))) == [
        "Show the full report of orders"
    ]


def test_an_asset_above_the_most_raises_the_most() -> None:
    finding = over_asset_budget("orders", 4, 300_000, budget=256_000, severity="error")
    shop = result(
        assets=[asset("orders", 4, 300_000)],
        findings=[finding],
        budgets=Budgets(asset_max=256_000),
    )
    raised = allow(actions(shop, has=files({CONFIG: SETTINGS})))
    assert raised.title == "Allow 330 kB for every asset"
    assert edited(raised, SETTINGS) == f'{SETTINGS}asset-max = "330 kB"\n'


def of_snapshot(finding: Finding, *, source: str = "the configuration") -> LocationResult:
    return result(
        findings=[finding],
        snapshots=[
            snapshot(REPOSITORY, budget_source=source),
            snapshot(ALL_JOB, budget_source=source),
        ],
    )


def test_a_repositorys_budget_is_raised_so_that_no_warning_is_left() -> None:
    has = files({CONFIG: SETTINGS})
    report, raised = actions(of_snapshot(over_budget(90_000_000)), DEFINITIONS, has=has)
    assert (report.title, report.kind) == ("Show the full report of shop", None)
    assert raised.title == "Allow 120 MB for the repository"
    assert edited(raised, SETTINGS) == SETTINGS.replace("80 MB", "120 MB")


def test_a_job_gets_a_budget_of_its_own() -> None:
    has = files({CONFIG: SETTINGS})
    finding = over_budget(90_000_000, snapshot_id=ALL_JOB)
    _, raised = actions(of_snapshot(finding), DEFINITIONS, has=has)
    assert raised.title == "Allow 120 MB for job __ASSET_JOB only"
    assert edited(raised, SETTINGS) == f'{SETTINGS}jobs."__ASSET_JOB" = "120 MB"\n'


def test_a_real_limit_is_not_raised_by_a_budget() -> None:
    shop = of_snapshot(over_budget(), source="Dagster's default")
    found = actions(shop, DEFINITIONS, has=files({CONFIG: SETTINGS}))
    assert titles(found) == ["Show the full report of shop"]


def test_without_a_finding_there_is_no_action() -> None:
    shop = result(assets=[asset("orders", 4, 500)])
    assert actions(shop, within=line_range(3), has=files({ASSETS: CODE})) == []


def test_the_heaviest_field_can_be_opened() -> None:
    state = project(HEAVY)
    cells: dict[tuple[str, str], int | tuple[int, int]] = {
        (REPOSITORY, "op"): 100,
        (REPOSITORY, "description"): 400,
    }
    shown = view(
        state,
        ASSETS,
        published=publish(view(state, DEFINITIONS))[ASSETS],
        detail_of=lambda _, row: detail(row, cells),
    )
    [opened] = [a for a in code_actions([shown], line_range(3)) if a.title.startswith("Open")]
    assert opened.command == Command(
        title="Open the source of the heaviest field of orders (description, 400 B)",
        command="dagsterSnapsize.openHeaviestField",
        arguments=["shop", "orders", "/shop", "__repository__"],
    )
    assert opened.kind is None


def test_a_factory_line_offers_the_heaviest_and_silences_all() -> None:
    rows = [asset(f"t{n}", 4, 80_000 + n) for n in range(5)]
    findings = [over_asset_budget(row.key, 4, row.total_bytes) for row in rows]
    found = actions(
        result(assets=rows, findings=findings), has=files({CONFIG: SETTINGS, ASSETS: CODE})
    )
    assert titles(found) == [
        "Silence asset-over-budget for 5 assets",
        "Show the full report of t4",
        "Allow 89 kB for every asset",
    ]


def test_only_the_kinds_that_are_asked_for() -> None:
    has = files({CONFIG: SETTINGS, ASSETS: CODE})
    assert titles(actions(HEAVY, has=has, only=["quickfix"])) == [
        "Silence asset-over-budget for this asset"
    ]
    assert len(actions(HEAVY, has=has, only=[""])) == 4
    assert actions(HEAVY, has=has, only=["refactor"]) == []


def test_diagnostics_elsewhere_are_not_fixed_here() -> None:
    assert actions(HEAVY, within=line_range(30)) == []


def test_a_location_that_is_gone_has_no_actions() -> None:
    published = publish(view(project(HEAVY), DEFINITIONS))[ASSETS]
    state = project(LocationState("other", "/shop"))
    found = code_actions(
        [view(state, ASSETS, published=published)],
        whole_file(),
    )
    assert found == []


@given(st.integers(1, 10**13))
def test_budgets_are_round_leave_room_and_are_read_back(size: int) -> None:
    budget = round_up(size * 1.1)
    assert size <= budget <= size * 1.22 + 1
    assert parse_size(format_size(budget).replace(",", "")) == budget
    assert len(str(budget).rstrip("0")) <= 2


def test_assets_of_two_repositories_with_one_key_have_actions_of_their_own() -> None:
    rows = [asset("orders", line, size, repository=name) for name, line, size in TWINS]
    findings = [
        evolve(over_asset_budget("orders", line, size), repository=name)
        for name, line, size in TWINS
    ]
    twins = result(assets=rows, findings=findings)
    for name, line, _ in TWINS:
        found = actions(twins, within=line_range(line - 1))
        opened = {
            tuple(action.command.arguments or ())
            for action in found
            if action.command and action.command.command == "dagsterSnapsize.showAsset"
        }
        assert opened == {("shop", "orders", "/shop", name)}


TWINS = (("left", 4, 90_000), ("right", 9, 80_000))
