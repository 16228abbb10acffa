"""The cache in the language server: what comes from it, and what follows where that was wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from support.lsp_client import editor
from support.lsp_projects import Small, small_project

pytestmark = pytest.mark.asyncio
ON = {"SNAPSIZE_NO_CACHE": "", "SNAPSIZE_CACHE_CHECK": "0", "PYTEST_CURRENT_TEST": ""}
# What only asks how large a file outside the project is reads nothing, and no key can see it. Nor
# does a copy of all variables: each editor has a mark of its own.
UNSEEN = """\
import os

import dagster as dg

with open(LOG, "a") as log:
    log.write(dict(os.environ)["SNAPSIZE_TEST_MARK"] + "\\n")
SIZE = os.stat(LOG + "-unseen").st_size


@dg.asset(description="d" * SIZE)
def orders() -> None: ...


defs = dg.Definitions(assets=[orders])
"""


@pytest.fixture
def small(tmp_path: Path, dagster_python: Callable[..., Path]) -> Small:
    small = small_project(tmp_path / "small", dagster_python(), UNSEEN)
    grow(small, 4000)
    return small


def grow(small: Small, size: int) -> None:
    unseen = Path(f"{small.log}-unseen")
    unseen.write_bytes(b"x" * size)


def sizes(messages: object) -> list[str]:
    return re.findall(r"[0-9.]+ kB", str(messages))


async def test_a_project_that_is_opened_again_is_not_measured_again(
    small: Small, scratch: Path
) -> None:
    shown = []
    for _ in range(2):
        async with editor(scratch, small.folder, env=ON) as opened:
            await opened.ended(1)
            await opened.until(lambda o=opened: o.shown(small.definitions))
            shown.append([d.message for d in opened.diagnostics(small.definitions)])
            assert not list((scratch / "tmp").glob("*"))
    assert len(small.loads) == 1
    assert shown[0] == shown[1]


async def test_whoever_asks_for_a_measurement_gets_one(small: Small, scratch: Path) -> None:
    async with editor(scratch, small.folder, env=ON) as opened:
        await opened.ended(1)
        await opened.run("dagsterSnapsize.measure")
        await opened.ended(2)
        assert len(small.loads) == 2
    async with editor(scratch, small.folder, env=ON) as opened:
        await opened.ended(1)
    assert len(small.loads) == 2


async def test_a_text_that_is_taken_back_is_measured_once(small: Small, scratch: Path) -> None:
    before = small.definitions.read_text(encoding="utf-8")
    async with editor(scratch, small.folder, env=ON) as opened:
        await opened.ended(1)
        opened.open(small.definitions)
        opened.save(small.definitions, before.replace("* SIZE", "* (SIZE + 1000)"))
        await opened.ended(2)
        opened.save(small.definitions, before)
        await opened.ended(3)
        assert len(small.loads) == 2


async def test_sizes_that_were_wrong_switch_the_cache_off_and_are_told(
    small: Small, scratch: Path
) -> None:
    async with editor(scratch, small.folder, env=ON) as opened:
        await opened.ended(1)
    grow(small, 6000)
    checking = {**ON, "SNAPSIZE_CACHE_CHECK": "1"}
    async with editor(scratch, small.folder, env=checking) as opened:
        await opened.ended(1)
        await opened.until(lambda: opened.client.messages)
        (message,) = opened.client.messages
        assert "sizes from the cache were not those of a new measurement" in message.message
        assert "cache clear" in message.message
        loads = len(small.loads)
        await opened.until(lambda: not opened.workers())
    async with editor(scratch, small.folder, env=checking) as opened:
        await opened.ended(1)
        assert len(small.loads) == loads + 1
        await opened.until(lambda: opened.shown(small.definitions))
        (found,) = opened.diagnostics(small.definitions)
        assert any(float(s.split()[0]) > 6 for s in sizes(found.message))


async def test_sizes_that_are_right_are_not_told_of(small: Small, scratch: Path) -> None:
    async with editor(scratch, small.folder, env=ON) as opened:
        await opened.ended(1)
    async with editor(scratch, small.folder, env={**ON, "SNAPSIZE_CACHE_CHECK": "1"}) as opened:
        await opened.ended(1)
        await opened.until(lambda: len(small.loads) == 2)
        await opened.until(lambda: not opened.workers())
        assert not opened.client.messages
        assert opened.measurements == 1
