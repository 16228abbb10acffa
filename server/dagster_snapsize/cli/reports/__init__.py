"""How a report is printed: one module for each format, imported when it is asked for.

Each has a function ``print_report(report, status, top)``: ``status`` is the exit status, ``top`` is
how many rows a table of the heaviest has.
"""

from __future__ import annotations

from collections.abc import Callable

from dagster_snapsize.cli.run import Report

Printer = Callable[[Report, int, int], None]

CHECK_FORMATS = ("text", "json", "github", "gitlab", "sarif", "markdown")
"""Formats of ``check``, the default first."""

MEASURE_FORMATS = (*CHECK_FORMATS, "html", "csv")
"""Formats of ``measure``."""


def printer(form: str, only_findings: bool = False) -> Printer:
    """The function that prints the format; with ``only_findings`` a text has nothing else."""
    if form == "text" and only_findings:
        from dagster_snapsize.cli.reports.lines import print_report
    elif form == "text":
        from dagster_snapsize.cli.reports.text import print_report
    elif form == "json":
        from dagster_snapsize.cli.reports.json_report import print_report
    elif form == "github":
        from dagster_snapsize.cli.reports.ci.github import print_report
    elif form == "gitlab":
        from dagster_snapsize.cli.reports.ci.gitlab import print_report
    elif form == "sarif":
        from dagster_snapsize.cli.reports.ci.sarif import print_report
    elif form == "markdown":
        from dagster_snapsize.cli.reports.markdown_report import print_report
    elif form == "html":
        from dagster_snapsize.cli.reports.html_report import print_report
    elif form == "csv":
        from dagster_snapsize.cli.reports.csv_report import print_report
    else:
        raise AssertionError(f"unknown format {form}")
    return print_report
