"""The language server: every request, notification and command that it answers."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from typing import Any, NoReturn

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcServerNotInitialized
from pygls.lsp.server import LanguageServer

from dagster_snapsize import VERSION
from dagster_snapsize.lsp import commands, requests
from dagster_snapsize.lsp.features import asset_groups, code_actions, code_lens, hover
from dagster_snapsize.lsp.session import Session
from dagster_snapsize.lsp.transport import SnapsizeProtocol, StandardInput, serve_tcp


class SnapsizeServer(LanguageServer):
    """The server of one client."""

    protocol: SnapsizeProtocol
    _session: Session | None = None

    @property
    def session(self) -> Session:
        """All that the server knows of its client. Raises before ``initialize``."""
        if self._session is None:
            raise JsonRpcServerNotInitialized
        return self._session

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Answer what is no message; show other errors to the user."""
        if isinstance(error, JsonRpcException):
            super().report_server_error(error, source)
        else:
            self.protocol.refuse(error)

    @property
    def is_taken(self) -> bool:
        """Whether there is a client."""
        return self._session is not None

    async def leave(self) -> NoReturn:
        """End all that the session started, then this process."""
        if self._session is not None:
            await self._session.leave(0)
        os._exit(0)

    def begin(self, options: object) -> None:
        """Make the session; it starts to work with ``initialized``."""
        self._session = Session(self, options)


def create_server() -> SnapsizeServer:
    """A server with every method registered."""
    server = SnapsizeServer("dagster-snapsize", VERSION, protocol_cls=SnapsizeProtocol)

    # -- the client and its window -----------------------------------------------------------

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.begin(params.initialization_options)

    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        await server.session.start()

    @server.feature(types.EXIT)
    async def leave(*_: object) -> None:
        await server.leave()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def did_change_configuration(params: types.DidChangeConfigurationParams) -> None:
        await server.session.settings_changed(params.settings)

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def did_change_folders(params: types.DidChangeWorkspaceFoldersParams) -> None:
        await server.session.find_projects()

    @server.feature(requests.FOCUS)
    def focus(params: Any) -> None:
        server.session.focus(bool(getattr(params, "focused", True)))

    @server.feature(requests.VISIBLE)
    def visible(params: Any) -> None:
        server.session.became_visible(getattr(params, "uri", None))

    # -- documents and files -----------------------------------------------------------------

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        server.session.opened(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        server.session.edited(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        server.session.closed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def did_save(params: types.DidSaveTextDocumentParams) -> None:
        await server.session.uris_changed([params.text_document.uri], saved=True)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def did_change_watched(params: types.DidChangeWatchedFilesParams) -> None:
        await server.session.uris_changed(change.uri for change in params.changes)

    # -- features ----------------------------------------------------------------------------

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hovers(params: types.HoverParams) -> types.Hover | None:
        return hover.hover(server.session.view(params.text_document.uri), params.position)

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    def code_lenses(params: types.CodeLensParams) -> list[types.CodeLens]:
        return code_lens.code_lenses(server.session.view(params.text_document.uri))

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    def inlay_hints(params: types.InlayHintParams) -> list[types.InlayHint]:
        return code_lens.inlay_hints(server.session.view(params.text_document.uri), params.range)

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION)
    def actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        return code_actions.code_actions(
            server.session.view(params.text_document.uri), params.range, params.context.only
        )

    @server.feature(requests.MEASUREMENT)
    def measurement(params: Any) -> Any:
        return requests.measurement_answer(server.session.states())

    # -- commands ----------------------------------------------------------------------------

    @server.command(commands.MEASURE)
    def measure() -> None:
        server.session.measure()

    @server.command(commands.CANCEL)
    def cancel() -> None:
        server.session.cancel()

    @server.command(commands.RESTART)
    async def restart() -> None:
        await server.session.restart()

    @server.command(asset_groups.UPDATE_BASELINE)
    async def update_baseline(*of: str) -> str:  # for `object` pygls would give the server, too
        return await commands.update_baseline(server.session, of)

    @server.command(asset_groups.SHOW_ASSET)
    async def show_asset(location: str, key: str, folder: str, *repository: str) -> str | None:
        return await commands.show_asset(server.session, location, key, folder, *repository[:1])

    @server.command(asset_groups.SHOW_LOAD_TIME)
    async def show_load_time(location: str, folder: str) -> str | None:
        return await commands.show_load_time(server.session, location, folder)

    @server.command(asset_groups.SHOW_REPORT)
    async def show_report(location: str, folder: str) -> str | None:
        return await commands.show_report(server.session, location, folder)

    @server.command(commands.SHOW_LIMITS)
    async def show_limits() -> str:
        return await commands.show_limits(server.session)

    @server.command(asset_groups.OPEN_HEAVIEST_FIELD)
    async def open_heaviest_field(location: str, key: str, folder: str, *repository: str) -> None:
        await commands.open_heaviest_field(server.session, location, key, folder, *repository[:1])

    return server


def serve(port: int | None) -> NoReturn:
    """Serve one client until it leaves, over standard input and output or on a local port.

    Log lines go to standard error.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("pygls").setLevel(logging.WARNING)
    # Files are anchored in threads while the loop answers: it gets its turn in half a millisecond.
    sys.setswitchinterval(0.0005)
    server = create_server()
    gc.freeze()  # modules stay: looking through them takes a tenth of a second each time
    if port is None:
        stream = StandardInput(sys.stdin.buffer, server.protocol)
        server.start_io(stream)  # type: ignore[arg-type]
    else:
        asyncio.run(serve_tcp(server, port, lambda: server.is_taken))
    # The client is gone. Workers notice the end of their lifelines and end what they started; a
    # thread that still reads our standard input must not keep us.
    os._exit(0)
