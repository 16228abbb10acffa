"""What the client is asked to watch: refusals and changes meanwhile lose nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol.types import RegistrationParams, RelativePattern, UnregistrationParams

from dagster_snapsize.lsp.watching.client import ClientWatching
from dagster_snapsize.lsp.watching.dependencies import WatchList

pytestmark = pytest.mark.asyncio


class Client:
    """An editor that registers what it is asked to, once it may; it can refuse."""

    def __init__(self) -> None:
        self.registered: list[str] = []
        self.patterns: list[object] = []
        self.asked = 0
        self.refuses = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def client_register_capability_async(self, params: RegistrationParams) -> None:
        self.asked += 1
        await self.may_answer.wait()
        if self.refuses:
            raise RuntimeError("not now")
        self.registered += [r.id for r in params.registrations]
        for registration in params.registrations:
            options: Any = registration.register_options
            self.patterns = [w.glob_pattern for w in options.watchers]

    async def client_unregister_capability_async(self, params: UnregistrationParams) -> None:
        for gone in params.unregisterations:
            self.registered.remove(gone.id)


class Watching:
    """A ClientWatching with its client, and what it started."""

    def __init__(self) -> None:
        self.client = Client()
        self.tasks: list[asyncio.Task[Any]] = []
        self.told: list[str] = []
        server: Any = self.client
        self.watching = ClientWatching(server, True, self._spawn, self._tell)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        self.tasks.append(asyncio.ensure_future(work))

    async def _tell(self, folders: Iterable[str]) -> None:
        self.told += folders

    async def rest(self) -> list[Any]:
        return await asyncio.gather(*self.tasks, return_exceptions=True)


def folders(root: Path, *names: str) -> WatchList:
    for name in names:
        (root / name).mkdir(exist_ok=True)
    return WatchList(trees=frozenset(str(root / name) for name in names))


async def test_what_the_client_refused_is_asked_for_again(tmp_path: Path) -> None:
    one = Watching()
    one.client.refuses = True
    one.watching.watch(folders(tmp_path, "a"))
    await one.rest()
    assert one.client.registered == []
    one.client.refuses = False
    one.watching.changed([str(tmp_path / "a")])
    await one.rest()
    assert len(one.client.registered) == 1


async def test_a_change_while_the_client_answers_leaves_one_registration(tmp_path: Path) -> None:
    one = Watching()
    one.client.may_answer.clear()
    one.watching.watch(folders(tmp_path, "a"))
    while not one.client.asked:
        await asyncio.sleep(0)
    one.watching.watch(folders(tmp_path, "a", "b"))
    one.client.may_answer.set()
    await one.rest()
    assert len(one.client.registered) == 1
    assert len(one.told) == len(set(one.told))


async def test_new_projects_are_watched_for_anywhere_in_the_workspace(tmp_path: Path) -> None:
    one = Watching()
    one.watching.watch(WatchList(), (str(tmp_path),))
    await one.rest()
    [pattern] = one.client.patterns
    assert isinstance(pattern, RelativePattern)
    assert pattern.base_uri == tmp_path.as_uri()
    assert pattern.pattern.startswith("**/{dagster_cloud.yaml,")
    assert "pyproject.toml" in pattern.pattern
