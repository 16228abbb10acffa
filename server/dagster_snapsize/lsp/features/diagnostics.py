"""Findings as diagnostics, on the lines of the buffers as they are now."""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from attrs import evolve
from lsprotocol.types import (
    CodeDescription,
    Diagnostic,
    DiagnosticRelatedInformation,
    DiagnosticSeverity,
    DiagnosticTag,
    Location,
    Range,
)

from dagster_snapsize.core.budgets import budgets_of_nothing
from dagster_snapsize.core.model import Finding, Severity, SourceLocation, UnusedIgnore
from dagster_snapsize.core.sizes import counted, format_both, format_size
from dagster_snapsize.lsp.documents.places import Places, View
from dagster_snapsize.lsp.features.budget_edit import prefix_of
from dagster_snapsize.lsp.features.load_time import hint_text, timed_lines
from dagster_snapsize.lsp.features.markup import STALE_NOTE, flat, flat_right
from dagster_snapsize.lsp.state import ConfigError, LocationState, ProjectState
from dagster_snapsize.measuring.worker.results import BaselineProblem, BaselineUse, LocationResult
from dagster_snapsize.project.files.toml_document import scan

SOURCE = "dagster-snapsize"
CONFIGURATION = "configuration"
UNUSED_IGNORE = "unused-ignore"
UNREADABLE = "baseline-unreadable"
SLOW = "slow-to-load"
_HEAVIEST = 5
_SEVERITIES: Mapping[Severity, DiagnosticSeverity] = {
    "error": DiagnosticSeverity.Error,
    "warning": DiagnosticSeverity.Warning,
    "information": DiagnosticSeverity.Information,
}
_INFORMATION = (DiagnosticSeverity.Information,)
# Of the surroundings, not of the definitions: a measurement that failed knows them too.
_NO_SIZES = ("stale-input", "grpc-limit-mismatch", "measurement-failed")
_FRAME = re.compile(r'^\s*File "(?P<path>[^"]+)", line (?P<line>\d+)', re.MULTILINE)


def publish(view: View) -> dict[str, list[Diagnostic]]:
    """All diagnostics of a project by absolute path; files without any are not there."""
    found: defaultdict[str, list[Diagnostic]] = defaultdict(list)
    seen: set[tuple[str, int, str]] = set()
    found_anywhere = (
        *_all(view.state, view.places, view.home),
        *_budgets_of_nothing(view),
        *_slow_lines(view),
    )
    for path, diagnostic in found_anywhere:
        # Some editors show messages in a terminal, which would obey what it is shown.
        diagnostic.message = "\n".join(map(flat_right, diagnostic.message.split("\n")))
        for related in diagnostic.related_information or ():
            related.message = flat_right(related.message)
        # Two locations that share a file may report the same about it.
        key = path, diagnostic.range.start.line, diagnostic.message
        is_hidden = diagnostic.severity in _INFORMATION and not view.settings.information
        if key in seen or is_hidden:
            continue
        seen.add(key)
        if view.rules is not None and diagnostic.code != CONFIGURATION:
            diagnostic.code_description = CodeDescription(f"{view.rules}#{diagnostic.code}")
        if not view.related_information:
            diagnostic.related_information = None
        found[path].append(diagnostic)
    return {
        path: sorted(listed, key=lambda d: (d.range.start.line, d.severity or 0, d.message))
        for path, listed in found.items()
    }


def _all(state: ProjectState, places: Places, home: str) -> Iterator[tuple[str, Diagnostic]]:
    if state.config_error is not None:
        yield _config_error(state.config_error, places, home)
    for location in state.locations:
        if location.config_error is not None:
            yield _config_error(location.config_error, places, home)
        good, failed = location.good, location.failed
        if good is not None:
            kept = [f for f in good.findings if failed is None or f.rule not in _NO_SIZES]
            yield from _findings(location, good, kept, places, home)
        if failed is not None:
            yield from _findings(location, failed, failed.findings, places, home)
        newest = failed or good
        if newest is not None and newest.baseline.problem is not None:
            yield _unreadable(location, newest.baseline, newest.baseline.problem, places)
    yield from _unused_ignores(state, places)


def _unused_ignores(state: ProjectState, places: Places) -> Iterator[tuple[str, Diagnostic]]:
    """A hint for every ignore comment that no location needs; none while sizes are stale.

    A comment is tied to the text that was measured: it does not follow what is typed.
    """
    if any(location.is_stale or location.good is None for location in state.locations):
        return
    readers: Counter[str] = Counter()
    unused: defaultdict[UnusedIgnore, int] = defaultdict(int)
    for location in state.locations:
        if location.good is not None:
            readers.update(set(location.good.definition_files))
            for ignore in location.good.unused_ignores:
                unused[ignore] += 1
    for ignore, times in unused.items():
        place = ignore.location
        if times < readers[place.path]:
            continue  # another location needs it
        what = f"nothing of {', '.join(map(flat, ignore.rules))}" if ignore.rules else "nothing"
        where = "" if ignore.on_asset else ": no asset is defined here"
        yield (
            place.path,
            Diagnostic(
                range=places.line_range(place.path, place.line - 1),
                message=f"this comment silences {what}{where}",
                severity=DiagnosticSeverity.Hint,
                code=UNUSED_IGNORE,
                source=SOURCE,
                tags=[DiagnosticTag.Unnecessary],
            ),
        )


