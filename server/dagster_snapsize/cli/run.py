"""From flags to findings: find the locations, choose their interpreters, measure, judge.

What only a new measurement needs is imported when there is one: most results come from the cache.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from dagster_snapsize.cli.servers import ServerSelection, find_servers, with_flags
from dagster_snapsize.core.baseline import RENEW, Baseline, with_local_paths, with_path
from dagster_snapsize.core.budgets import NO_LIMIT, budgets_of_nothing, snapshot_budget
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.findings import judge
from dagster_snapsize.core.model import Budgets, Environment, Finding, Measurement, Rule
from dagster_snapsize.measuring.measure import Cached, CacheLookup, with_timeout
from dagster_snapsize.measuring.paths import relocated, shown_path
from dagster_snapsize.measuring.side_by_side import measure_locations
from dagster_snapsize.project.baseline_file import NAME, read_baselines
from dagster_snapsize.project.discovery import Flags
from dagster_snapsize.project.interpreters import Interpreter, choose_interpreter
from dagster_snapsize.project.locations import CodeLocation, Found, find_locations

if TYPE_CHECKING:
    from dagster_snapsize.measuring.assemble import OnProgress, Progress


@frozen
class Selection:
    """What the command line asks to measure; ``timeout`` is in seconds.

    With ``verify`` every snapshot is also serialized in Dagster's own way and compared. With
    ``plain`` the location is loaded as a code server does it, in more time.
    """

    flags: Flags
    python: str | None = None
    timeout: float | None = None
    cache: CacheLookup = "on"
    verify: bool = False
    plain: bool = False
    servers: ServerSelection = field(factory=ServerSelection)


@frozen
class LocationReport:
    """One code location with its measurement and findings.

    The paths of ``measurement`` are as they are shown, those of ``cached`` absolute.
    """

    code_location: CodeLocation
    interpreter: Interpreter
    measurement: Measurement
    budgets: Budgets
    findings: tuple[Finding, ...]
    cached: Cached
    baseline: Baseline | None = None

    @property
    def growth_blocks(self) -> bool:
        """Whether it grew by more than its budget allows."""
        rules = ("snapshot-grew", "asset-grew")
        return any(f.severity == "error" and f.rule in rules for f in self.findings)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to say about the location besides its findings."""
        files, snapshots = self.measurement.untracked_files, self.measurement.snapshots
        found = []
        if files and not self.measurement.failure:
            found.append(
                f"{self.measurement.name} was measured with files that git does not track"
                f" and a commit leaves out: {first_names(files)}"
            )
        if any(s.is_refused for s in snapshots) and all(s.kind == "repository" for s in snapshots):
            found.append(
                f"the jobs of {self.measurement.name} are unknown: the repository, which names"
                " them, was refused"
            )
        return tuple(found)


