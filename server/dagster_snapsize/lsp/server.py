"""The language server: which request and which notification goes where."""

from __future__ import annotations

import os
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from dagster_snapsize.lsp.commands import register_commands
from dagster_snapsize.lsp.documents.positions import to_path
from dagster_snapsize.lsp.session import Session

MEASUREMENT = "dagsterSnapsize/measurement"
FOCUS = "dagsterSnapsize/focus"


class SnapsizeServer(LanguageServer):
    """The server; its session begins with ``initialized``."""

    session: Session | None = None


def create_server(version: str) -> SnapsizeServer:
    """A server with every feature registered."""
    server = SnapsizeServer("dagster-snapsize", version)

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        session = server.session = Session(server)
        options = params.initialization_options
        if isinstance(options, dict):
            options = dict(options)
            session.wants_status = options.pop("statusNotifications", False) is True
        session.initial_options = options

    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        session = server.session
        if session is not None:
            if session.initial_options is not None:
                session.settings.apply(session.initial_options)
            await session.start()

    @server.feature(types.EXIT)
    async def leave(*_: object) -> None:
        if server.session is not None:
            await server.session.leave(0)
        os._exit(0)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        if server.session is not None:
            server.session.opened(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        if server.session is not None:
            server.session.edited(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        if server.session is not None:
            server.session.closed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def did_save(params: types.DidSaveTextDocumentParams) -> None:
        path = to_path(params.text_document.uri)
        if server.session is not None and path is not None:
            await server.session.files_changed([path], saved=True)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def did_change_watched(params: types.DidChangeWatchedFilesParams) -> None:
        paths = [path for change in params.changes if (path := to_path(change.uri))]
        if server.session is not None:
            await server.session.files_changed(paths)

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def did_change_configuration(params: types.DidChangeConfigurationParams) -> None:
        if server.session is not None:
            await server.session.settings_changed(params.settings)

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def did_change_folders(params: types.DidChangeWorkspaceFoldersParams) -> None:
        if server.session is not None:
            await server.session.find_projects()

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        if server.session is None:
            return None
        return server.session.hover(params.text_document.uri, params.position)

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    def code_lens(params: types.CodeLensParams) -> list[types.CodeLens]:
        return server.session.code_lenses(params.text_document.uri) if server.session else []

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    def inlay_hint(params: types.InlayHintParams) -> list[types.InlayHint]:
        if server.session is None:
            return []
        return server.session.inlay_hints(params.text_document.uri, params.range)

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION)
    def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        return server.session.code_actions(params) if server.session else []

    @server.feature(MEASUREMENT)
    def measurement(params: Any) -> Any:
        return server.session.measurement(params) if server.session else None

    @server.feature(FOCUS)
    def focus(params: Any) -> None:
        for project in server.session.projects.values() if server.session else ():
            project.focus(bool(getattr(params, "focused", True)))

    register_commands(server, lambda: server.session)
    return server
