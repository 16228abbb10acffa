"""``.env`` files, as Dagster reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.project.dotenv import read_dotenv


def test_variables_are_taken_from_the_file_and_then_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert read_dotenv(path, {}) == {}
    path.write_bytes(
        b'export A=1 # why\r\nNO_VALUE\r\nB="x\r\ny"\r\nC=${A}-${B}-${HOME}-${NO_VALUE}-${D:-d}\r\n'
        b"not a line\r\nA=2\r\n"
    )
    assert read_dotenv(path, {"A": "outside", "HOME": "/home"}) == {
        "A": "2",
        "B": "x\ny",
        "C": "1-x\ny-/home--d",
    }


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"A=1\nB=\xff\n")
    with pytest.raises(UserError, match="is not UTF-8") as raised:
        read_dotenv(path, {})
    assert (raised.value.path, raised.value.line) == (str(path), 2)
