"""What git is not allowed to run when the tool asks it something."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dagster_snapsize.project.git import git

pytestmark = pytest.mark.skipif(os.name != "posix", reason="programs of POSIX")


@pytest.mark.parametrize("how", ["config", "variable"])
def test_no_program_that_the_repository_names_is_run(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, ran = tmp_path / "repository", tmp_path / "ran"
    repository.mkdir()
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    assert git(repository, "init", "--quiet").returncode == 0
    (repository / "file").write_text("text")
    hooks = repository / ".git" / "hooks"
    (hooks / "post-index-change").symlink_to(program)
    if how == "config":
        git(repository, "config", "core.fsmonitor", str(program))
    else:
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(program))
    for command in (("status",), ("add", "file"), ("ls-files", "--others"), ("diff", "--quiet")):
        assert git(repository, *command).returncode == 0
    assert not ran.exists()
