"""What the server does for one client, where several things happen at once."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import pytest_asyncio
from lsprotocol import types

from dagster_snapsize.lsp.project import Project
from dagster_snapsize.lsp.session import Session, project_of
from dagster_snapsize.lsp.settings import Settings
from dagster_snapsize.lsp.watching.dependencies import dependencies_of_folder

pytestmark = pytest.mark.asyncio
PROJECTS = 5
FILES = 200


class Client:
    """A client with folders that each have a project."""

    def __init__(self, root: Path):
        self.root = root
        self.server = Mock()
        self.server.client_capabilities = types.ClientCapabilities()
        self.server.workspace = SimpleNamespace(folders={}, root_path=None)
        self.session: Any = Session(self.server)
        self.session.settings.apply({"measure": "manual", "forkServer": False})

    def add_folder(self, name: str) -> str:
        folder = self.root / name
        folder.mkdir()
        (folder / "definitions.py").write_text("")
        self.server.workspace.folders[name] = types.WorkspaceFolder(folder.as_uri(), name)
        return str(folder)


@pytest_asyncio.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    one = Client(tmp_path)
    for number in range(PROJECTS):
        one.add_folder(f"project{number}")
    await one.session.find_projects()
    assert len(one.session.projects) == PROJECTS
    yield one
    await one.session.fork_servers.close()


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[Project]:
    """The projects that were closed; others have their turn while one is."""
    done: list[Project] = []
    close = Project.close

    async def slowly(project: Project) -> None:
        for _ in range(10):
            await asyncio.sleep(0)
        await close(project)
        done.append(project)

    monkeypatch.setattr(Project, "close", slowly)
    return done


async def test_two_restarts_at_once_leave_each_project_open_once(
    client: Client, closed: list[Project]
) -> None:
    await asyncio.gather(client.session.restart(), client.session.restart())
    assert len(closed) == 2 * PROJECTS
    assert len(client.session.projects) == PROJECTS
    assert not set(map(id, client.session.projects.values())) & set(map(id, closed))


async def test_a_folder_that_is_added_during_a_restart_is_open_once(
    client: Client, closed: list[Project]
) -> None:
    restart = asyncio.ensure_future(client.session.restart())
    await asyncio.sleep(0)
    new = client.add_folder("new")
    await asyncio.gather(restart, client.session.find_projects())
    assert new in client.session.projects
    assert len(client.session.projects) == PROJECTS + 1
    assert not set(map(id, client.session.projects.values())) & set(map(id, closed))


async def test_changed_files_are_looked_up_once_for_all_projects_and_in_a_thread(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for project in client.session.projects.values():
        tracker = project._tracker
        tracker.start("")
        tracker.finish("", dependencies_of_folder(project.folder))
    changed = [str(tmp_path / "data" / f"file{number}.csv") for number in range(FILES)]
    looked_up: Counter[bool] = Counter()  # by whether it was in the event loop's thread
    loop_thread = threading.get_ident()
    for name in ("realpath", "isdir", "exists", "lexists"):
        own = getattr(os.path, name)

        def counting(path: str, *more: Any, own: Any = own, **options: Any) -> Any:
            looked_up[threading.get_ident() == loop_thread] += 1
            return own(path, *more, **options)

        monkeypatch.setattr(os.path, name, counting)
    await client.session.uris_changed([Path(path).as_uri() for path in changed])
    assert looked_up[True] == 0
    assert FILES <= looked_up[False] <= 5 * FILES


async def test_what_is_paused_begins_when_nothing_pauses_it_any_more(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the focus undoes the battery, nor the reverse, and a new project is paused too."""
    session, power = client.session, {"battery": True}
    monkeypatch.setattr("dagster_snapsize.lsp.project.on_battery", lambda: power["battery"])
    paused = {"forkServer": False, "pauseOnBattery": True, "pauseWhenUnfocused": True}
    session.settings.apply(paused)
    session.focus(False)
    new = client.add_folder("new")
    await session.find_projects()
    scheduler = session.projects[new]._scheduler
    for focused, battery in ((False, True), (True, True), (False, False), (True, True)):
        power["battery"] = battery
        session.focus(focused)
        assert not scheduler.running
    power["battery"] = False
    session.focus(True)
    assert scheduler.running
    session.cancel()
    # Nor does what was cancelled, or is measured when asked only.
    for stop in (
        session.cancel,
        lambda: session.projects[new].take_settings(Settings(measure="manual")),
    ):
        power["battery"] = True
        session.projects[new].opened()
        stop()
        power["battery"] = False
        session.focus(True)
        assert not scheduler.running


async def test_a_project_that_appears_or_goes_is_opened_or_closed(
    client: Client, closed: list[Project]
) -> None:
    session = client.session
    gone = Path(min(session.projects))
    new = gone / "below" / "new"
    new.mkdir(parents=True)
    config = new / "pyproject.toml"
    # What is written in two steps, too.
    for text in ("", '[tool.dagster-snapsize]\nmodule-name = "x"\n'):
        config.write_text(text)
        await session.files_changed([str(config)])
        timer = session._find_timer
        await session.find_projects()
        assert timer.cancelled(), "what it waited for has been found"
    assert len(session.projects) == PROJECTS + 1
    assert session._find_timer is None
    # Files that make nothing a project, such as a definitions.py that is saved.
    others = [gone / "definitions.py", gone / "x.py", gone, gone / ".git", gone / "__pycache__"]
    for other in others[3:]:
        other.mkdir()
    await session.files_changed(map(str, others))
    assert session._find_timer is None
    shutil.rmtree(gone)
    await session.files_changed([str(gone)])
    assert session._find_timer is not None
    await session.find_projects()
    assert len(session.projects) == PROJECTS - 1
    assert len(closed) == 2


async def test_a_file_belongs_to_the_innermost_project_around_it() -> None:
    root = Path(Path.cwd().anchor)
    folders = [str(root / name) for name in ("a", "a/b", "a/bb")]
    assert project_of(str(root / "a/b/c/x.py"), folders) == folders[1]
    assert project_of(str(root / "a/x.py"), folders) == folders[0]
    assert project_of(str(root / "x.py"), folders) is None
