"""Look up the measurement of an unchanged project, and store a new one.

A measurement is looked up by the digests of key.py. After a new one it is stored, unless something
that it was made from changed meanwhile. Nothing here raises: without a usable cache there is only
the reason why.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

from attrs import astuple, evolve, frozen

from dagster_snapsize.core.model import Measurement, UncacheableCall
from dagster_snapsize.measuring.cache.codec import CacheEntry, Damaged, from_bytes, to_bytes
from dagster_snapsize.measuring.cache.file_states import FileStates, TooMuch, folder_outline, times
from dagster_snapsize.measuring.cache.key import (
    ExternalInputs,
    external_digest,
    identity,
    last_installed,
    place_key,
)
from dagster_snapsize.measuring.cache.project_files import ProjectFiles, read_project
from dagster_snapsize.measuring.cache.store import CacheFolder, cache_folder
from dagster_snapsize.measuring.cache.unaffected import (
    harmless_changes,
    in_commit_hook,
    record,
)
from dagster_snapsize.project.git import untracked_files
from dagster_snapsize.project.ignore_comments import find_ignores
from dagster_snapsize.project.interpreters import Interpreter
from dagster_snapsize.project.layout import repository_root
from dagster_snapsize.project.locations import CodeLocation

SWITCHED_OFF = (
    "the cache is off for this location, since a second measurement gave other sizes;"
    " `dagster-snapsize cache clear` switches it on again"
)
# Linux stamps files by the clock that it calls coarse, which can be asked (clock_gettime(2));
# others may be so many nanoseconds behind, and some file systems (FAT, HFS+) keep whole seconds.
_CLOCK_REALTIME_COARSE = 5
_TICK = 0 if sys.platform == "linux" else 30_000_000
_WHOLE_SECONDS = 2_000_000_000
_MOST_SECONDS = 24 * 3600
_IS_POSIX = os.name == "posix"
_NOWHERE = Path(os.sep) / "nowhere"
_OWN_PYTHON = list(sys.version_info[:2])


@frozen
class CacheHit:
    """A measurement from the cache, all its paths absolute, and when it was made (ISO 8601).

    ``changed`` are files that have changed since, and that it was not made from: see unaffected.py.
    """

    measurement: Measurement
    measured_at: str
    changed: tuple[str, ...] = ()


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether SNAPSIZE_NO_CACHE leaves the cache on."""
    return environ.get("SNAPSIZE_NO_CACHE", "") in ("", "0")


def is_current(measured_at: int, now: int) -> bool:
    """Whether a measurement is still of the same local day, and at most 24 hours old.

    Definitions may depend on the date, which no key contains. Both are in seconds since the epoch.
    """
    same_day = time.localtime(measured_at)[:3] == time.localtime(now)[:3]
    return same_day and 0 <= now - measured_at <= _MOST_SECONDS


