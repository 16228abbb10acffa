"""``[tool.dagster-snapsize]`` and every mistake in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.model import Budgets
from dagster_snapsize.project.config import (
    _BUDGET_KEYS,
    _KEYS,
    _SERVER_KEYS,
    Config,
    load_config,
)
from support import ROOT

DOCS = ROOT / "docs" / "configuration.md"


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    assert load_config(tmp_path) == Config()
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    assert load_config(tmp_path) == Config()
    assert Config().timeout == 300
    assert Config().budgets == Budgets()


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        """
[tool.dagster-snapsize]
module-name = "shop.definitions"
attribute = "defs"
working-directory = "src"
python = ".venv/bin/python"
timeout = "10 min"
dagster-plus = true
storage = "mysql"
storage-limit = "16 MB"
prepare = [["dbt", "parse"], ["make", "inputs"]]
[tool.dagster-snapsize.budget]
repository = "80 MB"
job = "70 MB"
jobs = { "__ASSET_JOB" = "95 MB", nightly = 1000 }
asset = "32 kB"
asset-max = "128 kB"
warn-at = 0.5
load-time = "2 min"
[tool.dagster-snapsize.env]
MY_FLAG = "1"
"""
    )
    config = load_config(tmp_path)
    assert config == Config(
        path=str(tmp_path / "pyproject.toml"),
        module_name="shop.definitions",
        attribute="defs",
        working_directory="src",
        python=".venv/bin/python",
        timeout=600,
        dagster_plus=True,
        storage="mysql",
        storage_limit=16_000_000,
        prepare=(("dbt", "parse"), ("make", "inputs")),
        env={"MY_FLAG": "1"},
        budgets=Budgets(
            repository=80_000_000,
            job=70_000_000,
            jobs={"__ASSET_JOB": 95_000_000, "nightly": 1000},
            asset=32_000,
            asset_max=128_000,
            warn_at=0.5,
            load_time=120,
        ),
    )
    assert config.has_target


def test_a_file_of_its_own_has_no_prefix(tmp_path: Path) -> None:
    (tmp_path / "snapsize.toml").write_text('package-name = "shop"\n[budget]\njob = "1 MB"\n')
    config = load_config(tmp_path)
    assert config.package_name == "shop"
    assert config.budgets.job == 1_000_000


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "snapsize.toml").write_bytes(b'\xef\xbb\xbfpackage-name = "shop"\n')
    assert load_config(tmp_path).package_name == "shop"


@pytest.mark.parametrize(
    ("text", "line", "said", "hint"),
    [
        ('module_name = "x"', 2, "unknown key `module_name`", "module-name, python-file"),
        ('modul-name = "x"', 2, "did you mean `module-name`?", ""),
        ('repository = "1 MB"', 2, "belongs in [tool.dagster-snapsize.budget]", ""),
        ("[tool.dagster-snapsize.budget]\ntimeout = 3", 3, "belongs in [tool.dagster-", ""),
        ("[tool.dagster-snapsize.budget]\nrepositry = 3", 3, "did you mean `repository`?", ""),
        (
            '[tool.dagster-snapsize.budget]\njob = "1 MB"\nrepository = "80 MBs"',
            4,
            '"80 MBs" has no unit known here (B, kB, MB, GB, KiB, MiB, GiB); did you mean "80 MB"?',
            'repository = "80 MB"',
        ),
        ("budget.repository = true", 2, "`budget.repository`: true is not a size", ""),
        ("budget.repository = 0", 2, "a budget of 0 bytes allows nothing", ""),
        ("budget.asset = 1.5", 2, "not a whole number of bytes", 'asset = "64 kB"'),
        ("budget.jobs = 3", 2, "`tool.dagster-snapsize.budget.jobs` is not a table", "Write [tool"),
        ('budget.jobs = {x = "1 XB"}', 2, "`budget.jobs.x`", "__ASSET_JOB"),
        (
            "budget.warn-at = 80",
            2,
            "80 is not a share of the budget, above 0 and up to 1",
            "warn-at = 0.8",
        ),
        ('budget.warn-at = "80 %"', 2, "is not a share of the budget", ""),
        ('budget.load-time = "soon"', 2, '"soon" is not a time', 'load-time = "120 s"'),
        ("timeout = 0", 2, "allows nothing", 'timeout = "300 s"'),
        ("module-name = 3", 2, "`module-name`: 3 is not a string", "my_project.definitions"),
        ('module-name = ""', 2, "`module-name`: it is empty", ""),
        ('python = ["x"]', 2, '["x"] is not a string', ".venv/bin/python"),
        (
            'storage = "mariadb"',
            2,
            '"mariadb" is not one of "mysql", "postgres", "sqlite"',
            "mysql",
        ),
        ('storage-limit = "0 B"', 2, "a limit of 0 bytes allows nothing", "16 MB"),
        ('storage = "sqlite"\nstorage-limit = "5 MB"', 3, "effect with MySQL only", "mysql"),
        ('dagster-plus = "yes"', 2, "is not true or false", "dagster-plus = true"),
        ('prepare = ["dbt", "parse"]', 2, "each command must be a list", '[["dbt", "parse"]]'),
        ('prepare = "dbt parse"', 2, "is not a list of commands", '[["dbt", "parse"]]'),
        ("prepare = [[1]]", 2, "1 is not a string", ""),
        ('prepare = [["dbt", "a\\u0000"]]', 2, "is not a string", ""),
        ("prepare = [[]]", 2, "[] is not a command", ""),
        ("env.MY_FLAG = 1", 2, "1 is not a string", 'MY_FLAG = "1"'),
        ("env.MY_FLAG = true", 2, "true is not a string", 'MY_FLAG = "1"'),
        ('python-file = "a.py"\nmodule-name = "a"', 3, "both say what to measure", "Keep one"),
        ('workspace = "w.yaml"\nattribute = "defs"', 3, "do not go together", ""),
        ('attribute = "defs"', 2, "has no effect without one of", 'attribute = "defs"'),
    ],
)
def test_a_mistake_is_named_with_its_place(
    tmp_path: Path, text: str, line: int, said: str, hint: str
) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(f"[tool.dagster-snapsize]\n{text}\n")
    with pytest.raises(UserError) as raised:
        load_config(tmp_path)
    error = raised.value
    assert (error.path, error.line) == (str(path), line)
    assert said in error.message
    assert "\n" not in error.message
    assert hint in error.hint


@pytest.mark.parametrize("quotes", ['"""', "'''"])
def test_a_mistake_after_a_string_that_looks_like_a_table_has_its_own_line(
    tmp_path: Path, quotes: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        f"[tool.dagster-snapsize.env]\nTEXT = {quotes}\n[tool.dagster-snapsize.budget]\n"
        f"job = 3\n{quotes}\n[tool.dagster-snapsize.budget] # [x]\njob = true\n"
    )
    with pytest.raises(UserError, match=r"`budget\.job`: true is not a size") as raised:
        load_config(tmp_path)
    assert raised.value.line == 7