def _config_error(error: ConfigError, places: Places, home: str) -> tuple[str, Diagnostic]:
    path = error.path or home
    message = f"{error.message}\n{error.hint}" if error.hint else error.message
    return path, Diagnostic(
        range=places.line_range(path, max(0, error.line - 1)),
        message=message,
        severity=DiagnosticSeverity.Error,
        code=CONFIGURATION,
        source=SOURCE,
    )


def _budgets_of_nothing(view: View) -> Iterator[tuple[str, Diagnostic]]:
    """A warning for each budget of a job or an asset that no location with its budgets has."""
    sharing: defaultdict[str, list[LocationResult]] = defaultdict(list)
    for location in view.state.locations:
        if location.good is None or location.is_stale:
            return  # what is missing may be there
        if location.good.config_path is not None:
            sharing[location.good.config_path].append(location.good)
    for path, results in sharing.items():
        budgets = results[0].budgets
        if not (budgets.jobs or budgets.assets):
            continue
        text = view.edits.read(path) or ""
        prefix = prefix_of(posixpath.basename(path.replace("\\", "/")))
        lines = {entry.path: text.count("\n", 0, entry.start) for entry in scan(text).entries}
        jobs = {s.name for result in results for s in result.snapshots if s.kind == "job"}
        assets = {asset.key for result in results for asset in result.assets}
        for keys, message in budgets_of_nothing(budgets, jobs, assets):
            line = lines.get((*prefix, "budget", *keys), 0)
            mistake = ConfigError(message, "", path, line + 1)
            place, diagnostic = _config_error(mistake, view.places, path)
            diagnostic.severity = DiagnosticSeverity.Warning
            yield place, diagnostic


def _slow_lines(view: View) -> Iterator[tuple[str, Diagnostic]]:
    """A hint on each line that takes as long as the settings say to load, in whichever file."""
    least = view.settings.load_time.hint
    if least is None:
        return
    for line in timed_lines(view, least, everywhere=True):
        assert line.owner.location is not None, "it is a line"
        yield (
            line.owner.location.path,
            Diagnostic(
                range=line.range,
                message=hint_text(line),
                severity=DiagnosticSeverity.Hint,
                code=SLOW,
                source=SOURCE,
            ),
        )


def _unreadable(
    location: LocationState, baseline: BaselineUse, problem: BaselineProblem, places: Places
) -> tuple[str, Diagnostic]:
    """Of several locations that have the same file it is said once."""
    hint = "" if problem.is_damaged else problem.hint  # there is a quick fix
    error = ConfigError(problem.message, hint, baseline.path, problem.line)
    path, diagnostic = _config_error(error, places, baseline.path)
    if problem.is_damaged:
        diagnostic.data = {
            **dict.fromkeys(("snapshot", "asset", "repository", "bytes", "budget_bytes")),
            "rule": UNREADABLE,
            "location": location.name,
        }
    return path, diagnostic


def _findings(
    location: LocationState,
    result: LocationResult,
    findings: Sequence[Finding],
    places: Places,
    home: str,
) -> Iterator[tuple[str, Diagnostic]]:
    gathered: dict[tuple[str, str, int], tuple[Range, list[Finding]]] = {}
    for finding in findings:
        if finding.rule == "repeated-value":
            continue  # hovers, the advice and the report have them
        if finding.asset is None or finding.location is None:
            yield _alone(location, result, finding, places, home)
            continue
        place = places.range_of(finding.location)
        if place is not None:
            where = finding.rule, finding.location.path, place.start.line
            gathered.setdefault(where, (place, []))[1].append(finding)
    for (_, path, _), (place, together) in gathered.items():
        yield path, _of_assets(location, result, together, place)


def _alone(
    location: LocationState,
    result: LocationResult,
    finding: Finding,
    places: Places,
    home: str,
) -> tuple[str, Diagnostic]:
    place = finding.location or _definitions(location, result) or SourceLocation(home, 1)
    diagnostic = _diagnostic(location, result, finding, places.range_or_line(place))
    if finding.rule == "measurement-failed":
        related = _frames(result, place)
    else:
        related = _heaviest(result, finding)
    diagnostic.related_information = _related(location, related, places)
    return place.path, diagnostic


def _related(
    location: LocationState, related: Iterable[tuple[SourceLocation, str]], places: Places
) -> list[DiagnosticRelatedInformation] | None:
    return [
        DiagnosticRelatedInformation(Location(places.uri_of(at.path), within), message)
        for at, message in related
        if (within := places.range_of(at) or _unless_stale(location, at, places))
    ] or None


def _unless_stale(location: LocationState, place: SourceLocation, places: Places) -> Range | None:
    return None if location.is_stale else places.range_or_line(place)


