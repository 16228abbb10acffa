"""The commands: from ``measure`` and ``check`` to ``cache clear`` and ``lsp``."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import NoReturn

import click

from dagster_snapsize.cli.options import (
    format_option,
    no_cache_option,
    output_option,
    target_options,
    top_option,
    verify_option,
)
from dagster_snapsize.cli.output import (
    escape_what_cannot_be_shown,
    leave_with,
    output_file,
    written_to,
)
from dagster_snapsize.cli.reports import CHECKED, MEASURED, print_form
from dagster_snapsize.cli.run import Report, Selection, measure_all, read_limits
from dagster_snapsize.core.errors import NotMeasured, UserError
from dagster_snapsize.core.findings import exit_status

_USAGE = 2
_FAILED = 3


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="dagster-snapsize")
def cli() -> None:
    """Exact sizes of Dagster code location snapshots, and who owns every byte.

    Without flags the code location is found the way Dagster finds it: pyproject.toml,
    workspace.yaml, dg.toml, dagster_cloud.yaml or definitions.py in this folder.

    Exit status: 0 within budget, 1 over budget, 2 wrong usage or configuration, 3 could not be
    measured.
    """


@cli.command(short_help="Report sizes, the heaviest assets and what they are made of.")
@target_options
@no_cache_option
@verify_option
@format_option(*MEASURED)
@output_option
@top_option
def measure(selection: Selection, form: str, output: str | None, top: int) -> None:
    """Report every snapshot, the heaviest assets and what the bytes are made of.

    \b
    Examples:
      dagster-snapsize measure
      dagster-snapsize measure -m my_project.definitions --top 30
      dagster-snapsize measure --format html --output report.html
    """
    from dagster_snapsize.cli.reports.text import print_report

    _measure_and_print(selection, form, output, partial(print_report, top=top), top)


@cli.command(short_help="Judge the budgets and print findings only; for hooks and CI.")
@target_options
@no_cache_option
@format_option(*CHECKED)
@output_option
def check(selection: Selection, form: str, output: str | None) -> None:
    """Judge the budgets and print only what is found: the commit hook runs this.

    \b
    Examples:
      dagster-snapsize check
      dagster-snapsize check --format github
    """
    from dagster_snapsize.cli.reports.lines import print_findings

    _measure_and_print(selection, form, output, print_findings)


def _measure_and_print(
    selection: Selection,
    form: str,
    output: str | None,
    print_text: Callable[[Report], None],
    top: int = 0,
) -> None:
    """Measure, judge, print in the form that was asked for, and leave with what was found."""
    file = output_file(output)
    if form == "html" and file is None and sys.stdout.isatty():
        raise UserError("a page of HTML is nothing to read here", "Add --output report.html")
    gc.disable()  # it ends soon: looking for cycles among millions of live objects finds none
    report = measure_all(selection)
    status = exit_status(report.findings)
    with leave_with(status), written_to(file):
        if form == "text":
            print_text(report)
            _tell_of_cache(report)
        else:
            print_form(form, report, status, top=top)


def _tell_of_cache(report: Report) -> None:
    """On standard error: standard output is the same whether sizes are from the cache or not."""
    from dagster_snapsize.cli.reports.cache_notes import cache_note

    note = cache_note(report)
    if note is not None:
        click.echo(f"note: {note}", err=True)


@cli.command(short_help="Record the current sizes as the baseline for growth limits.")
@target_options
@no_cache_option
@click.option("--check", is_flag=True, help="Write nothing: exit with 1 if the file would change.")
def baseline(selection: Selection, check: bool) -> None:
    """Record the current sizes in snapsize-baseline.jsonl, for growth limits; commit that file.

    \b
    Examples:
      dagster-snapsize baseline
      dagster-snapsize baseline --check
    """
    from dagster_snapsize.cli.baseline import take_baseline

    gc.disable()  # as for any measurement
    status, tell = take_baseline(selection, check)
    with leave_with(status):
        tell()


@cli.command(short_help="What changed since a revision of git, by snapshot, asset and field.")
@click.argument("revisions", nargs=-1, metavar="[REV] [REV]")
@target_options
@click.option("--old-python", metavar="PATH", help="Another interpreter for the old side only.")
@no_cache_option
@format_option("text", "json", "markdown")
@output_option
@top_option
def diff(
    revisions: tuple[str, ...],
    selection: Selection,
    old_python: str | None,
    form: str,
    output: str | None,
    top: int,
) -> None:
    """Compare HEAD, or the revision REV, with the files as they are now; or one REV with another.

    The other revision is checked out into a temporary folder and measured with the same Python.
    Exit status: 0, whatever grew; 2 where there is no such revision; 3 where a side could not be
    measured.

    \b
    Examples:
      dagster-snapsize diff
      dagster-snapsize diff main --top 30
      dagster-snapsize diff v1.2 v1.3 --format markdown
    """
    from dagster_snapsize.cli.diff import compare_revisions

    file = output_file(output)
    gc.disable()  # as for any measurement
    comparison = compare_revisions(selection, revisions, old_python)
    with leave_with(comparison.status), written_to(file):
        if form == "markdown":
            from dagster_snapsize.cli.reports.diff_markdown import print_markdown

            print_markdown(comparison, top)
        elif form == "json":
            from dagster_snapsize.cli.reports.diff_text import print_json

            print_json(comparison)
        else:
            from dagster_snapsize.cli.reports.diff_text import print_comparison

            print_comparison(comparison, top)


@cli.command(short_help="What would make it smaller, and by how many bytes.")
@target_options
@click.option(
    "--dagster",
    "version",
    metavar="VERSION",
    help="Also measure with this Dagster, or `latest`: what an upgrade saves.",
)
@click.option(
    "--split",
    type=click.IntRange(min=2),
    metavar="N",
    help="Also propose how to split the location into N.",
)
@no_cache_option
@format_option("text", "json", "markdown")
@output_option
@top_option
def advise(
    selection: Selection,
    version: str | None,
    split: int | None,
    form: str,
    output: str | None,
    top: int,
) -> None:
    """List what would make the snapshots smaller, with the exact saving of each, most bytes first.

    \b
    Examples:
      dagster-snapsize advise
      dagster-snapsize advise --top 30
      dagster-snapsize advise --dagster latest
      dagster-snapsize advise --split 3
    """
    from dagster_snapsize.cli.advise import take_advice

    file = output_file(output)
    gc.disable()  # as for any measurement
    status, tell = take_advice(selection, form, top, version, split)
    with leave_with(status), written_to(file):
        tell()


@cli.command(short_help="Open one asset: every field, its own bytes and shared ones.")
@click.argument("asset_key")
@target_options
@no_cache_option
@format_option("text", "json", "markdown")
@top_option
def explain(asset_key: str, selection: Selection, form: str, top: int) -> None:
    """Open one asset: field by field, snapshot by snapshot, its own bytes and those it shares.

    \b
    Examples:
      dagster-snapsize explain orders
      dagster-snapsize explain warehouse/orders -m my_project.definitions
    """
    report = measure_all(selection, with_baseline=False)
    status = exit_status([f for f in report.findings if f.rule == "measurement-failed"])
    with leave_with(status):
        if status and form == "json":
            from dagster_snapsize.cli.reports.json_report import print_outcome

            print_outcome(report, status)
        elif status and form == "markdown":
            from dagster_snapsize.cli.reports.markdown_report import print_markdown

            print_markdown(report, top)
        elif status:
            from dagster_snapsize.cli.reports.lines import print_findings

            print_findings(report)
        else:
            from dagster_snapsize.cli.reports.explain import explain_asset

            explain_asset(report, asset_key, form, top)


@cli.command(short_help="Show the limits and timeouts that apply, and their sources.")
@target_options
@format_option("text", "json", "markdown")
def limits(selection: Selection, form: str) -> None:
    """Show every limit and timeout that decides whether a location loads, and its source.

    \b
    Examples:
      dagster-snapsize limits
      DAGSTER_GRPC_MAX_RX_BYTES=200000000 dagster-snapsize limits
    """
    from dagster_snapsize.cli.reports.limits import limits_status, print_limits

    rows = read_limits(selection)
    with leave_with(limits_status(rows)):
        print_limits(rows, form)


@cli.command()
@click.option(
    "--tcp",
    "port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Listen on this port of 127.0.0.1 instead, for debugging.",
)
def lsp(port: int | None) -> None:
    """Serve an editor: sizes beside the code while you write it.

    Speaks the Language Server Protocol over standard input and output. An editor starts it; see
    docs/editors.md for what to paste into its configuration.
    """
    from dagster_snapsize.lsp.server import serve

    serve(port)


@cli.group()
def cache() -> None:
    """What is kept of measurements, so that an unchanged project need not be measured again."""


@cache.command(name="clear")
def clear_cache() -> None:
    """Forget every measurement, and use the cache again where it was switched off.

    Environments that `advise --dagster` has made are removed as well.
    """
    from dagster_snapsize.core.sizes import format_size
    from dagster_snapsize.measuring.cache.store import cache_folder, clear
    from dagster_snapsize.measuring.upgrade.environment import clear_environments

    folder = cache_folder(os.environ)
    count, freed = clear(folder)
    measurements = "1 measurement" if count == 1 else f"{count:,} measurements"
    click.echo(f"removed {measurements}, {format_size(freed)}, from {folder}")
    count, freed = clear_environments(os.environ)
    if count:
        environments = "1 environment" if count == 1 else f"{count:,} environments"
        click.echo(f"removed {environments} of advise --dagster, {format_size(freed)}")


def main() -> NoReturn:
    """Run the command line; every error is a message and an exit status, never a traceback."""
    escape_what_cannot_be_shown()
    try:
        cli(standalone_mode=False)
        status = 0
    except click.exceptions.Exit as leave:
        status = leave.exit_code
    except click.ClickException as error:
        error.show()
        status = _USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("dagster-snapsize: cancelled", err=True)
        status = 130
    except UserError as error:
        _show(error)
        status = _FAILED if isinstance(error, NotMeasured) else _USAGE
    except Exception as error:
        status = _report_unexpected(error)
    sys.exit(status)


def _report_unexpected(error: Exception) -> int:
    """Print what was not foreseen, and return the exit status."""
    if os.environ.get("SNAPSIZE_DEBUG"):
        raise error
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] == "rich":
        # The package for VS Code comes without it.
        _show(
            UserError(
                "--format text needs rich, which is not installed",
                "Use --format markdown or --format json, or install it: pip install rich",
            )
        )
        return _USAGE
    click.echo(
        f"dagster-snapsize: internal error: {type(error).__name__}: {error}\n"
        "Please report this, with the output of the same command under SNAPSIZE_DEBUG=1.",
        err=True,
    )
    return _FAILED


def _show(error: UserError) -> None:
    from dagster_snapsize.cli.reports.lines import shown_path

    place = f"{shown_path(error.path)}:{error.line}: " if error.path else ""
    click.echo(f"{place}{click.style('error', fg='red', bold=True)}: {error.message}", err=True)
    if error.hint:
        click.echo(error.hint, err=True)
