"""The load time of lines: for hovers, lenses and hints."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import frozen
from lsprotocol.types import Range

from dagster_snapsize.core.load_time import PROJECT, PYTHON, WORTH_SHOWING
from dagster_snapsize.core.model import SourceLocation, TimeOwner
from dagster_snapsize.core.sizes import counted, format_percent, format_seconds
from dagster_snapsize.lsp.documents.places import View
from dagster_snapsize.lsp.features.markup import MarkupBuilder, flat
from dagster_snapsize.lsp.state import LocationState
from dagster_snapsize.measuring.paths import shown_path
from dagster_snapsize.measuring.worker.results import MeasuredLoad

_RUNNING = 4
_REPORTED = 50


@frozen
class TimedLine:
    """A line of a buffer that took time when the location was loaded."""

    state: LocationState
    load: MeasuredLoad
    owner: TimeOwner
    range: Range


def timed_lines(
    view: View,
    least: float = WORTH_SHOWING,
    wanted: Callable[[SourceLocation], bool] = lambda location: True,
    *,
    everywhere: bool = False,
) -> Iterator[TimedLine]:
    """The lines of the file, or of all, that took so many seconds, longest first.

    ``wanted`` chooses among the measured source locations.
    """
    for state in view.state.locations:
        load = state.good.load if state.good else None
        if load is None:
            continue
        for owner in load.lines:
            place = owner.location
            assert place is not None, "it is a line"
            if owner.seconds < least or not (everywhere or view.is_here(place)):
                continue
            if not wanted(place):
                continue
            within = view.places.range_of(place)
            if within is not None:
                yield TimedLine(state, load, owner, within)


def title(line: TimedLine) -> str:
    """``1.6 s of 12.4 s load time``."""
    return f"{format_seconds(line.owner.seconds)} of {_whole(line)} load time"


def hover_text(line: TimedLine, markup: MarkupBuilder) -> str:
    """What takes how long on the line, in whose code, and when that was measured."""
    owner, load = line.owner, line.load
    share = format_percent(owner.microseconds, load.microseconds)
    parts = [
        f"{markup.name(owner.what)}: {format_seconds(owner.seconds)} of {_whole(line)}, {share} of"
        f" the load time of {markup.name(line.state.name)}"
    ]
    ranked = sorted(owner.running.items(), key=lambda item: (-item[1], item[0]))
    shown = [
        f"{markup.name(name)} {format_seconds(took / 1_000_000)}"
        for name, took in ranked[:_RUNNING]
        if took
    ]
    rest = ranked[_RUNNING:]
    if rest:
        took = format_seconds(sum(took for _, took in rest) / 1_000_000)
        shown.append(f"{counted(len(rest), 'other distribution')} {took}")
    if len(shown) > 1 or (ranked and ranked[0][0] not in (owner.distribution, PYTHON, PROJECT)):
        parts.append(f"In {', '.join(shown)}.")
    parts.append(_age_note(load, markup))
    return "\n\n".join(parts)


def hint_text(line: TimedLine) -> str:
    """``1.6 s of 12.4 s load time: import polars``."""
    return f"{title(line)}: {flat(line.owner.what)}"


def load_time_report(location: LocationState, load: MeasuredLoad) -> str:
    """What takes longest of the load time of a location, in Markdown."""
    markup = MarkupBuilder(markdown=True)
    rows = []
    for owner in load.report["owners"][:_REPORTED]:
        took, place = owner["microseconds"], owner["location"]
        where = owner["what"]
        if place:
            where = f"{shown_path(place['path'], Path(location.root))}:{place['line']}"
        what = owner["what"] if place else ""
        share = format_percent(took, load.microseconds)
        rows.append((where, format_seconds(took / 1_000_000), share, what))
    whole = format_seconds(load.microseconds / 1_000_000)
    return "\n\n".join(
        [
            f"{markup.name(location.name)}: {whole} to load and serialize",
            markup.table(("where the time goes", "time", "of all", "what"), rows, left=(0, 3)),
            _age_note(load, markup),
        ]
    )


def _age_note(load: MeasuredLoad, markup: MarkupBuilder) -> str:
    age = _age(time.time() - load.measured_at)
    return markup.note(f"measured {age}, when it was last loaded from nothing")


def _age(seconds: float) -> str:
    """``just now``, ``5 minutes ago``, ``2 hours ago``."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return "just now"
    return f"{counted(minutes, 'minute') if minutes < 60 else counted(minutes // 60, 'hour')} ago"


def _whole(line: TimedLine) -> str:
    return format_seconds(line.load.microseconds / 1_000_000)
