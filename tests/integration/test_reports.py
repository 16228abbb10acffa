"""Reports as files: what ``--output`` writes, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.command import check_sums, snapsize, tree

FORMS = ("text", "json", "github", "gitlab", "sarif", "markdown", "html", "csv")


@pytest.fixture
def project(copy_project: Callable[[str], Path]) -> Path:
    """A small project, with a cache of its own: it is measured once."""
    return copy_project("package_target")


def run(project: Path, python: Path, *arguments: str | Path) -> str:
    cache = {"SNAPSIZE_NO_CACHE": "", "XDG_CACHE_HOME": str(project.with_name("cache"))}
    result = snapsize(
        *(*arguments, "--package-name", "shop", "--python", python), cwd=project, env=cache
    )
    assert result.status == 0, result.stderr
    return result.stdout


def test_a_file_holds_what_would_be_printed_in_every_form(
    project: Path, python: Path, tmp_path: Path
) -> None:
    reports = tmp_path / "reports"  # a new file among the definitions might be one of them
    reports.mkdir()
    run(project, python, "check")
    for form in FORMS:
        file = reports / f"report.{form}"
        printed = run(project, python, "measure", "--format", form)
        assert run(project, python, "measure", "--format", form, "-o", file) == ""
        text = file.read_bytes().decode("utf-8")
        if form != "csv":
            assert text == printed, form
    whole = json.loads((reports / "report.json").read_text(encoding="utf-8"))
    check_sums(whole)
    text = (reports / "report.csv").read_bytes().decode("utf-8")
    assert text.count("\r\n") == text.count("\n")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    for snapshot in whole["locations"][0]["snapshots"]:
        own = [row for row in rows if row["snapshot"] == snapshot["name"]]
        assert sum(int(row["bytes"]) for row in own) == snapshot["stored_bytes"]
    assert sorted(tree(reports)) == sorted(f"report.{form}" for form in FORMS)


@pytest.mark.parametrize(
    ("name", "said"),
    [("missing/report.html", "there is no folder"), (".", "is a folder")],
)
def test_what_cannot_be_written_is_said_before_anything_is_measured(
    project: Path, name: str, said: str
) -> None:
    before = tree(project)
    result = snapsize("measure", "-o", name, "--python", "/nowhere/python", cwd=project)
    assert result.status == 2
    assert said in result.stderr
    assert tree(project) == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_must_not_be_written_is_said_to_be(project: Path) -> None:
    locked = project / "locked"
    locked.mkdir(mode=0o555)
    result = snapsize("measure", "-o", locked / "report.html", cwd=project)
    assert result.status == 2
    assert "no permission to write" in result.stderr


def test_a_report_replaces_an_older_one_where_a_link_leads(project: Path, python: Path) -> None:
    (project / "real.md").write_text("old", encoding="utf-8")
    (project / "link.md").symlink_to("real.md")
    written = snapsize(
        *("check", "--format", "markdown", "-o", "link.md"),
        *("--package-name", "shop", "--python", python),
        cwd=project,
    )
    assert re.search(r"^dagster-snapsize: wrote .*real.md, [\d.]+ k?B$", written.stderr, re.M)
    assert (project / "link.md").is_symlink()
    assert "within budget" in (project / "real.md").read_text(encoding="utf-8")


def test_a_terminal_gets_no_page_of_html(project: Path) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "dagster_snapsize", "measure", "--format", "html"],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        timeout=300,
        check=False,
    )
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert "--output report.html" in done.stderr
