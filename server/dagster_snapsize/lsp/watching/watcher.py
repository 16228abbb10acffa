"""Watches files for an editor that does not: few threads, few watches, polling where it must be."""

# Paths are plain strings here: they are compared by the thousand.
# ruff: noqa: PTH114, PTH116

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from attrs import evolve, frozen
from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch
from watchdog.observers.polling import PollingObserverVFS

from dagster_snapsize.lsp.watching.dependencies import WatchList
from dagster_snapsize.lsp.watching.disk import Disk
from dagster_snapsize.lsp.watching.plan import Plan, Root, few_roots, is_remote, plan, poll_roots
from dagster_snapsize.project.layout import is_source_folder

_EVENTS: list[type[FileSystemEvent]] = [
    *(FileCreatedEvent, FileModifiedEvent, FileClosedEvent, FileDeletedEvent, FileMovedEvent),
    *(DirCreatedEvent, DirDeletedEvent, DirMovedEvent),
]
_AT_LIMIT = {errno.ENOSPC, errno.EMFILE, errno.ENFILE}
_MOST_THREADS = 200
_QUIET = 0.03  # seconds without an event that end a batch
_LONGEST_BATCH = 0.3
_CHECK = 5.0  # seconds between looks at whether the watched folders are still the same
_PATIENCE = 10.0  # seconds for a network mount that does not answer, at the end
_log = logging.getLogger(__name__)


@frozen
class _Watch:
    """A watch that is in place, and the folder that it is on."""

    watch: ObservedWatch
    observer: BaseObserver
    identity: tuple[int, int]


class FileWatcher:
    """Reports changes below the watched folders, in batches, from its own thread.

    ``on_change`` gets absolute paths of files, and of folders in which anything may have changed;
    it must compare contents. ``on_message`` gets a sentence for the user when the system's limit
    of watches is reached. From then on files are polled every ``poll_seconds``; those on network
    mounts always are. ``mounts`` is the file that lists the mounted file systems.
    """

    def __init__(
        self,
        on_change: Callable[[frozenset[str]], None],
        on_message: Callable[[str], None] | None = None,
        *,
        poll_seconds: float = 2.0,
        mounts: Path = Path("/proc/self/mounts"),
    ) -> None:
        self._on_change = on_change
        self._on_message = on_message or _log.warning
        self._poll_seconds = poll_seconds
        self._mounts = mounts
        self._disk = Disk()
        # Shared with watchdog's threads, under the condition.
        self._news = threading.Condition()
        self._changed: set[str] = set()
        self._lost: set[str] = set()
        self._wanted = WatchList()
        self._must_plan = False
        self._stopping = False
        self._thread: threading.Thread | None = None
        # Used by the watching thread alone.
        self._plan = plan(WatchList(), self._disk)
        self._scope = _Scope(self._plan)
        self._native: BaseObserver | None = None
        self._poller: BaseObserver | None = None
        self._watches: dict[Root, _Watch] = {}
        self._at_limit = False
        self._missed = False

    def watch(self, wanted: WatchList) -> None:
        """Watch this, and nothing else. Returns before the watches are in place.

        Newly watched folders are reported as changed: they may have changed before.
        """
        with self._news:
            if self._stopping or (wanted == self._wanted and self._thread is not None):
                return
            self._wanted = wanted
            self._must_plan = True
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="snapsize-watching", daemon=True
                )
                self._thread.start()
            self._news.notify()

    def stop(self) -> None:
        """End all watching; when it returns no thread is left."""
        with self._news:
            self._stopping = True
            self._news.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_PATIENCE)

    def _run(self) -> None:
        try:
            while self._wait():
                self._renew()
                self._report_batch()
        finally:
            self._drop(list(self._watches))
            for observer in (self._native, self._poller):
                if observer is not None:
                    observer.stop()
                    observer.join()

    def _wait(self) -> bool:
        """Wait until there is something to do. False when it is to stop."""
        with self._news:
            if not (self._stopping or self._must_plan or self._changed):
                self._news.wait(_CHECK)
            if not (self._stopping or self._must_plan or self._changed):
                self._must_plan = self._missed or any(
                    _identity(root.path) != watch.identity for root, watch in self._watches.items()
                )
            return not self._stopping

    def _report_batch(self) -> None:
        end = time.monotonic() + _LONGEST_BATCH
        with self._news:
            while self._changed and not self._stopping and time.monotonic() < end:
                before = len(self._changed)
                self._news.wait(_QUIET)
                if len(self._changed) == before:
                    break
            if self._stopping or not self._changed:
                return
            batch = frozenset(self._changed)
            self._changed.clear()
        try:
            self._on_change(batch)
        except Exception:
            _log.exception("a change of files could not be handled")

    def _renew(self) -> None:
        """Place the watches that are needed, and remove the others."""
        with self._news:
            if not self._must_plan:
                return
            self._must_plan = False
            wanted, lost = self._wanted, self._lost
            self._lost = set()
        self._missed = False
        planned = plan(wanted, self._disk)
        moved = {
            folder
            for folder, real in planned.targets.items()
            if self._plan.targets.get(folder, real) != real
        }
        self._plan = planned
        remote = self._remote(planned.needed)
        self._scope.plan = planned
        native = few_roots(_only(planned, planned.needed - remote)) if not self._at_limit else ()
        if len(native) > _MOST_THREADS:
            self._fall_back(f"there are {len(native)} separate folders to watch")
        if self._at_limit:
            native, remote = (), planned.needed
        polled = poll_roots(_only(planned, remote))
        self._drop([root for root in self._watches if _is_lost(root, self._watches[root], lost)])
        self._drop([root for root in self._watches if root not in {*native, *polled}])
        new = [root for root in native if root not in self._watches and self._put(root, False)]
        new += [root for root in polled if root not in self._watches and self._put(root, True)]
        if not self._at_limit and self._is_limit_reached():
            self._fall_back("the system's limit of watched folders is reached")
        with self._news:
            self._changed |= moved | {root.path for root in new}
            # No event came for what appeared after the plan was made and before its watches were
            # in place: so plan again until there is nothing new.
            self._must_plan |= bool(new) or (self._at_limit and bool(native))

    def _put(self, root: Root, polled: bool) -> bool:
        """Watch ``root``. False where that fails; the next plan tries it again."""
        if self._at_limit and not polled:
            return False
        try:
            observer = self._observer(polled)
            identity = _identity(root.path)
            watch = observer.schedule(
                _Handler(self._take), root.path, recursive=root.recursive, event_filter=_EVENTS
            )
        except (OSError, RuntimeError) as error:
            if not polled and getattr(error, "errno", None) in _AT_LIMIT:
                self._fall_back("the system's limit of watched folders is reached")
            else:
                self._missed = isinstance(error, (FileNotFoundError, NotADirectoryError))
                _log.info("%s cannot be watched: %s", root.path, error)
            return False
        self._watches[root] = _Watch(watch, observer, identity)
        return True

    def _observer(self, polled: bool) -> BaseObserver:
        observer = self._poller if polled else self._native
        if observer is None:
            if polled:
                scan = self._scope.entries
                observer = PollingObserverVFS(os.stat, scan, polling_interval=self._poll_seconds)
                self._poller = observer
            else:
                observer = self._native = Observer()
            observer.start()
        return observer

    def _drop(self, roots: Iterable[Root]) -> None:
        for root in roots:
            placed = self._watches.pop(root)
            with contextlib.suppress(KeyError, OSError):
                placed.observer.unschedule(placed.watch)

    def _is_limit_reached(self) -> bool:
        """Try one more watch: watchdog hides that it could not watch a folder below a root."""
        if self._native is None or not sys.platform.startswith("linux"):
            return False
        native = [root for root, w in self._watches.items() if w.observer is self._native]
        if not any(root.recursive for root in native) or Root(os.sep, False) in native:
            return False
        try:
            watch = self._native.schedule(FileSystemEventHandler(), os.sep, event_filter=_EVENTS)
        except OSError as error:
            return error.errno in _AT_LIMIT
        self._native.unschedule(watch)
        return False

    def _fall_back(self, reason: str) -> None:
        """Poll everything from now on, and say why."""
        self._at_limit = True
        self._drop([root for root, w in self._watches.items() if w.observer is self._native])
        if self._native is not None:
            self._native.stop()
            self._native.join()
            self._native = None
        with self._news:
            self._must_plan = True
        advice = ""
        if sys.platform.startswith("linux"):
            advice = "; fs.inotify.max_user_watches and max_user_instances raise the limit"
        self._on_message(
            f"{reason}: files are looked at every {self._poll_seconds:g} s instead{advice}"
        )

    def _remote(self, folders: frozenset[str]) -> frozenset[str]:
        try:
            mounts = self._mounts.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return frozenset()
        return frozenset(folder for folder in folders if is_remote(folder, mounts))

    def _take(self, event: FileSystemEvent) -> None:
        """Take an event, in a thread of watchdog."""
        paths = [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]
        paths = [p for p in paths if f"{os.sep}__pycache__" not in p]
        if not paths:
            return
        with self._news:
            self._changed.update(paths)
            if event.is_directory:
                self._must_plan = True
                if event.event_type in ("deleted", "moved"):
                    self._lost.add(paths[0])
            elif any(path in self._plan.links or os.path.islink(path) for path in paths):
                self._must_plan = True
            self._news.notify()