class Cache:
    """The cache of one location, for one measurement."""

    def __init__(
        self,
        location: CodeLocation,
        interpreter: Interpreter,
        environ: Mapping[str, str],
        shown: Callable[[str], str] = lambda path: path,
        clock: Callable[[], int] | None = None,
    ):
        """``clock`` gives nanoseconds since the epoch, by the clock that stamps files."""
        self._location = location
        self._interpreter = interpreter
        self._environ = environ
        self._shown = shown
        self._now = clock or _now
        self._place = CacheFolder(cache_folder(environ), place_key(location, interpreter))
        self._identity = ""
        self._project: ProjectFiles | None = None
        self._began = 0  # nanoseconds since the epoch
        self._why_not = ""
        self._is_noted = False
        self.is_hindered = False

    def look_up(self) -> CacheHit | None:
        """The measurement of exactly this project, environment and configuration, if stored."""
        if not self._is_on():
            return None
        self._is_noted = False
        self.begin()
        self._is_noted = not self._location.config.prepare
        if self._project is None:
            return None
        for path in self._place.entries(f"{self._identity}-{self._project.digest}-"):
            entry = self._opened(path)
            if entry is None:
                continue
            hit = self._matching(entry, path.stem.rpartition("-")[2])
            if hit is not None:
                return hit
        return self._unaffected() if in_commit_hook(self._environ) else None

    def begin(self) -> None:
        """Note the state of files and environment; called before the definitions are loaded."""
        if self._is_noted or not self._is_on():
            self._is_noted = False  # just now, when it was looked up
            return
        self._began = self._now()
        self._project = None
        try:
            self._identity = identity(self._location, self._interpreter, self._environ)
            self._project = read_project(self._location.root, FileStates())
        except (TooMuch, OSError) as error:
            self._why_not = self._unusable(error)

    def keep(self, measurement: Measurement) -> tuple[str, ...]:
        """Store what was measured since ``begin``; the reasons where it is not stored."""
        why = self._reasons(measurement)
        if why or self._project is None:
            return why
        try:
            return self._keep(measurement, self._project)
        except (TooMuch, OSError) as error:
            return (self._unusable(error),)

    def _keep(self, measurement: Measurement, before: ProjectFiles) -> tuple[str, ...]:
        files = FileStates()
        after = read_project(self._location.root, files)
        changed = before.difference(after)
        if changed:
            return (f"{self._shown(changed)} was changed while it was measured",)
        if identity(self._location, self._interpreter, self._environ) != self._identity:
            return ("the environment was changed while it was measured",)
        external = ExternalInputs.of(measurement, after)
        rest = FileStates()
        digest = external_digest(external, after, self._environ, rest)
        changed = self._changed_external(external, rest)
        if digest is None or changed:
            what = self._shown(changed) if changed else "what is installed"
            return (f"{what} was changed while it was measured",)
        about = {
            "measured_at": self._began // 10**9,
            "own_python": _OWN_PYTHON,
            "external": astuple(external, recurse=False),
        }
        content = to_bytes(measurement, about, record(after, files))
        problem = self._place.write(f"{self._identity}-{before.digest}-{digest}", content)
        self.is_hindered = problem is not None
        return (f"the cache cannot be written: {problem}",) if problem else ()

    def is_uncacheable(self, measurement: Measurement) -> bool:
        """Whether its definitions depend on what no key can contain, unless `cache = "files"`."""
        inputs, use = measurement.inputs, self._location.config.cache
        return use == "on" and inputs is not None and bool(inputs.uncacheable)

    def switch_off(self) -> None:
        """Use no entry of this location any more: one was wrong."""
        self._place.switch_off(SWITCHED_OFF)

    # -- looking up --------------------------------------------------------------------------

    def _is_on(self) -> bool:
        if self._why_not:
            return False
        if self._location.config.cache == "off":
            self._why_not = '`cache = "off"` in the configuration'
        elif self._place.is_off:
            self._why_not = SWITCHED_OFF
        return not self._why_not

    def _opened(self, path: Path) -> CacheEntry | None:
        content = self._place.read(path)
        try:
            return None if content is None else from_bytes(content)
        except Damaged:
            return None

    def _unaffected(self) -> CacheHit | None:
        """The newest measurement, where nothing that it was made from has changed since."""
        for path in self._place.entries(f"{self._identity}-"):
            entry = self._opened(path)
            hit = self._matching(entry, path.stem.rpartition("-")[2]) if entry else None
            if entry is None or hit is None:
                continue
            assert self._project is not None
            with suppress(TooMuch, OSError):
                changed = harmless_changes(entry.files(), self._project, hit.measurement)
                if changed is not None:
                    return evolve(hit, changed=changed)
        return None

    def _matching(self, entry: CacheEntry, digest: str) -> CacheHit | None:
        try:
            about = entry.about()
            measured_at = about["measured_at"]
            if not is_current(measured_at, self._now() // 10**9):
                return None
            external = ExternalInputs(*about["external"])
            project = self._project
            assert project is not None
            if external_digest(external, project, self._environ, FileStates()) != digest:
                return None
            measurement = entry.measurement()
            same_python = about["own_python"] == _OWN_PYTHON
            moment = datetime.fromtimestamp(measured_at, timezone.utc).isoformat()
            return CacheHit(self._renewed(measurement, same_python), moment)
        except Exception:  # an entry may contain anything
            return None

    def _renewed(self, measurement: Measurement, same_python: bool) -> Measurement:
        """Renew what depends on more than content: git's index, and the syntax our Python reads."""
        tree = repository_root(self._location.root) or self._location.root
        untracked = untracked_files(measurement.definition_files, tree)
        renewed = evolve(
            measurement, untracked_files=tuple(Path(path).as_posix() for path in untracked)
        )
        if same_python:
            return renewed
        places = (a.location for a in measurement.assets if a.location)
        ignores = find_ignores(places, measurement.definition_files, _NOWHERE)
        return evolve(renewed, ignores=ignores)

    # -- storing -----------------------------------------------------------------------------

    def _reasons(self, measurement: Measurement) -> tuple[str, ...]:
        if measurement.failure is not None or measurement.inputs is None:
            return ("it could not be measured",)
        if self._why_not or not self._is_on():
            return (self._why_not,)
        assert measurement.inputs is not None
        if self.is_uncacheable(measurement):
            return tuple(dict.fromkeys(map(self._reason, measurement.inputs.uncacheable)))
        return ()

    def _reason(self, call: UncacheableCall) -> str:
        place = f"{self._shown(call.path)}:{call.line}" if call.path else "the code"
        return f"{place} {call.what}"

    def _unusable(self, error: Exception) -> str:
        self.is_hindered = isinstance(error, TooMuch)
        return f"what it was made from cannot be looked at each time: {error}"

    def _changed_external(self, external: ExternalInputs, files: FileStates) -> str | None:
        """An input outside of the project that was written to since the measurement began."""
        for path, state in files.seen():
            if state.stamp:
                if any(_is_new(moment, self._began) for moment in times(state.stamp)):
                    return path
            elif self._may_be_removed(path):
                return path
        for folder in external.listed:
            if self._is_new_folder(folder) or _is_new(folder_outline(folder)[1], self._began):
                return folder
        for path, _, mtime in external.installed:
            if _is_new(mtime, self._began):
                return path
        for folder in external.distributions:
            if _is_new(last_installed(folder), self._began):
                return folder
        return None

    def _may_be_removed(self, path: str) -> bool:
        """Whether a file that is not there may have been, when the measurement began."""
        folder = os.path.dirname(path)  # noqa: PTH120
        while not os.path.isdir(folder) and folder != os.path.dirname(folder):  # noqa: PTH112, PTH120
            folder = os.path.dirname(folder)  # noqa: PTH120
        # Everybody writes into the folder for temporary files, the measurement too.
        if os.path.realpath(folder) == os.path.realpath(tempfile.gettempdir()):
            return False
        return self._is_new_folder(folder)

    def _is_new_folder(self, folder: str) -> bool:
        try:
            status = os.stat(folder)  # noqa: PTH116
        except OSError:
            return False
        return _is_new(status.st_ctime_ns if _IS_POSIX else status.st_mtime_ns, self._began)


def _now() -> int:
    """The time by which files are stamped, in nanoseconds since the epoch."""
    if sys.platform == "linux":
        return time.clock_gettime_ns(_CLOCK_REALTIME_COARSE)
    return time.time_ns()


def _is_new(moment: int, began: int) -> bool:
    margin = _TICK if moment % 1_000_000_000 else _WHOLE_SECONDS
    return moment >= began - margin
