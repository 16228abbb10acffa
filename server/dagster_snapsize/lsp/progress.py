"""Work-done progress: a bar in the editor for each project that is being measured."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from dagster_snapsize.lsp.project import Project

_log = logging.getLogger(__name__)


class ProgressBars:
    """Shown only to clients that say they show such bars; cancelling one cancels its work."""

    def __init__(self, server: LanguageServer, spawn: Callable[[Coroutine[Any, Any, Any]], None]):
        self._server = server
        self._spawn = spawn
        self._tokens: dict[str, str] = {}
        self._created: set[str] = set()

    def show(self, project: Project) -> None:
        """Begin, move on or end the project's bar, by its state."""
        window = self._server.client_capabilities.window
        if not (window and window.work_done_progress):
            return
        measuring = project.state.phase == "measuring"
        token = self._tokens.get(project.folder)
        if measuring and token is None:
            self._tokens[project.folder] = token = uuid.uuid4().hex
            self._spawn(self._begin(token, project))
        elif measuring and token in self._created:
            self._report(token, project)
        elif not measuring and token is not None:
            del self._tokens[project.folder]
            if token in self._created:
                self._created.discard(token)
                self._end(token)

    async def _begin(self, token: str, project: Project) -> None:
        bars = self._server.work_done_progress
        try:
            await bars.create_async(token)
        except Exception as error:  # the client changed its mind
            _log.info("the client shows no progress: %s", error)
            return
        begin = types.WorkDoneProgressBegin(
            title="Measuring snapshots", cancellable=True, percentage=0
        )
        bars.begin(token, begin)
        bars.tokens[token].add_done_callback(
            lambda future: project.cancel() if future.cancelled() else None
        )
        self._created.add(token)
        if self._tokens.get(project.folder) == token:
            self._report(token, project)
        else:  # it was over before the client had answered
            self._created.discard(token)
            self._end(token)

    def _report(self, token: str, project: Project) -> None:
        state = project.state
        count = f", {state.done} of {state.of} snapshots" if state.of else ""
        percentage = 100 * state.done // state.of if state.of else None
        self._server.work_done_progress.report(
            token,
            types.WorkDoneProgressReport(
                message=f"{state.text}{count}", percentage=percentage, cancellable=True
            ),
        )

    def _end(self, token: str) -> None:
        self._server.work_done_progress.end(token, types.WorkDoneProgressEnd())
        self._server.work_done_progress.tokens.pop(token, None)
