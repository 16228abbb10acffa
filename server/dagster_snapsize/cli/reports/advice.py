"""Advice in every form: for a terminal, for other programs, for a pull request."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from dagster_snapsize.cli.reports import markdown
from dagster_snapsize.cli.reports.json_report import VERSION, Json
from dagster_snapsize.cli.reports.lines import place
from dagster_snapsize.cli.reports.terminal import bytes_cell, report_console
from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.advice import Advice, advice_json, advise
from dagster_snapsize.core.model import Measurement
from dagster_snapsize.core.sizes import counted, format_percent, format_size

_PLACES = 3
_JOBS = ("same-job", "part-of-job")
_ALONE = (
    "Each saving is counted alone. Two of them may be about the same bytes, such as a job and what"
    " its assets repeat."
)


def print_json(
    report: Report, status: int, splits: Mapping[str, Json], upgrade: Json | None
) -> None:
    """One JSON object on standard output; ``splits`` are by the name of a location."""
    locations = [
        {
            "name": location.measurement.name,
            "dagster_version": location.measurement.dagster_version,
            "stored_bytes": stored_bytes(location.measurement),
            "advice": [advice_json(advice) for advice in advise(location.measurement)],
            "split": splits.get(location.measurement.name),
            "error": location.measurement.failure.message if location.measurement.failure else None,
        }
        for location in report.locations
    ]
    whole = {
        "version": VERSION,
        "locations": locations,
        "upgrade": upgrade,
        "notes": list(report.notes),
        "exit_status": status,
    }
    sys.stdout.write(json.dumps(whole) + "\n")


def print_advice(report: Report, top: int) -> None:
    """What could be done in every location, most bytes first, for a person on a terminal."""
    console = report_console()
    for number, location in enumerate(report.locations):
        if location.measurement.failure:
            continue
        if number:
            console.print()
        _print_location(console, location, top)
    for note in report.notes:
        console.print(f"note: {note}", style="dim", soft_wrap=True)


def _print_location(console: Console, location: LocationReport, top: int) -> None:
    measurement = location.measurement
    found = advise(measurement)
    console.print(headline(measurement), soft_wrap=True)
    if not found:
        console.print(nothing(measurement), soft_wrap=True)
        return
    console.print(_ALONE, style="dim", soft_wrap=True)
    values = [advice for advice in found if advice.kind not in _JOBS]
    jobs = [advice for advice in found if advice.kind in _JOBS]
    whole = stored_bytes(measurement)
    said: set[str] = set()
    for advice in values[:top]:
        _print_one(console, advice, whole, with_how=advice.how not in said)
        said.add(advice.how)
    _print_rest(console, values, top)
    if not jobs:
        return
    console.print()
    console.print(Text(_jobs_title(measurement)), soft_wrap=True)
    for advice in jobs[:top]:
        _print_one(console, advice, whole, with_how=False)
    _print_rest(console, jobs, top)
    for how in dict.fromkeys(advice.how for advice in jobs[:top]):
        console.print()
        console.print(Text(how), soft_wrap=True)


def headline(measurement: Measurement) -> Text:
    """The location and its bytes."""
    return Text(measurement.name, style="bold").append(
        f"  {format_size(stored_bytes(measurement))} in"
        f" {counted(len(measurement.snapshots), 'snapshot')}",
        "not bold dim",
    )


def nothing(measurement: Measurement) -> str:
    """That there is nothing to advise."""
    return (
        "Nothing to advise: no value of 1 kB and more is repeated, and no job is part of another."
        if measurement.assets
        else "Nothing to advise: it has no assets."
    )


def stored_bytes(measurement: Measurement) -> int:
    """Bytes of all snapshots together."""
    return sum(snapshot.stored_bytes for snapshot in measurement.snapshots)


def _print_one(console: Console, advice: Advice, whole: int, with_how: bool = True) -> None:
    console.print()
    size = f"{format_size(advice.saved_bytes):>9}  {format_percent(advice.saved_bytes, whole):>6}"
    line = Text(f"{size}  ").append(advice.title, "bold")
    console.print(line, soft_wrap=True)
    details = [advice.preview, _snapshots(advice), _where(advice)]
    for detail in filter(None, details):
        console.print(Text(f"{'':19}{detail}", "dim"), soft_wrap=True)
    if with_how:
        console.print(Text(f"{'':19}{advice.how}"), soft_wrap=True)


def _snapshots(advice: Advice) -> str:
    """Exact bytes, and how many snapshots they are in."""
    exact = f"{bytes_cell(advice.saved_bytes)} bytes"
    if len(advice.by_snapshot) == 1:
        return f"{exact} in {next(iter(advice.by_snapshot))}"
    most = max(advice.by_snapshot, key=lambda name: advice.by_snapshot[name])
    return (
        f"{exact} in {len(advice.by_snapshot):,} snapshots, most of them"
        f" ({bytes_cell(advice.by_snapshot[most])}) in {most}"
    )


def _where(advice: Advice) -> str:
    if not advice.places:
        return ""
    shown = ", ".join(place(found) for found in advice.places[:_PLACES])
    left = len(advice.places) - _PLACES
    more = f" and {counted(left, 'more place')}" if left > 0 else ""
    return f"at {shown}{more}"


def _print_rest(console: Console, found: Sequence[Advice], top: int) -> None:
    rest = found[top:]
    if rest:
        most = format_size(rest[0].saved_bytes)
        console.print()
        console.print(
            f"and {len(rest):,} more of at most {most} each; --top {len(found)} shows all",
            style="dim",
        )


def _jobs_title(measurement: Measurement) -> str:
    """How many snapshots hold the same assets."""
    jobs = Counter(
        (saving.repository, asset)
        for saving in measurement.savings
        if saving.kind == "job"
        for asset in saving.assets
    )
    if not jobs:
        return "Jobs"
    (_, asset), most = max(jobs.items(), key=lambda item: (item[1], item[0]))
    mean = jobs.total() / len(jobs)
    return (
        f"Jobs: an asset stands in {mean:.1f} of them on average, {asset} in"
        f" {counted(most, 'job')}; each stores it once more"
    )


def print_markdown(report: Report, top: int) -> None:
    """Tables for a pull request or a wiki."""
    lines: list[str] = []
    for location in report.locations:
        measurement = location.measurement
        lines += [f"### {markdown.text(measurement.name)}", ""]
        found = advise(measurement)
        if measurement.failure:
            lines += [f"Not measured: {markdown.text(measurement.failure.message)}", ""]
            continue
        if not found:
            lines += [nothing(measurement), ""]
            continue
        whole = stored_bytes(measurement)
        rows = [
            [
                format_size(advice.saved_bytes),
                format_percent(advice.saved_bytes, whole),
                markdown.text(advice.title),
                markdown.code(advice.preview),
                " ".join(markdown.code(place(found)) for found in advice.places[:1]),
            ]
            for advice in found[:top]
        ]
        lines += markdown.table(["saves", "of all", "what", "", "first at"], rows, (0, 1))
        if len(found) > top:
            lines += ["", f"and {len(found) - top:,} more"]
        lines += ["", _ALONE, ""]
        hows = {advice.kind + (advice.field or ""): advice.how for advice in found[:top]}
        lines += [f"- {how}" for how in dict.fromkeys(hows.values())]
        lines.append("")
    lines += [f"note: {markdown.text(note)}" for note in report.notes]
    sys.stdout.write("\n".join(lines).rstrip() + "\n")
