"""What docs/security.md says is so: each point of its lists names a test, and some are here."""

from __future__ import annotations

import ast
import re
import stat
import textwrap
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from support import ROOT
from support.command import snapsize
from support.hostile import DEFINITIONS
from support.lsp_client import editor

PAGE = ROOT / "docs" / "security.md"
WATCH = """
import os, sys

def hook(event, args):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname"):
        with open({log!r}, "a") as log:
            print(event, args[1:], file=log)

sys.addaudithook(hook)
"""


def _points() -> list[str]:
    """The points of the page's lists, each with the lines that belong to it."""
    return re.findall(r"^- .*?(?=^- |^$|^#)", PAGE.read_text("utf-8"), re.M | re.S)


@pytest.mark.parametrize("point", _points(), ids=lambda point: point[2:40])
def test_every_point_of_the_page_names_a_test_that_exists(point: str) -> None:
    named = re.search(r"<!-- test: (\S+?)(?:::(\w+))? -->", point)
    assert named, point
    path = ROOT / named[1]
    if path.suffix == ".ts":
        assert path.is_file()
        return
    tree = ast.parse(path.read_bytes())
    functions = [n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    assert named[2] in [function.name for function in functions], named[0]


@pytest.fixture
def shop(tmp_path: Path, dagster_python: Callable[..., Path]) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "definitions.py").write_text(textwrap.dedent(DEFINITIONS), encoding="utf-8")
    (folder / ".venv").symlink_to(dagster_python().parents[1])
    return folder


def test_neither_the_tool_nor_its_probe_asks_the_network(shop: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    # Python imports it at its start, in the tool and in the interpreter of the project.
    (hooks / "sitecustomize.py").write_text(WATCH.format(log=str(log)), encoding="utf-8")
    env = {"PYTHONPATH": str(hooks)}
    for command in ("measure", "advise"):
        done = snapsize(command, cwd=shop, env=env)
        assert done.status == 0, done.stdout + done.stderr
    assert not log.exists(), log.read_text()
    (shop / "definitions.py").write_text(
        "import socket\nsocket.socket().connect_ex(('127.0.0.1', 9))\n" + DEFINITIONS
    )
    snapsize("measure", cwd=shop, env=env)
    assert "127.0.0.1" in log.read_text(), "the log works"


@pytest.mark.asyncio
async def test_the_language_server_listens_on_no_port(shop: Path, scratch: Path) -> None:
    async with editor(scratch, shop) as opened:
        await opened.ended(1)
        sockets = set()
        for entry in Path(f"/proc/{opened.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # it was closed meanwhile
                sockets.add(str(entry.readlink()))
        for table in ("tcp", "tcp6"):
            lines = Path(f"/proc/{opened.pid}/net/{table}").read_text().splitlines()[1:]
            listening = {f"socket:[{x.split()[9]}]" for x in lines if x.split()[3] == "0A"}
            assert not listening & sockets


def test_limits_loads_no_definitions(shop: Path) -> None:
    (shop / "definitions.py").write_text("raise SystemExit(5)\n", encoding="utf-8")
    assert snapsize("limits", cwd=shop).status == 0


def test_only_the_user_can_read_the_cache(shop: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    env = {"SNAPSIZE_NO_CACHE": "", "SNAPSIZE_CACHE_DIR": str(cache)}
    assert snapsize("measure", cwd=shop, env=env).status == 0
    found = [path for path in cache.rglob("*") if path.name != "CACHEDIR.TAG"]
    assert any(path.is_file() for path in found)
    for path in found:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
