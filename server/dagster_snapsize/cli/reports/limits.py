"""The effective limits and timeouts, each with where it came from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import click

from dagster_snapsize.cli.reports import markdown
from dagster_snapsize.cli.reports.lines import shown_path
from dagster_snapsize.core.limits import shown_value
from dagster_snapsize.core.model import Environment, Setting
from dagster_snapsize.project.interpreters import Interpreter
from dagster_snapsize.project.locations import CodeLocation

_WIDE = 130  # columns of a window that has room for descriptions

Row = tuple[CodeLocation, Interpreter, Environment]


def limits_status(rows: Sequence[Row]) -> int:
    """The exit status: 2 where a value cannot be used."""
    return 2 if _problems(rows) else 0


def print_limits(rows: Sequence[Row], form: str) -> None:
    """Print every location's settings."""
    if form == "json":
        click.echo(json.dumps({"version": 1, "locations": [_json(row) for row in rows]}))
    elif form == "markdown":
        click.echo("\n".join(_markdown(rows)).rstrip())
    else:
        _print(rows)


def _print(rows: Sequence[Row]) -> None:
    from dagster_snapsize.cli.reports.terminal import Terminal

    terminal = Terminal()
    has_room = terminal.width >= _WIDE
    for location, interpreter, environment in rows:
        named = f"{shown_path(interpreter.path)} ({interpreter.source})"
        terminal.line((location.name, "bold"), (f"  {named}", "dim"))
        terminal.line()
        cells = [
            (
                setting.name,
                (shown_value(setting), "bold red" if setting.problem else "bold"),
                setting.source,
                (setting.description, "dim"),
            )
            for setting in environment.settings
        ]
        head = ("Setting", "value", "from", "what it limits")
        if has_room:
            terminal.table(head, cells, right=(1,), unbroken=(0,))
        else:
            terminal.table(head[:3], [row[:3] for row in cells], right=(1,), unbroken=None)
        terminal.line()
    for setting in _problems(rows):
        terminal.line(("error", "bold red"), f": {setting.problem}")


def _markdown(rows: Sequence[Row]) -> Iterator[str]:
    for location, interpreter, environment in rows:
        yield f"### {markdown.code(location.name)}"
        yield ""
        yield f"{markdown.code(shown_path(interpreter.path))} ({markdown.text(interpreter.source)})"
        yield ""
        # A list and not a table: four columns do not fit beside an editor's side bar.
        for setting in environment.settings:
            value = f"**{shown_value(setting)}** ({markdown.text(setting.source)})"
            yield f"- {markdown.code(setting.name)}: {value}\\"
            yield f"  {markdown.text(setting.description)}"
        yield ""
    for setting in _problems(rows):
        yield f"- **error** {markdown.text(setting.problem or '')}"


def _problems(rows: Sequence[Row]) -> list[Setting]:
    return [s for _, _, environment in rows for s in environment.settings if s.problem]


def _json(row: Row) -> dict[str, object]:
    location, interpreter, environment = row
    return {
        "name": location.name,
        "python": interpreter.path,
        "settings": [
            {
                "name": s.name,
                "value": s.value,
                "unit": s.unit,
                "source": s.source,
                "description": s.description,
                "problem": s.problem,
            }
            for s in environment.settings
        ],
        "repository_limits": [
            {"name": x.name, "judges": x.judges, "bytes": x.bytes, "source": x.source}
            for x in environment.repository_limits
        ],
        "job_limits": [
            {"name": x.name, "judges": x.judges, "bytes": x.bytes, "source": x.source}
            for x in environment.job_limits
        ],
    }
