"""The HTML report: exact sums, and a page that no text of the user's can be a part of."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser
from typing import Any

from dagster_snapsize.cli.reports.html_report import page
from dagster_snapsize.cli.run import Report
from support import report_values


class _Page(HTMLParser):
    """The elements of a page, and what stands in each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.scripts: dict[str, str] = {}
        self.style = ""
        self.title = ""
        self.policy = ""
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self._open = tag
        if tag == "script":
            self._id = found.get("id") or ""
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"] or ""

    def handle_data(self, data: str) -> None:
        if self._open == "script":
            self.scripts[self._id] = data
        elif self._open == "style":
            self.style = data
        elif self._open == "title":
            self.title = data

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


def block(read: _Page, name: str) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(read.scripts[name])))


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_what_is_drawn_adds_up_to_every_snapshot_down_to_the_fields() -> None:
    report = report_values.report(70, 3)
    (location,) = report.locations
    read = _Page(page(report))
    data, details = block(read, "data-0"), block(read, "details-0")
    shares, others = data["shares"], data["others"]
    for number, snapshot in enumerate(location.measurement.snapshots):
        rows = range(*shares["start"][number : number + 2])
        of_others = [n for n, of in enumerate(others["snapshot"]) if of == number]
        whole = sum(shares["bytes"][r] for r in rows) + sum(others["bytes"][r] for r in of_others)
        assert whole == snapshot.stored_bytes
    for drawn, cells in ((shares, details["shares"]), (others, details["others"])):
        cell = 0
        for row, count in enumerate(cells["count"]):
            of_row = slice(cell, cell + count)
            cell += count
            exclusive, shared = sum(cells["exclusive"][of_row]), sum(cells["shared"][of_row])
            assert exclusive + shared == drawn["bytes"][row]
            assert drawn is others or shared == drawn["shared"][row]
        assert cell == len(cells["field"])
    assets = location.measurement.assets
    assert data["assets"]["total"] == [asset.total_bytes for asset in assets]
    paths = [data["places"]["paths"][p] if p >= 0 else None for p in data["places"]["path"]]
    assert paths == [asset.location.path if asset.location else None for asset in assets]


def test_no_name_is_a_part_of_the_page() -> None:
    measured = report_values.measurement(
        20, 2, report_values.hostile, location=report_values.HOSTILE[0]
    )
    broken = report_values.failed(report_values.HOSTILE[2])
    report = Report(
        (report_values.location_report(measured), report_values.location_report(broken)), ()
    )
    text = page(report)
    text.encode("ascii")
    read = _Page(text)
    assert read.tags.count("script") == 4  # the locations, data and details of one, the drawing
    assert set(read.tags) <= {
        *("html", "head", "meta", "title", "style", "body", "noscript", "code", "script")
    }
    assert report_values.HOSTILE[0] in read.title
    assert block(read, "data-0")["assets"]["key"] == [asset.key for asset in measured.assets]
    assert block(read, "locations")[1]["failure"].startswith("shop/assets.py:3: KeyError: '<b>x")


def test_the_policy_allows_the_script_and_the_style_of_the_page_and_nothing_else() -> None:
    read = _Page(page(report_values.report(3, 1)))
    assert read.policy == (
        f"default-src 'none'; script-src {digest(read.scripts[''])}; style-src"
        f" {digest(read.style)}; base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"\beval\(|new Function\(|\bimport\(", read.scripts[""])
