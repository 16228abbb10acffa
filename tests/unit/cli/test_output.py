"""What is printed where something is wrong, and where streams are closed or no terminals."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dagster_snapsize.cli.main import main
from dagster_snapsize.cli.progress_bar import progress_bar
from dagster_snapsize.measuring.assemble import Progress


@pytest.mark.parametrize(
    ("command", "content", "message"),
    [
        (["check"], "", "no code location found in"),
        (["measure"], "[budget]\nrepositry = 1", "unknown key `repositry`"),
        (["measure", "--top", "none"], "", "'none' is not a valid integer"),
        (["advise", "--split", "1"], "", "1 is not in the range"),
        (["explain"], "", "Missing argument 'NAME'"),
        (["diff", "nothing"], "", "is not in a git repository"),
        (["limits", "--python", "nowhere"], "module-name = 'x'", "is neither on PATH nor in"),
    ],
)
def test_json_is_an_object_in_every_failure(
    command: list[str],
    content: str,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if content:
        (tmp_path / "snapsize.toml").write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["dagster-snapsize", *command, "--format", "json"])
    with pytest.raises(SystemExit) as left:
        main()
    printed = capsys.readouterr()
    whole: dict[str, Any] = json.loads(printed.out)
    assert whole["exit_status"] == left.value.code == 2
    assert message in whole["error"]["message"]
    assert whole["error"]["message"] in printed.err
    assert whole["findings"] == [] and whole["locations"] == []
    assert (whole["error"]["location"] is None) == ("budget" not in content)


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell closes the stream")
@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_changes_no_exit_status(closed: str, tmp_path: Path) -> None:
    shell = ["sh", "-c", f'"$0" -m dagster_snapsize check --format json {closed}', sys.executable]
    done = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    if closed == "2>&-":
        assert "no code location found" in json.loads(done.stdout)["error"]["message"]
    assert "internal error" not in done.stderr


def test_no_progress_is_drawn_in_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress_bar() as watch:
        watch(Progress("shop", "loading definitions"))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "no"), MemoryError()])
def test_what_the_system_has_no_more_of_is_no_error_of_the_tool(
    error: Exception, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr("dagster_snapsize.cli.main.cli", fail)
    monkeypatch.setattr(sys, "argv", ["dagster-snapsize"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 3
    printed = capsys.readouterr().err
    assert "the system has no more: " in printed and "internal error" not in printed


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has such a device")
def test_a_full_disk_under_both_streams_is_exit_status_3() -> None:
    code = "from dagster_snapsize.cli.output import *\nwith leave_with(1): print(1)"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=full,
            stderr=full,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": ""},
        )
    assert done.returncode == 3
