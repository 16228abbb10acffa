"""Commands that every editor can run: reports shown as documents, and the baseline."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve
from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from dagster_snapsize.lsp.features.field_source import field_source
from dagster_snapsize.lsp.features.hover import asset_report, location_report
from dagster_snapsize.lsp.features.load_time import load_time_report
from dagster_snapsize.lsp.features.markup import code, escaped, flat
from dagster_snapsize.lsp.project import Project
from dagster_snapsize.lsp.session import Session
from dagster_snapsize.lsp.state import LocationState
from dagster_snapsize.lsp.workers.process import own_command
from dagster_snapsize.measuring.cache.folders import cache_root, make_cache, remove_unused
from dagster_snapsize.measuring.worker.results import (
    AssetRow,
    LocationResult,
    detail_of,
    unstructure,
)
from dagster_snapsize.measuring.worker.shared_results import REPORTS

MEASURE = "dagsterSnapsize.measure"
CANCEL = "dagsterSnapsize.cancel"
RESTART = "dagsterSnapsize.restart"
SHOW_LIMITS = "dagsterSnapsize.showLimits"
_WITHIN = 120.0  # seconds for a process that a command waits for
_KEPT_REPORTS = 20
_MESSAGE_LINES = 12
_MOST_CHARACTERS = 80  # of a name, in that of a file
_REFUSED = "The baseline was not written: "


# -- reports, whose text is returned too, for clients that draw it themselves ---------------------


async def show_asset(
    session: Session, location: str, key: str, folder: str, repository: str | None = None
) -> str | None:
    """Show everything about one asset."""
    found = _asset(session, folder, location, key, repository)
    if found is None:
        return None
    state, good, row = found
    text = asset_report(state, good, row, detail_of(good, row))
    await _show(session, folder, f"{good.name} {row.repository} {key}", text)
    return text


async def show_report(session: Session, location: str, folder: str) -> str | None:
    """Show the snapshots of a location and its heaviest assets."""
    state = _location(session, folder, location)
    if state is None or state.good is None:
        return None
    text = location_report(state, state.good)
    await _show(session, folder, location, text)
    return text


async def show_load_time(session: Session, location: str, folder: str) -> str | None:
    """Show where the load time of a location goes."""
    state = _location(session, folder, location)
    if state is None or state.good is None or state.good.load is None:
        return None
    text = load_time_report(state, state.good.load)
    await _show(session, folder, f"{location} load time", text)
    return text


async def show_limits(session: Session) -> str:
    """Show the effective limits of every code location, as they were when it was measured."""
    texts = [limits_report(x) for project in session.states() for x in project.locations]
    text = "\n".join(texts) or "No code location has been measured yet.\n"
    await _show(session, "", "limits", text)
    return text


def limits_report(location: LocationState) -> str:
    """A location's effective limits, in Markdown."""
    found = (location.failed, location.good)
    measured = next((result for result in found if result and result.limits), None)
    if measured is None:
        return f"### {code(location.name)}\n\nNot measured yet.\n"
    lines = [
        f"### {code(location.name)}",
        "",
        f"{code(measured.python)} ({escaped(measured.python_source)})",
        "",
    ]
    # A list and not a table: four columns do not fit beside an editor's side bar.
    for limit in measured.limits:
        lines.append(f"- {code(limit.name)}: **{limit.value}** ({escaped(limit.source)})\\")
        lines.append(f"  {escaped(limit.problem or limit.description)}")
    return "\n".join([*lines, ""])


async def open_heaviest_field(
    session: Session, location: str, key: str, folder: str, repository: str | None = None
) -> None:
    """Show where the heaviest field of an asset is written, or else where the asset is."""
    found = _asset(session, folder, location, key, repository)
    row = found[2] if found else None
    if found is None or row is None or row.location is None:
        return
    detail = detail_of(found[1], row)
    selection = session.buffers.range_or_line(row.location)
    text = session.buffers.text_of(row.location.path)
    heaviest = detail.heaviest_field if detail is not None else None
    if heaviest is not None and text is not None:
        suffix = Path(row.location.path).suffix.lower()
        span = field_source(text, suffix, selection.start.line, heaviest)
        if span is not None:
            selection = session.buffers.line_range(row.location.path, span[0])
    await _show_document(session, session.buffers.uri_of(row.location.path), selection)


def _location(session: Session, folder: str, name: str) -> LocationState | None:
    project = session.projects.get(folder)
    return next((x for x in project.state.locations if x.name == name), None) if project else None


def _asset(
    session: Session, folder: str, location: str, key: str, repository: str | None
) -> tuple[LocationState, LocationResult, AssetRow] | None:
    state = _location(session, folder, location)
    if state is None or state.good is None:
        return None
    good = state.good
    row = good.row(key, repository)
    return (state, good, row) if row else None


