"""Which changes of files need a new measurement: those after which contents differ.

Contents are compared with those at the start of the last measurement; an event alone means
nothing. So files that go and come back, as with ``git stash`` and ``git checkout``, need no
measurement, and a change that is reported three times is measured once.
"""

# Paths are plain strings here: they are compared by the thousand.
# ruff: noqa: PTH120

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from attrs import define, field, frozen

from dagster_snapsize.lsp.watching.dependencies import SOURCE_SUFFIXES, Dependencies, suffix_of
from dagster_snapsize.lsp.watching.disk import Disk, normal, resolved
from dagster_snapsize.project.baseline_file import NAME

Action = Literal["measure", "keep", "drop"]

_UNKNOWN = "changed while it was measured"
_PRESENT = "present"
# File times come from a coarser clock, up to one kernel tick behind (nanoseconds).
_TICK = 10_000_000
# A file that is no source and changed during so many measurements in a row is written by them.
_OWN_WRITING = 2
# A source that changed during so many in a row no longer ends the running one; the next one waits.
_RESTLESS = 4
_FIRST_WAIT = 10.0  # seconds
_LONGEST_WAIT = 300.0


@frozen
class ChangeImpact:
    """What a batch of changes means for a location.

    - ``measure``: its files have contents that no measurement has seen.
    - ``keep``: its files are what the running measurement began with; no further one is needed.
    - ``drop``: its files are what the last result was made from; none is needed, and the running
      one may be cancelled.

    ``paths`` are the files that decided it. ``wait`` is how many seconds to wait beyond the usual
    delay: more where every measurement finds its sources changed, as with code that writes code.
    """

    location: str
    action: Action
    paths: tuple[str, ...] = ()
    wait: float = 0.0


@frozen
class ChangedPaths:
    """Files and folders that changed, in every spelling that dependencies have.

    ``has_folder``: files that are not named may have changed, too.
    """

    spelled: frozenset[str]
    has_folder: bool

    @classmethod
    def of(cls, paths: Iterable[str], disk: Disk | None = None) -> ChangedPaths:
        """Looks at the disk."""
        spelled = frozenset(s for path in paths for s in (normal(path), resolved(path)))
        return cls(spelled, any(map((disk or Disk()).is_folder, spelled)))


@define
class _Baseline:
    """The contents of files at one moment, and which files have changed since."""

    contents: dict[str, str]
    dirty: set[str] = field(factory=set)

    def compare(self, path: str, content: str | None) -> None:
        if content == self.contents.get(path):
            self.dirty.discard(path)
        else:
            self.dirty.add(path)

    def returns(self, path: str, content: str | None) -> bool:
        """Whether a file that differed has its old content again."""
        return path in self.dirty and content == self.contents.get(path)


@define
class _Location:
    dependencies: Dependencies | None = None
    measured: _Baseline | None = None
    running: _Baseline | None = None
    started: int = 0
    asked: bool = False
    last_seen: dict[str, str | None] = field(factory=dict)  # contents when last judged
    saved: set[str] = field(factory=set)
    in_a_row: dict[str, int] = field(factory=dict)