def test_a_mistake_in_an_inline_table_over_several_lines_has_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.dagster-snapsize]\nprepare = [\n  ["dbt", "parse"],\n]\n'
        "budget = { job = 3, asset = true }\n"
    )
    with pytest.raises(UserError, match=r"`budget\.asset`") as raised:
        load_config(tmp_path)
    assert raised.value.line == 5


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b'module-name = "x\n', 1, "is not valid TOML"),
        (b'module-name = "x"\n\nmodule-name = "y"\n', 3, "is not valid TOML"),
        (b'python = "a"\nmodule-name = "\xff"\n', 2, "is not UTF-8: byte 0xff"),
        (b'[tool.dagster-snapsize]\nmodule-name = "x"\n', 1, "without a prefix"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes, line: int, said: str
) -> None:
    path = tmp_path / "snapsize.toml"
    path.write_bytes(content)
    with pytest.raises(UserError) as raised:
        load_config(tmp_path)
    assert (raised.value.path, raised.value.line) == (str(path), line)
    assert said in raised.value.message


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").mkdir()
    with pytest.raises(UserError, match="it is a folder, not a file"):
        load_config(tmp_path)


def test_two_files_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("\n[tool.dagster-snapsize]\n")
    (tmp_path / "snapsize.toml").write_text("")
    with pytest.raises(UserError, match=r"in pyproject\.toml and in snapsize\.toml") as raised:
        load_config(tmp_path)
    assert raised.value.line == 2
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    assert load_config(tmp_path).path == str(tmp_path / "snapsize.toml")


def _examples() -> list[tuple[str, str]]:
    """The TOML blocks of the page, with the name of the file that each is for."""
    blocks = re.findall(r"^```toml\n(.*?)^```", DOCS.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [
        ("pyproject.toml" if "[tool.dagster-snapsize" in text else "snapsize.toml", text)
        for text in blocks
    ]


@pytest.mark.parametrize(("name", "text"), _examples())
def test_every_example_of_the_docs_is_read(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert load_config(tmp_path) != Config()


def test_the_docs_name_every_key() -> None:
    page = DOCS.read_text("utf-8")
    for key in (*_KEYS, *_BUDGET_KEYS, *_SERVER_KEYS):
        assert f"`{key}`" in page or f"[tool.dagster-snapsize.{key}]" in page, key
