"""Which module prints which form of a report; each is imported once it is asked for."""

from __future__ import annotations

from dagster_snapsize.cli.run import Report

CHECKED = ("text", "json", "github", "gitlab", "sarif", "markdown")
"""Forms that findings can be printed in, the default first."""

MEASURED = (*CHECKED, "html", "csv")
"""Forms that a whole measurement can be printed in."""


def print_form(form: str, report: Report, status: int, *, top: int) -> None:
    """Print in one of the forms that are no text; ``top`` rows of what has heaviest ones."""
    if form == "json":
        from dagster_snapsize.cli.reports.json_report import print_outcome

        print_outcome(report, status)
    elif form == "github":
        from dagster_snapsize.cli.reports.github import print_findings

        print_findings(report)
    elif form == "gitlab":
        from dagster_snapsize.cli.reports.gitlab import print_quality

        print_quality(report)
    elif form == "sarif":
        from dagster_snapsize.cli.reports.sarif import print_log

        print_log(report, status)
    elif form == "markdown":
        from dagster_snapsize.cli.reports.markdown_report import print_markdown

        print_markdown(report, top)
    elif form == "html":
        from dagster_snapsize.cli.reports.html_report import print_page

        print_page(report)
    elif form == "csv":
        from dagster_snapsize.cli.reports.csv_report import print_table

        print_table(report)
    else:
        raise AssertionError(f"nothing prints {form}")
