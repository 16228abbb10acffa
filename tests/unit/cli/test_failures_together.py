"""Locations that fail for one cause are one message and a list, and annotations say the cause."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from attrs import evolve

from dagster_snapsize.cli.reports.ci import github
from dagster_snapsize.cli.reports.lines import print_findings
from dagster_snapsize.cli.run import LocationReport, Report
from dagster_snapsize.core.findings import judge
from dagster_snapsize.core.model import Budgets, Failure, SourceLocation
from support import report_values

Print = Callable[[Report], str]


def _failing(failure: Failure, *names: str) -> Report:
    def one(name: str) -> LocationReport:
        place = failure.location and SourceLocation(f"{name}/definitions.py", 3)
        measured = evolve(report_values.failed(name), failure=evolve(failure, location=place))
        found = judge(measured, Budgets(), one_of_several=len(names) > 1)
        return evolve(report_values.location_report(measured), findings=found)

    return Report(tuple(map(one, names)), ())


def test_locations_with_one_cause_are_one_message_and_a_list(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failure = Failure("KeyError: 'HOST'\nset HOST in .env", SourceLocation("x.py", 1), "Traceback")
    report = _failing(failure, *(f"team_{number}" for number in range(11)))

    print_findings(report)
    text = capsys.readouterr().out
    first, *more = text.splitlines()
    assert "11 code locations could not be measured: KeyError: 'HOST'" in first
    assert more[0] == "  set HOST in .env"
    assert more[11] == "  - team_10, team_10/definitions.py:3"
    assert text.count("KeyError") == 1

    github.print_report(report, 3, 0)
    (line,) = capsys.readouterr().out.splitlines()
    assert "11 code locations" in line and "- team_7, team_7/definitions.py:3" in line


def test_other_causes_stay_apart(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = _failing(Failure("ValueError: 0"), "team_0", "team_1").locations
    assert second.measurement.failure is not None
    failure = evolve(second.measurement.failure, message="ValueError: 1")
    second = evolve(second, measurement=evolve(second.measurement, failure=failure))
    print_findings(Report((first, second), ()))
    lines = capsys.readouterr().out.splitlines()
    assert ["(location team_0)" in lines[0], "(location team_1)" in lines[1]] == [True, True]


def test_annotations_carry_what_a_command_printed_before_it_failed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = "Running with dbt\nCompilation Error: no model `orders`\n"
    failure = Failure("the command `dbt parse` ended with exit status 2", output=output)
    github.print_report(_failing(failure, "shop"), 3, 0)
    assert "exit status 2%0ARunning with dbt%0ACompilation Error" in capsys.readouterr().out
