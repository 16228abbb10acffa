"""Code actions on findings: update the baseline, silence a rule, open a report, allow more."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen
from lsprotocol.types import CodeAction, CodeActionKind, Command, Diagnostic, Range, WorkspaceEdit

from dagster_snapsize.core.budgets import ASSET_BUDGET, CONFIGURATION, asset_budget
from dagster_snapsize.core.sizes import counted, format_size, parse_size
from dagster_snapsize.lsp.documents.edits import FileEdits
from dagster_snapsize.lsp.documents.places import View
from dagster_snapsize.lsp.features.asset_groups import (
    OPEN_HEAVIEST_FIELD,
    SHOW_ASSET,
    SHOW_REPORT,
    UPDATE_BASELINE,
    command,
    groups,
)
from dagster_snapsize.lsp.features.budget_edit import new_file, prefix_of, read_budget, set_budget
from dagster_snapsize.lsp.features.diagnostics import SOURCE, UNREADABLE
from dagster_snapsize.lsp.features.ignore_edit import silence
from dagster_snapsize.lsp.features.markup import flat
from dagster_snapsize.lsp.state import LocationState
from dagster_snapsize.measuring.worker.results import AssetRow, LocationResult

_GREW = ("snapshot-grew", "asset-grew", "baseline-mismatch")
_HEADROOM = 1.1


@frozen
class _Raise:
    """A budget to write: whom it is for, the keys under ``budget``, the bytes."""

    whom: str
    keys: tuple[str, ...]
    bytes: int


def code_actions(
    views: Iterable[View], within: Range, only: Sequence[str] | None = None
) -> list[CodeAction]:
    """The actions for a range of a file, of which there are none without a finding.

    Quick fixes come first, then reports and larger budgets, which are no fixes and of no kind.
    ``only`` are the kinds that the client asks for; None is all.
    """
    found = [action for view in views for action in _code_actions(view, within)]
    return sorted(
        (action for action in found if _is_wanted(action, only)),
        key=lambda action: action.kind is None,
    )


def _code_actions(view: View, within: Range) -> Iterator[CodeAction]:
    state = view.state
    by_name = {location.name: location for location in state.locations}
    for diagnostic in view.published:
        data = diagnostic.data
        if diagnostic.source != SOURCE or not isinstance(data, dict):
            continue
        location = by_name.get(data["location"])
        if location is None or not _overlap(diagnostic.range, within):
            continue
        if (title := _update_title(location, data)) is not None:
            update = command(title, UPDATE_BASELINE, state.folder, location.name)
            yield _action(title, diagnostic, run=update, kind=CodeActionKind.QuickFix)
        if location.good is not None:
            yield from _of_finding(view, location, location.good, diagnostic, data)


def _overlap(one: Range, other: Range) -> bool:
    return one.start.line <= other.end.line and other.start.line <= one.end.line


def _is_wanted(action: CodeAction, only: Sequence[str] | None) -> bool:
    """Kinds are a hierarchy of dotted names, and the empty one is above all."""
    if only is None:
        return True
    kind = action.kind or ""
    return any(not k or kind == k or kind.startswith(f"{k}.") for k in only)


def _of_finding(
    view: View,
    location: LocationState,
    good: LocationResult,
    diagnostic: Diagnostic,
    data: Mapping[str, Any],
) -> Iterator[CodeAction]:
    key, repository = data["asset"], data["repository"]
    row = good.row(key, repository) if key is not None else None
    if row is not None:
        yield from _silence(view, row, diagnostic, data["rule"])
        yield from _reports(view, location, good, row, diagnostic)
    elif data["snapshot"] is not None:
        title = f"Show the full report of {flat(location.name)}"
        report = command(title, SHOW_REPORT, view.state.folder, location.name)
        yield _action(title, diagnostic, run=report)
    for wanted in _budgets_to_raise(good, data):
        edit = _raised(good, wanted, view.edits)
        if edit is not None:
            title = f"Allow {format_size(wanted.bytes)} for {wanted.whom}"
            yield _action(title, diagnostic, edit=edit)


def _reports(
    view: View,
    location: LocationState,
    good: LocationResult,
    row: AssetRow,
    diagnostic: Diagnostic,
) -> Iterator[CodeAction]:
    """Open the report of an asset, and where its heaviest field is written."""
    name = flat(row.key)
    titles = {SHOW_ASSET: f"Show the full report of {name}"}
    detail = view.detail_of(good, row)
    if detail is not None and (heaviest := detail.heaviest_field) is not None:
        titles[OPEN_HEAVIEST_FIELD] = (
            f"Open the source of the heaviest field of {name} ({flat(heaviest)},"
            f" {format_size(detail.fields[heaviest])})"
        )
    for run, title in titles.items():
        yield _action(
            title, diagnostic, run=command(title, run, view.state.folder, location.name, row)
        )


def _silence(view: View, row: AssetRow, diagnostic: Diagnostic, rule: str) -> Iterator[CodeAction]:
    """Write the comment that silences the rule for all assets of the line."""
    text = view.edits.read(view.path)
    line = diagnostic.range.start.line
    here = next(
        (g for g in groups(view) if g.range.start.line == line and row in g.rows),
        None,
    )
    if text is None or here is None:
        return
    change = silence(text, posixpath.splitext(view.path)[1], line + 1, rule)
    if change is not None:
        assets = "this asset" if len(here.rows) == 1 else counted(len(here.rows), "asset")
        yield _action(
            f"Silence {rule} for {assets}",
            diagnostic,
            edit=view.edits.changed(view.path, text, change),
            kind=CodeActionKind.QuickFix,
        )


def _action(
    title: str,
    diagnostic: Diagnostic,
    *,
    edit: WorkspaceEdit | None = None,
    run: Command | None = None,
    kind: CodeActionKind | None = None,
) -> CodeAction:
    return CodeAction(title=title, kind=kind, diagnostics=[diagnostic], edit=edit, command=run)


def _update_title(location: LocationState, data: Mapping[str, Any]) -> str | None:
    """The title of writing the baseline, where that clears the diagnostic; else None."""
    good = location.good
    if good is None:
        return None
    if data["rule"] == UNREADABLE:
        return "Rewrite the baseline"
    snapshot = next((s for s in good.snapshots if s.id == data["snapshot"]), None)
    is_judged = snapshot is not None and snapshot.growth_bytes is not None
    blocks = data["rule"] == "snapshot-over-budget" and data["severity"] == "error"
    return "Update the baseline" if data["rule"] in _GREW or (blocks and is_judged) else None


def _budgets_to_raise(good: LocationResult, data: Mapping[str, Any]) -> Iterator[_Raise]:
    """The budgets that the configuration sets and the finding is about.

    A real limit is raised where it is set, not by a budget above it.
    """
    size, budget = data["bytes"], data["budget_bytes"]
    if size is None or budget is None:
        return
    budgets = good.budgets
    if data["rule"] == "asset-over-budget":
        key, enough = data["asset"], round_up(size * _HEADROOM)
        if data["assets"] == 1:
            yield _Raise(f"{flat(key)} only", ("assets", key), enough)
        if asset_budget(key, budgets).name == ASSET_BUDGET:
            over_max = budgets.asset_max is not None and size > budgets.asset_max
            yield _Raise("every asset", ("asset-max" if over_max else "asset",), enough)
        return
    if data["rule"] not in ("snapshot-over-budget", "snapshot-near-budget"):
        return
    snapshot = next((s for s in good.snapshots if s.id == data["snapshot"]), None)
    if snapshot is None or snapshot.budget_source != CONFIGURATION:
        return
    # With less room the warning that it is near its budget would take the error's place.
    enough = round_up(size * max(_HEADROOM, 1 / budgets.warn_at))
    if enough <= budget:
        return
    if snapshot.kind == "repository":
        yield _Raise("the repository", ("repository",), enough)
    else:
        yield _Raise(f"job {flat(snapshot.name)} only", ("jobs", snapshot.name), enough)


def round_up(size: float) -> int:
    """The next number of bytes that is written with two digits: 95,700 becomes 96 kB."""
    whole = math.ceil(round(size, 3))
    step: int = 10 ** max(0, len(str(whole)) - 2)
    return -(-whole // step) * step


def _raised(good: LocationResult, wanted: _Raise, edits: FileEdits) -> WorkspaceEdit | None:
    """The edit of the project's configuration, or None where it cannot be made safely."""
    path = good.config_path or f"{good.root}/pyproject.toml"
    prefix = prefix_of(path.replace("\\", "/").rpartition("/")[2])
    value = format_size(wanted.bytes).replace(",", "")  # a comma may be a decimal one
    text = edits.read(path)
    if text is None:
        return edits.created(path, new_file(prefix, wanted.keys, value))
    if _allows(read_budget(text, prefix, wanted.keys), wanted.bytes):
        return None  # raised already, and not measured since
    change = set_budget(text, prefix, wanted.keys, value)
    return edits.changed(path, text, change) if change else None


def _allows(written: object, size: int) -> bool:
    try:
        return written is not None and parse_size(written) >= size
    except ValueError:
        return False
