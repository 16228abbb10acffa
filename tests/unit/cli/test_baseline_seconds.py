"""The load time in a baseline, where only an editor has measured, in a fork."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from dagster_snapsize.cli import baseline
from dagster_snapsize.cli.run import Report, Selection
from dagster_snapsize.core.baseline import KnownSeconds
from dagster_snapsize.core.baseline_text import from_text
from dagster_snapsize.core.load_time import attribute_time
from dagster_snapsize.core.model import Budgets, Seconds
from dagster_snapsize.core.sizes import parse_share
from dagster_snapsize.project.discovery import Flags
from support import report_values


def test_a_location_that_only_an_editor_has_measured_is_loaded_for_its_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forked = evolve(report_values.measurement(2, 1), seconds=Seconds(1.0, 0.1))
    load_time = attribute_time([], {}, {}, lambda place: None, is_plain=False)
    cold = evolve(forked, seconds=Seconds(8.0, 0.5), load_time=load_time)
    budgets = Budgets(load_time_growth=parse_share("25 %"))
    asked = []

    def measure_all(selection: Selection, with_baseline: bool) -> Report:
        asked.append(selection.cache)
        measured = forked if selection.cache == "on" else cold
        return Report((report_values.location_report(measured, budgets, root=tmp_path),), ())

    monkeypatch.setattr(baseline, "measure_all", measure_all)
    for check in (True, False):
        baseline.update_baseline(Selection(Flags()), check)
    assert asked == ["on", "on", "fresh"]
    (written,) = from_text((tmp_path / "snapsize-baseline.jsonl").read_text()).values()
    assert written.seconds == KnownSeconds(8.0, 0.5)
