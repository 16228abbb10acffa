"""The flags that the commands share: those of Dagster for the target, and ours."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click
from attrs import evolve

from dagster_snapsize.cli.run import Selection
from dagster_snapsize.cli.servers import ServerSelection, read_headers
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.sizes import parse_seconds
from dagster_snapsize.measuring.measure import CacheLookup
from dagster_snapsize.project.discovery import Flags
from dagster_snapsize.project.servers import ServerSettings

F = TypeVar("F", bound=Callable[..., Any])

_TARGET = (
    click.option("-w", "--workspace", multiple=True, metavar="FILE", help="A workspace.yaml file."),
    click.option(
        "-f", "--python-file", multiple=True, metavar="FILE", help="A Python file with definitions."
    ),
    click.option(
        "-m", "--module-name", multiple=True, metavar="MODULE", help="A module with definitions."
    ),
    click.option(
        "--package-name", multiple=True, metavar="PACKAGE", help="A package with definitions."
    ),
    click.option(
        "-a",
        "--attribute",
        metavar="NAME",
        help="The Definitions, repository, job or function in that file, module or package.",
    ),
    click.option(
        "-d",
        "--working-directory",
        metavar="FOLDER",
        help="The folder that the code imports from; without a target, the project to measure.",
    ),
    click.option(
        "--python", metavar="PATH", help="The interpreter that has the project's Dagster."
    ),
    click.option(
        "--timeout",
        metavar="TIME",
        help='Give up after this time, such as "10 min".  [default: 300 s]',
    ),
)


def target_options(command: F) -> F:
    """Add the flags that select what to measure; the command gets them as ``selection``."""

    @functools.wraps(command)
    def with_selection(**options: Any) -> Any:
        flags = Flags(
            workspace=options.pop("workspace"),
            python_file=options.pop("python_file"),
            module_name=options.pop("module_name"),
            package_name=options.pop("package_name"),
            attribute=options.pop("attribute"),
            working_directory=options.pop("working_directory"),
        )
        verify = options.pop("verify", False)
        use: CacheLookup = "off" if options.pop("no_cache", False) or verify else "on"
        seconds = _seconds(options.pop("timeout"))
        selection = Selection(flags, options.pop("python"), seconds, use, verify)
        return command(selection=selection, **options)

    decorated: Any = with_selection
    for option in reversed(_TARGET):
        decorated = option(decorated)
    return cast("F", decorated)


_SERVERS = (
    click.option(
        "--server",
        "addresses",
        multiple=True,
        metavar="ADDRESS",
        help="Measure a running code server instead: HOST:PORT or unix:PATH.",
    ),
    click.option(
        "--webserver",
        metavar="URL",
        help="Measure the running code servers of a webserver or of `dagster dev`.",
    ),
    click.option("--ssl", is_flag=True, help="Ask the servers through TLS."),
    click.option(
        "--header",
        "headers",
        multiple=True,
        metavar="NAME=env:VAR",
        help="Send this header, with the value of that environment variable.",
    ),
    click.option(
        "--wait",
        metavar="TIME",
        help='Wait so long for servers that are not up yet, such as "180 s".',
    ),
    click.option(
        "--inline-jobs",
        is_flag=True,
        help="Also read jobs that a server refuses to send; takes the server much memory.",
    ),
)
live_option = click.option(
    "--live", is_flag=True, help="Also measure the servers that workspace.yaml or settings name."
)


def server_options(command: F) -> F:
    """Add the flags that name running servers, to a command with ``target_options``.

    ``live_option`` may be added too.
    """

    @functools.wraps(command)
    def with_servers(selection: Selection, **options: Any) -> Any:
        settings = ServerSettings(
            ssl=options.pop("ssl"),
            headers=read_headers(options.pop("headers")),
            wait=_seconds(options.pop("wait"), "--wait"),
            inline_jobs=options.pop("inline_jobs"),
        )
        servers = ServerSelection(options.pop("addresses"), options.pop("webserver"), settings)
        flags = evolve(selection.flags, live=options.pop("live", False))
        return command(selection=evolve(selection, servers=servers, flags=flags), **options)

    decorated: Any = with_servers
    for option in reversed(_SERVERS):
        decorated = option(decorated)
    return cast("F", decorated)


def _seconds(text: str | None, flag: str = "--timeout") -> float | None:
    try:
        return None if text is None else parse_seconds(text)
    except ValueError as error:
        raise UserError(f"{flag}: {error}") from error


def format_option(*formats: str) -> Callable[[F], F]:
    """``--format`` with these choices, the default first."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="The format of the output.",
    )


no_cache_option = click.option(
    "--no-cache", is_flag=True, help="Measure again even if nothing has changed; store nothing."
)

verify_option = click.option(
    "--verify",
    is_flag=True,
    help="Also serialize every snapshot in Dagster's own, slower way, and compare every byte.",
)

output_option = click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write to this file instead of standard output.",
)

top_option = click.option(
    "--top",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="N",
    help="The number of rows to print of each table.",
)
