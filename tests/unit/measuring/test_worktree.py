"""What a process that was killed while it checked out left is removed by the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dagster_snapsize.measuring.revision.refs import Repository, Revision
from dagster_snapsize.measuring.revision.worktree import checked_out, sweep
from support.lsp_projects import git
from support.patience import wait_for

SCRIPT = """
import sys
from pathlib import Path
from dagster_snapsize.measuring.revision.refs import Repository, Revision
from dagster_snapsize.measuring.revision.worktree import checked_out
top = Path(sys.argv[1])
with checked_out(Repository(top, top), Revision("HEAD", sys.argv[2])):
    pass
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_checkout_that_was_killed_leaves_nothing_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top, temporary, began = (tmp_path / name for name in ("shop", "tmp", "began"))
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    top.mkdir()
    (top / "a.txt").write_text("a")
    (top / ".gitattributes").write_text("*.txt filter=hangs\n")
    git(top, "init", "-q")
    git(top, "add", ".")
    git(top, "commit", "-qm", "first")
    git(top, "config", "filter.hangs.smudge", f"touch '{began}'; sleep 1000")
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=top, capture_output=True, check=True)
    commit = found.stdout.decode().strip()
    command = [sys.executable, "-c", SCRIPT, str(top), commit]
    with subprocess.Popen(command, start_new_session=True) as killed:
        wait_for(began.exists)
        os.killpg(killed.pid, signal.SIGKILL)
    git(top, "config", "filter.hangs.smudge", "cat")
    (administration,) = (top / ".git" / "worktrees").iterdir()
    assert (administration / "locked").exists()
    left = Path((administration / "gitdir").read_text().strip()).parent
    repository = Repository(top, top)
    sweep(repository)
    assert not left.parent.exists()
    assert not administration.exists()
    with checked_out(repository, Revision("HEAD", commit)) as tree:
        assert tree.top == left
        assert (tree.top / "a.txt").read_text() == "a"
    assert not left.parent.exists()
    assert list(temporary.iterdir()) == []