class _Handler(FileSystemEventHandler):
    def __init__(self, take: Callable[[FileSystemEvent], None]) -> None:
        self._take = take

    def dispatch(self, event: FileSystemEvent) -> None:
        self._take(event)


class _Scope:
    """The folders that a poller scans; ``plan`` is replaced while it runs."""

    def __init__(self, planned: Plan) -> None:
        self._plan = planned
        self._above: frozenset[str] = frozenset()

    @property
    def plan(self) -> Plan:
        return self._plan

    @plan.setter
    def plan(self, planned: Plan) -> None:
        self._above = planned.above()
        self._plan = planned

    def entries(self, folder: str | None) -> Iterator[os.DirEntry[str]]:
        """The entries of ``folder`` that are needed, or lead to such. Raises OSError."""
        folder = folder or os.curdir
        planned, above = self._plan, self._above
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    if folder in planned.needed:
                        yield entry
                elif (
                    entry.path in planned.needed
                    or entry.path in above
                    or entry.path in planned.awaited
                    or (folder in planned.growing and is_source_folder(entry.name))
                ):
                    yield entry


def _only(planned: Plan, folders: frozenset[str]) -> Plan:
    return evolve(planned, needed=folders, growing=planned.growing & folders)


def _is_lost(root: Root, placed: _Watch, lost: set[str]) -> bool:
    """Whether the folder was removed, even if another has its name or inode by now."""
    gone = any(root.path == path or root.path.startswith(path + os.sep) for path in lost)
    return gone or _identity(root.path) != placed.identity


def _identity(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return (0, 0)
    return (status.st_dev, status.st_ino)
