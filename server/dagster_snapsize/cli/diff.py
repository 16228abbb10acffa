"""``diff``: two revisions, or one and the work tree, measured and compared."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from attrs import evolve, field, frozen

from dagster_snapsize.cli.run import (
    LateBar,
    LocationReport,
    Selection,
    choose,
    first_names,
    measure_all,
)
from dagster_snapsize.cli.servers import ServerSelection
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
    unchecked_processes,
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
from dagster_snapsize.measuring.revision.worktree import Worktree, checked_out, sweep
from dagster_snapsize.project.discovery import Flags
from dagster_snapsize.project.layout import is_lock_file
from dagster_snapsize.project.targets import absolute

WORK_TREE = "the work tree"


@frozen
class Side:
    """One side: its label and its locations, with paths as they are shown.

    ``tree`` is the checkout of a revision, which exists until the stack of its measurer is closed.
    """

    label: str
    locations: tuple[LocationReport, ...]
    commit: str | None = None
    notes: tuple[str, ...] = ()
    tree: Worktree | None = None

    @property
    def failed(self) -> tuple[LocationReport, ...]:
        """The locations that could not be measured."""
        return tuple(one for one in self.locations if one.measurement.failure)


@frozen
class Compared:
    """One location on both sides; None where it does not exist on a side."""

    name: str
    old: LocationReport | None
    new: LocationReport | None
    difference: Difference = field(repr=False)


@frozen
class Comparison:
    """Every location that was measured on both sides, or that exists on one side only."""

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
    """Measure both sides: HEAD and the work tree, or the revisions that are named.

    ``old_python`` is another interpreter for the old side.

    Raises:
        UserError: There is no such revision.
        NotMeasured: A revision has no location to measure.
    """
    flags = selection.flags
    named = flags.module_name or flags.python_file or flags.package_name or flags.workspace
    try:
        start = Path.cwd()
    except FileNotFoundError:
        raise UserError("the current folder was deleted", "Change to another one.") from None
    if flags.working_directory is not None and not named:
        start = absolute(flags.working_directory, start)
    if not start.is_dir():
        raise UserError(f"there is no folder {start}")
    if len(names) > 2:
        raise UserError(f"{len(names)} revisions are too many; name one or two")
    repository = find_repository(start)
    sweep(repository)
    old, new = _revisions(repository, names)
    head = _head_of_clean(repository)
    with ended_by_signals(), ExitStack() as stack:
        watch = LateBar(stack)
        measured = SideMeasurer(repository, selection, stack, watch)
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


def compare_deployed(selection: Selection) -> Comparison:
    """Measure running servers and the work tree: what a deploy will change.

    Raises:
        UserError: The flags are wrong.
        NotMeasured: The webserver cannot be asked.
    """
    servers, flags = selection.servers, selection.flags
    is_folder = flags == Flags(working_directory=flags.working_directory)
    where = Flags(working_directory=flags.working_directory if is_folder else None)
    running = measure_all(evolve(selection, flags=where), with_baseline=False)
    local = measure_all(evolve(selection, servers=ServerSelection()), with_baseline=False)
    label = servers.webserver or ", ".join(servers.addresses)
    refused = [s for one in running.locations for s in one.measurement.snapshots if s.is_refused]
    notes = [
        f"of {snapshot.kind} {snapshot.name}, which its server refused to send, only the bytes on"
        f" the wire are compared"
        for snapshot in refused
    ]
    notes += [note for one in (*running.locations, *local.locations) for note in one.notes]
    return compare(Side(label, running.locations), Side(WORK_TREE, local.locations), tuple(notes))


def compare(old: Side, new: Side, notes: tuple[str, ...] = ()) -> Comparison:
    """Match the locations by name; if one is left over on each side, they are the same location."""
    before = {one.measurement.name: one for one in old.locations}
    after = {one.measurement.name: one for one in new.locations}
    removed = [name for name in before if name not in after]
    added = [name for name in after if name not in before]
    pairs = {name: name for name in after if name in before}
    if len(removed) == len(added) == 1:
        pairs[added[0]] = removed[0]
        removed = []
    found = []
    for name, one in after.items():
        found.append(_compared(before[pairs[name]] if name in pairs else None, one))
    found += [_compared(before[name], None) for name in removed]
    return Comparison(old, new, tuple(filter(None, found)), notes)


def _compared(old: LocationReport | None, new: LocationReport | None) -> Compared | None:
    """Compare a location; None where either side could not be measured."""
    either = new or old
    assert either is not None
    if any(one is not None and one.measurement.failure for one in (old, new)):
        return None
    change = difference(old.measurement if old else None, new.measurement if new else None)
    return Compared(either.measurement.name, old, new, change)


def _revisions(repository: Repository, names: Sequence[str]) -> tuple[Revision, Revision | None]:
    """The old and the new revision, which is None for the work tree; ``A..B`` names both."""
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
    """The current commit where the work tree does not differ from it, else None."""
    if not is_clean(repository):
        return None
    with suppress(UserError):
        return find_revision(repository, "HEAD").commit
    return None


class SideMeasurer:
    """Measures sides, the work tree only once: not at all where ``current`` is given."""

    def __init__(
        self,
        repository: Repository,
        selection: Selection,
        stack: ExitStack,
        watch: LateBar,
        current: tuple[LocationReport, ...] | None = None,
    ):
        self._repository = repository
        self._selection = selection
        self._stack = stack
        self._watch = watch
        self._current = current

    def work_tree(self, revision: Revision | None) -> Side:
        """Measure the work tree; ``revision`` is the commit that was asked for, if it is that."""
        if self._current is None:
            self._current = measure_all(self._selection, with_baseline=False).locations
        notes = tuple(note for one in self._current for note in one.notes)
        label = str(revision) if revision else WORK_TREE
        return Side(label, self._current, revision.commit if revision else None, notes)

    def at(self, revision: Revision, python: str | None) -> Side:
        """Measure the files of a revision, in a temporary folder."""

        def report_progress(text: str) -> None:
            self._watch(Progress(str(revision), text))

        tree = self._stack.enter_context(checked_out(self._repository, revision, report_progress))
        locations = find_in(tree, self._selection.flags)
        current = self._measured_work_tree()
        measured = [one.cached.measurement for one in current]
        copied, too_large = copy_ignored(tree, locations, measured)
        notes = list(tree.notes)
        if copied:
            prepares = any(one.code_location.config.prepare for one in current)
            notes.append(
                f"{revision} was measured with files of the work tree that git ignores:"
                f" {first_names(copied)}{', unless `prepare` makes them' if prepares else ''}"
            )
        if too_large:
            notes.append(
                f"{revision} was measured without {first_names(too_large)}, which git ignores and"
                " which are too large to be copied"
            )
        environ = environ_in(tree, os.environ)
        chosen = [(one.code_location, one.interpreter) for one in current]
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
                notes.append(f"{revision} was measured with {first_names(others)} of the work tree")
            notes += unchecked_processes(tree, cached.measurement)
            measurement = relocated(cached.measurement, tree.folder)
            if failure := measurement.failure:
                failure = evolve(
                    failure,
                    message=with_repository_paths(failure.message, tree),
                    traceback=with_repository_paths(failure.traceback, tree),
                    output=with_repository_paths(failure.output, tree),
                )
                measurement = evolve(measurement, failure=failure)
            budgets = location.config.budgets
            reports.append(LocationReport(location, interpreter, measurement, budgets, (), cached))
        return Side(str(revision), tuple(reports), revision.commit, tuple(notes), tree)

    def _measured_work_tree(self) -> tuple[LocationReport, ...]:
        """The locations of the work tree; empty where none can be found."""
        if self._current is None:
            try:
                self._current = measure_all(self._selection, with_baseline=False).locations
            except UserError:
                return ()
        return self._current


def _lock_notes(repository: Repository, old: Revision, new: Revision | None) -> Iterator[str]:
    """A note that lock files differ, while both sides were measured in one environment."""
    names = changed_names(repository, old, new)
    locks = [name for name in names if is_lock_file(Path(name).name)]
    if locks:
        yield (
            f"{', '.join(locks[:3])} differs between the sides, but both were measured with the"
            " packages installed now; use --old-python for an environment of the old side"
        )


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Clean up after the block when this process is terminated, as after Ctrl-C."""

    def end(number: int, frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    names = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    handled = [name for name in names if signal.getsignal(name) != signal.SIG_IGN]  # as for nohup
    before = {name: signal.signal(name, end) for name in handled}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
