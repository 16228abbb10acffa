"""Names and messages from user code cannot move, hide or imitate what is printed beside them."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from attrs import evolve

from dagster_snapsize.cli.main import main
from dagster_snapsize.cli.output import prepare_streams, written_to
from dagster_snapsize.cli.reports import MEASURE_FORMATS, printer
from dagster_snapsize.cli.run import Report
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.model import Budgets
from support import report_values

ATTACKS = (
    "\x1b[1A\x1b[2K",  # to the line above, and erase it
    "\x1b]0;title\x07",
    "\x9b2K",  # a C1 control that begins a sequence
    "\r::error::nothing",
    "\u202egnp.exe",
    "\u2028line",
    "\x1b[8mhidden",
)
OBEYED = re.compile(r"[\x00-\x08\v\f\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028]|\r(?!\n)")


def name(number: int) -> str:
    return f"{ATTACKS[number % len(ATTACKS)]}{number}"


def report() -> Report:
    failure = report_values.failed(name(0)).failure
    assert failure is not None
    broken = evolve(
        report_values.failed(name(1)),
        failure=evolve(failure, message="".join(ATTACKS), output="\n".join(ATTACKS[:6])),
    )
    measured = report_values.measurement(20, 2, name)
    return Report(
        (
            report_values.location_report(measured, Budgets(repository=1000, asset=100)),
            report_values.location_report(broken),
        ),
        tuple(ATTACKS),
    )


@pytest.mark.parametrize("form", MEASURE_FORMATS)
def test_no_report_has_a_character_that_is_obeyed(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    prepare_streams()
    printer(form)(report(), 1, 30)
    printer(form, only_findings=True)(report(), 1, 30)
    on_streams = capsys.readouterr()
    with written_to(tmp_path / "report"):
        printer(form)(report(), 1, 30)
    in_file = (tmp_path / "report").read_bytes().decode("utf-8")
    for text in (on_streams.out, on_streams.err, in_file):
        assert not OBEYED.search(text)
    assert on_streams.out and in_file


def test_colours_of_a_report_are_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    prepare_streams()
    printer("text")(report(), 1, 30)
    printed = capsys.readouterr().out
    assert "\x1b[" in printed
    assert not re.search(r"\x1b(?!\[[\d;]*m)|\x1b\[8m", printed)


COMMANDS = ("::error file=a::b", "  ::warning::b", "##[error]b", "b ##vso[task.setvariable]c")


@pytest.mark.parametrize("form", ["text", "markdown"])
@pytest.mark.parametrize("width", ["20", "200"])
def test_no_line_of_a_text_is_a_command_to_a_ci_service(
    form: str, width: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub takes ``::error`` at the start of a line; it and Azure take ``##[error]`` anywhere."""
    monkeypatch.setenv("COLUMNS", width)
    prepare_streams()
    measured = report_values.measurement(20, 2, lambda n: COMMANDS[n % len(COMMANDS)] + str(n))
    failed = report_values.failed(COMMANDS[0])
    assert failed.failure is not None
    failed = evolve(failed, failure=evolve(failed.failure, output="\n".join(COMMANDS)))
    locations = [
        report_values.location_report(one, Budgets(repository=1000, asset=100))
        for one in (measured, failed)
    ]
    printer(form)(Report(tuple(locations), COMMANDS), 1, 30)
    with pytest.raises(SystemExit):
        _fail_with(UserError(COMMANDS[0], COMMANDS[0], COMMANDS[0]), monkeypatch)
    with pytest.raises(SystemExit):
        _fail_with(click.UsageError("\n".join(COMMANDS)), monkeypatch)
    printed = capsys.readouterr()
    assert "error file=a" in printed.out and "error file=a" in printed.err
    for text in (printed.out, printed.err):
        assert not re.search(r"(?m)^\s*::[a-z]|##\w*\[", text)


def _fail_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr("dagster_snapsize.cli.main.cli", fail)
    monkeypatch.setattr("sys.argv", ["dagster-snapsize"])
    main()
