"""The commands: from ``measure`` and ``check`` to ``cache clear`` and ``lsp``."""

from __future__ import annotations

import errno
import gc
import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import click
from attrs import evolve

from dagster_snapsize import VERSION
from dagster_snapsize.cli.options import (
    format_option,
    live_option,
    no_cache_option,
    output_option,
    server_options,
    target_options,
    top_option,
    verify_option,
)
from dagster_snapsize.cli.output import (
    echo,
    escaped,
    leave_with,
    output_file,
    prepare_streams,
    print_error,
    written_to,
)
from dagster_snapsize.cli.reports import CHECK_FORMATS, MEASURE_FORMATS, printer
from dagster_snapsize.cli.run import Selection, measure_all, read_limits
from dagster_snapsize.core.errors import NotMeasured, UserError
from dagster_snapsize.core.findings import exit_status

_USAGE = 2
_NO_MORE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOSPC, errno.EDQUOT)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="dagster-snapsize")
def cli() -> None:
    """Measure the exact size of every Dagster snapshot, and which asset owns each byte.

    Without flags the code location is found as Dagster finds it: through pyproject.toml,
    workspace.yaml, dg.toml, dagster_cloud.yaml or definitions.py in the current folder.

    Exit status: 0 within budget, 1 over budget, 2 wrong usage or configuration, 3 could not be
    measured.
    """


@cli.command(short_help="Print snapshot sizes, the heaviest assets and fields, and findings.")
@target_options
@server_options
@live_option
@no_cache_option
@verify_option
@format_option(*MEASURE_FORMATS)
@output_option
@top_option
def measure(selection: Selection, form: str, output: str | None, top: int) -> None:
    """Print the size of every snapshot, the heaviest assets and fields, and all findings.

    \b
    Examples:
      dagster-snapsize measure
      dagster-snapsize measure -m my_project.definitions --top 30
      dagster-snapsize measure --format html --output report.html
    """
    _measure_and_print(selection, form, output, top)


@cli.command(short_help="Check the budgets and print only findings; for hooks and CI.")
@target_options
@server_options
@live_option
@no_cache_option
@format_option(*CHECK_FORMATS)
@output_option
def check(selection: Selection, form: str, output: str | None) -> None:
    """Check every snapshot and asset against its budget; print only findings.

    Prints nothing if everything is within budget. The pre-commit hook runs this command.

    \b
    Examples:
      dagster-snapsize check
      dagster-snapsize check --format github
      dagster-snapsize check --format sarif --output snapsize.sarif
    """
    _measure_and_print(selection, form, output, top=0, only_findings=True)


def _report_file(form: str, output: str | None) -> Path | None:
    """The file to write a report to, None for standard output."""
    file = output_file(output)
    if form == "html" and file is None and sys.stdout.isatty():
        raise UserError("an HTML report is not readable on a terminal", "Add --output report.html")
    return file


def _measure_and_print(
    selection: Selection, form: str, output: str | None, top: int, only_findings: bool = False
) -> None:
    file = _report_file(form, output)
    gc.disable()  # the process is short-lived: collecting among millions of live objects frees none
    pushed = os.environ.get("PRE_COMMIT_TO_REF") or os.environ.get("PRE_COMMIT_LOCAL_BRANCH")
    report = None
    if only_findings and pushed and not selection.servers.is_given:
        from dagster_snapsize.cli.push import check_pushed

        report = check_pushed(selection, pushed)
    if report is None:
        report = measure_all(selection)
        if any(one.growth_blocks for one in report.locations):
            from dagster_snapsize.cli.growth_since import with_revisions

            report = with_revisions(report, selection)
    status = exit_status(report.findings)
    with leave_with(status), written_to(file):
        printer(form, only_findings)(report, status, top)
        if form == "text":
            from dagster_snapsize.cli.reports.lines import print_cache_note

            print_cache_note(report)


@cli.command(short_help="Record the current sizes as the baseline for growth limits.")
@target_options
@no_cache_option
@click.option(
    "--check", is_flag=True, help="Write nothing; exit with 1 if the baseline is out of date."
)
def baseline(selection: Selection, check: bool) -> None:
    """Record the current sizes in snapsize-baseline.jsonl, the baseline for growth limits.

    Commit the file: `check`, the hook and editors compare with it.

    \b
    Examples:
      dagster-snapsize baseline
      dagster-snapsize baseline --check
    """
    from dagster_snapsize.cli.baseline import update_baseline

    gc.disable()  # as for any measurement
    status, print_result = update_baseline(selection, check)
    with leave_with(status):
        print_result()


