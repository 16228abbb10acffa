"""What changed between two revisions, or between one and the work tree: measured on both sides."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from attrs import evolve, field, frozen

from dagster_snapsize.cli.reports.lines import note_lines
from dagster_snapsize.cli.run import LateBar, LocationReport, Selection, choose, measure_all
from dagster_snapsize.core.diff import Difference, difference
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.measuring.assemble import Progress
from dagster_snapsize.measuring.measure import measure_location, with_timeout
from dagster_snapsize.measuring.paths import relocated
from dagster_snapsize.measuring.revision.checkout import (
    check_read_from_tree,
    copy_ignored,
    environ_in,
    errors_in,
    find_in,
    interpreter_for,
    with_repository_paths,
)
from dagster_snapsize.measuring.revision.refs import (
    Repository,
    Revision,
    changed_names,
    find_repository,
    find_revision,
    is_clean,
    merge_base,
)
from dagster_snapsize.measuring.revision.worktree import checked_out, sweep
from dagster_snapsize.project.targets import absolute

WORK_TREE = "the work tree"
# What says which packages are installed, wherever it is in the repository.
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pixi.lock", "Pipfile.lock", "conda-lock.yml")


@frozen
class Side:
    """One side: what it is called, and its locations, with paths as they are shown."""

    label: str
    locations: tuple[LocationReport, ...]
    commit: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[LocationReport, ...]:
        """The locations that could not be measured."""
        return tuple(one for one in self.locations if one.measurement.failure)


@frozen
class Compared:
    """One location on both sides; None where a side does not have it."""

    name: str
    old: LocationReport | None
    new: LocationReport | None
    difference: Difference = field(repr=False)


@frozen
class Comparison:
    """Every location that was measured on both sides, or that only one side has."""

    old: Side
    new: Side
    locations: tuple[Compared, ...]
    notes: tuple[str, ...]

    @property
    def status(self) -> int:
        """The exit status: 3 where something could not be measured."""
        return 3 if self.old.failed or self.new.failed else 0


def compare_revisions(
    selection: Selection, names: Sequence[str], old_python: str | None = None
) -> Comparison:
    """Measure both sides: HEAD and the work tree, or what is named instead.

    ``old_python`` runs the old side, where that is to be another interpreter. Raises UserError
    where there is no such revision, NotMeasured where a revision has no location to measure.
    """
    flags = selection.flags
    named = flags.module_name or flags.python_file or flags.package_name or flags.workspace
    try:
        start = Path.cwd()
    except FileNotFoundError:
        raise UserError("the current folder is gone", "Change into one that is there.") from None
    if flags.working_directory is not None and not named:
        start = absolute(flags.working_directory, start)
    if not start.is_dir():
        raise UserError(f"there is no folder {start}")
    if len(names) > 2:
        raise UserError(f"{len(names)} revisions are too many: name one or two")
    repository = find_repository(start)
    sweep(repository)
    old, new = _revisions(repository, names)
    head = _head_of_clean(repository)
    with ended_by_signals(), ExitStack() as stack:
        watch = LateBar(stack)
        measured = _Sides(repository, selection, stack, watch)
        sides = []
        for revision, python in ((new, None), (old, old_python)):
            if revision is None or (revision.commit == head and python is None):
                sides.append(measured.work_tree(revision))
            else:
                sides.append(measured.at(revision, python))
    new_side, old_side = sides
    notes = (*old_side.notes, *new_side.notes)
    if old_python is None:
        notes = (*notes, *_lock_notes(repository, old, new))
    return compare(old_side, new_side, tuple(dict.fromkeys(notes)))


def compare(old: Side, new: Side, notes: tuple[str, ...] = ()) -> Comparison:
    """Match the locations of both sides by name; one of each that is left over is the same one."""
    before = {one.measurement.name: one for one in old.locations}
    after = {one.measurement.name: one for one in new.locations}
    gone = [name for name in before if name not in after]
    come = [name for name in after if name not in before]
    pairs = {name: name for name in after if name in before}
    if len(gone) == len(come) == 1:
        pairs[come[0]] = gone[0]
        gone = []
    found = []
    for name, one in after.items():
        found.append(_compared(before[pairs[name]] if name in pairs else None, one))
    found += [_compared(before[name], None) for name in gone]
    return Comparison(old, new, tuple(filter(None, found)), notes)


def _compared(old: LocationReport | None, new: LocationReport | None) -> Compared | None:
    """None where either could not be measured."""
    either = new or old
    assert either is not None
    if any(one is not None and one.measurement.failure for one in (old, new)):
        return None
    change = difference(old.measurement if old else None, new.measurement if new else None)
    return Compared(either.measurement.name, old, new, change)


def _revisions(repository: Repository, names: Sequence[str]) -> tuple[Revision, Revision | None]:
    """The old one and the new one, None being the work tree; a range of git's is two of them."""
    if len(names) > 1:
        return find_revision(repository, names[0]), find_revision(repository, names[1])
    name = names[0] if names else "HEAD"
    for dots in ("...", ".."):
        one, found, other = name.partition(dots)
        if found and not name.startswith((":", "-")):
            old = find_revision(repository, one or "HEAD")
            new = find_revision(repository, other or "HEAD")
            return (merge_base(repository, old, new) if dots == "..." else old), new
    return find_revision(repository, name), None


