"""What an editor that can watch files is asked to watch (``didChangeWatchedFiles``)."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import PurePath
from typing import Any

from lsprotocol.types import (
    WORKSPACE_DID_CHANGE_WATCHED_FILES,
    DidChangeWatchedFilesRegistrationOptions,
    FileSystemWatcher,
    Registration,
    RegistrationParams,
    RelativePattern,
    Unregistration,
    UnregistrationParams,
)
from pygls.lsp.server import LanguageServer

from dagster_snapsize.lsp.watching.dependencies import WatchList
from dagster_snapsize.lsp.watching.disk import Disk
from dagster_snapsize.lsp.watching.plan import Root, few_roots, plan
from dagster_snapsize.project.project_tree import PROJECT_MARKS

_REGISTRATION = "dagster-snapsize-files"
_MARKS = f"**/{{{','.join(sorted(PROJECT_MARKS))}}}"


class ClientWatching:
    """Keeps the client watching what is wanted.

    ``tell`` is given folders that may have changed before the client watched them.
    """

    def __init__(
        self,
        server: LanguageServer,
        relative: bool,
        spawn: Callable[[Coroutine[Any, Any, Any]], None],
        tell: Callable[[Iterable[str]], Coroutine[Any, Any, None]],
    ):
        self._server = server
        self._relative = relative
        self._spawn = spawn
        self._tell = tell
        self._wanted = WatchList()
        self._workspace: tuple[str, ...] = ()
        self._watchers: list[FileSystemWatcher] = []
        self._roots: tuple[Root, ...] = ()  # as the client watches them
        self._registration: str | None = None
        self._numbers = itertools.count(1)
        self._asking = asyncio.Lock()

    def watch(self, wanted: WatchList, workspace: tuple[str, ...] = ()) -> None:
        """Watch these instead of those before, and new projects anywhere in workspace folders."""
        if (wanted, workspace) != (self._wanted, self._workspace):
            self._wanted, self._workspace = wanted, workspace
            self._spawn(self._ask(wanted))

    def changed(self, paths: Sequence[str]) -> None:
        """Where folders came or went, what is to be watched may be other folders."""
        self._spawn(self._look_again(paths))

    async def _look_again(self, paths: Sequence[str]) -> None:
        if await asyncio.to_thread(lambda: any(map(os.path.isdir, paths))):
            await self._ask(self._wanted)

    async def _ask(self, wanted: WatchList) -> None:
        async with self._asking:
            roots = await asyncio.to_thread(client_roots, wanted)
            watchers = client_watchers(roots, relative=self._relative)
            watchers += [_watcher(folder, _MARKS, self._relative) for folder in self._workspace]
            if watchers == self._watchers or wanted != self._wanted:
                return
            await self._register(watchers)
            new = [root.path for root in roots if root not in self._roots]
            self._watchers, self._roots = watchers, roots
        await self._tell(new)

    async def _register(self, watchers: list[FileSystemWatcher]) -> None:
        """Begin with these before the others end, so that nothing is missed between."""
        method = WORKSPACE_DID_CHANGE_WATCHED_FILES
        identity = f"{_REGISTRATION}-{next(self._numbers)}"
        options = DidChangeWatchedFilesRegistrationOptions(watchers)
        registration = Registration(identity, method, options)
        await self._server.client_register_capability_async(RegistrationParams([registration]))
        before, self._registration = self._registration, identity
        if before is not None:
            gone = UnregistrationParams([Unregistration(before, method)])
            await self._server.client_unregister_capability_async(gone)


def client_roots(wanted: WatchList, disk: Disk | None = None) -> tuple[Root, ...]:
    """The folders to ask the editor for, by what is on disk: to be asked for in a thread.

    They change when folders come and go in them, and never include environments.
    """
    return few_roots(plan(wanted, disk or Disk()))


def client_watchers(roots: Iterable[Root], *, relative: bool) -> list[FileSystemWatcher]:
    """One watcher for each of ``roots``, for all kinds of events.

    ``relative`` says that the client knows relative patterns; for others a pattern begins with the
    folder. The client will tell of too much: what matters is still ours to decide.
    """
    return [_watcher(root.path, "**/*" if root.recursive else "*", relative) for root in roots]


def _watcher(folder: str, pattern: str, relative: bool) -> FileSystemWatcher:
    if relative:
        return FileSystemWatcher(RelativePattern(PurePath(folder).as_uri(), pattern))
    plain = folder.replace(os.sep, "/").rstrip("/")
    plain = re.sub(r"[*?\[\]{}]", lambda special: f"[{special[0]}]", plain)
    return FileSystemWatcher(f"{plain}/{pattern}")
