"""What a user can do about a finding or an asset: look closer, allow more, silence it."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen
from lsprotocol.types import CodeAction, CodeActionKind, Command, Diagnostic, Range, WorkspaceEdit

from dagster_snapsize.core.findings import CONFIGURATION
from dagster_snapsize.core.sizes import counted, parse_size
from dagster_snapsize.lsp.documents.edits import FileEdits
from dagster_snapsize.lsp.features.asset_groups import (
    OPEN_HEAVIEST_FIELD,
    SHOW_ASSET,
    UPDATE_BASELINE,
    DetailOf,
    Group,
    Places,
    command,
    groups,
)
from dagster_snapsize.lsp.features.budget_edit import new_file, prefix_of, read_budget, set_budget
from dagster_snapsize.lsp.features.diagnostics import SOURCE, UNREADABLE
from dagster_snapsize.lsp.features.ignore_edit import silence
from dagster_snapsize.lsp.features.words import flat, short_size
from dagster_snapsize.lsp.state import LocationState, ProjectState
from dagster_snapsize.measuring.worker.results import AssetRow, LocationResult

_GREW = ("snapshot-grew", "asset-grew", "baseline-mismatch")
_HEADROOM = 1.1
_MOST_ASSETS = 3


@frozen
class _Raise:
    """A budget to write: what the user reads, the keys under ``budget``, the bytes."""

    what: str
    keys: tuple[str, ...]
    bytes: int


def code_actions(
    state: ProjectState,
    path: str,
    within: Range,
    published: Sequence[Diagnostic],
    places: Places[Any],
    files: FileEdits,
    detail_of: DetailOf,
    only: Sequence[str] | None = None,
) -> list[CodeAction]:
    """The actions for a range of a buffer: quick fixes first, then those of its assets.

    ``published`` are the diagnostics of the file as they were sent. ``only`` are the kinds that the
    client asks for; None is all.
    """
    found: list[CodeAction] = []
    by_name = {location.name: location for location in state.locations}
    shown = groups(state, path, places)
    fixed: set[tuple[str, str]] = set()
    for diagnostic in published:
        data = diagnostic.data
        if diagnostic.source != SOURCE or not isinstance(data, dict):
            continue
        location = by_name.get(data["location"])
        if location is None or not _overlap(diagnostic.range, within):
            continue
        if (title := _renewal(location, data)) is not None:
            renew = command(title, UPDATE_BASELINE, state.folder, location.name)
            found.append(_action(title, diagnostic, run=renew))
        found += _quick_fixes(location, path, diagnostic, data, shown, files)
        if data["asset"] is not None:
            fixed.add((location.name, data["asset"]))
            row = _row(location.good, data["asset"])
            if row is not None:
                found += _looks(state, location, row, detail_of, diagnostic)
    for group in shown:
        if not _overlap(group.range, within):
            continue
        for row in group.rows[:_MOST_ASSETS]:
            if (group.state.name, row.key) not in fixed:
                fixed.add((group.state.name, row.key))
                found += _looks(state, group.state, row, detail_of, None)
    return [action for action in found if _is_wanted(action, only)]


def _overlap(one: Range, other: Range) -> bool:
    return one.start.line <= other.end.line and other.start.line <= one.end.line


def _is_wanted(action: CodeAction, only: Sequence[str] | None) -> bool:
    """Kinds are a hierarchy of dotted names, and the empty one is above all."""
    if only is None:
        return True
    kind = action.kind or ""
    return any(not k or kind == k or kind.startswith(f"{k}.") for k in only)


def _row(result: LocationResult | None, key: str) -> AssetRow | None:
    return next((a for a in result.assets if a.key == key), None) if result else None


def _looks(
    state: ProjectState,
    location: LocationState,
    row: AssetRow,
    detail_of: DetailOf,
    diagnostic: Diagnostic | None,
) -> Iterator[CodeAction]:
    name = flat(row.key)
    titles = {SHOW_ASSET: f"Show the full report of {name}"}
    detail = detail_of(location.good, row) if location.good else None
    if detail is not None and detail.fields:
        heaviest = max(detail.fields, key=lambda f: detail.fields[f])
        titles[OPEN_HEAVIEST_FIELD] = (
            f"Open the source of the heaviest field of {name} ({flat(heaviest)},"
            f" {short_size(detail.fields[heaviest])})"
        )
    for run, title in titles.items():
        yield _action(
            title, diagnostic, run=command(title, run, state.folder, location.name, row.key)
        )


def _action(
    title: str,
    diagnostic: Diagnostic | None,
    *,
    edit: WorkspaceEdit | None = None,
    run: Command | None = None,
) -> CodeAction:
    return CodeAction(
        title=title,
        kind=CodeActionKind.QuickFix if diagnostic is not None else None,
        diagnostics=[diagnostic] if diagnostic is not None else None,
        edit=edit,
        command=run,
    )


def _renewal(location: LocationState, data: Mapping[str, Any]) -> str | None:
    """What a new baseline would be called where that clears the diagnostic, or None."""
    good = location.good
    if good is None:
        return None
    if data["rule"] == UNREADABLE:
        return "Write the baseline anew"
    snapshot = next((s for s in good.snapshots if s.id == data["snapshot"]), None)
    is_judged = snapshot is not None and snapshot.growth_bytes is not None
    blocks = data["rule"] == "snapshot-over-budget" and data["severity"] == "error"
    return "Update the baseline" if data["rule"] in _GREW or (blocks and is_judged) else None


def _quick_fixes(
    location: LocationState,
    path: str,
    diagnostic: Diagnostic,
    data: Mapping[str, Any],
    shown: Sequence[Group],
    files: FileEdits,
) -> Iterator[CodeAction]:
    good = location.good
    if good is None:
        return
    wanted = _budget_to_raise(good, data)
    if wanted is not None:
        edit = _raised(good, wanted, files)
        if edit is not None:
            title = f"Raise {wanted.what} to {short_size(wanted.bytes)}"
            yield _action(title, diagnostic, edit=edit)
    if data["asset"] is None:
        return
    text = files.read(path)
    here = next((g for g in shown if g.range.start.line == diagnostic.range.start.line), None)
    if text is None or here is None:
        return
    suffix = posixpath.splitext(path)[1]
    change = silence(text, suffix, here.range.start.line + 1, data["rule"])
    if change is not None:
        whom = "this asset" if len(here.rows) == 1 else counted(len(here.rows), "asset")
        title = f"Silence {data['rule']} for {whom}"
        yield _action(title, diagnostic, edit=files.changed(path, text, change))


def _budget_to_raise(good: LocationResult, data: Mapping[str, Any]) -> _Raise | None:
    """The budget that the configuration sets and the finding is about, or None.

    A real limit is raised where it is set, not by a budget above it.
    """
    size, budget = data["bytes"], data["budget_bytes"]
    if size is None or budget is None:
        return None
    budgets = good.budgets
    if data["rule"] == "asset-over-budget":
        enough = round_up(size * _HEADROOM)
        if budgets.asset_max is not None and size > budgets.asset_max:
            return _Raise("the most that one asset may take", ("asset-max",), enough)
        return _Raise("the budget of one asset", ("asset",), enough)
    if data["rule"] not in ("snapshot-over-budget", "snapshot-near-budget"):
        return None
    snapshot = next((s for s in good.snapshots if s.id == data["snapshot"]), None)
    if snapshot is None or snapshot.budget_source != CONFIGURATION:
        return None
    # With less room the warning that it is near its budget would take the error's place.
    enough = round_up(size * max(_HEADROOM, 1 / budgets.warn_at))
    if enough <= budget:
        return None
    if snapshot.kind == "repository":
        return _Raise("the repository budget", ("repository",), enough)
    return _Raise(f"the budget of job {flat(snapshot.name)}", ("jobs", snapshot.name), enough)


def round_up(size: float) -> int:
    """The next number of bytes that is written with two digits: 95,700 becomes 96 kB."""
    whole = math.ceil(round(size, 3))
    step: int = 10 ** max(0, len(str(whole)) - 2)
    return -(-whole // step) * step


def _raised(good: LocationResult, wanted: _Raise, files: FileEdits) -> WorkspaceEdit | None:
    """The edit of the project's configuration, or None where it cannot be made safely."""
    path = good.config_path or f"{good.root}/pyproject.toml"
    prefix = prefix_of(path.replace("\\", "/").rpartition("/")[2])
    value = short_size(wanted.bytes).replace(",", "")  # a comma may be a decimal one
    text = files.read(path)
    if text is None:
        return files.created(path, new_file(prefix, wanted.keys, value))
    if _allows(read_budget(text, prefix, wanted.keys), wanted.bytes):
        return None  # raised already, and not measured since
    change = set_budget(text, prefix, wanted.keys, value)
    return files.changed(path, text, change) if change else None


def _allows(written: object, size: int) -> bool:
    try:
        return written is not None and parse_size(written) >= size
    except ValueError:
        return False
