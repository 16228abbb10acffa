"""Files and paths that nobody expects, and YAML that Dagster takes: one sentence, or its value."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.model import SourceLocation
from dagster_snapsize.measuring.cache.file_states import digest_of_file
from dagster_snapsize.project.baseline_file import NAME, read_baselines
from dagster_snapsize.project.config import load_config
from dagster_snapsize.project.discovery import Flags
from dagster_snapsize.project.dotenv import read_dotenv
from dagster_snapsize.project.files.yaml_document import line_of, read_yaml
from dagster_snapsize.project.ignore_comments import find_ignores
from dagster_snapsize.project.locations import find_locations


def test_of_equal_keys_in_yaml_the_last_counts_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "dagster.yaml"
    path.write_text("a: 1\nb: {c: 1, c: 2}\na: 2\nd: 2020-99-01\n", encoding="utf-8")
    content = read_yaml(path)
    assert content == {"a": 2, "b": {"c": 2}, "d": "2020-99-01"}
    assert line_of(content, "a") == 3


def test_an_anchor_used_twice_prints_no_warning(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    path = tmp_path / "dagster.yaml"
    path.write_text("a: &x 1\nb: &x 2\nc: 1e3\n", encoding="utf-8")
    read_yaml(path)
    assert not recwarn.list


@pytest.mark.parametrize("name", ["pyproject.toml", "snapsize.toml", "workspace.yaml"])
def test_files_nested_too_deeply_are_named(name: str, tmp_path: Path) -> None:
    nested = "[" * 50_000 + "]" * 50_000
    sign = ":" if name.endswith("yaml") else "="
    (tmp_path / name).write_text(f"load_from {sign} {nested}\n", encoding="utf-8")
    with pytest.raises(UserError, match=f"{name} is nested too deeply"):
        find_locations(tmp_path, Flags(), {})


def test_numbers_of_thousands_of_digits_are_a_mistake_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f"a = {'9' * 5_000}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"pyproject\.toml is not valid TOML: .*digits"):
        load_config(tmp_path)


def test_yaml_that_would_take_minutes_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "workspace.yaml").write_text(f"#{'x' * 3_000_000}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"workspace\.yaml has 3,000,002 characters"):
        find_locations(tmp_path, Flags(), {})


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_devices_and_pipes_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").symlink_to("/dev/zero")
    with pytest.raises(UserError, match="it is a device or a pipe, not a file"):
        load_config(tmp_path)
    (tmp_path / "pyproject.toml").unlink()
    os.mkfifo(tmp_path / "snapsize.toml")
    with pytest.raises(UserError, match="it is a device or a pipe, not a file"):
        load_config(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux has such files")
@pytest.mark.parametrize("endless", ["/proc/kmsg", "/proc/self/pagemap", "/proc/self/status"])
def test_files_that_the_system_makes_up_are_not_read(endless: str, tmp_path: Path) -> None:
    for name in ("pyproject.toml", NAME, ".env"):
        (tmp_path / name).symlink_to(endless)
    for read in (
        lambda: load_config(tmp_path),
        lambda: read_baselines(tmp_path),
        lambda: read_dotenv(tmp_path / ".env", {}),
    ):
        with pytest.raises(UserError, match="cannot be read: "):
            read()
    assert find_ignores([SourceLocation("pyproject.toml", 1)], ["defs.yaml"], tmp_path) == ()
    assert digest_of_file(str(tmp_path / ".env"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows finds no such file instead")
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("x" * 300, "is too long: 300 characters"),
        ("x/" * 3000, "is too long: 6,000 characters"),
        ("~no-such-user/x", "is not a path: Could not determine home directory"),
    ],
)
def test_what_is_no_path_for_the_system_is_one_sentence(
    value: str, problem: str, tmp_path: Path
) -> None:
    for flags in (
        Flags(python_file=(value,)),
        Flags(workspace=(value,)),
        Flags(working_directory=value),
    ):
        with pytest.raises(UserError, match=problem):
            find_locations(tmp_path, flags, {})
