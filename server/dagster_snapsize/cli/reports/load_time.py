"""Where the load time goes: as text, as JSON, and in the file format of speedscope."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from attrs import asdict

from dagster_snapsize import VERSION
from dagster_snapsize.cli.reports import lines
from dagster_snapsize.cli.reports.json_report import place_json
from dagster_snapsize.cli.reports.lines import place
from dagster_snapsize.cli.reports.rows import interpreter, versions
from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.errors import NotMeasured
from dagster_snapsize.core.model import DistributionTime, LoadTime, StackEntry, TimeOwner
from dagster_snapsize.core.sizes import format_growth, format_percent

_MICROSECONDS = 1_000_000


def printer(form: str) -> Callable[[Report, int, int], None]:
    """The function that prints the format."""
    return {"text": _print_text, "json": _print_json, "speedscope": _print_speedscope}[form]


def _print_text(report: Report, status: int, top: int) -> None:
    from dagster_snapsize.cli.reports.terminal import Terminal

    terminal = Terminal()
    for location in report.locations:
        load_time = location.measurement.load_time
        about = ", ".join(filter(None, [versions(location.measurement), interpreter(location)]))
        terminal.line((location.measurement.name, "bold"), (f"  {about}", "dim"))
        if load_time is not None:
            way = "as by a code server" if load_time.is_plain else "in the faster way of `measure`"
            terminal.line(f"{_seconds(load_time.microseconds)} to load and serialize, {way}")
            terminal.line()
            _print_owners(terminal, load_time, top)
            terminal.line()
            _print_distributions(terminal, load_time, top)
        terminal.line()
    lines.print_report(report, status, top)


def _print_owners(terminal: Any, load_time: LoadTime, top: int) -> None:
    memory = _memory_head(load_time)
    head = ("Where the time goes", "seconds", "of all", *memory, "what", "calls")
    rows = [
        (
            place(owner.location) or owner.what,
            *_cells(owner, load_time),
            _what(owner),
            _calls(owner),
        )
        for owner in load_time.owners[:top]
    ]
    terminal.table(head, rows, right=range(1, 3 + len(memory)))
    _print_rest(terminal, load_time.owners[top:])


def _print_distributions(terminal: Any, load_time: LoadTime, top: int) -> None:
    memory = _memory_head(load_time)
    head = ("By distribution", "seconds", "of all", *memory, "called through")
    rows = [
        (
            " ".join(filter(None, [part.name, part.version])),
            *_cells(part, load_time),
            part.through or "",
        )
        for part in load_time.distributions[:top]
    ]
    terminal.table(head, rows, right=range(1, 3 + len(memory)))
    _print_rest(terminal, load_time.distributions[top:])


def _memory_head(load_time: LoadTime) -> tuple[str, ...]:
    """The column for growth of memory, where that could be read."""
    return ("memory",) if load_time.phases else ()


def _cells(part: TimeOwner | DistributionTime, load_time: LoadTime) -> tuple[str, ...]:
    took = part.microseconds
    memory = (format_growth(part.grown_bytes),) if load_time.phases else ()
    return _seconds(took), format_percent(took, load_time.microseconds), *memory


def _what(owner: TimeOwner) -> str:
    return owner.what if owner.location else ""


def _calls(owner: TimeOwner) -> str:
    return (owner.location and owner.distribution) or ""


def _print_rest(terminal: Any, rest: Sequence[TimeOwner] | Sequence[DistributionTime]) -> None:
    if rest:
        took = _seconds(sum(part.microseconds for part in rest))
        terminal.line((f"and {len(rest):,} more, {took} in all", "dim"))


def _seconds(microseconds: int) -> str:
    return f"{microseconds / _MICROSECONDS:.{2 if microseconds >= 10_000 else 3}f} s"


def _print_json(report: Report, status: int, top: int) -> None:
    whole = {
        "version": 1,
        "locations": [_location(one) for one in report.locations],
        "exit_status": status,
    }
    print(json.dumps(whole, indent=2))


def _location(one: LocationReport) -> dict[str, Any]:
    load_time, failure = one.measurement.load_time, one.measurement.failure
    return {
        "name": one.measurement.name,
        "seconds": load_time.microseconds / _MICROSECONDS if load_time else 0.0,
        "grown_bytes": load_time.grown_bytes if load_time and load_time.phases else None,
        "owners": [_owner(owner) for owner in load_time.owners] if load_time else [],
        "distributions": [
            {
                "name": part.name,
                "version": part.version,
                "through": part.through,
                "seconds": part.microseconds / _MICROSECONDS,
                "grown_bytes": part.grown_bytes,
            }
            for part in (load_time.distributions if load_time else ())
        ],
        "phases": [asdict(phase) for phase in (load_time.phases if load_time else ())],
        "error": failure.message if failure else None,
    }


def _owner(owner: TimeOwner) -> dict[str, Any]:
    return {
        "kind": owner.kind,
        "location": place_json(owner.location),
        "what": owner.what,
        "distribution": owner.distribution,
        "seconds": owner.seconds,
        "grown_bytes": owner.grown_bytes,
    }


def _print_speedscope(report: Report, status: int, top: int) -> None:
    """Print what https://www.speedscope.app opens, with a profile for each location.

    Its samples are folded stacks: they say how long, not when.
    """
    failed = next((one.measurement for one in report.locations if one.measurement.failure), None)
    if failed and failed.failure:
        raise NotMeasured(f"{failed.name} could not be measured: {failed.failure.message}")
    frames: dict[tuple[str, str, int], int] = {}
    profiles = [
        _sampled(one.measurement.name, one.measurement.load_time, frames)
        for one in report.locations
        if one.measurement.load_time
    ]
    shared = [
        {"name": name, "file": path, "line": line} if path else {"name": name}
        for name, path, line in frames
    ]
    whole = {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": f"dagster-snapsize {VERSION}",
        "name": "Load time",
        "shared": {"frames": shared},
        "profiles": profiles,
    }
    print(json.dumps(whole))


def _sampled(
    name: str, load_time: LoadTime, frames: dict[tuple[str, str, int], int]
) -> dict[str, Any]:
    def number(name: str, path: str = "", line: int = 0) -> int:
        return frames.setdefault((name, path, line), len(frames))

    return {
        "type": "sampled",
        "name": name,
        "unit": "microseconds",
        "startValue": 0,
        "endValue": load_time.microseconds,
        "samples": [
            [number(stack.phase), *(number(_label(e), e.path, e.line) for e in stack.entries)]
            for stack in load_time.stacks
        ],
        "weights": [stack.microseconds for stack in load_time.stacks],
    }


def _label(entry: StackEntry) -> str:
    if entry.distribution:
        return f"{entry.name} ({entry.distribution})"
    if entry.is_component:
        return entry.name
    return f"{entry.function} {entry.path.rpartition('/')[2]}:{entry.line}"
