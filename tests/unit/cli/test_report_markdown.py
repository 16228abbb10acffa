"""The report for a pull request: read by a Markdown parser, every name is shown and none obeyed."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from dagster_snapsize.cli.reports.markdown_report import MOST, render
from dagster_snapsize.cli.run import Report
from dagster_snapsize.core.model import Budgets
from support import report_values

TIGHT = Budgets(repository=400_000, job=10_000, asset=1_000)


class _Rendered(HTMLParser):
    """The elements of rendered Markdown, its rows of tables, and its text outside of code."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.prose = ""
        self._in_code = 0
        parser = MarkdownIt("commonmark", {"html": True}).enable("table")
        self.feed(parser.render(markdown))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag in ("code", "pre"):
            self._in_code += 1

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag in ("code", "pre")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.rstrip("\n")
        if not self._in_code:
            self.prose += data


def flat(name: str) -> str:
    return "".join(c if c.isprintable() else " " for c in name)


def test_every_name_is_shown_as_it_is_and_is_no_markup() -> None:
    measured = report_values.measurement(
        20, 1, report_values.hostile, location=report_values.HOSTILE[4]
    )
    broken = report_values.failed(report_values.HOSTILE[0])
    found = (report_values.location_report(measured, TIGHT), report_values.location_report(broken))
    rendered = _Rendered(render(Report(found, (report_values.HOSTILE[4],)), 20))
    assert rendered.tags <= {
        *("h3", "p", "table", "thead", "tbody", "tr", "th", "td"),
        *("code", "pre", "ul", "li", "strong", "br"),
    }
    names = {row[0].strip() for row in rendered.rows if len(row) == 5}
    for asset in measured.assets:
        assert flat(asset.key).strip() in names
    # What services would link or notify of.
    assert not re.search(r"(?:^|\W)[@#!]\w", rendered.prose)
    assert not re.search(r"https?://|www\.", rendered.prose)


def test_snapshots_stand_against_their_budgets_fullest_first() -> None:
    budgets = Budgets(repository=400_000, asset=10_000_000)
    whole = render(report_values.report(20, 1, budgets=budgets), 3)
    rendered = _Rendered(whole)
    assert [row[0] for row in rendered.rows] == [
        *("Snapshot", "🔴 repository __repository__", "🟢 job __ASSET_JOB"),
        *("Heaviest assets", *(row[0] for row in rendered.rows[4:])),
    ]
    assert len(rendered.rows) == 4 + 3
    assert whole.startswith("### `shop`: 1 error\n")
    assert "and 17 more assets" in rendered.prose
    assert "[snapshot-over-budget]" in rendered.prose


def test_without_rows_of_assets_only_what_is_judged_is_told() -> None:
    rendered = _Rendered(render(report_values.report(20, 1), 0))
    assert [row[0] for row in rendered.rows][1:] == [
        *("🟢 repository __repository__", "🟢 job __ASSET_JOB"),
    ]


@pytest.mark.parametrize("most", [MOST, 5_000])
def test_a_report_is_never_longer_than_a_comment_may_be(most: int) -> None:
    long = report_values.report(800, 80, budgets=TIGHT)
    whole = render(long, 800, most)
    assert len(whole) <= most
    found = re.findall(r"… and ([\d,]+) more (\w+)", whole)
    assert [what for _, what in found][-2:] == ["assets", "findings"]
    shown = len(_Rendered(whole).rows) - 2
    left_out = sum(int(count.replace(",", "")) for count, what in found if what != "findings")
    assert shown + left_out == 81 + 800
    many = Report(report_values.report(1, 1).locations * 600, ())
    assert len(render(many, 1, most)) <= most
