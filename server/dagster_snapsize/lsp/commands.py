"""Commands that every editor can run: measure, cancel, restart, and reports shown as documents."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import platformdirs
from lsprotocol import types
from pygls.lsp.server import LanguageServer

from dagster_snapsize.lsp.baselines import update_baseline
from dagster_snapsize.lsp.features.asset_groups import (
    OPEN_HEAVIEST_FIELD,
    SHOW_ASSET,
    SHOW_REPORT,
    UPDATE_BASELINE,
)
from dagster_snapsize.lsp.features.field_source import field_source
from dagster_snapsize.lsp.features.hover import asset_report, location_report
from dagster_snapsize.lsp.project import Project
from dagster_snapsize.lsp.session import Session
from dagster_snapsize.lsp.state import LocationState
from dagster_snapsize.lsp.workers.process import own_command
from dagster_snapsize.measuring.worker.results import AssetRow, LocationResult, detail_of

MEASURE = "dagsterSnapsize.measure"
CANCEL = "dagsterSnapsize.cancel"
RESTART = "dagsterSnapsize.restart"
SHOW_LIMITS = "dagsterSnapsize.showLimits"
_LIMITS_WITHIN = 120.0  # seconds
_MESSAGE_LINES = 12

Found = tuple[LocationState, LocationResult, AssetRow]


def register_commands(server: LanguageServer, session_of: Callable[[], Session | None]) -> None:
    """Those that show something return its text too, for clients that draw it themselves."""

    @server.command(MEASURE)
    def measure() -> None:
        if session := session_of():
            for project in session.projects.values():
                project.measure()

    @server.command(CANCEL)
    def cancel() -> None:
        if session := session_of():
            for project in session.projects.values():
                project.cancel()

    @server.command(RESTART)
    async def restart() -> None:
        if session := session_of():
            await session.restart()

    @server.command(UPDATE_BASELINE)
    async def update(*of: str) -> str | None:
        session = session_of()
        return await update_baseline(session, of) if session else None

    @server.command(SHOW_ASSET)
    async def show_asset(location: str, key: str, folder: str) -> str | None:
        session = session_of()
        found = _asset(session, folder, location, key)
        if session is None or found is None:
            return None
        state, good, row = found
        text = asset_report(state, good, row, detail_of(good, row))
        await _show(session, f"{key}.md", text)
        return text

    @server.command(SHOW_REPORT)
    async def show_report(location: str, folder: str) -> str | None:
        session = session_of()
        state = _location(session, folder, location)
        if session is None or state is None or state.good is None:
            return None
        text = location_report(state, state.good)
        await _show(session, f"{location}.md", text)
        return text

    @server.command(SHOW_LIMITS)
    async def show_limits() -> str | None:
        session = session_of()
        if session is None:
            return None
        texts = [await _limits(project) for project in session.projects.values()]
        text = "\n".join(texts) or "No code location was found.\n"
        await _show(session, "limits.md", text)
        return text

    @server.command(OPEN_HEAVIEST_FIELD)
    async def open_heaviest_field(location: str, key: str, folder: str) -> None:
        session = session_of()
        found = _asset(session, folder, location, key)
        if session is not None and found is not None:
            await _open_field(session, found)


def _location(session: Session | None, folder: str, name: str) -> LocationState | None:
    project = session.projects.get(folder) if session else None
    return next((x for x in project.state.locations if x.name == name), None) if project else None


def _asset(session: Session | None, folder: str, location: str, key: str) -> Found | None:
    state = _location(session, folder, location)
    if state is None or state.good is None:
        return None
    good = state.good
    return next(((state, good, row) for row in good.assets if row.key == key), None)


async def _open_field(session: Session, found: Found) -> None:
    """Show where the heaviest field is written, or else where the asset is."""
    _, good, row = found
    if row.location is None:
        return
    detail = detail_of(good, row)
    places = session.buffers.places()
    selection = places.range_or_line(row.location)
    text = session.buffers.text_of(row.location.path)
    if detail is not None and detail.fields and text is not None:
        heaviest = max(detail.fields, key=lambda name: detail.fields[name])
        suffix = Path(row.location.path).suffix.lower()
        span = field_source(text, suffix, selection.start.line, heaviest)
        if span is not None:
            selection = places.line_range(row.location.path, span[0])
    await _show_document(session, session.buffers.uri_of(row.location.path), selection)


async def _limits(project: Project) -> str:
    """A project's effective limits as Markdown; why they are not known where they are not."""
    folder = project.folder
    words = ["limits", "-d", folder, "--format", "markdown"]
    if project.interpreter:
        words += ["--python", project.interpreter]
    process = await asyncio.create_subprocess_exec(
        *own_command("dagster_snapsize.cli.main", *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
    )
    try:
        printed, errors = await asyncio.wait_for(process.communicate(), _LIMITS_WITHIN)
    except asyncio.TimeoutError:
        process.kill()
        return f"The limits of {folder} were not known after {_LIMITS_WITHIN:.0f} s.\n"
    text = printed.decode("utf-8", "replace")
    said = errors.decode("utf-8", "replace").strip()
    return f"{text}\n````text\n{said}\n````\n" if said else text


async def _show(session: Session, name: str, text: str) -> None:
    """As a document where the client shows documents, else the beginning of it as a message."""
    if session.capability("window.show_document.support"):
        safe = "".join(c if c.isalnum() or c in "._- " else "_" for c in name)
        path = Path(platformdirs.user_cache_dir("dagster-snapsize")) / "reports" / safe
        await asyncio.to_thread(_write, path, text)
        await _show_document(session, path.as_uri(), None)
        return
    lines = text.splitlines()
    more = ["..."] if len(lines) > _MESSAGE_LINES else []
    session.server.window_show_message(
        types.ShowMessageParams(types.MessageType.Info, "\n".join([*lines[:_MESSAGE_LINES], *more]))
    )


async def _show_document(session: Session, uri: str, selection: types.Range | None) -> None:
    if session.capability("window.show_document.support"):
        await session.server.window_show_document_async(
            types.ShowDocumentParams(uri, take_focus=True, selection=selection)
        )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