@cli.command(short_help="Compare two Git revisions, by snapshot, asset and field.")
@click.argument("revisions", nargs=-1, metavar="[REV] [REV]")
@target_options
@server_options
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
    """Compare the sizes in HEAD, or in REV, with the work tree; or one REV with another.

    A revision is checked out into a temporary folder and measured with the same interpreter. With
    --server or --webserver the old side is what runs there: what a deploy of the work tree changes.

    Exit status: 0 however much has grown, 2 if there is no such revision, 3 if a side could not be
    measured.

    \b
    Examples:
      dagster-snapsize diff
      dagster-snapsize diff main --top 30
      dagster-snapsize diff v1.2 v1.3 --format markdown
      dagster-snapsize diff --server localhost:4000
    """
    from dagster_snapsize.cli.diff import compare_deployed, compare_revisions
    from dagster_snapsize.cli.reports import diff as diff_reports

    file = output_file(output)
    gc.disable()  # as for any measurement
    if selection.servers.is_given:
        if revisions or old_python:
            raise UserError(
                "--server and --webserver compare with the work tree, not with a revision"
            )
        comparison = compare_deployed(selection)
    else:
        comparison = compare_revisions(selection, revisions, old_python)
    with leave_with(comparison.status), written_to(file):
        diff_reports.printer(form)(comparison, top)


@cli.command(short_help="List what would make the snapshots smaller, and by how many bytes.")
@target_options
@server_options
@live_option
@click.option(
    "--dagster",
    "version",
    metavar="VERSION",
    help="Also measure with this version of Dagster, or `latest`.",
)
@click.option(
    "--split",
    "parts",
    type=click.IntRange(min=2),
    metavar="N",
    help="Also propose a split into N code locations.",
)
@no_cache_option
@format_option("text", "json", "markdown")
@output_option
@top_option
def advise(
    selection: Selection,
    version: str | None,
    parts: int | None,
    form: str,
    output: str | None,
    top: int,
) -> None:
    """List what would make the snapshots smaller, most bytes first, each with its exact saving.

    \b
    Examples:
      dagster-snapsize advise
      dagster-snapsize advise --top 30
      dagster-snapsize advise --dagster latest
      dagster-snapsize advise --split 3
    """
    from dagster_snapsize.cli.advise import measure_for_advice
    from dagster_snapsize.cli.reports import advice

    file = output_file(output)
    gc.disable()  # as for any measurement
    advised = measure_for_advice(selection, version, parts)
    with leave_with(advised.status), written_to(file):
        advice.printer(form)(advised, top)
        if advised.upgrade_error is not None:
            _show(advised.upgrade_error)


@cli.command(short_help="Print where the load time goes, by line and by distribution.")
@target_options
@click.option(
    "--fast", is_flag=True, help="Load as `measure` does, which is faster than a code server."
)
@format_option("text", "json", "speedscope", "html")
@output_option
@top_option
def profile(selection: Selection, fast: bool, form: str, output: str | None, top: int) -> None:
    """Print where the time goes that it takes to load a code location and make its snapshots.

    Every part of the time belongs to a line of your code, or to a phase of Dagster's own. The
    location is always loaded anew, in a new interpreter, as a code server does it.

    \b
    Examples:
      dagster-snapsize profile
      dagster-snapsize profile -m my_project.definitions --top 30
      dagster-snapsize profile --format html --output report.html
      dagster-snapsize profile --format speedscope --output load.speedscope.json
    """
    from dagster_snapsize.cli.reports import load_time as load_time_report

    file = _report_file(form, output)
    gc.disable()  # as for any measurement
    report = measure_all(evolve(selection, cache="off", plain=not fast), with_baseline=False)
    failed = report.only("measurement-failed")
    status = exit_status(failed.findings)
    with leave_with(status), written_to(file):
        if form == "html":
            printer(form)(report, status, top)
        else:
            load_time_report.printer(form)(failed, status, top)


@cli.command(short_help="Print every field of one asset or other definition, with its bytes.")
@click.argument("name")
@target_options
@server_options
@live_option
@no_cache_option
@format_option("text", "json", "markdown")
@top_option
def explain(name: str, selection: Selection, form: str, top: int) -> None:
    """Print what one asset is made of: every field in every snapshot, exclusive and shared bytes.

    NAME is an asset key, or the name of a job, op, resource, check, schedule, sensor or anything
    else that owns bytes; where two kinds have one name, with its kind in front.

    \b
    Examples:
      dagster-snapsize explain orders
      dagster-snapsize explain "job nightly"
      dagster-snapsize explain warehouse/orders -m my_project.definitions
    """
    report = measure_all(selection, with_baseline=False)
    failed = report.only("measurement-failed")
    status = exit_status(failed.findings)
    with leave_with(status):
        if status == 0:
            from dagster_snapsize.cli.reports.explain import explain_owner

            explain_owner(report, name, form, top)
            if form == "text" and any(one.measurement.server for one in report.locations):
                from dagster_snapsize.cli.reports.lines import print_notes

                print_notes(report.notes)
        else:
            printer(form, only_findings=True)(report if form == "json" else failed, status, 0)