@frozen
class Report:
    """Every selected code location, and notes about what could not be checked."""

    locations: tuple[LocationReport, ...]
    notes: tuple[str, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all locations."""
        return tuple(finding for location in self.locations for finding in location.findings)

    def only(self, rule: Rule) -> Report:
        """The report with the findings of one rule."""
        return Report(
            tuple(
                evolve(one, findings=tuple(f for f in one.findings if f.rule == rule))
                for one in self.locations
            ),
            self.notes,
        )


def first_names(names: Sequence[str]) -> str:
    """The first five names."""
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def measure_all(selection: Selection, with_baseline: bool = True) -> Report:
    """Measure every selected location, with a progress bar on a terminal.

    Raises:
        UserError: The flags, the configuration, a target or a baseline are wrong.
    """
    chosen, notes = choose(selection)
    folder = Path.cwd()
    local = [location for location, _ in chosen if not location.server]
    roots = dict.fromkeys(location.root for location in local) if with_baseline else ()
    baselines = {root: baselines_in(root, folder) for root in roots}
    with ExitStack() as stack:
        measured = measure_locations(
            chosen,
            folder=folder,
            environ=os.environ,
            lookup=selection.cache,
            on_progress=LateBar(stack),
            verify=selection.verify,
            plain=selection.plain,
        )
    reports: list[LocationReport] = []
    for (location, interpreter), cached in zip(chosen, measured, strict=True):
        measurement = relocated(cached.measurement, folder)
        budgets = location.config.budgets
        if selection.verify:  # which takes time of its own
            budgets = evolve(budgets, load_time_growth=None)
        one = LocationReport(location, interpreter, measurement, budgets, (), cached)
        baseline = None
        if not location.server:  # whose folder is another one, and so its sizes
            baseline = baselines.get(location.root, {}).get(location.stable_name)
        baseline = with_local_paths(baseline, measurement) if baseline else None
        reports.append(judged(one, baseline, several=len(chosen) > 1))
    notes = (
        *notes,
        *_server_notes(reports),
        *_budgets_of_nothing(reports),
        *(_verification_notes(reports) if selection.verify else ()),
    )
    if with_baseline:
        notes = (*notes, *_growth_without_baseline(reports))
    return Report(tuple(reports), notes)


def judged(one: LocationReport, baseline: Baseline | None, several: bool) -> LocationReport:
    """The report with the findings that its budgets and this baseline give.

    ``several``: it is one of several locations, so that messages name it.
    """
    findings = judge(one.measurement, one.budgets, baseline, one_of_several=several)
    return evolve(one, baseline=baseline, findings=findings)


def baselines_in(root: Path, folder: Path) -> dict[str, Baseline]:
    """The baselines in ``root`` by location, with their paths as seen from ``folder``."""
    return with_path(read_baselines(root), shown_path(str(root / NAME), folder))


def _growth_without_baseline(reports: Sequence[LocationReport]) -> Iterator[str]:
    """Notes on growth limits that have no baseline."""
    for one in reports:
        budgets = one.budgets
        limits = {
            "growth": budgets.growth,
            "asset-growth": budgets.asset_growth,
            "load-time-growth": budgets.load_time_growth,
        }
        unused = [name for name, limit in limits.items() if limit is not None]
        if not unused or one.code_location.server or one.measurement.failure:
            continue
        if one.baseline is None:
            yield (
                f"budget.{unused[0]} has no effect on {one.code_location.name} without a"
                f" baseline: `{RENEW}` writes one to {NAME}, to be committed"
            )
        elif budgets.load_time_growth is not None and one.baseline.seconds is None:
            yield (
                f"budget.load-time-growth has no effect on {one.code_location.name}, whose baseline"
                f" is without a load time: `{RENEW}` adds it"
            )


def _server_notes(reports: Sequence[LocationReport]) -> Iterator[str]:
    """What a running server does not tell."""
    measured = [one for one in reports if one.measurement.server]
    if unknown := [one.measurement.name for one in measured if _has_no_limit(one)]:
        yield (
            f"the limits of {first_names(unknown)} are unknown, as servers tell them only when they"
            " refuse a reply: only budgets judge them (budget.repository, budget.job)"
        )
    snapshots = [snapshot for one in measured for snapshot in one.measurement.snapshots]
    if refused := [f"{s.kind} {s.name}" for s in snapshots if s.is_refused]:
        yield f"sums are without what servers refused to send: {first_names(refused)}"
    if measured:
        yield "running servers do not tell the files and lines of their definitions"


def _has_no_limit(one: LocationReport) -> bool:
    snapshots = one.measurement.snapshots
    budgets = [snapshot_budget(snapshot, one.measurement, one.budgets) for snapshot in snapshots]
    return any(budget.name == NO_LIMIT for budget in budgets)


def _verification_notes(reports: Sequence[LocationReport]) -> Iterator[str]:
    for one in reports:
        if not (one.measurement.failure or one.measurement.server):
            texts, version = len(one.measurement.snapshots), one.measurement.dagster_version
            yield (
                f"location {one.code_location.name}: all {texts} snapshots are byte for byte"
                f" what Dagster {version} serializes"
            )


class LateBar:
    """A progress bar that appears once something is measured: a cache hit needs none."""

    def __init__(self, stack: ExitStack):
        self._stack = stack
        self._watch: OnProgress | None = None
        self._lock = Lock()  # locations are measured in threads

    def __call__(self, progress: Progress) -> None:
        with self._lock:
            if self._watch is None:
                from dagster_snapsize.cli.progress_bar import progress_bar

                self._watch = self._stack.enter_context(progress_bar())
            self._watch(progress)


def _budgets_of_nothing(reports: Sequence[LocationReport]) -> Iterator[str]:
    """Notes on budgets for jobs and assets that no measured location has."""
    if any(j.measurement.failure for j in reports):
        return
    jobs = {s.name for j in reports for s in j.measurement.snapshots if s.kind == "job"}
    assets = {asset.key for j in reports for asset in j.measurement.assets}
    owners = {
        name
        for report in reports
        if report.budgets.owners
        for snapshot in report.measurement.snapshots
        for owner in snapshot.ledger.owners
        if owner.kind not in ("asset", "structure")
        for name in (owner.label, owner.name)
    }
    for config in {j.code_location.config.path: j.code_location.config for j in reports}.values():
        for _, message in budgets_of_nothing(config.budgets, jobs, assets, owners):
            yield message


def read_limits(selection: Selection) -> list[tuple[CodeLocation, Interpreter, Environment]]:
    """The effective limits of every selected location, without loading its definitions."""
    from dagster_snapsize.measuring.probe_run import read_environment

    chosen, _ = choose(selection)
    return [
        (
            location,
            interpreter,
            read_environment(location, interpreter, environ=os.environ),
        )
        for location, interpreter in chosen
    ]


def choose(
    selection: Selection,
) -> tuple[list[tuple[CodeLocation, Interpreter]], tuple[str, ...]]:
    try:
        folder = Path.cwd()
    except FileNotFoundError:
        raise UserError("the current folder was deleted", "Change to another one.") from None
    servers = selection.servers
    if servers.is_given:
        found = Found(find_servers(servers, selection.flags, folder, os.environ))
    else:
        found = find_locations(folder, selection.flags)
    chosen = []
    for location in found.locations:
        location = with_timeout(location, selection.timeout)
        if location.server:
            from dagster_snapsize.measuring.live import choose_client

            location = with_flags(location, servers, os.environ)
            chosen.append((location, choose_client(location, selection.python, os.environ)))
        else:
            chosen.append((location, choose_interpreter(location, selection.python, os.environ)))
    return chosen, found.notes
