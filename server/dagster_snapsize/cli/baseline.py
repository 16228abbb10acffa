"""``baseline``: record the current sizes, which growth limits are checked against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from attrs import evolve, frozen

from dagster_snapsize.cli.output import echo
from dagster_snapsize.cli.reports.lines import print_findings, shown_path
from dagster_snapsize.cli.run import LocationReport, Selection, measure_all
from dagster_snapsize.core.baseline import RENEW, Baseline, baseline_of, summary, with_seconds
from dagster_snapsize.core.growth import describe_growth, total_growth
from dagster_snapsize.core.sizes import format_both, format_seconds
from dagster_snapsize.project.baseline_file import (
    NAME,
    DamagedBaseline,
    read_baselines,
    write_baselines,
)

Status = Literal[0, 1, 3]


def update_baseline(selection: Selection, check: bool) -> tuple[Status, Callable[[], None]]:
    """Measure, and write the baseline of each project; with ``check`` only compare.

    Returns the exit status, and a function that prints the result. Nothing is written if a location
    cannot be measured.

    Raises:
        UserError: An old file cannot be used. One that is merely damaged is replaced, if everything
            that it can hold has been measured.
    """
    report = measure_all(selection, with_baseline=False)
    if not check and any(map(_lacks_seconds, report.locations)):
        report = measure_all(evolve(selection, cache="fresh"), with_baseline=False)
    failed = report.only("measurement-failed")
    if failed.findings:
        return 3, partial(print_findings, failed)
    projects: dict[Path, list[LocationReport]] = {}
    for location in report.locations:
        projects.setdefault(location.code_location.root, []).append(location)
    # All are read before the first is written.
    updates = [_update(root, found, selection, check) for root, found in projects.items()]
    results = [_check(update) if check else _write(update) for update in updates]
    lines = [*results, *(f"note: {note}" for note in report.notes)]
    is_stale = check and any(update.old != update.new for update in updates)
    return (1 if is_stale else 0), partial(echo, "\n".join(lines))


def _lacks_seconds(one: LocationReport) -> bool:
    """Whether its load time is to be recorded, and an editor measured it in less time."""
    is_wanted = one.budgets.load_time_growth is not None
    return is_wanted and one.cached.hit and one.measurement.load_time is None


@frozen
class _Update:
    """The old baselines of a project, None without any, and the new ones.

    ``path_bytes`` are bytes of the project's own path in the snapshots, which baselines leave out;
    ``damage`` is why the old file could not be read.
    """

    root: Path
    old: Mapping[str, Baseline] | None
    new: Mapping[str, Baseline]
    path_bytes: int
    damage: str = ""

    @property
    def file(self) -> str:
        """The file as it is shown."""
        return shown_path(str(self.root / NAME))


def _update(
    root: Path, found: Sequence[LocationReport], selection: Selection, check: bool
) -> _Update:
    flags = selection.flags
    named = flags.workspace or flags.python_file or flags.module_name or flags.package_name
    path_bytes = sum(
        sum(fields.values())
        for location in found
        for snapshot in location.measurement.snapshots
        for fields in snapshot.paths.values()
    )
    old: Mapping[str, Baseline] = {}
    damage = ""
    try:
        old = read_baselines(root)
    except DamagedBaseline as damaged:
        if named or check:
            raise
        damage = damaged.message
    measured = {}
    for one in found:
        name = one.code_location.stable_name
        measured[name] = _recorded(one, old.get(name), check)
    # Flags that name locations leave the others as they are; else those that are gone are removed.
    new = {**old, **measured} if named else measured
    return _Update(root, old or None, new, path_bytes, damage)


def _recorded(one: LocationReport, old: Baseline | None, check: bool) -> Baseline:
    new = baseline_of(one.measurement)
    if check:  # of sizes: seconds differ from machine to machine
        return evolve(new, seconds=old.seconds if old else None)
    return with_seconds(new, old, one.measurement, one.budgets.load_time_growth)


def _write(update: _Update) -> str:
    if not write_baselines(update.root, update.new) or update.old == update.new:
        return f"{update.file} is up to date"
    damage = f" The old file could not be read: {update.damage}." if update.damage else ""
    changed = f"\n{_changes(update.old, update.new)}" if update.old is not None else ""
    written = summary(update.new.values(), update.path_bytes)
    return f"wrote the current sizes to {update.file}: {written}.{damage}{changed}"


def _check(update: _Update) -> str:
    if update.old == update.new:
        return f"{update.file} is up to date"
    if update.old is None:
        return f"there is no {update.file}: run `{RENEW}` to write it"
    changed = _changes(update.old, update.new)
    return f"{update.file} is out of date: run `{RENEW}` to update it\n{changed}"


def _changes(old: Mapping[str, Baseline], new: Mapping[str, Baseline]) -> str:
    """One line: the difference in bytes, the owners that grew, and what else has changed."""
    both = [name for name in new if name in old]
    sentences = []
    if both:
        growth = total_growth({n: old[n] for n in both}, {n: new[n] for n in both})
        by = sum(change.bytes for change in growth)
        more = f"{format_both(abs(by))} {'more' if by > 0 else 'less'} than before."
        sentences.append(f"{more if by else 'Same size as before.'}{describe_growth(growth)}")
    for name in both:
        for what, before, after in (
            ("Dagster", old[name].dagster_version, new[name].dagster_version),
            ("Python", old[name].python_version, new[name].python_version),
        ):
            if before != after:
                sentences.append(f"{name} is now measured with {what} {after}, not {before}.")
        then, now = old[name].seconds, new[name].seconds
        if now and now != then:
            instead = f", not {format_seconds(then.total)}" if then else ""
            sentences.append(f"{name} takes {format_seconds(now.total)} to load{instead}.")
    sentences += [f"Location {name} is new." for name in sorted(set(new) - set(old))]
    sentences += [f"Location {name} was removed." for name in sorted(set(old) - set(new))]
    return " ".join(sentences)