@cli.command(short_help="Print the limits and timeouts that apply, and where each comes from.")
@target_options
@format_option("text", "json", "markdown")
def limits(selection: Selection, form: str) -> None:
    """Print every limit and timeout that decides whether a location loads, and its source.

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
    help="Listen on this port of 127.0.0.1, for debugging.",
)
def lsp(port: int | None) -> None:
    """Start the language server, which shows sizes in an editor.

    It speaks the Language Server Protocol over standard input and output. Editors start it; see
    docs/editors.md for the configuration of each.
    """
    from dagster_snapsize.lsp.server import serve

    serve(port)


@cli.group()
def cache() -> None:
    """Manage the cache of measurements."""


@cache.command(name="clear")
def clear_cache() -> None:
    """Remove every cached measurement, what the language server keeps, and the environments of
    `advise --dagster`.

    The cache is used again for projects for which it was switched off.
    """
    from dagster_snapsize.core.sizes import counted, format_size
    from dagster_snapsize.measuring.cache.folders import cache_root, remove_unused
    from dagster_snapsize.measuring.cache.store import cache_folder, clear
    from dagster_snapsize.measuring.upgrade.environment import FOLDER
    from dagster_snapsize.measuring.worker.shared_results import REPORTS, RESULTS

    folder = cache_folder(os.environ)
    count, freed = clear(folder)
    click.echo(f"removed {counted(count, 'measurement')}, {format_size(freed)}, from {folder}")
    for name, what in ((FOLDER, "environment"), (RESULTS, "result"), (REPORTS, "report")):
        count, freed = remove_unused(cache_root(os.environ) / name)
        if count:
            of = "advise --dagster" if name == FOLDER else "the language server"
            click.echo(f"removed {counted(count, what)} of {of}, {format_size(freed)}")


def main() -> NoReturn:
    """Run the command line; an error is a message and an exit status, never a traceback."""
    prepare_streams()
    try:
        cli(standalone_mode=False)
        sys.exit(0)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.ClickException as error:
        error.show()
        problem, status = UserError(error.format_message()), _USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("dagster-snapsize: cancelled", err=True)
        problem, status = UserError("cancelled"), 130
    except UserError as error:
        _show(error)
        problem, status = error, error.status
    except Exception as error:
        problem = _unexpected(error)
        status = problem.status
    if _wants_json(sys.argv[1:]):
        with leave_with(status):
            print_error(problem, status)
    sys.exit(status)


def _unexpected(error: Exception) -> UserError:
    """Print an unexpected error, and return it as one to report."""
    if os.environ.get("SNAPSIZE_DEBUG"):
        raise error
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] == "rich":
        # The package for VS Code comes without it.
        problem = UserError(
            "--format text needs rich, which is not installed",
            "Use --format markdown or --format json, or install it: pip install rich",
        )
        _show(problem)
        return problem
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _NO_MORE):
        why = os.strerror(getattr(error, "errno", errno.ENOMEM))
        limited = NotMeasured(f"the system has no more: {why}", "Its limits: `ulimit -a`, `df`.")
        _show(limited)
        return limited
    problem = NotMeasured(
        f"internal error: {type(error).__name__}: {error}",
        "Please report it, with the output of the same command under SNAPSIZE_DEBUG=1.",
    )
    echo(escaped(f"dagster-snapsize: {problem.message}\n{problem.hint}"), err=True)
    return problem


def _wants_json(arguments: list[str]) -> bool:
    """Whether the command line asks for JSON, which may be wrong in another place."""
    pairs = pairwise(arguments)
    return "--format=json" in arguments or ("--format", "json") in pairs


def _show(error: UserError) -> None:
    from dagster_snapsize.cli.reports.lines import shown_path

    place = f"{shown_path(error.path)}:{error.line}: " if error.path else ""
    echo(
        f"{escaped(place)}{click.style('error', fg='red', bold=True)}: {escaped(error.message)}",
        err=True,
    )
    if error.hint:
        echo(escaped(error.hint), err=True)
