"""Paths of a project that is opened through a link have one spelling."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dagster_snapsize.measuring.paths import spelled_in


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_files_of_the_project_are_spelled_as_it_was_opened(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    (real / "src").mkdir(parents=True)
    (real / "src" / "a.py").write_text("")
    (real / "src" / "b.py").symlink_to(real / "src" / "a.py")
    link.symlink_to(real)
    for opened, other in ((link, real), (real, link)):
        spelled = spelled_in(opened)
        assert spelled(str(other / "src" / "a.py")) == str(opened / "src" / "a.py")
        assert spelled(str(opened / "src" / "b.py")) == str(opened / "src" / "b.py")
        assert spelled(str(tmp_path / "real_too" / "c.py")) == str(tmp_path / "real_too" / "c.py")
