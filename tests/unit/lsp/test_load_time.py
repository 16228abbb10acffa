"""What an editor says of the load time of lines."""

from __future__ import annotations

import time

import pytest
from attrs import evolve
from lsprotocol.types import (
    DiagnosticSeverity,
    Hover,
    MarkupContent,
    Position,
    Range,
)

from dagster_snapsize.core.model import SourceLocation, TimeOwner
from dagster_snapsize.lsp.documents.places import View
from dagster_snapsize.lsp.features.code_lens import code_lenses, inlay_hints
from dagster_snapsize.lsp.features.diagnostics import publish
from dagster_snapsize.lsp.features.hover import hover
from dagster_snapsize.lsp.features.load_time import load_time_report
from dagster_snapsize.lsp.settings import HintSettings, LoadTimeSettings, Settings
from dagster_snapsize.measuring.worker.results import MeasuredLoad
from support.lsp_values import ASSETS, line_range, places, project, result, view, whole_file

ELSEWHERE = "/shop/other.py"


def owner(line: int, what: str, seconds: float, path: str = ASSETS, **running: float) -> TimeOwner:
    parts = {name: round(part * 1_000_000) for name, part in running.items()}
    took = round(seconds * 1_000_000)
    assert sum(parts.values()) == took
    return TimeOwner(what, SourceLocation(path, line), next(iter(parts)), took, parts)


LINES = (
    owner(3, "import polars", 1.6, polars=1.1, numpy=0.5),
    owner(7, "@dbt_assets", 0.3, dagster=0.3),
    owner(9, "import json", 0.01, json=0.01),
    owner(2, "import pandas", 2.5, ELSEWHERE, pandas=2.5),
)
REPORT = {
    "owners": [
        {"what": "import pandas", "location": {"path": ELSEWHERE, "line": 2}, "microseconds": 1},
        {"what": "[import of Dagster]", "location": None, "microseconds": 500_000},
    ]
}


def shop(ago: float = 0.0, **settings: object) -> View:
    load = MeasuredLoad(time.time() - ago, 12_400_000, LINES, REPORT)
    chosen = evolve(Settings(), load_time=LoadTimeSettings(**settings))  # type: ignore[arg-type]
    return evolve(view(project(evolve(result(), load=load)), ASSETS), settings=chosen)


def text(found: Hover | None) -> str:
    assert found is not None and isinstance(found.contents, MarkupContent)
    return found.contents.value


def test_a_hover_on_an_import_says_how_long_it_takes_in_whose_code_and_when_that_was() -> None:
    found = hover([shop(ago=130)], Position(2, 3))
    assert found is not None and found.range == line_range(2)
    assert text(found) == (
        "`import polars`: 1.6 s of 12.4 s, 13 % of the load time of `shop`\n\n"
        "In `polars` 1.1 s, `numpy` 0.50 s.\n\n"
        "*Measured 2 minutes ago, when it was last loaded from nothing.*"
    )
    # One distribution that the line names itself is not said again.
    assert "In `" not in text(hover([shop()], Position(6, 3)))


@pytest.mark.parametrize(
    ("ago", "said"),
    [(0.0, "just now"), (60.0, "1 minute ago"), (3_700.0, "1 hour ago"), (-5.0, "just now")],
)
def test_how_old_a_time_is_is_said_in_minutes_and_hours(ago: float, said: str) -> None:
    assert f"Measured {said}," in text(hover([shop(ago)], Position(2, 3)))


def test_a_line_that_takes_no_time_to_speak_of_has_no_hover() -> None:
    assert hover([shop()], Position(8, 3)) is None


def test_lenses_and_inlay_hints_say_it_where_the_settings_ask_for_it() -> None:
    assert code_lenses([shop()]) == []
    lenses = code_lenses([shop(code_lens=True)])
    assert [(x.range, x.command.title, x.command.command) for x in lenses if x.command] == [
        (line_range(2), "1.6 s of 12.4 s load time", "dagsterSnapsize.showLoadTime"),
        (line_range(6), "0.30 s of 12.4 s load time", "dagsterSnapsize.showLoadTime"),
    ]
    seen = shop(code_lens=True)
    hinting = evolve(seen.settings, inlay_hints=HintSettings(True, 0))
    without_lenses = evolve(seen, settings=hinting, shows_lenses=False)
    hints = inlay_hints([without_lenses], whole_file())
    assert [hint.label for hint in hints] == [
        "1.6 s of 12.4 s load time",
        "0.30 s of 12.4 s load time",
    ]


def test_lines_that_take_longer_than_the_settings_say_have_a_hint_in_every_file() -> None:
    assert publish(shop()) == {}
    found = publish(shop(hint=1.5))
    assert {path: [d.message for d in listed] for path, listed in found.items()} == {
        ASSETS: ["1.6 s of 12.4 s load time: import polars"],
        ELSEWHERE: ["2.5 s of 12.4 s load time: import pandas"],
    }
    assert {d.severity for listed in found.values() for d in listed} == {DiagnosticSeverity.Hint}


def test_a_line_that_was_deleted_has_nothing() -> None:
    gone = evolve(shop(code_lens=True), places=places({3: None}))
    assert [lens.range.start.line for lens in code_lenses([gone])] == [6]


def test_the_report_for_other_editors_lists_lines_and_phases() -> None:
    seen = shop()
    (location,) = seen.state.locations
    assert location.good is not None and location.good.load is not None
    report = load_time_report(location, location.good.load)
    assert "`shop`: 12.4 s to load and serialize" in report
    assert "[import of Dagster]  0.50 s     4 %" in report
    assert "\nother.py:2 " in report


def test_a_range_of_a_buffer_is_where_the_line_is_now() -> None:
    moved = evolve(shop(code_lens=True), places=places({3: 30}))
    first = [lens.range for lens in code_lenses([moved])][-1]
    assert first == Range(Position(29, 0), Position(29, 40))