def _head_of_clean(repository: Repository) -> str | None:
    """The commit that the work tree is, to the byte."""
    if not is_clean(repository):
        return None
    with suppress(UserError):
        return find_revision(repository, "HEAD").commit
    return None


class _Sides:
    """Measures sides, and the work tree only once."""

    def __init__(
        self, repository: Repository, selection: Selection, stack: ExitStack, watch: LateBar
    ):
        self._repository = repository
        self._selection = selection
        self._stack = stack
        self._watch = watch
        self._today: tuple[LocationReport, ...] | None = None

    def work_tree(self, revision: Revision | None) -> Side:
        """The files as they are; ``revision`` is the one that they are, if any was asked for."""
        if self._today is None:
            self._today = measure_all(self._selection, with_baseline=False).locations
        notes = tuple(
            line.removeprefix("note: ") for one in self._today for line in note_lines(one)
        )
        label = str(revision) if revision else WORK_TREE
        return Side(label, self._today, revision.commit if revision else None, notes)

    def at(self, revision: Revision, python: str | None) -> Side:
        """The files of a revision, in a temporary folder."""

        def tell(text: str) -> None:
            self._watch(Progress(str(revision), text))

        tree = self._stack.enter_context(checked_out(self._repository, revision, tell))
        locations = find_in(tree, self._selection.flags)
        today = self._measured_today()
        copied = copy_ignored(tree, locations, [one.cached.measurement for one in today])
        notes = list(tree.notes)
        if copied:
            shown = ", ".join(copied[:5]) + (", ..." if len(copied) > 5 else "")
            made = ", unless `prepare` makes it anew" if _prepares(today) else ""
            notes.append(f"{revision} was measured with today's {shown}, which git ignores{made}")
        environ = environ_in(tree, os.environ)
        chosen = [(one.code_location, one.interpreter) for one in today]
        flag = python or self._selection.python
        if not chosen:
            with suppress(UserError):
                chosen = choose(self._selection)[0]
        reports = []
        prepared: set[object] = set()
        for location in locations:
            location = with_timeout(location, self._selection.timeout)
            interpreter = interpreter_for(
                *(location, tree, chosen, flag, os.environ),
                flag_source="--old-python" if python else "--python",
            )
            with errors_in(tree):
                cached = measure_location(
                    location,
                    interpreter,
                    folder=tree.folder,
                    environ=environ,
                    prepared=prepared,
                    lookup=self._selection.cache,
                    on_progress=self._watch,
                )
            others = check_read_from_tree(tree, cached.measurement, interpreter)
            if others:
                shown = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
                notes.append(f"{revision} was measured with {shown} of the work tree")
            measurement = relocated(cached.measurement, tree.folder)
            if measurement.failure:
                failure = measurement.failure
                failure = evolve(
                    failure,
                    message=with_repository_paths(failure.message, tree),
                    traceback=with_repository_paths(failure.traceback, tree),
                    output=with_repository_paths(failure.output, tree),
                )
                measurement = evolve(measurement, failure=failure)
            budgets = location.config.budgets
            reports.append(LocationReport(location, interpreter, measurement, budgets, (), cached))
        return Side(str(revision), tuple(reports), revision.commit, tuple(notes))

    def _measured_today(self) -> tuple[LocationReport, ...]:
        """What the definitions read today; nothing where the work tree is of no use."""
        if self._today is None:
            try:
                self._today = measure_all(self._selection, with_baseline=False).locations
            except UserError:
                return ()
        return self._today


def _prepares(reports: Sequence[LocationReport]) -> bool:
    return any(one.code_location.config.prepare for one in reports)


def _lock_notes(repository: Repository, old: Revision, new: Revision | None) -> Iterator[str]:
    """Other packages on one side would be another environment, and there is only today's."""
    names = changed_names(repository, old, new)
    locks = [name for name in names if _is_lock(Path(name).name)]
    if locks:
        yield (
            f"{', '.join(locks[:3])} is not the same on both sides, which were both measured with"
            " what is installed now; --old-python names another environment for the old one"
        )


def _is_lock(name: str) -> bool:
    return name in _LOCKS or (name.startswith("requirements") and name.endswith(".txt"))


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Have the block cleaned up after when this process is asked to end, as after Ctrl-C."""

    def end(number: int, frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    names = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    heeded = [name for name in names if signal.getsignal(name) != signal.SIG_IGN]  # as for nohup
    before = {name: signal.signal(name, end) for name in heeded}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
