"""Advice in every format: for a terminal, for other programs, for a pull request."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from dagster_snapsize.cli.advise import AdviceReport
from dagster_snapsize.cli.reports import lines, markdown
from dagster_snapsize.cli.reports.json_report import VERSION, place_json
from dagster_snapsize.cli.reports.lines import place, print_cache_note, print_notes
from dagster_snapsize.cli.reports.rows import budget_use, stored_bytes
from dagster_snapsize.cli.run import LocationReport
from dagster_snapsize.core.advice import Advice, advice_json, advise
from dagster_snapsize.core.model import Measurement
from dagster_snapsize.core.sizes import counted, format_percent, format_seconds, format_size

if TYPE_CHECKING:
    from dagster_snapsize.cli.reports.terminal import Terminal

_PLACES = 3
_SMALL = 0.05  # of a budget
_JOBS = ("same-job", "part-of-job", "many-jobs")
_ALONE = (
    "Each saving is counted alone; two of them may overlap, such as a job and what its assets"
    " repeat."
)


def printer(form: str) -> Callable[[AdviceReport, int], None]:
    """The function that prints the format, with ``top`` rows of each list."""
    return {"text": print_text, "json": print_json, "markdown": print_markdown}[form]


def print_json(advised: AdviceReport, top: int) -> None:
    """Print one JSON object; ``top`` does not apply to it."""
    splits, upgrade = {}, None
    if advised.splits:
        from dagster_snapsize.cli.reports.split import split_json

        splits = {name: split_json(split) for name, split in advised.splits.items()}
    if advised.upgrade is not None:
        from dagster_snapsize.cli.reports.diff.json_report import comparison_json

        upgrade = comparison_json(advised.upgrade)
    locations = [
        {
            "name": measurement.name,
            "dagster_version": measurement.dagster_version,
            "stored_bytes": stored_bytes(measurement),
            "advice": [advice_json(advice) for advice in advise(measurement)],
            "imports": [
                {
                    "what": late.what,
                    "package": late.package,
                    "seconds": late.microseconds / 1_000_000,
                    "places": [*map(place_json, late.places)],
                    "functions": list(late.functions),
                }
                for late in advised.late_imports[measurement.name]
            ],
            "split": splits.get(measurement.name),
            "error": measurement.failure.message if measurement.failure else None,
        }
        for measurement in (location.measurement for location in advised.report.locations)
    ]
    whole = {
        "version": VERSION,
        "locations": locations,
        "upgrade": upgrade,
        "notes": list(advised.report.notes),
        "exit_status": advised.status,
    }
    sys.stdout.write(json.dumps(whole) + "\n")


def print_text(advised: AdviceReport, top: int) -> None:
    """Print what would make every location smaller, most bytes first."""
    from dagster_snapsize.cli.reports.terminal import Terminal

    terminal = Terminal()
    measured = [x for x in advised.report.locations if not x.measurement.failure]
    for number, location in enumerate(measured):
        if number:
            terminal.line()
        _print_location(terminal, location, top)
        for line in late_lines(advised, location.measurement, top):
            terminal.line(line)
    print_notes(advised.report.notes)
    if advised.splits:
        from dagster_snapsize.cli.reports import split

        split.print_text(advised.splits, top)
    lines.print_findings(advised.failed)
    print_cache_note(advised.report)
    if advised.upgrade is not None:
        from dagster_snapsize.cli.reports.diff.text import print_upgrade

        click.echo()
        print_upgrade(advised.upgrade, top)


def _print_location(terminal: Terminal, location: LocationReport, top: int) -> None:
    measurement = location.measurement
    found = advise(measurement)
    whole = stored_bytes(measurement)
    size = f"{format_size(whole)} in {counted(len(measurement.snapshots), 'snapshot')}"
    terminal.line((measurement.name, "bold"), (f"  {size}", "dim"))
    if small := _small(location):
        terminal.line(small)
    if not found:
        terminal.line(_nothing())
        return
    terminal.line((_ALONE, "dim"))
    values = [advice for advice in found if advice.kind not in _JOBS]
    jobs = [advice for advice in found if advice.kind in _JOBS]
    printed: set[str] = set()
    for advice in values[:top]:
        _print_one(terminal, advice, whole, "" if advice.how in printed else advice.how)
        printed.add(advice.how)
    _print_rest(terminal, values, top)
    if not jobs:
        return
    terminal.line()
    terminal.line(_jobs_title(measurement))
    for advice in jobs[:top]:
        _print_one(terminal, advice, whole)
    _print_rest(terminal, jobs, top)
    for how in dict.fromkeys(advice.how for advice in jobs[:top]):
        terminal.line()
        terminal.line(how)


def late_lines(advised: AdviceReport, measurement: Measurement, top: int) -> Iterator[str]:
    """The imports that could wait, a line for each, below a title."""
    found = advised.late_imports[measurement.name]
    if not found:
        return
    yield ""
    yield (
        "These imports are used only in functions that run after the code location has loaded. Move"
        " each into the functions that use it:"
    )
    for late in found[:top]:
        functions = ", ".join(late.functions[:_PLACES])
        more = f" and {len(late.functions) - _PLACES} more" if late.functions[_PLACES:] else ""
        where = ", ".join(map(place, late.places[:_PLACES]))
        took = format_seconds(late.microseconds / 1_000_000)
        yield f"{took:>9}  {late.what}  at {where}, for {functions}{more}"


def _small(location: LocationReport) -> str:
    """That nothing has to be done, where no snapshot uses much of its budget."""
    uses = [budget_use(snapshot, location) for snapshot in location.measurement.snapshots]
    nearest = max(uses, key=lambda use: use.share, default=None)
    if nearest is None or nearest.share > _SMALL or not nearest.is_known:
        return ""
    return f"No snapshot uses more than {nearest.percent} of its budget: nothing has to be done."


def _nothing() -> str:
    return "Nothing to advise: no value of 1 kB or more is repeated, and no job is part of another."


def _print_one(terminal: Terminal, advice: Advice, whole: int, how: str = "") -> None:
    terminal.line()
    size = f"{format_size(advice.saved_bytes):>9}  {format_percent(advice.saved_bytes, whole):>6}"
    terminal.line(f"{size}  ", (advice.title, "bold"))
    for detail in filter(None, [advice.preview, _snapshots(advice), _where(advice)]):
        terminal.line((f"{'':19}{detail}", "dim"))
    if how:
        terminal.line(f"{'':19}{how}")


def _snapshots(advice: Advice) -> str:
    """Exact bytes, and how many snapshots they are in."""
    exact = f"{advice.saved_bytes:,} bytes"
    if len(advice.by_snapshot) == 1:
        return f"{exact} in {next(iter(advice.by_snapshot))}"
    most = max(advice.by_snapshot, key=lambda name: advice.by_snapshot[name])
    return (
        f"{exact} in {len(advice.by_snapshot):,} snapshots, most of them"
        f" ({advice.by_snapshot[most]:,}) in {most}"
    )


def _where(advice: Advice) -> str:
    if not advice.places:
        return ""
    shown = ", ".join(place(found) for found in advice.places[:_PLACES])
    left = len(advice.places) - _PLACES
    more = f" and {counted(left, 'more place')}" if left > 0 else ""
    return f"at {shown}{more}"


def _print_rest(terminal: Terminal, found: Sequence[Advice], top: int) -> None:
    rest = found[top:]
    if rest:
        most = format_size(rest[0].saved_bytes)
        line = f"and {len(rest):,} more of at most {most} each; --top {len(found)} shows all"
        terminal.line()
        terminal.line((line, "dim"))


def _jobs_title(measurement: Measurement) -> str:
    """In how many jobs an asset is, on average and at most."""
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
        f"Jobs: an asset is in {mean:.1f} of them on average, {asset} in {counted(most, 'job')};"
        " each job stores it once more"
    )


def print_markdown(advised: AdviceReport, top: int) -> None:
    """Print tables for a pull request or a wiki."""
    written: list[str] = []
    for location in advised.report.locations:
        measurement = location.measurement
        written += [f"### {markdown.text(measurement.name)}", ""]
        found = advise(measurement)
        if measurement.failure:
            written += [f"Not measured: {markdown.text(measurement.failure.message)}", ""]
            continue
        if small := _small(location):
            written += [small, ""]
        late = [markdown.text(line) for line in late_lines(advised, measurement, top)]
        if not found:
            written += [_nothing(), *late[:2], "", *(f"- {line.strip()}" for line in late[2:]), ""]
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
        written += markdown.table(["saves", "of all", "what", "", "first at"], rows, (0, 1))
        if len(found) > top:
            written += ["", f"and {len(found) - top:,} more"]
        written += ["", _ALONE, ""]
        hows = {advice.kind + (advice.field or ""): advice.how for advice in found[:top]}
        written += [f"- {how}" for how in dict.fromkeys(hows.values())]
        written += [*late[:2], "", *(f"- {line.strip()}" for line in late[2:]), ""]
    written += [f"note: {markdown.text(note)}" for note in advised.report.notes]
    sys.stdout.write("\n".join(written).rstrip() + "\n")
    if advised.splits:
        from dagster_snapsize.cli.reports import split

        split.print_markdown(advised.splits)
    if advised.upgrade is not None:
        from dagster_snapsize.cli.reports.diff.markdown import print_comparison

        click.echo()
        print_comparison(advised.upgrade, top)
