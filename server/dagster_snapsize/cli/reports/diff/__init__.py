"""How a comparison is printed: one module for each format, imported when it is asked for.

Each has a function ``print_comparison(comparison, top)``.
"""

from __future__ import annotations

from collections.abc import Callable

from dagster_snapsize.cli.diff import Comparison


def printer(form: str) -> Callable[[Comparison, int], None]:
    """The function that prints the format."""
    if form == "text":
        from dagster_snapsize.cli.reports.diff.text import print_comparison
    elif form == "json":
        from dagster_snapsize.cli.reports.diff.json_report import print_comparison
    elif form == "markdown":
        from dagster_snapsize.cli.reports.diff.markdown import print_comparison
    else:
        raise AssertionError(f"unknown format {form}")
    return print_comparison