async def _show(session: Session, folder: str, name: str, text: str) -> None:
    """As a document where the client shows documents, else the beginning of it as a message."""
    if session.capability("window.show_document.support"):
        path = cache_root(os.environ) / REPORTS / report_name(folder, name)
        with contextlib.suppress(OSError):  # where it cannot be written, its beginning is shown
            await asyncio.to_thread(_write, path, text)
            await _show_document(session, path.as_uri(), None)
            return
    lines = text.splitlines()
    more = ["..."] if len(lines) > _MESSAGE_LINES else []
    session.server.window_show_message(
        types.ShowMessageParams(types.MessageType.Info, "\n".join([*lines[:_MESSAGE_LINES], *more]))
    )


def report_name(folder: str, name: str) -> str:
    """The file for what is shown under a name in a project, which no other project writes."""
    digest = hashlib.sha256(f"{folder}\n{name}".encode()).hexdigest()[:12]
    safe = "".join(c if c.isalnum() or c in "._- " else "_" for c in name)
    return f"{safe[-_MOST_CHARACTERS:]} {digest}.md"


async def _show_document(session: Session, uri: str, selection: types.Range | None) -> None:
    if session.capability("window.show_document.support"):
        await session.server.window_show_document_async(
            types.ShowDocumentParams(uri, take_focus=True, selection=selection)
        )


def _write(path: Path, text: str) -> None:
    make_cache(path.parent)
    path.write_text(text, encoding="utf-8")
    remove_unused(path.parent, _KEPT_REPORTS)


# -- the baseline --------------------------------------------------------------------------------


class _Refused(Exception):
    """Why a baseline cannot be written now."""


async def update_baseline(session: Session, of: Sequence[object]) -> str:
    """Write the baseline of a location's project, or of all; tell the user and return the text.

    ``of`` is the location's name and the project's folder, or nothing. Raises JsonRpcInvalidParams
    where it is something else.
    """
    if len(of) not in (0, 2) or not all(isinstance(x, str) for x in of):
        raise JsonRpcInvalidParams.of(ValueError("expected a location and its folder, or nothing"))
    location, folder = map(str, of) if of else (None, None)
    texts, is_good = [], True
    for project in list(session.projects.values()):
        if folder is None or project.folder == folder:
            for root in _roots(project, location):
                try:
                    texts.append(
                        await _write_baseline(session, root, _results_to_write(project, root))
                    )
                except _Refused as refused:
                    is_good = False
                    texts.append(f"{_REFUSED}{refused}")
    if not texts:
        is_good = False
        texts.append(f"{_REFUSED}there is no such location.")
    text = "\n".join(texts)
    kind = types.MessageType.Info if is_good else types.MessageType.Warning
    session.server.window_show_message(types.ShowMessageParams(kind, f"dagster-snapsize: {text}"))
    return text


def _roots(project: Project, location: str | None) -> Iterable[str]:
    """The folders of the baselines: that of a location, or of all where none is named."""
    found = project.state.locations
    return dict.fromkeys(x.root for x in found if location is None or x.name == location)


def _results_to_write(project: Project, root: str) -> list[LocationResult]:
    """The results of all locations of a folder, since its baseline holds all of them."""
    if project.state.config_error is not None:
        raise _Refused(project.state.config_error.message)
    return [_good_result(location) for location in project.state.locations if location.root == root]


def _good_result(location: LocationState) -> LocationResult:
    name = flat(location.name)
    if location.failed is not None or location.config_error is not None:
        raise _Refused(f"{name} could not be measured. Fix that first.")
    if location.good is None:
        raise _Refused(f"{name} has not been measured yet.")
    if location.stale:
        raise _Refused(
            f"the sizes of {name} are from before the last edit. Save, wait for the measurement,"
            " and try again."
        )
    return location.good


async def _write_baseline(session: Session, root: str, results: Sequence[LocationResult]) -> str:
    """Let a process write it (measuring/worker/write_baseline.py), and return what it reports."""
    slim = [unstructure(evolve(result, assets=(), findings=())) for result in results]
    process = await asyncio.create_subprocess_exec(
        *own_command("dagster_snapsize.measuring.worker.write_baseline"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    request = json.dumps({"root": root, "results": slim}).encode("utf-8")
    try:
        printed, noise = await asyncio.wait_for(process.communicate(request), _WITHIN)
    except asyncio.TimeoutError:
        process.kill()
        raise _Refused(f"it took longer than {_WITHIN:.0f} s.") from None
    try:
        answer: dict[str, Any] = json.loads(printed)
    except ValueError:
        lines = noise.decode("utf-8", "replace").strip().splitlines()
        raise _Refused(f"{lines[-1] if lines else 'its process ended'}.") from None
    if "error" in answer:
        raise _Refused(str(answer["error"]))
    await session.files_changed([results[0].baseline.path])
    return str(answer["text"])
