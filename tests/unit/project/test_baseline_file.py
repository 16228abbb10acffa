"""The file that a baseline is in: read as git left it, written as a whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dagster_snapsize.core.baseline import Baseline, KnownSnapshot
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.model import Owner
from dagster_snapsize.project.baseline_file import (
    NAME,
    DamagedBaseline,
    read_baselines,
    write_baselines,
)

SHOP = {
    "shop": Baseline(
        "1.13.28",
        "3.11",
        {"r/repository": KnownSnapshot(4, {Owner("asset", "orders"): {"tags": 5}})},
    )
}
posix = pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")


def test_what_was_written_is_read_with_its_place(tmp_path: Path) -> None:
    assert read_baselines(tmp_path) == {}
    assert write_baselines(tmp_path, SHOP)
    read = read_baselines(tmp_path)
    assert read == SHOP
    place = read["shop"].place
    assert place is not None and (place.path, place.line) == (str(tmp_path / NAME), 3)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@pytest.mark.parametrize(
    "name", ["", " ", "a\0b", "\x1b[31m", "a\nb", "\u2028", "=1", "\ud800", "x" * 9_999]
)
def test_whatever_user_code_names_is_read_again(name: str, tmp_path: Path) -> None:
    owners = {Owner(kind, name): {name: 5} for kind in ("asset", "check", "job")}
    shop = {"shop": Baseline("1.13.28", "3.11", {f"r/job/{name}": KnownSnapshot(4, owners)})}
    assert write_baselines(tmp_path, shop)
    assert read_baselines(tmp_path) == shop


def test_the_same_again_is_not_written_even_with_other_line_ends(tmp_path: Path) -> None:
    write_baselines(tmp_path, SHOP)
    path = tmp_path / NAME
    theirs = b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n")
    path.write_bytes(theirs)
    assert read_baselines(tmp_path) == SHOP
    assert not write_baselines(tmp_path, SHOP)
    assert path.read_bytes() == theirs


@posix
def test_a_link_stays_a_link_and_a_mode_its_mode(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    kept = tmp_path / "elsewhere" / "kept"
    kept.write_text("")
    kept.chmod(0o640)
    (tmp_path / NAME).symlink_to(kept)
    write_baselines(tmp_path, SHOP)
    assert (tmp_path / NAME).is_symlink()
    assert kept.stat().st_mode & 0o777 == 0o640
    assert read_baselines(tmp_path) == SHOP


@posix
def test_no_file_is_written_through_a_link_but_a_baseline_of_the_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    inside, outside = project / "notes.txt", tmp_path / "outside"
    for target, text in ((inside, "mine\n"), (outside, ""), (tmp_path / "new", None)):
        if text is not None:
            target.write_text(text)
        (project / NAME).unlink(missing_ok=True)
        (project / NAME).symlink_to(target)
        with pytest.raises(UserError, match="was not written: it is a link to"):
            write_baselines(project, SHOP)
        assert (target.read_text() if target.exists() else None) == text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["outside", "project"]


@posix
def test_where_it_cannot_be_written_whole_the_old_one_stays(tmp_path: Path) -> None:
    import resource

    write_baselines(tmp_path, {})
    before = (tmp_path / NAME).read_bytes()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before), hard))
    try:
        with pytest.raises(UserError, match="was not written: File too large"):
            write_baselines(tmp_path, SHOP)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert (tmp_path / NAME).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_folder_in_its_place_is_one_message(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    for attempt in (lambda: read_baselines(tmp_path), lambda: write_baselines(tmp_path, SHOP)):
        with pytest.raises(UserError) as raised:
            attempt()
        assert not isinstance(raised.value, DamagedBaseline)
        assert raised.value.path == str(tmp_path / NAME)
    assert list((tmp_path / NAME).iterdir()) == []


@posix
def test_a_pipe_in_its_place_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(UserError, match="it is a device or a pipe, not a file"):
        read_baselines(tmp_path)


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="whoever is root may read everything"
)
def test_a_file_that_cannot_be_read_is_one_message(tmp_path: Path) -> None:
    write_baselines(tmp_path, SHOP)
    (tmp_path / NAME).chmod(0)
    with pytest.raises(UserError, match="cannot be read"):
        read_baselines(tmp_path)


def test_what_is_no_text_is_damaged_by_its_line(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b'{"snapsize-baseline":1}\n\n\xff\xfe')
    with pytest.raises(DamagedBaseline) as raised:
        read_baselines(tmp_path)
    assert raised.value.line == 3


def test_a_merge_conflict_is_told_with_what_to_do(tmp_path: Path) -> None:
    write_baselines(tmp_path, SHOP)
    path = tmp_path / NAME
    path.write_text(path.read_text() + "<<<<<<< HEAD\n=======\n>>>>>>> other\n")
    with pytest.raises(DamagedBaseline, match="merge conflict") as raised:
        read_baselines(tmp_path)
    assert (raised.value.path, raised.value.line) == (str(path), 11)
    assert "dagster-snapsize baseline" in raised.value.hint