class ChangeTracker:
    """What each location was measured from, and what has changed since. Thread-safe.

    A measurement is ``start``, then ``finish`` or ``abort``. These and ``changed`` read files, so
    they must not run on an event loop.
    """

    def __init__(self, disk: Disk | None = None) -> None:
        self._disk = disk or Disk()
        self._locations: dict[str, _Location] = {}
        self._lock = threading.RLock()

    def dependencies(self) -> Mapping[str, Dependencies]:
        """What each location depends on, of those that were measured."""
        # Without the lock, which is held while files are read.
        return {n: x.dependencies for n, x in list(self._locations.items()) if x.dependencies}

    def start(self, name: str, provisional: Dependencies | None = None) -> None:
        """A measurement begins: later contents are compared with the present ones.

        ``provisional`` is what may matter to a location that has not been measured yet.
        """
        with self._lock:
            location = self._locations.setdefault(name, _Location())
            location.dependencies = location.dependencies or provisional
            if location.running is not None:
                self._count(location, location.running.dirty, finished=False)
            location.started = self._disk.now() - _TICK
            location.running = _Baseline(self._contents(location.dependencies))
            location.asked = False
            location.last_seen.clear()
            location.saved.clear()

    def finish(self, name: str, dependencies: Dependencies) -> ChangeImpact | None:
        """It ended with a result that was made from ``dependencies``.

        Returns an impact if files changed while it ran, also files that were not known before.
        """
        with self._lock:
            location = self._locations.setdefault(name, _Location())
            since = location.started or self._disk.now() - _TICK
            before = location.running or _Baseline({})
            dependencies = dependencies.as_of(since, self._disk)
            measured = _Baseline(self._contents_since(dependencies, before, since))
            for path in {*measured.contents, *before.dirty}:
                part = dependencies.part(path)
                earlier = measured.contents.get(path)
                if part and (path in before.dirty or earlier == _UNKNOWN or self._gone(path)):
                    measured.compare(path, self._content(path, part))
            location.dependencies, location.measured, location.running = (
                dependencies,
                measured,
                None,
            )
            wait = self._count(location, measured.dirty, finished=True)
            self._leave_out_own_writing(location, measured)
            location.last_seen = {p: self._content(p, dependencies.part(p)) for p in measured.dirty}
            location.asked = bool(measured.dirty)
            if not measured.dirty:
                return None
            return ChangeImpact(name, "measure", tuple(sorted(measured.dirty)), wait)

    def abort(self, name: str) -> None:
        """It ended without a result: contents are compared with the last result's again."""
        with self._lock:
            location = self._locations.get(name)
            if location is not None:
                location.running = None
                location.asked = False
                location.last_seen.clear()

    def forget(self, name: str) -> None:
        """The location no longer exists."""
        with self._lock:
            self._locations.pop(name, None)

    def changed(self, paths: ChangedPaths, *, saved: bool = False) -> tuple[ChangeImpact, ...]:
        """The impact of changes on each location, where there is one.

        ``saved`` says that the editor wrote them.
        """
        with self._lock:
            impacts = [self._judge(n, x, paths, saved) for n, x in self._locations.items()]
        return tuple(v for v in impacts if v is not None)

    def _judge(
        self, name: str, location: _Location, paths: ChangedPaths, saved: bool
    ) -> ChangeImpact | None:
        dependencies = location.dependencies
        if dependencies is None:
            return None
        news: list[str] = []
        was_dirty = [bool(b and b.dirty) for b in (location.measured, location.running)]
        for path in self._affected(location, dependencies, paths):
            content = self._content(path, dependencies.part(path))
            if saved:
                location.saved.add(path)
            last = location.running or location.measured
            comes_back = location.measured is not None and location.measured.returns(path, content)
            known = location.last_seen.get(path, last.contents.get(path) if last else None)
            if comes_back or content != known:
                news.append(path)
            location.last_seen[path] = content
            for baseline in (location.measured, location.running):
                if baseline is not None:
                    baseline.compare(path, content)
        if not news:
            return None
        action = self._action(location, was_dirty)
        if action is None:
            return None
        location.asked = action == "measure"
        return ChangeImpact(name, action, tuple(sorted(news)))

    def _action(self, location: _Location, was_dirty: list[bool]) -> Action | None:
        measured, running = location.measured, location.running
        if measured is not None and not measured.dirty and was_dirty[0]:
            # The measurement that was asked for, or runs, was for contents that are gone.
            return "drop"
        if running is None:
            return "measure" if measured is not None and measured.dirty else None
        if not running.dirty:
            return "keep" if location.asked and was_dirty[1] else None
        if all(self._may_be_own_writing(location, path) for path in running.dirty):
            return None  # decided when it has finished
        return "measure"

    def _affected(
        self, location: _Location, dependencies: Dependencies, changed: ChangedPaths
    ) -> list[str]:
        """The files that matter among ``paths``, and those in folders among them."""
        paths = changed.spelled
        known: set[str] = set()
        for baseline in (location.measured, location.running):
            if baseline is not None:
                known.update(baseline.contents, baseline.dirty)
        found = {path for path in paths if self._matters(dependencies, path)}
        if changed.has_folder:
            known.update(path for path, _ in dependencies.existing(self._disk))
        for path in known:
            place = os.path.dirname(path)
            while place not in paths and place != os.path.dirname(place):
                place = os.path.dirname(place)
            if place in paths and dependencies.part(path):
                found.add(path)
        return sorted(found)

    def _matters(self, dependencies: Dependencies, path: str) -> bool:
        if path in dependencies.files:
            return True
        return bool(dependencies.part(path)) and self._disk.is_among_sources(
            path, dependencies.root
        )

    def _contents(self, dependencies: Dependencies | None) -> dict[str, str]:
        contents = {}
        for path, part in dependencies.existing(self._disk) if dependencies else ():
            content = self._content(path, part)
            if content is not None:
                contents[path] = content
        return contents

    def _contents_since(
        self, dependencies: Dependencies, before: _Baseline, since: int
    ) -> dict[str, str]:
        """The contents as of ``since``, as far as they are known."""
        contents: dict[str, str] = {}
        for path, part in dependencies.existing(self._disk):
            earlier = before.contents.get(path)
            if part == "presence":
                contents[path] = _PRESENT
            elif earlier is not None and earlier != _PRESENT:
                contents[path] = earlier
            elif path not in before.dirty or earlier == _PRESENT:
                new = self._disk.touched(path) >= since
                content = _UNKNOWN if new else self._content(path, part)
                if content is not None:
                    contents[path] = content
        for path, earlier_content in before.contents.items():
            if path not in contents and dependencies.part(path):
                contents[path] = earlier_content
        for path in dependencies.modules:
            if path not in contents and self._gone(path):
                contents[path] = _UNKNOWN
        return contents

    def _content(self, path: str, part: str | None) -> str | None:
        if part == "presence":
            there = self._disk.exists(path) and not self._disk.is_folder(path)
            return _PRESENT if there else None
        return self._disk.digest(path)

    def _gone(self, path: str) -> bool:
        return not self._disk.exists(path)

    def _may_be_own_writing(self, location: _Location, path: str) -> bool:
        if path in location.saved:
            return False
        return not _is_source(location, path) or location.in_a_row.get(path, 0) >= _RESTLESS

    def _count(self, location: _Location, dirty: set[str], *, finished: bool) -> float:
        """Count during how many measurements in a row files changed; returns seconds to wait.

        For files that are no sources only measurements that finished count.
        """
        counts = {}
        for path in dirty - location.saved:
            more = 1 if finished or _is_source(location, path) else 0
            counts[path] = location.in_a_row.get(path, 0) + more
        location.in_a_row = counts
        sources = [count for path, count in counts.items() if _is_source(location, path)]
        beyond = max(sources, default=0) - _RESTLESS
        return min(_FIRST_WAIT * 2.0**beyond, _LONGEST_WAIT) if beyond >= 0 else 0.0

    def _leave_out_own_writing(self, location: _Location, measured: _Baseline) -> None:
        for path, count in location.in_a_row.items():
            # Definitions write no baseline: a baseline that changed meanwhile must be judged by.
            is_own = not _is_source(location, path) and Path(path).name != NAME
            if count >= _OWN_WRITING and is_own:
                content = self._disk.digest(path)
                if content is None:
                    measured.contents.pop(path, None)
                else:
                    measured.contents[path] = content
                measured.dirty.discard(path)


def _is_source(location: _Location, path: str) -> bool:
    generated = location.dependencies is not None and path in location.dependencies.generated
    return suffix_of(path) in SOURCE_SUFFIXES and not generated
