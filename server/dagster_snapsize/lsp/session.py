"""Everything that the server knows and does, for one client."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from dagster_snapsize import PACKAGE
from dagster_snapsize.lsp.documents.buffers import Buffers
from dagster_snapsize.lsp.documents.edits import FileEdits
from dagster_snapsize.lsp.documents.positions import to_path
from dagster_snapsize.lsp.features import code_actions as actions
from dagster_snapsize.lsp.features import code_lens as lenses
from dagster_snapsize.lsp.features import diagnostics
from dagster_snapsize.lsp.features import hover as hovers
from dagster_snapsize.lsp.progress import ProgressBars
from dagster_snapsize.lsp.project import Project
from dagster_snapsize.lsp.requests import measurement_answer, status_of
from dagster_snapsize.lsp.settings import ClientSettings
from dagster_snapsize.lsp.shutdown import leave_on_signals, leave_with_client
from dagster_snapsize.lsp.watching.client import ClientWatching
from dagster_snapsize.lsp.watching.dependencies import WatchList
from dagster_snapsize.lsp.watching.watcher import FileWatcher
from dagster_snapsize.lsp.workers.audit import Audits
from dagster_snapsize.lsp.workers.forkserver import ForkServerPool
from dagster_snapsize.measuring.worker.results import LocationResult, detail_of
from dagster_snapsize.project.locations import project_folders

STATUS = "dagsterSnapsize/status"
RULES = PACKAGE / "rules.md"
_CLOSE_WITHIN = 10.0  # seconds
_SHOW_AFTER = 0.15  # seconds
_log = logging.getLogger(__name__)


class Session:
    """Everything that the server knows and does, for one client."""

    def __init__(self, server: LanguageServer):
        self.server = server
        self.settings = ClientSettings(server)
        self.projects: dict[str, Project] = {}
        self.buffers = Buffers(lambda: server.workspace)
        self.published: dict[str, dict[str, list[types.Diagnostic]]] = {}
        self.progress = ProgressBars(server, self.spawn)
        self.initial_options: object = None
        self._finding = asyncio.Lock()
        self.wants_status = False
        self.ready = self._new_pool()
        self._watcher: FileWatcher | ClientWatching | None = None
        self._show_timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Future[Any]] = set()
        self._loop = asyncio.get_running_loop()
        self._leaving = False

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let it run beside everything else, and log how it failed if it did."""

        def ended(task: asyncio.Future[Any]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and task.exception() is not None:
                _log.error("a task of the server failed", exc_info=task.exception())

        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(ended)

    # -- the client --------------------------------------------------------------------------

    async def start(self) -> None:
        """After ``initialized``: settings, projects, watching."""
        leave_on_signals(self.leave)
        if self.server.process_id:
            self.spawn(leave_with_client(self.server.process_id, self.leave))
        watched = self.capability("workspace.did_change_watched_files")
        if watched and watched.dynamic_registration:
            relative = bool(watched.relative_pattern_support)
            self._watcher = ClientWatching(self.server, relative, self.spawn, self.files_changed)
        else:
            self._watcher = FileWatcher(self._changed_on_disk)
        await self.find_projects()

    async def leave(self, status: int) -> NoReturn:
        """End every tree, then this process: a plain exit would wait for its standard input."""
        if not self._leaving:
            self._leaving = True
            closing = [project.close() for project in self.projects.values()]
            done = asyncio.gather(*closing, self.ready.close(), return_exceptions=True)
            try:
                await asyncio.wait_for(done, _CLOSE_WITHIN)
            finally:
                os._exit(status)
        await asyncio.Event().wait()
        raise AssertionError("the process has ended")

    def capability(self, path: str) -> Any:
        """A client capability by its dotted path, or None."""
        found: Any = self.server.client_capabilities
        for name in path.split("."):
            found = getattr(found, name, None)
            if found is None:
                return None
        return found

    async def restart(self) -> None:
        """Begin anew: settings, projects, measurements."""
        for project in self.projects.values():
            await project.close()
            self._publish(project.folder, {})
        self.projects.clear()
        await self.ready.close()
        self.ready = self._new_pool()
        await self.find_projects()

    def _new_pool(self) -> ForkServerPool:
        return ForkServerPool(Audits(self._warn), wrong=self._measure_anew)

    def _measure_anew(self, folder: str) -> None:
        if folder in self.projects:
            self.projects[folder].measure()

    async def fetch_settings(self, folders: Sequence[str]) -> None:
        """Ask the client for its settings, where it can be asked."""
        if self.capability("workspace.configuration"):
            await self.settings.fetch(folders)

    async def settings_changed(self, data: object) -> None:
        """The client's settings have changed; ``data`` are new ones, if it cannot be asked."""
        if self.capability("workspace.configuration"):
            await self.settings.fetch(list(self.projects))
        elif data is not None:
            self.settings.apply(data)
        for project in self.projects.values():
            project.take_settings(self.settings.of(project.folder))
            self._show(project)
        if not any(p.settings.enable and p.settings.fork_server for p in self.projects.values()):
            self.ready.end_all("the settings say so")
        self.refresh()

    async def find_projects(self) -> None:
        """Take up the projects of all workspace folders, and let go of the others."""
        async with self._finding:  # one after the other, so that the newest folders come last
            await self._find_projects()

    async def _find_projects(self) -> None:
        # Not their keys there, which pygls has unquoted: what follows a # would be lost.
        roots = [to_path(folder.uri) for folder in self.server.workspace.folders.values()]
        if not roots and self.server.workspace.root_path:
            roots = [self.server.workspace.root_path]
        folders: list[str] = []
        for root in filter(None, roots):
            found = await asyncio.to_thread(project_folders, Path(root), os.environ)
            folders += [str(place) for place in found]
        for folder in [f for f in self.projects if f not in folders]:
            project = self.projects.pop(folder)
            await project.close()
            self._publish(folder, {})
        new = [f for f in dict.fromkeys(folders) if f not in self.projects]
        await self.fetch_settings([*self.projects, *new])
        for folder in new:
            if folder not in self.projects:  # while the client was asked
                project = Project(
                    folder,
                    self.settings.of(folder),
                    self._project_changed,
                    self._anchor,
                    self.ready,
                )
                self.projects[folder] = project
                self._tell_status(project)
                project.opened()
        if not folders:
            self._tell_status(None)
        self._watch()

    # -- documents and files -----------------------------------------------------------------

    def opened(self, uri: str) -> None:
        """A document was opened: what is known of it is shown on its text."""
        self.buffers.opened(uri)
        self._show_soon()

    def edited(self, uri: str) -> None:
        """A document was edited: everything moves along with its text."""
        path = to_path(uri)
        if path is not None:
            is_saved = self.buffers.is_saved(path)
            for project in self.projects.values():
                project.edited(path, is_saved)
            self._show_soon()

    def closed(self, uri: str) -> None:
        """A document was closed: its file on disk counts again."""
        self.buffers.closed(uri)
        self.edited(uri)

    async def files_changed(self, paths: Iterable[str], *, saved: bool = False) -> None:
        """Files were changed, whoever did it."""
        changed = list(paths)
        self.buffers.forget_disk(changed)
        files = [*changed, *self.buffers.opened_below(changed)]
        for project in list(self.projects.values()):
            for path in files:
                project.edited(path, self.buffers.is_saved(path))
            await project.files_changed(changed, saved=saved)
        if isinstance(self._watcher, ClientWatching):
            self._watcher.changed(changed)

    def _changed_on_disk(self, paths: frozenset[str]) -> None:
        """In the watcher's thread."""
        self._loop.call_soon_threadsafe(lambda: self.spawn(self.files_changed(paths)))

    def _watch(self) -> None:
        """Watch what the newest results were made from."""
        wanted = WatchList()
        for project in self.projects.values():
            wanted |= project.watch_list
        if self._watcher is not None:
            self._watcher.watch(wanted)

    # -- what is shown -----------------------------------------------------------------------

    def _anchor(self, result: LocationResult) -> Callable[[], None]:
        """In a thread: tie a result to the texts it was measured from, and make its indexes."""
        _ = result.assets_of_file, result.location_of
        return partial(self.buffers.measured, self.buffers.anchored(result))

    def _project_changed(self, project: Project) -> None:
        state = project.state
        self.progress.show(project)
        if state.phase != "measuring" or not state.text:
            self._show(project)
            self._watch()
            self.refresh()
        self._tell_status(project)

    def _show_soon(self) -> None:
        """Once for everything that is typed within a moment."""
        if self._show_timer is None:
            self._show_timer = self._loop.call_later(_SHOW_AFTER, self._show_all)

    def _show_all(self) -> None:
        self._show_timer = None
        for project in self.projects.values():
            self._show(project)

    def _show(self, project: Project) -> None:
        if not project.settings.enable:
            self._publish(project.folder, {})
            return
        related = self.capability("text_document.publish_diagnostics.related_information")
        docs = self.capability("text_document.publish_diagnostics.code_description_support")
        found = diagnostics.publish(
            project.state,
            self.buffers.places(),
            fallback=project.home,
            docs_base=RULES.as_uri() if docs else None,
            related=bool(related),
            information=project.settings.information,
        )
        self._publish(project.folder, found)

    def _publish(self, folder: str, found: dict[str, list[types.Diagnostic]]) -> None:
        before = self.published.get(folder, {})
        self.published[folder] = found
        for path in {*before, *found}:
            if before.get(path) == found.get(path):
                continue
            # Two projects may have something to say of one file.
            listed = [d for by_path in self.published.values() for d in by_path.get(path, [])]
            self.server.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(self.buffers.uri_of(path), listed)
            )

    def refresh(self) -> None:
        """Ask the client to draw lenses and hints anew, where it can be asked."""
        lens = self.capability("workspace.code_lens.refresh_support")
        hint = self.capability("workspace.inlay_hint.refresh_support")
        if lens:
            self.server.workspace_code_lens_refresh(None)
        if hint:
            self.server.workspace_inlay_hint_refresh(None)

    def _warn(self, text: str) -> None:
        _log.warning("%s", text)
        self.server.window_show_message(
            types.ShowMessageParams(types.MessageType.Warning, f"dagster-snapsize: {text}")
        )

    def _tell_status(self, project: Project | None) -> None:
        if self.wants_status:
            self.server.protocol.notify(STATUS, status_of(project.state if project else None))

    # -- requests ----------------------------------------------------------------------------

    def hover(self, uri: str, position: types.Position) -> types.Hover | None:
        """What is known of the place under the cursor."""
        path = to_path(uri)
        markdown = self._takes_markdown()
        for project in self._enabled(path):
            found = hovers.hover(
                project.state,
                path or "",
                position,
                self.buffers.places(),
                detail_of,
                markdown=markdown,
            )
            if found is not None:
                return found
        return None

    def _takes_markdown(self) -> bool:
        formats = self.capability("text_document.hover.content_format")
        return formats is None or types.MarkupKind.Markdown in formats

    def code_lenses(self, uri: str) -> list[types.CodeLens]:
        """Sizes above definitions."""
        path = to_path(uri)
        return [
            lens
            for project in self._enabled(path)
            if project.settings.code_lens.enable
            for lens in lenses.code_lenses(
                project.state,
                path or "",
                self.buffers.places(),
                project.settings.code_lens.minimum_bytes,
            )
        ]

    def inlay_hints(self, uri: str, within: types.Range) -> list[types.InlayHint]:
        """The same at the ends of lines."""
        path = to_path(uri)
        return [
            hint
            for project in self._enabled(path)
            if project.settings.inlay_hints.enable
            for hint in lenses.inlay_hints(
                project.state,
                path or "",
                within,
                self.buffers.places(),
                project.settings.inlay_hints.minimum_bytes,
                markdown=self._takes_markdown(),
            )
        ]

    def _enabled(self, path: str | None) -> list[Project]:
        """The projects that have something to say of a file."""
        return [p for p in self.projects.values() if path is not None and p.settings.enable]

    def code_actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """What can be done here."""
        path = to_path(params.text_document.uri) or ""
        found: list[types.CodeAction] = []
        for project in self._enabled(path or None):
            found += actions.code_actions(
                project.state,
                path,
                params.range,
                self.published.get(project.folder, {}).get(path, []),
                self.buffers.places(),
                self._files(),
                detail_of,
                params.context.only,
            )
        return found

    def _files(self) -> FileEdits:
        edits = self.capability("workspace.workspace_edit")
        documents = bool(edits and edits.document_changes)
        operations = (edits and edits.resource_operations) or []
        return FileEdits(
            text_of=self.buffers.text_of,
            version_of=self.buffers.version_of,
            uri_of=self.buffers.uri_of,
            units_of=self.server.workspace.position_codec.client_num_units,
            document_changes=documents,
            creates_files=types.ResourceOperationKind.Create in operations,
        )

    def measurement(self, params: Any) -> Any:
        """Totals at once; rows in pages, or the file that they are in."""
        return measurement_answer([p.state for p in self.projects.values()], params)
