"""The folder of the cache: bounded, private, and never in the way."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dagster_snapsize.measuring.cache import store as cache_store
from dagster_snapsize.measuring.cache.store import MOST_ENTRIES, CacheFolder, cache_folder, clear
from dagster_snapsize.project.layout import CACHE_MARK


def contents(place: CacheFolder, beginning: str = "") -> list[bytes | None]:
    return [place.read(path) for path in place.entries(beginning)]


def test_what_was_used_last_comes_first_and_the_oldest_goes(tmp_path: Path) -> None:
    place = CacheFolder(tmp_path, "shop")
    for number in range(MOST_ENTRIES):
        assert not place.write(f"i-{number}", b"%d" % number)
        for path in place.entries(f"i-{number}"):
            os.utime(path, (number + 1, number + 1))
    (first,) = place.entries("i-0")
    assert place.read(first) == b"0"  # which counts as a use
    assert not place.write("i-new", b"new")
    found = contents(place)
    assert len(found) == MOST_ENTRIES
    assert b"1" not in found and b"0" in found and b"new" in found


def test_other_locations_are_apart(tmp_path: Path) -> None:
    one, other = CacheFolder(tmp_path, "one"), CacheFolder(tmp_path, "other")
    one.write("i-1", b"1")
    assert contents(other) == []
    other.switch_off("why")
    assert contents(one) == [b"1"]


def test_the_whole_is_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_store, "MOST_BYTES", 250)
    for number in range(4):
        place = CacheFolder(tmp_path, f"location-{number}")
        place.write("i", bytes(100))
        for path in place.entries(""):
            os.utime(path, (number + 1, number + 1))
    kept = [n for n in range(4) if contents(CacheFolder(tmp_path, f"location-{n}"))]
    assert kept == [2, 3]


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    place = CacheFolder(tmp_path / "cache" / "measurements", "shop")
    place.write("i", b"secret")
    root = tmp_path / "cache" / "measurements"
    for path in (root, *root.rglob("*")):
        secret = path.name != CACHE_MARK
        assert not (secret and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)), path


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_no_cache(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    place = CacheFolder(tmp_path / "measurements", "shop")
    assert isinstance(place.write("i", b"x"), PermissionError)
    assert contents(place) == []


def test_a_file_in_its_place_is_no_cache(tmp_path: Path) -> None:
    root = tmp_path / "measurements"
    root.write_text("no folder")
    place = CacheFolder(root, "shop")
    assert isinstance(place.write("i", b"x"), OSError)
    assert contents(place) == []
    assert not place.is_off
    place.switch_off("why")


def test_clearing_says_what_it_freed_and_switches_on(tmp_path: Path) -> None:
    one, other = CacheFolder(tmp_path, "one"), CacheFolder(tmp_path, "other")
    one.write("i", bytes(100))
    other.write("i", bytes(50))
    one.switch_off("why")
    assert one.is_off
    count, freed = clear(tmp_path)
    assert (count, freed) == (1, 50 + len("why\n"))
    assert not one.is_off
    assert clear(tmp_path) == (0, 0)
    assert clear(tmp_path / "nowhere") == (0, 0)


def test_its_folder_can_be_chosen(tmp_path: Path) -> None:
    assert cache_folder({"SNAPSIZE_CACHE_DIR": str(tmp_path)}) == tmp_path / "measurements"
    assert cache_folder({}).name == "measurements"
