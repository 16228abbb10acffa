"""What an editor that can watch files is asked to watch (``didChangeWatchedFiles``)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import PurePath

from lsprotocol.types import FileSystemWatcher, RelativePattern

from dagster_snapsize.lsp.disk import Disk
from dagster_snapsize.lsp.interest import WatchList
from dagster_snapsize.lsp.watch_plan import Root, few_roots, plan


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
