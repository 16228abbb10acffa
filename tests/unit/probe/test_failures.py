"""How an exception of user code is described: the whole chain, the place, and what to do."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from dagster_snapsize.probe.failures import describe
from dagster_snapsize.probe.user_files import UserFiles

_LIBRARY = str(Path(sysconfig.get_paths()["purelib"], "library.py"))


def _failure(source: str, path: Path, **others: object) -> dict[str, Any]:
    """How the failure of ``source`` is described, as a file of the user at ``path``."""
    try:
        exec(compile(source, str(path), "exec"), dict(others))
    except Exception as error:
        return describe(error, UserFiles(str(path.parent)), None)
    raise AssertionError("it did not fail")


def test_a_chain_is_shown_whole_from_its_root_cause(tmp_path: Path) -> None:
    source = """
try:
    try:
        {}["host"]
    except KeyError as error:
        raise RuntimeError("no host") from error
except RuntimeError:
    raise ValueError("cannot connect")
"""
    failed = _failure(source, tmp_path / "pipeline.py")
    assert failed["message"].splitlines() == [
        "KeyError: 'host'",
        "which led to RuntimeError: no host",
        "which led to ValueError: cannot connect",
    ]
    assert (failed["path"], failed["line"]) == (str(tmp_path / "pipeline.py"), 4)


def test_what_a_library_handled_itself_is_no_cause(tmp_path: Path) -> None:
    library: dict[str, Any] = {}
    source = "def load():\n    try: {}['x']\n    except KeyError: raise ValueError('bad file')\n"
    exec(compile(source, _LIBRARY, "exec"), library)
    failed = _failure("load()", tmp_path / "pipeline.py", load=library["load"])
    assert failed["message"] == "ValueError: bad file"


def test_frames_of_compiled_extensions_do_not_hide_the_users_line(tmp_path: Path) -> None:
    compiled: dict[str, Any] = {}
    exec(compile("def parse(): raise ValueError('bad date')", "a/parsing.pyx", "exec"), compiled)
    failed = _failure("\nparse()", tmp_path / "pipeline.py", parse=compiled["parse"])
    assert (failed["path"], failed["line"]) == (str(tmp_path / "pipeline.py"), 2)


_UNSET = "set SHOP_HOST for measuring in the project's .env, or in the configuration"


def test_a_file_of_the_user_that_does_not_parse_is_told_from_code_that_fails(
    tmp_path: Path,
) -> None:
    half = tmp_path / "half.py"
    failed = _failure(f"compile('x = (', {str(half)!r}, 'exec')", tmp_path / "pipeline.py")
    assert failed["unparsed"]
    assert (failed["path"], failed["line"]) == (str(half), 1)
    for source in ("compile('x = (', '<string>', 'exec')", "no_such_name"):
        assert not _failure(source, tmp_path / "pipeline.py")["unparsed"]


@pytest.mark.parametrize(
    "source",
    [
        'import os\nos.environ["SHOP_HOST"]',
        'import os\ntry: os.environ["SHOP_HOST"]\nexcept KeyError: raise ValueError("no host")',
        'raise ValueError(\'You have attempted to fetch the environment variable "SHOP_HOST"'
        " which is not set.')",
        "raise ValueError('Environment variable SHOP_HOST is not set and no default value')",
        "raise ValueError('Tried to load environment variable SHOP_HOST, but it was not set')",
        "raise ValueError(\"Environment variable 'SHOP_HOST' is not set\")",
        "raise RuntimeError('env var `SHOP_HOST` is missing')",
    ],
)
def test_a_variable_that_is_not_set_is_named_with_where_to_set_it(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_HOST", raising=False)
    last = _failure(source, tmp_path / "pipeline.py")["message"].splitlines()[-1]
    assert last == f'{_UNSET}: [tool.dagster-snapsize.env] SHOP_HOST = "..."'


def test_another_missing_key_is_no_variable(tmp_path: Path) -> None:
    assert "SHOP_HOST" not in os.environ
    failed = _failure('{}["SHOP_HOST"]', tmp_path / "pipeline.py")
    assert failed["message"] == "KeyError: 'SHOP_HOST'"


def test_a_missing_manifest_comes_with_the_command_that_makes_it(tmp_path: Path) -> None:
    source = 'open("target/manifest.json")'
    message = _failure(source, tmp_path / "pipeline.py")["message"]
    assert 'prepare = [["dbt", "parse"]]' in message.splitlines()[-1]


def test_recursion_is_blamed_on_dagster_only_where_dagster_recurses(tmp_path: Path) -> None:
    source = "def f(): f()\nf()"
    assert "Dagster" not in _failure(source, tmp_path / "pipeline.py")["message"]
    message = _failure(source, tmp_path / "x.py", __name__="dagster._core.graph")["message"]
    assert "a chain of about 1,500 assets is too long" in message
