"""One project in the editor: decides from changes of its files when to measure it."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from attrs import evolve

from dagster_snapsize.lsp.documents.positions import real_key
from dagster_snapsize.lsp.settings import Settings, on_battery
from dagster_snapsize.lsp.state import ProjectState
from dagster_snapsize.lsp.watching.changes import ChangedPaths, ChangeImpact, ChangeTracker
from dagster_snapsize.lsp.watching.dependencies import (
    Dependencies,
    WatchList,
    dependencies_of,
    dependencies_of_folder,
    spelled,
)
from dagster_snapsize.lsp.workers.forkserver import ForkServerPool
from dagster_snapsize.lsp.workers.queue import MeasurementQueue
from dagster_snapsize.lsp.workers.scheduler import Measured, MeasurementScheduler
from dagster_snapsize.measuring.cache.folders import cache_root
from dagster_snapsize.measuring.worker.request import WorkerRequest
from dagster_snapsize.measuring.worker.results import LocationResult
from dagster_snapsize.measuring.worker.shared_results import RESULTS
from dagster_snapsize.project.baseline_file import NAME
from dagster_snapsize.project.interpreters import EnvironmentStamp, environment_stamp
from dagster_snapsize.project.layout import LOCATION_FILES

_LOOK_AFTER = 3.0  # seconds
_FOLDER = ""  # the tracker's name for the files that say which code locations there are
_log = logging.getLogger(__name__)


class Project:
    """A folder with code locations.

    ``changed`` is called on the event loop with this project after every change of its state.
    ``measured`` is called in a thread with every new result, before the state has it: see
    MeasurementScheduler.
    """

    def __init__(
        self,
        folder: str,
        settings: Settings,
        changed: Callable[[Project], None],
        measured: Measured,
        fork_servers: ForkServerPool,
        queue: MeasurementQueue,
    ):
        self.folder = folder
        self.settings = settings
        self.unfocused = False
        self._changed = changed
        self._is_postponed = False  # until the settings allow it again
        self._look_timer: asyncio.TimerHandle | None = None
        self._environments: EnvironmentStamp = ()  # as the last measurement found them
        self._last_look: EnvironmentStamp = ()
        self._edited: set[str] = set()  # files with unsaved changes, as real_key spells them
        self._dirty: set[str] = set()  # locations whose files changed since they were measured
        self._unmeasured: set[str] = set()  # of those, the ones that a measurement is asked for
        self._closed = False
        self._in_order = threading.Lock()  # changes take effect in the order they are found
        self._real_files_of: dict[str, tuple[LocationResult, frozenset[str]]] = {}
        self._tracker = ChangeTracker()
        self._fork_servers = fork_servers
        self._scheduler = MeasurementScheduler(
            folder,
            self._request,
            self._take_state,
            measured,
            self._began,
            self._ended,
            fork_servers,
            queue,
        )

    @property
    def state(self) -> ProjectState:
        """The sizes, failures and progress that the editor shows."""
        return self._scheduler.state

    @property
    def interpreter(self) -> str | None:
        """The Python that the settings name; relative paths are relative to the project."""
        value = self.settings.interpreter
        if value is None or Path(value).name == value:
            return value
        return os.path.join(self.folder, os.path.expanduser(value))  # noqa: PTH111, PTH118

    @property
    def home(self) -> str:
        """The file on which to publish what belongs to no other file."""
        files = (Path(self.folder) / name for name in LOCATION_FILES)
        return str(next((f for f in files if f.is_file()), Path(self.folder) / LOCATION_FILES[0]))

    @property
    def watch_list(self) -> WatchList:
        """The folders to watch."""
        found = WatchList()
        for dependencies in self._tracker.dependencies().values():
            found |= dependencies.watch_list()
        return found

    @property
    def dependencies(self) -> tuple[Dependencies, ...]:
        """The files that each code location depends on."""
        return tuple(self._tracker.dependencies().values())

    def measure(
        self, only: Iterable[str] | None = None, *, delay: float = 0.0, fresh: bool = True
    ) -> None:
        """Measure, even where the settings say not to. ``fresh``: from nothing."""
        self._is_postponed = False
        self._scheduler.ask(only, delay, must_run=True, fresh=fresh)

    def opened(self) -> None:
        """The project was opened in the editor."""
        if self.settings.enable and self.settings.measure == "onOpen":
            self._measure_when_allowed(None, 0.0, must_run=True)

    def cancel(self) -> None:
        """Cancel the running measurement."""
        self._unmeasured.clear()
        self._is_postponed = False
        self._scheduler.cancel()

    async def close(self) -> None:
        """Cancel the running measurement, wait for its processes to end, and ignore changes."""
        self._closed = True
        if self._look_timer is not None:
            self._look_timer.cancel()
        await self._scheduler.close()

    async def files_changed(self, paths: ChangedPaths, *, saved: bool = False) -> None:
        """Measure again where these files or folders matter; ``saved`` by the editor."""
        await asyncio.to_thread(self._find_impacts, paths, saved)

    def _find_impacts(self, paths: ChangedPaths, saved: bool) -> None:
        """Read the changed files. Runs in a thread."""
        with self._in_order:
            impacts = self._tracker.changed(paths, saved=saved)
            self._scheduler.loop.call_soon_threadsafe(self._take_impacts, impacts)

    def edited(self, key: str, is_saved: bool) -> None:
        """A buffer changed, of the file with this ``real_key``; ``is_saved``: it equals it."""
        if is_saved:
            self._edited.discard(key)
        else:
            self._edited.add(key)
        self._mark_stale()

    def _mark_stale(self) -> None:
        """Mark the sizes stale whose files changed since, on disk or in a buffer."""
        if self._closed:
            return
        stale = set(self._dirty)
        if self._edited:
            stale |= {
                x.name
                for x in self.state.locations
                if x.good and not self._edited.isdisjoint(self._real_files(x.good))
            }
        self._scheduler.mark_stale(stale)

    def _real_files(self, good: LocationResult) -> frozenset[str]:
        if self._real_files_of.get(good.name, (None,))[0] is not good:
            self._real_files_of[good.name] = (good, frozenset(map(real_key, good.definition_files)))
        return self._real_files_of[good.name][1]

    def focus(self, focused: bool) -> None:
        """The editor's window gained or lost the focus."""
        self.unfocused = not focused
        self._resume()

    def _take_impacts(self, impacts: Iterable[ChangeImpact]) -> None:
        names = set()
        wait = 0.0
        for impact in impacts:
            if impact.action == "measure":
                where = impact.location or self.folder
                _log.info("%s: changed: %s", where, ", ".join(impact.paths[:5]))
                names.add(impact.location)
                wait = max(wait, impact.wait)
                if not all(Path(path).name == NAME for path in impact.paths):
                    self._dirty.add(impact.location)  # sizes do not depend on the baseline
            elif impact.action == "drop":
                self._dirty.discard(impact.location)
                self._unmeasured.discard(impact.location)
        self._unmeasured |= names
        for impact in impacts:
            # Its files are again what was measured, or is being measured. A measurement that other
            # locations need goes on.
            if impact.action != "measure" and self._unmeasured <= {impact.location}:
                self._scheduler.withdraw(keep_running=impact.action == "keep")
        self._mark_stale()
        if names and self._is_automatic:
            # A configuration error has dropped the sizes of all locations.
            only = None if _FOLDER in names or self.state.config_error is not None else names
            delay = self.settings.debounce_milliseconds / 1000 + wait
            self._measure_when_allowed(only, delay)

    def _measure_when_allowed(
        self, only: Iterable[str] | None, delay: float, *, must_run: bool = False
    ) -> None:
        if self._is_paused():
            self._is_postponed = True
            self._look_later()
        else:
            self._scheduler.ask(only, delay, must_run=must_run)

    def _is_paused(self) -> bool:
        return (self.settings.pause_when_unfocused and self.unfocused) or (
            self.settings.pause_on_battery and on_battery()
        )

    def _resume(self) -> None:
        """Measure what was postponed, if nothing pauses it any more."""
        if self._is_postponed and not self._is_paused():
            self.measure(fresh=False)

    def _look_later(self) -> None:
        """While something outside keeps it from being measured, look whether that has changed."""
        waits = self._is_postponed or self.state.phase in ("failed", "no-interpreter")
        if waits and self._look_timer is None and not self._closed:
            self._look_timer = self._scheduler.loop.call_later(_LOOK_AFTER, self._look)

    def _look(self) -> None:
        self._look_timer = None
        self._resume()
        self._scheduler.loop.run_in_executor(None, self._look_at_environments)

    def _look_at_environments(self) -> None:
        """In a thread."""
        found = environment_stamp(self._roots())
        self._scheduler.loop.call_soon_threadsafe(self._take_environments, found)

    def _take_environments(self, found: EnvironmentStamp) -> None:
        is_complete, self._last_look = found == self._last_look, found
        if is_complete and found != self._environments and self._is_automatic:
            self._environments = found
            if not self._scheduler.running:
                self._measure_when_allowed(None, 0.0, must_run=True)
        self._look_later()

    def _roots(self) -> list[str]:
        return [self.folder, *(x.root for x in self.state.locations)]

    @property
    def _is_automatic(self) -> bool:
        return self.settings.enable and self.settings.measure != "manual"

    def _request(self, folder: str, only: tuple[str, ...], asked: float) -> WorkerRequest:
        settings = self.settings
        return WorkerRequest(
            folder=folder,
            store=str(cache_root(os.environ) / RESULTS),
            asked=asked,
            only=only,
            python=self.interpreter,
            editor_choice=settings.editor_interpreter,
            timeout=settings.timeout,
            low_priority=settings.low_priority,
            forkservers=self._fork_servers.parents(folder) if settings.fork_server else (),
            keep_forkserver=settings.fork_server and self._fork_servers.is_on(folder),
        )

    def take_settings(self, settings: Settings) -> None:
        """Apply new settings; measure again where the interpreter or the timeout changed."""
        before, self.settings = self.settings, settings
        if not settings.enable:
            self.cancel()
        elif _measured_by(before) != _measured_by(settings) and self._is_automatic:
            self._measure_when_allowed(None, 0.0, must_run=True)
        self._is_postponed &= self._is_automatic
        self._resume()

    def _began(self, only: tuple[str, ...]) -> None:
        """Before a worker starts, in a thread: note the contents that it will measure."""
        self._environments = environment_stamp(self._roots())
        for name in only or (_FOLDER, *(x.name for x in self.state.locations)):
            self._tracker.start(name)

    def _ended(
        self, only: tuple[str, ...], results: dict[str, LocationResult], finished: bool
    ) -> None:
        """After a worker has ended, in a thread: find what changed while it ran."""
        with self._in_order:
            names = set(only or self._tracker.dependencies()) - {_FOLDER} | set(results)
            names |= {x.name for x in self.state.locations if not only}
            news = [self._finish(name, results.get(name), finished) for name in sorted(names)]
            if not only:
                news.append(self._finish_folder(finished))
                names.add(_FOLDER)
            done = names if finished else set(results)
            impacts = [v for v in news if v is not None]
            good = {name for name, result in results.items() if not result.failure}
            self._scheduler.loop.call_soon_threadsafe(self._settle, done, good, impacts)

    def _finish(
        self, name: str, result: LocationResult | None, finished: bool
    ) -> ChangeImpact | None:
        """The impact of what changed in a location's files while it was measured, if any."""
        location = next((x for x in self.state.locations if x.name == name), None)
        home = os.environ.get("DAGSTER_HOME")
        if result is not None:
            dependencies = dependencies_of(
                result,
                folder=self.folder,
                globs=self.settings.watch,
                dagster_home=home,
                good=location.good if location else None,
            )
            return self._tracker.finish(name, dependencies)
        if finished and (location is not None or self.state.config_error is not None):
            # Its configuration is wrong, and what was read to find that is all it depends on.
            known = self._tracker.dependencies().get(name)
            if known is None and location is not None:
                known = dependencies_of_folder(location.root, dagster_home=home)
            if known is not None:
                return self._tracker.finish(name, known)
        if finished:
            self._tracker.forget(name)
        else:
            self._tracker.abort(name)
        return None

    def _finish_folder(self, finished: bool) -> ChangeImpact | None:
        """The same for the files that say which code locations there are."""
        known = self._tracker.dependencies()
        if not finished and _FOLDER in known:
            self._tracker.abort(_FOLDER)
            return None
        # Until a measurement has finished any source may matter.
        around = dependencies_of_folder(
            self.folder, dagster_home=os.environ.get("DAGSTER_HOME"), sources=not finished
        )
        mistake = self.state.config_error
        if mistake is not None and mistake.path is not None:
            around = evolve(around, files=around.files | spelled([mistake.path]))
        return self._tracker.finish(_FOLDER, around)

    def _settle(self, done: set[str], good: set[str], news: list[ChangeImpact]) -> None:
        self._unmeasured -= done
        self._dirty -= good
        self._take_impacts(news)

    def _take_state(self, state: ProjectState) -> None:
        self._changed(self)
        self._look_later()


def _measured_by(settings: Settings) -> tuple[object, ...]:
    return settings.enable, settings.interpreter, settings.editor_interpreter, settings.timeout
