"""The benchmarks run, and the page that they write tells every case."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support import ROOT

PAGE = ROOT / "docs" / "performance.md"


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The modules of the benchmarks, which are no package: they are run as programs."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import cases
    import growth
    import page
    import phases

    return {"cases": cases, "growth": growth, "page": page, "phases": phases}


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "run.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rows(text: str) -> list[list[str]]:
    """The cells of all tables of a page."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [line.strip("| ").split(" | ") for line in lines]


def test_a_case_is_measured_and_the_page_is_written(tmp_path: Path) -> None:
    run("--quick", "--into", str(tmp_path), "--only", "cold-tiny")
    text = (tmp_path / "performance.md").read_text(encoding="utf-8")
    (row,) = [r for r in rows(text) if r[0] == "cold, 20 assets, 1 job" and "<=" in r[1]]
    assert "(one run)" in row[2]
    drawing = (tmp_path / "images" / "performance-ratios.svg").read_text(encoding="utf-8")
    assert "cold, 20 assets, 1 job" in drawing

    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    for way in ("official", "ours"):
        (one,) = results["cold-tiny"][way]
        assert one["seconds"] > 0
        assert one["rss_bytes"] >= one["pss_bytes"] > 10_000_000

    (tmp_path / "performance.md").unlink()
    run("--page-only", "--into", str(tmp_path))
    assert (tmp_path / "performance.md").read_text(encoding="utf-8") == text


def test_small_projects_never_make_the_page_of_the_documentation() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "run.py"), "--quick"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--into" in done.stderr


def test_the_page_tells_every_case_with_its_goal(modules: Any) -> None:
    cases = modules["cases"]
    told = rows(PAGE.read_text(encoding="utf-8"))
    for case in cases.CASES:
        assert any(row[:2] == [case.title, f"<= {case.goal}"] for row in told), case.title
    first = [row[0] for row in told]
    assert "from save to diagnostics, 2,000 assets, 10 jobs" in first
    assert "memory of the language server, 10,000 assets, 20 jobs" in first


def test_a_goal_that_is_missed_is_told_with_its_distance(modules: Any) -> None:
    def runs(*seconds: float) -> list[dict[str, float]]:
        shared = {"cpu_seconds": 1.0, "rss_bytes": 2e8, "pss_bytes": 1e8, "watching_seconds": 0.01}
        return [{"seconds": second, **shared} for second in seconds]

    found = {
        "when": "2026-01-01 00:00",
        "snapshots": 3,
        "bytes": 1000,
        "official": runs(2.0, 2.0, 4.0),
        "ours": runs(1.8, 1.6, 3.8),
    }
    told = rows(modules["page"].write({"cold-tiny": found}))
    (row,) = [r for r in told if r[0] == "cold, 20 assets, 1 job" and "<=" in r[1]]
    assert row[1:3] == ["<= 0.75", "0.90 (0.80 to 0.95)"]
    assert row[5] == "missed by 0.15"


def test_a_line_through_points_on_a_line(modules: Any) -> None:
    line = modules["growth"].fit([1, 2, 5, 10], [5, 7, 13, 23])
    assert (line.slope, line.intercept) == pytest.approx((2, 3))
    assert line.r_squared == pytest.approx(1)
    bent = modules["growth"].fit([1, 2, 3, 4], [1, 4, 9, 16])
    assert 0.9 < bent.r_squared < 0.99


def test_phases_of_a_real_measurement_are_seen(modules: Any) -> None:
    import projects

    tiny = projects.PROJECTS["tiny"]
    with projects.written(tiny, quick=True) as folder:
        python = tiny.python()
        environ = projects.environ(python, SNAPSIZE_NO_CACHE="1")
        found = modules["phases"].measure(folder, python, environ)
    for name, seconds in found.items():
        # A tool that takes the frames in late leaves nothing to the rest of the probe.
        assert seconds > 0 or name == "rest", name


def test_phases_sum_to_the_whole(modules: Any) -> None:
    phases = modules["phases"]
    marks = {"began": 10.0, "launched": 10.2, "first": 10.3, "hello": 11.5, "loaded": 14.0}
    marks |= {"repository": 1.5, "jobs": 2.0, "done": 18.0, "ledger": 3.0}
    found = phases.in_phases(marks, 18.5)
    assert sum(found[name] for name, _ in phases.PHASES) == pytest.approx(found["whole"])
    assert found["whole"] == pytest.approx(8.5)