def _definitions(location: LocationState, result: LocationResult) -> SourceLocation | None:
    for known in (result, location.good):
        if known is not None and known.definitions_location is not None:
            return known.definitions_location
    return SourceLocation(result.config_path, 1) if result.config_path else None


def _heaviest(result: LocationResult, finding: Finding) -> Iterator[tuple[SourceLocation, str]]:
    """Where the heaviest assets are defined, with the sizes that the message leaves out."""
    snapshot = next((s for s in result.snapshots if s.id == finding.snapshot), None)
    if snapshot is None or finding.bytes is None:
        return
    for asset in snapshot.heaviest:
        place = result.location_of.get((snapshot.repository, asset.key))
        if place is not None:
            key, size = flat(asset.key), format_size(asset.bytes)
            is_said = f"{asset.key} {size}" in finding.message
            yield place, f"{key} is defined here" if is_said else f"{key}: {size} of it"


def _frames(result: LocationResult, own: SourceLocation) -> Iterator[tuple[SourceLocation, str]]:
    """The user's other frames, the innermost first."""
    traceback = result.failure.traceback if result.failure else ""
    places = [SourceLocation(m["path"], int(m["line"])) for m in _FRAME.finditer(traceback)]
    for place in list(dict.fromkeys(reversed(places)))[: _HEAVIEST + 1]:
        if place != own:
            yield place, "called from here"


def _of_assets(
    location: LocationState,
    result: LocationResult,
    findings: Sequence[Finding],
    place: Range,
) -> Diagnostic:
    """One diagnostic for all assets of a line."""
    by_asset: dict[str, Finding] = {}
    for finding in sorted(findings, key=lambda f: -(f.bytes or 0)):
        # An asset of two repositories counts once.
        by_asset.setdefault(cast("str", finding.asset), finding)
    worst, *others = by_asset.values()
    if not others:
        return _diagnostic(location, result, worst, place)
    together = [worst, *others]
    if worst.rule == "asset-grew":
        return _grown(location, result, together, place)
    budgets = {f.budget_bytes for f in together}
    allowed = (
        format_size(worst.budget_bytes)
        if len(budgets) == 1 and worst.budget_bytes is not None
        else "their budgets"
    )
    named = ", ".join(
        f"{flat(f.asset or '')} {format_size(f.bytes or 0)}" for f in together[:_HEAVIEST]
    )
    rest = len(together) - _HEAVIEST
    more = f" and {rest:,} more" if rest > 0 else ""
    message = (
        f"{counted(len(together), 'asset')} over {allowed} in one snapshot, each: {named}{more}"
    )
    severity: Severity = "error" if any(f.severity == "error" for f in together) else "warning"
    # The heaviest stands for all: a budget that allows it allows the others.
    all_of_them = evolve(worst, message=message, severity=severity)
    return _diagnostic(location, result, all_of_them, place, assets=len(together))


def _grown(
    location: LocationState, result: LocationResult, together: Sequence[Finding], place: Range
) -> Diagnostic:
    """One diagnostic for all assets of a line that grew."""
    by: dict[str, int] = {}
    for f in together:  # an asset of two repositories counts once
        grown = result.growth_of.get((f.repository or "", f.asset or ""), 0)
        by[f.asset or ""] = max(grown, by.get(f.asset or "", 0))
    ranked = sorted(together, key=lambda f: (f.severity != "error", -by[f.asset or ""]))
    named = ", ".join(f"{flat(key)} +{format_size(size)}" for key, size in _most(by)[:_HEAVIEST])
    rest = len(by) - _HEAVIEST
    more = f" and {rest:,} more" if rest > 0 else ""
    beyond = sum(f.severity == "error" for f in together)
    allowed = f", {beyond:,} of them by more than budget.asset-growth allows" if beyond else ""
    message = (
        f"{counted(len(by), 'asset')} grew by {format_both(sum(by.values()))} since the"
        f" baseline{allowed}: {named}{more}"
    )
    all_of_them = evolve(ranked[0], message=message)
    return _diagnostic(location, result, all_of_them, place, assets=len(by))


def _most(sizes: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(sizes.items(), key=lambda item: (-item[1], item[0]))


def _diagnostic(
    location: LocationState,
    result: LocationResult,
    finding: Finding,
    place: Range,
    assets: int = 1,
) -> Diagnostic:
    """``data`` holds what a quick fix needs: see code_actions.py."""
    message = finding.message
    if location.is_stale and finding.rule not in _NO_SIZES:
        message = f"{message} ({STALE_NOTE})"
    return Diagnostic(
        range=place,
        message=message,
        severity=_SEVERITIES[finding.severity],
        code=finding.rule,
        source=SOURCE,
        data={
            "rule": finding.rule,
            "severity": finding.severity,
            "location": location.name,
            "snapshot": finding.snapshot,
            "asset": finding.asset,
            "repository": finding.repository,
            "assets": assets if finding.asset else 0,
            "bytes": finding.bytes,
            "budget_bytes": finding.budget_bytes,
            "config_path": result.config_path,
        },
    )
