"""One project in the editor: what changes in its files, and its measurement, kept together."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import platformdirs

from dagster_snapsize.lsp.interest import Interest, WatchList, interest_of, interest_of_folder
from dagster_snapsize.lsp.relevance import Triggers, Verdict
from dagster_snapsize.lsp.remeasure import Remeasuring
from dagster_snapsize.lsp.settings import Settings, on_battery
from dagster_snapsize.lsp.state import ProjectState
from dagster_snapsize.measuring.results import LocationResult
from dagster_snapsize.measuring.worker import WorkerRequest

_FOLDER = ""  # the name under which changes of the project's own files are followed
_HOMES = ("pyproject.toml", "snapsize.toml", "dg.toml", "workspace.yaml", "dagster_cloud.yaml")
_log = logging.getLogger(__name__)


class Project:
    """A folder with code locations.

    ``changed`` is called on the event loop with this project after every change of its state,
    ``measured`` in a thread with every new result, before the state has it.
    """

    def __init__(
        self,
        folder: str,
        settings: Settings,
        changed: Callable[[Project], None],
        measured: Callable[[LocationResult], Callable[[], None]],
    ):
        self.folder = folder
        self.settings = settings
        self.unfocused = False
        self._changed = changed
        self._waiting = False
        self._edited: set[str] = set()  # real paths of buffers that differ from the file on disk
        self._dirty: set[str] = set()  # locations with files on disk that do
        self._real: dict[str, tuple[LocationResult, frozenset[str]]] = {}
        self._triggers = Triggers()
        self._remeasuring = Remeasuring(
            folder, self._request, self._take_state, measured, self._began, self._ended
        )

    @property
    def state(self) -> ProjectState:
        """What is known now."""
        return self._remeasuring.state

    @property
    def interpreter(self) -> str | None:
        """The Python that the settings name; a relative path starts at the project's folder."""
        value = self.settings.interpreter
        if value is None or Path(value).name == value:
            return value
        return str(Path(self.folder) / Path(value).expanduser())

    @property
    def home(self) -> str:
        """The file that stands for the project, for what belongs to no other."""
        files = (Path(self.folder) / name for name in _HOMES)
        return str(next((f for f in files if f.is_file()), Path(self.folder) / _HOMES[0]))

    @property
    def watch_list(self) -> WatchList:
        """Folders whose changes may matter."""
        found = WatchList()
        for interest in self._triggers.interests().values():
            found |= interest.watch_list()
        return found

    @property
    def interests(self) -> tuple[Interest, ...]:
        """What the locations were made from."""
        return tuple(self._triggers.interests().values())

    def measure(self, only: Iterable[str] | None = None, *, delay: float = 0.0) -> None:
        """Measure, whatever the settings say: a person asked."""
        self._waiting = False
        self._remeasuring.ask(only, delay)

    def opened(self) -> None:
        """The project was opened in the editor."""
        if self.settings.enable and self.settings.measure == "onOpen":
            self._measure_when_allowed(None, 0.0)

    def cancel(self) -> None:
        """End what runs."""
        self._remeasuring.cancel()

    async def close(self) -> None:
        """End what runs, and wait until nothing of it is left."""
        await self._remeasuring.close()

    async def files_changed(self, paths: Iterable[str], *, saved: bool = False) -> None:
        """Files or folders were written, made or removed, by the editor or by others."""
        wanted = frozenset(paths)
        verdicts = await asyncio.to_thread(lambda: self._triggers.changed(wanted, saved=saved))
        self._heed(verdicts)

    def edited(self, path: str, is_saved: bool) -> None:
        """A buffer was typed in; ``is_saved`` says that it holds what is on disk."""
        real = os.path.realpath(path)
        if is_saved:
            self._edited.discard(real)
        else:
            self._edited.add(real)
        self._mark()

    def _mark(self) -> None:
        """Sizes are stale whose files are other than measured, on disk or in a buffer."""
        stale = set(self._dirty)
        if self._edited:
            stale |= {
                x.name
                for x in self.state.locations
                if x.good and not self._edited.isdisjoint(self._real_files(x.good))
            }
        self._remeasuring.mark_stale(stale)

    def _real_files(self, good: LocationResult) -> frozenset[str]:
        if self._real.get(good.name, (None,))[0] is not good:
            self._real[good.name] = (good, frozenset(map(os.path.realpath, good.definition_files)))
        return self._real[good.name][1]

    def focus(self, focused: bool) -> None:
        """The editor's window gained or lost the focus."""
        self.unfocused = not focused
        if focused and self._waiting:
            self.measure()

    def _heed(self, verdicts: Iterable[Verdict]) -> None:
        names = set()
        wait = 0.0
        for verdict in verdicts:
            if verdict.action == "measure":
                _log.info("%s: changed: %s", verdict.location, ", ".join(verdict.paths[:5]))
                names.add(verdict.location)
                wait = max(wait, verdict.wait)
        for verdict in verdicts:
            if verdict.action != "measure" and not names:
                # The files are again what was measured, or is being measured now.
                self._remeasuring.withdraw(keep_running=verdict.action == "keep")
                self._dirty.discard(verdict.location)
        self._dirty |= names
        self._mark()
        if names and self.settings.enable and self.settings.measure != "manual":
            only = None if _FOLDER in names else names
            delay = self.settings.debounce_milliseconds / 1000 + wait
            self._measure_when_allowed(only, delay)

    def _measure_when_allowed(self, only: Iterable[str] | None, delay: float) -> None:
        paused = (self.settings.pause_when_unfocused and self.unfocused) or (
            self.settings.pause_on_battery and on_battery()
        )
        if paused:
            self._waiting = True
        else:
            self._remeasuring.ask(only, delay)

    def _request(self, folder: str, only: tuple[str, ...], asked: float) -> WorkerRequest:
        settings = self.settings
        return WorkerRequest(
            folder=folder,
            store=str(Path(platformdirs.user_cache_dir("dagster-snapsize")) / "results"),
            asked=asked,
            only=only,
            python=self.interpreter,
            editor_choice=settings.editor_interpreter,
            timeout=settings.timeout,
            low_priority=settings.low_priority,
        )

    def take_settings(self, settings: Settings) -> None:
        """Heed new settings; measure again where they say with what or for how long."""
        before, self.settings = self.settings, settings
        if not settings.enable:
            self.cancel()
        elif _measured_by(before) != _measured_by(settings) and settings.measure != "manual":
            self._measure_when_allowed(None, 0.0)

    def _began(self, only: tuple[str, ...]) -> None:
        """In a thread, before a worker starts: contents are compared with those of now."""
        for name in only or (_FOLDER, *(x.name for x in self.state.locations)):
            self._triggers.start(name)

    def _ended(self, only: tuple[str, ...], results: dict[str, LocationResult]) -> None:
        """In a thread, after a worker has ended."""
        home = os.environ.get("DAGSTER_HOME")
        verdicts = []
        known = {x.name: x.good for x in self.state.locations}
        for name, result in results.items():
            interest = interest_of(
                result,
                folder=self.folder,
                globs=self.settings.watch,
                dagster_home=home,
                good=known.get(name),
            )
            verdicts.append(self._triggers.finish(name, interest))
        for name in only or known:
            if name not in results:
                self._triggers.abort(name)
        if not only:
            around = interest_of_folder(self.folder, dagster_home=home)
            verdicts.append(self._triggers.finish(_FOLDER, around))
        news = [v for v in verdicts if v is not None]
        good = {name for name, result in results.items() if not result.failure}
        self._remeasuring.loop.call_soon_threadsafe(self._settle, good, news)

    def _settle(self, good: set[str], news: list[Verdict]) -> None:
        self._dirty -= good
        self._heed(news)

    def _take_state(self, state: ProjectState) -> None:
        self._changed(self)


def _measured_by(settings: Settings) -> tuple[object, ...]:
    return settings.enable, settings.interpreter, settings.editor_interpreter, settings.timeout
