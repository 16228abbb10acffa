"""User code that prints, exits, hangs, crashes and forks: a typed failure or the right size.

Each project is one file. A line that ends in ``# here`` is where the failure must be shown.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from support.command import Result, check_sums, snapsize, tree
from support.hostile import DEFINITIONS, FAILS, HANGS, LOADS, marked_line
from support.patience import patience, patiently, wait_for


def run_file(folder: Path, python: Path, source: str, seconds: float | None = None) -> Result:
    seconds = seconds or patience(60)
    (folder / "pipeline.py").write_text(textwrap.dedent(source), encoding="utf-8")
    return snapsize(
        *("measure", "--format", "json", "-f", "pipeline.py"),
        *("--python", python, "--timeout", f"{seconds:.1f} s"),
        cwd=folder,
        timeout=2 * seconds + 60,
    )


def assert_clean(result: Result, folder: Path, before: dict[str, bytes]) -> None:
    assert "Traceback" not in result.stderr
    assert result.leftovers() == []
    assert tree(folder) == before


@pytest.mark.parametrize("name", FAILS)
def test_what_cannot_be_loaded_is_shown_where_it_broke(
    name: str, tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    source = textwrap.dedent(FAILS[name])
    (tmp_path / "pipeline.py").write_text(source, encoding="utf-8")
    before = tree(tmp_path)
    line = marked_line(tmp_path)

    def is_shown(result: Result) -> bool:
        (finding,) = result.json["findings"]
        location = finding["location"]
        return line is None or location == {"path": "pipeline.py", "line": line}

    result = patiently(
        lambda seconds: run_file(tmp_path, dagster_python(), source, seconds),
        is_shown,
        seconds=5 if name in HANGS else 60,
    )
    assert result.status == 3, result.stderr
    location = result.json["locations"][0]
    assert location["snapshots"] == [] and location["assets"] == []
    (finding,) = result.json["findings"]
    assert (finding["rule"], finding["severity"]) == ("measurement-failed", "error")
    assert is_shown(result), finding["message"]
    assert_clean(result, tmp_path, before)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, dagster_python: Callable[..., Path]) -> Result:
    """The definitions as they are measured without anything hostile before them."""
    measured = run_file(tmp_path_factory.mktemp("plain"), dagster_python(), DEFINITIONS)
    assert measured.status == 0, measured.stdout + measured.stderr
    return measured


@pytest.mark.parametrize("name", LOADS)
def test_what_does_load_is_measured_right(
    name: str, tmp_path: Path, dagster_python: Callable[..., Path], plain: Result
) -> None:
    source = textwrap.dedent(LOADS[name]) + DEFINITIONS
    (tmp_path / "pipeline.py").write_text(source, encoding="utf-8")
    before = tree(tmp_path)
    result = run_file(tmp_path, dagster_python(), source)
    assert result.status == 0, result.stdout + result.stderr
    check_sums(result.json)
    assert result.json["locations"][0]["peak_rss_bytes"] < 400e6
    sizes = [
        {s["id"]: s["stored_bytes"] for s in r.json["locations"][0]["snapshots"]}
        for r in (plain, result)
    ]
    assert sizes[0] == sizes[1]
    assert_clean(result, tmp_path, before)


def test_modules_named_like_ours_are_the_users_own(
    tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    for name in ("core", "protocol", "loading", "session", "snapshots", "sources", "project"):
        (tmp_path / f"{name}.py").write_text(f"NAME = 'my {name}'\n", encoding="utf-8")
    source = """
        import core, loading, project, protocol, session, snapshots, sources
        import dagster as dg
        for module in (core, loading, project, protocol, session, snapshots, sources):
            assert module.NAME == f"my {module.__name__}"
        defs = dg.Definitions()
    """
    result = run_file(tmp_path, dagster_python(), source)
    assert result.status == 0, result.stdout


def test_an_edit_within_the_same_second_and_of_the_same_length_is_seen(
    tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    python = dagster_python()
    texts = tmp_path / "texts.py"
    source = """
        import dagster as dg
        import texts

        @dg.asset(description=texts.TEXT)
        def orders(): ...

        defs = dg.Definitions(assets=[orders])
    """
    stamp = (1_700_000_000, 1_700_000_000)
    sizes = []
    for text in ('"x" * 600', '"x" * 900'):
        texts.write_text(f"TEXT = {text}\n", encoding="utf-8")
        os.utime(texts, stamp)
        # Python itself leaves bytecode behind that a later run would trust.
        subprocess.run([python, "-c", "import texts"], cwd=tmp_path, check=True)
        os.utime(texts, stamp)
        result = run_file(tmp_path, python, source)
        sizes.append(result.json["locations"][0]["assets"][0]["fields"]["description"])
    assert sizes[1] - sizes[0] == 2 * 300  # in the repository snapshot and in the asset job


def test_files_edited_while_they_are_measured_are_measured_again_or_refused(
    tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    (tmp_path / "texts.py").write_text("TEXT = 'short'\n", encoding="utf-8")
    source = """
        import pathlib, texts
        import dagster as dg
        path = pathlib.Path(__file__).with_name("texts.py")
        path.write_text(path.read_text() + "# edited\\n")

        @dg.asset(description=texts.TEXT)
        def orders(): ...

        defs = dg.Definitions(assets=[orders])
    """
    result = run_file(tmp_path, dagster_python(), source)
    assert result.status == 3
    assert "edited while they were measured: texts.py" in result.json["findings"][0]["message"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killing_the_tool_ends_everything_it_started(
    number: signal.Signals, tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(
            textwrap.dedent(
                """
                import pathlib, subprocess, sys, time
                sleep = [sys.executable, "-c", "import time; time.sleep(1000)"]
                subprocess.Popen(sleep, start_new_session=True)
                pathlib.Path("started").touch()
                time.sleep(1000)
                """
            ),
            encoding="utf-8",
        )
    mark = f"kill-{number.name}-{os.getpid()}"
    tool = subprocess.Popen(
        [
            *(sys.executable, "-m", "dagster_snapsize", "check"),
            *("-f", "one.py", "-f", "two.py", "--python", str(dagster_python())),
        ],
        cwd=tmp_path,
        env={**os.environ, "SNAPSIZE_TEST_MARK": mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A shell that runs the tests in the background has it ignored in all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    result = Result(0, "", "", mark)
    try:
        wait_for(lambda: (tmp_path / "started").exists())
        assert len(result.leftovers()) >= 3
        tool.send_signal(number)
        wait_for(lambda: tool.poll() is not None)
        wait_for(lambda: result.leftovers() == [])
    finally:
        tool.kill()
