"""Everything that the server knows and does for one client."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from attrs import evolve
from lsprotocol import types
from pygls.lsp.server import LanguageServer

from dagster_snapsize import PACKAGE
from dagster_snapsize.lsp.documents.buffers import Buffers
from dagster_snapsize.lsp.documents.edits import FileEdits
from dagster_snapsize.lsp.documents.places import View
from dagster_snapsize.lsp.documents.positions import real_key, to_path
from dagster_snapsize.lsp.features import diagnostics
from dagster_snapsize.lsp.progress import ProgressBars
from dagster_snapsize.lsp.project import Project
from dagster_snapsize.lsp.requests import STATUS, status_of
from dagster_snapsize.lsp.settings import ClientSettings
from dagster_snapsize.lsp.shutdown import leave_on_signals, leave_with_client
from dagster_snapsize.lsp.state import ProjectState
from dagster_snapsize.lsp.watching.changes import ChangedPaths
from dagster_snapsize.lsp.watching.client import ClientWatching
from dagster_snapsize.lsp.watching.dependencies import WatchList, any_glob
from dagster_snapsize.lsp.watching.watcher import FileWatcher
from dagster_snapsize.lsp.workers.audit import Audits
from dagster_snapsize.lsp.workers.forkserver import ForkServerPool
from dagster_snapsize.lsp.workers.queue import MeasurementQueue
from dagster_snapsize.measuring.worker.results import LocationResult, detail_of
from dagster_snapsize.project.discovery import is_project
from dagster_snapsize.project.project_tree import ProjectTree, project_tree

RULES = PACKAGE / "rules.md"
_CLOSE_WITHIN = 10.0  # seconds
_SHOW_AFTER = 0.15  # seconds
_FIND_AFTER = 0.5  # seconds, in which a checkout or a new project makes more files
_MOST_FOLDERS = 1000  # watched for new projects where the client does not watch files
_log = logging.getLogger(__name__)


class Session:
    """Everything that the server knows and does for one client.

    ``projects`` changes only while ``_changing`` is held: finding projects and restarting await.
    """

    def __init__(self, server: LanguageServer, options: object = None):
        self.server = server
        self.settings = ClientSettings(server)
        self.projects: dict[str, Project] = {}
        self.buffers = Buffers(lambda: server.workspace)
        self.published: dict[str, dict[str, list[types.Diagnostic]]] = {}  # by folder and URI
        self.progress = ProgressBars(server, self.spawn)
        self.fork_servers = self._new_fork_servers()
        self._queue = MeasurementQueue(self._visible_project)
        self._changing = asyncio.Lock()
        self._watcher: FileWatcher | ClientWatching | None = None
        self._trees: dict[str, ProjectTree] = {}  # by workspace folder
        self._excluded: dict[str, tuple[str, ...]] = {}
        self._find_timer: asyncio.TimerHandle | None = None
        self._focused = True
        self._show_timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Future[Any]] = set()
        self._loop = asyncio.get_running_loop()
        self._leaving = False
        self._visible: str | None = None
        self._says_visible = False
        self._wants_status = False
        if isinstance(options, dict):
            options = dict(options)
            self._wants_status = options.pop("statusNotifications", False) is True
        self._initial_options = options

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
        if self._initial_options is not None:
            self.settings.apply(self._initial_options)
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
            done = asyncio.gather(*closing, self.fork_servers.close(), return_exceptions=True)
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
        """Start over: settings, projects, measurements."""
        async with self._changing:
            await self._close_projects(list(self.projects))
            await self.fork_servers.close()
            self._trees.clear()  # so that settings are fetched again
            self.fork_servers = self._new_fork_servers()
            await self._find_projects()

    def _new_fork_servers(self) -> ForkServerPool:
        return ForkServerPool(Audits(self._warn), wrong=self._measure_again)

    def _measure_again(self, folder: str) -> None:
        if folder in self.projects:
            self.projects[folder].measure()

    def measure(self) -> None:
        """Measure every project, since the user asked."""
        for project in self.projects.values():
            project.measure()

    def cancel(self) -> None:
        """End all measurements that run."""
        for project in self.projects.values():
            project.cancel()

    def focus(self, focused: bool) -> None:
        """The client's window gained or lost the focus."""
        self._focused = focused
        for project in self.projects.values():
            project.focus(focused)

    def became_visible(self, uri: object) -> None:
        """The client shows another file to the user, or none."""
        self._says_visible = True
        self._visible = to_path(uri) if isinstance(uri, str) else None

    def _touched(self, path: str | None) -> None:
        """What was opened or edited last is visible, unless the client says what is."""
        if not self._says_visible:
            self._visible = path

    def _visible_project(self) -> str | None:
        return project_of(self._visible, self.projects) if self._visible else None

    def states(self) -> list[ProjectState]:
        """What is known of every project."""
        return [project.state for project in self.projects.values()]

    async def fetch_settings(self, folders: Sequence[str]) -> None:
        """Ask the client for its settings, where it can be asked."""
        if self.capability("workspace.configuration"):
            await self.settings.fetch(folders)

    async def settings_changed(self, data: object) -> None:
        """The client's settings have changed; ``data`` are new ones, if it cannot be asked."""
        if self.capability("workspace.configuration"):
            await self.settings.fetch([*self._trees, *self.projects])
        elif data is not None:
            self.settings.apply(data)
        for project in self.projects.values():
            project.take_settings(self.settings.of(project.folder))
            self._show(project)
        if not any(p.settings.enable and p.settings.fork_server for p in self.projects.values()):
            self.fork_servers.end_all("the settings say so")
        if any(self.settings.of(root).exclude != globs for root, globs in self._excluded.items()):
            self._find_soon()
        self.refresh()

    async def find_projects(self) -> None:
        """Add the projects that are new, and close those that are gone."""
        async with self._changing:
            if self._find_timer is not None:
                self._find_timer.cancel()
                self._find_timer = None
            await self._find_projects()

    def _find_soon(self) -> None:
        """Once for all that changes within a moment, and for what changes while it is looked at."""
        if self._find_timer is None:
            self._find_timer = self._loop.call_later(
                _FIND_AFTER, lambda: self.spawn(self.find_projects())
            )

    async def _find_projects(self) -> None:
        # Not their keys there, which pygls has unquoted: what follows a # would be lost.
        given = [to_path(folder.uri) for folder in self.server.workspace.folders.values()]
        roots = [*filter(None, given or [self.server.workspace.root_path])]
        if set(roots) - set(self._trees):
            await self.fetch_settings([*roots, *self.projects])
        before = set(self.projects)
        for root in roots:
            # A large folder takes seconds to look through; most are a project themselves.
            if root not in self.projects and await asyncio.to_thread(_is_project, root):
                self._open(root)
        self._excluded = {root: self.settings.of(root).exclude for root in roots}
        self._trees = {root: await asyncio.to_thread(self._tree, root) for root in roots}
        found = [folder for tree in self._trees.values() for folder in tree.projects]
        folders = list(dict.fromkeys(found))
        gone = [folder for folder in self.projects if folder not in folders]
        await self._close_projects(gone)
        new = [folder for folder in folders if folder not in self.projects]
        if new:
            await self.fetch_settings([*{*roots, *folders}])
        first = project_of(self._visible, folders) if self._visible else None
        for folder in sorted(new, key=lambda folder: folder != first):
            self._open(folder)
        if gone or not folders:
            self._report_status(next(iter(self.projects.values()), None))
        if set(self.projects) != before:
            _log.info("projects: %s", ", ".join(self.projects) or "none")
        self._watch()

    def _open(self, folder: str) -> None:
        if self._leaving:
            return
        project = Project(
            folder,
            self.settings.of(folder),
            self._project_changed,
            self._anchor,
            self.fork_servers,
            self._queue,
        )
        project.unfocused = not self._focused
        self.projects[folder] = project
        self._report_status(project)
        project.opened()

    def _tree(self, root: str) -> ProjectTree:
        """In a thread: look through a workspace folder."""
        return project_tree(Path(root), os.environ, any_glob(self._excluded[root]))

    async def _close_projects(self, folders: Iterable[str]) -> None:
        for folder in folders:
            project = self.projects.pop(folder)
            await project.close()
            self._publish(folder, {})

    # -- documents and files -----------------------------------------------------------------

    def opened(self, uri: str) -> None:
        """A document was opened: what is known of it is shown on its text."""
        self.buffers.opened(uri)
        self._touched(to_path(uri))
        self._show_soon()

    def edited(self, uri: str) -> None:
        """A document was edited: everything moves along with its text."""
        path = to_path(uri)
        if path is not None:
            self._touched(path)
            key, is_saved = real_key(path), self.buffers.is_saved(path)
            for project in self.projects.values():
                project.edited(key, is_saved)
            self._show_soon()

    def closed(self, uri: str) -> None:
        """A document was closed: its file on disk counts again."""
        visible = self._visible
        self.buffers.closed(uri)
        self.edited(uri)
        self._touched(visible)

    async def uris_changed(self, uris: Iterable[str], *, saved: bool = False) -> None:
        """Files were changed; with ``saved`` by the client."""
        paths = await asyncio.to_thread(lambda: [*filter(None, map(to_path, uris))])
        await self.files_changed(paths, saved=saved)

    async def files_changed(self, paths: Iterable[str], *, saved: bool = False) -> None:
        """Files were changed, by the client or by others."""
        changed = list(paths)
        # In a thread: there may be thousands, and each is looked up on disk.
        keys = await asyncio.to_thread(lambda: set(map(real_key, changed)))
        spelled = await asyncio.to_thread(ChangedPaths.of, changed)
        documents = [(real_key(p), p) for p in self.buffers.changed_on_disk(keys)]
        for project in list(self.projects.values()):
            for key, path in documents:
                project.edited(key, self.buffers.is_saved(path))
            await project.files_changed(spelled, saved=saved)
        if isinstance(self._watcher, ClientWatching):
            self._watcher.changed(changed)
        trees = list(self._trees.values())
        if await asyncio.to_thread(lambda: any(tree.may_change(changed) for tree in trees)):
            self._find_soon()

    def _changed_on_disk(self, paths: frozenset[str]) -> None:
        """In the watcher's thread."""
        self._loop.call_soon_threadsafe(lambda: self.spawn(self.files_changed(paths)))

    def _watch(self) -> None:
        """Watch what the newest results were made from, and where projects may come and go."""
        wanted = WatchList()
        for project in self.projects.values():
            wanted |= project.watch_list
        if isinstance(self._watcher, ClientWatching):
            above = {str(p) for f in self.projects for p in (Path(f), *Path(f).parents)}
            inside = [f for tree in self._trees.values() for f in tree.folders if f in above]
            wanted |= WatchList(folders=frozenset(inside))
            self._watcher.watch(wanted, tuple(self._trees))
        elif self._watcher is not None:
            every = (f for tree in self._trees.values() for f in tree.folders)
            outside = (f for f in every if project_of(f, self.projects) is None)
            near = [*islice(outside, _MOST_FOLDERS), *self.projects]
            self._watcher.watch(wanted | WatchList(folders=frozenset(near)))

    # -- what is shown -----------------------------------------------------------------------

    def _anchor(
        self, result: LocationResult, before: LocationResult | None
    ) -> tuple[LocationResult, Callable[[], None]]:
        """In a thread: tie a result to the texts it was measured from, and make its indexes.

        One that was not loaded from nothing has the load time of the result before it.
        """
        if result.load is None and before is not None and before.load is not None:
            lines = self.buffers.moved(before.load.lines)
            result = evolve(result, load=evolve(before.load, lines=lines))
        _ = result.assets_of_file, result.location_of
        return result, partial(self.buffers.measured, self.buffers.anchored(result))

    def _project_changed(self, project: Project) -> None:
        state = project.state
        self.progress.show(project)
        if state.phase != "measuring" or not state.text:
            self._show(project)
            self._watch()
            self.refresh()
        self._report_status(project)

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
        self._publish(project.folder, diagnostics.publish(self._view(project, project.home)))

    def _publish(self, folder: str, found: dict[str, list[types.Diagnostic]]) -> None:
        before = self.published.get(folder, {})
        now: dict[str, list[types.Diagnostic]] = {}
        for path, listed in found.items():
            if project_of(path, self.projects) not in (None, folder):
                # In a file of another project only what keeps this one from being measured.
                listed = [d for d in listed if d.severity == types.DiagnosticSeverity.Error]
            if listed:
                now.setdefault(self.buffers.uri_of(path), []).extend(listed)
        self.published[folder] = now
        for uri in {*before, *now}:
            if before.get(uri) == now.get(uri):
                continue
            # Several projects may have diagnostics for one file.
            of_all = [d for by_uri in self.published.values() for d in by_uri.get(uri, [])]
            self.server.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(uri, of_all)
            )

    def refresh(self) -> None:
        """Ask the client to draw lenses and hints again, where it can be asked."""
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

    def _report_status(self, project: Project | None) -> None:
        if self._wants_status:
            self.server.protocol.notify(STATUS, status_of(project.state if project else None))

    # -- requests ----------------------------------------------------------------------------

    def view(self, uri: str) -> list[View]:
        """The file at a URI as its project sees it, if that is enabled.

        One that is in no project is seen by all.
        """
        path = to_path(uri)
        if path is None:
            return []
        own = project_of(path, self.projects)
        return [
            self._view(project, path, self.published.get(project.folder, {}).get(uri, ()))
            for project in (self.projects.values() if own is None else [self.projects[own]])
            if project.settings.enable
        ]

    def _view(
        self, project: Project, path: str, published: Sequence[types.Diagnostic] = ()
    ) -> View:
        formats = self.capability("text_document.hover.content_format")
        shown = self.capability("text_document.publish_diagnostics")
        return View(
            state=project.state,
            settings=project.settings,
            places=self.buffers,
            edits=self._edits(),
            detail_of=detail_of,
            home=project.home,
            path=path,
            published=published,
            markdown=formats is None or types.MarkupKind.Markdown in formats,
            related_information=bool(shown and shown.related_information),
            shows_lenses=self.capability("text_document.code_lens") is not None,
            rules=RULES.as_uri() if shown and shown.code_description_support else None,
        )

    def _edits(self) -> FileEdits:
        edits = self.capability("workspace.workspace_edit")
        operations = (edits and edits.resource_operations) or []
        return FileEdits(
            text_of=self.buffers.text_of,
            version_of=self.buffers.version_of,
            uri_of=self.buffers.uri_of,
            units_of=self.server.workspace.position_codec.client_num_units,
            document_changes=bool(edits and edits.document_changes),
            creates_files=types.ResourceOperationKind.Create in operations,
        )


def _is_project(folder: str) -> bool:
    return is_project(Path(folder), os.environ)


def project_of(path: str, folders: Iterable[str]) -> str | None:
    """The folder of the project that a file belongs to: the innermost around it."""
    around = (folder for folder in folders if path.startswith(folder.rstrip(os.sep) + os.sep))
    return max(around, key=len, default=None)
