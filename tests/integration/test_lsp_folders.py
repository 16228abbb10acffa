"""The language server as a process: several folders, several locations, and very many files."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from lsprotocol import types as t

from support.lsp_client import Editor, editor
from support.lsp_projects import (
    CONFIG,
    HANGS,
    Small,
    git,
    line_of,
    small_project,
    with_log,
    write_at_once,
)

pytestmark = pytest.mark.asyncio

SHARED = """\
import dagster as dg


@dg.asset(description="d" * 5000)
def shared() -> None: ...
"""
ONE = """\
import dagster as dg
from shared import shared

with open(LOG, "a") as log:
    log.write("NAME\\n")

defs = dg.Definitions(assets=[shared, dg.AssetSpec("of_NAME", description="n" * 2000)])
"""


def found(small: Small) -> list[tuple[str, int]]:
    """What is to be shown of a small project."""
    return [("asset-over-budget", line_of(small.definitions, "def orders") - 1)]


async def measured(opened: Editor, small: Small, times: int) -> None:
    """Wait until a project has been measured so often, and no more, and what is shown is new."""
    await opened.until(lambda: opened.begun(small.folder) >= times and opened.rests(small.folder))
    await opened.until(lambda: opened.shown(small.definitions) == found(small))
    assert "before the last edit" not in opened.diagnostics(small.definitions)[0].message
    assert opened.begun(small.folder) == times
    assert len(small.loads) == times


def change_folders(
    opened: Editor, *, add: tuple[Path, ...] = (), gone: tuple[Path, ...] = ()
) -> None:
    """Add and remove workspace folders."""
    event = t.WorkspaceFoldersChangeEvent(
        [t.WorkspaceFolder(f.as_uri(), f.name) for f in add],
        [t.WorkspaceFolder(f.as_uri(), f.name) for f in gone],
    )
    opened.client.workspace_did_change_workspace_folders(t.DidChangeWorkspaceFoldersParams(event))


async def known_are(opened: Editor, *projects: Small) -> None:
    """Wait until the server knows these projects, and no others; a status follows each change."""
    wanted = sorted(str(small.folder) for small in projects)
    while True:
        count = len(opened.statuses)
        answer = await opened.client.protocol.send_request_async("dagsterSnapsize/measurement", {})
        if sorted(project.folder for project in answer.projects) == wanted:
            return
        await opened.until(lambda n=count: len(opened.statuses) > n)


async def test_folders_come_and_go(tmp_path: Path, scratch: Path, python: Path) -> None:
    first, second = (small_project(tmp_path / name, python) for name in ("first", "second"))
    async with editor(scratch, first.folder) as opened:
        await opened.until(lambda: opened.shown(first.definitions) == found(first))
        change_folders(opened, add=(second.folder,))
        await opened.until(lambda: opened.shown(second.definitions) == found(second))
        await opened.until(lambda: opened.rests(second.folder))
        # The second hangs, and is taken away.
        text = second.definitions.read_text()
        second.definitions.write_text(with_log(HANGS, second))
        await opened.until(lambda: len(second.loads) == 2)
        assert opened.workers()
        watches = opened.watches() if sys.platform == "linux" else 0
        change_folders(opened, gone=(second.folder,))
        await opened.until(lambda: not opened.workers())
        await opened.until(lambda: opened.shown(second.definitions) == [])
        assert opened.temporary() == []
        if watches:
            await opened.until(lambda: opened.watches() < watches)
        assert opened.shown(first.definitions) == found(first)
        second.definitions.write_text(text)
        # The first is not touched by all that, and still followed.
        assert len(first.loads) == 1
        write_at_once(first.definitions, "\n" + first.definitions.read_text())
        await measured(opened, first, 2)
        assert len(second.loads) == 2
        # And the second comes back.
        change_folders(opened, add=(second.folder,))
        await opened.until(lambda: opened.shown(second.definitions) == found(second))
        change_folders(opened, gone=(first.folder, second.folder))
        await opened.until(lambda: opened.all_shown() == [])


async def test_a_folder_that_stays_for_a_moment(
    tmp_path: Path, scratch: Path, python: Path
) -> None:
    """It takes longer to look through it than to see that it is gone."""
    first = small_project(tmp_path / "first", python)
    several = tmp_path / "several"
    second = small_project(several / "second", python)
    for number in range(1000):
        (several / f"folder{number}").mkdir()
    async with editor(scratch, first.folder) as opened:
        await measured(opened, first, 1)
        change_folders(opened, add=(several,))
        change_folders(opened, gone=(several,))
        write_at_once(first.definitions, "\n" + first.definitions.read_text())
        await measured(opened, first, 2)
        await known_are(opened, first)
        await opened.until(lambda: opened.shown(second.definitions) == [])


async def test_nested_projects(tmp_path: Path, scratch: Path, python: Path) -> None:
    """Both as workspace folders; and a folder of projects that is none itself."""
    outer = small_project(tmp_path / "outer", python)
    inner = small_project(outer.folder / "inner", python)
    apart = small_project(tmp_path / "apart" / "deep" / "apart", python)
    folders = (outer.folder, inner.folder, tmp_path / "apart")
    async with editor(scratch, *folders) as opened:
        for small in (outer, inner, apart):
            await opened.until(lambda s=small: opened.rests(s.folder))
            assert opened.shown(small.definitions) == found(small)
        loads = [len(small.loads) for small in (outer, inner, apart)]
        assert loads == [1, 1, 1]
        # Each is measured for its own files only.
        for small in (inner, apart):
            write_at_once(small.definitions, "\n" + small.definitions.read_text())
            await measured(opened, small, 2)
        assert [len(small.loads) for small in (outer, inner, apart)] == [1, 2, 2]


PLACES = ["one", "apps/two", "teams/data/services/three"]
# Each waits for a file, so that all that may run at a time are seen to run.
WAITS = """\
import pathlib, time

import dagster as dg

while not pathlib.Path(GATE).exists():
    time.sleep(0.05)


@dg.asset(description="d" * SIZE)
def orders() -> None: ...


defs = dg.Definitions(assets=[orders])
"""


async def test_a_monorepo_of_twelve_projects(tmp_path: Path, scratch: Path, python: Path) -> None:
    """At three depths: all are found, and two at a time are measured, the visible one first."""
    root, gate = tmp_path / "monorepo", tmp_path / "gate"

    def add(place: str, number: int) -> Small:
        text = WAITS.replace("GATE", repr(str(gate))).replace("SIZE", str(4000 + 100 * number))
        return small_project(root / place / f"project{number}", python, text)

    projects = [add(PLACES[number % 3], number) for number in range(12)]
    git(root, "init", "--quiet")
    (root / ".gitignore").write_text("one/project0/\n/build/\n")
    git(root, "add", "--force", ".")
    (root / "build").mkdir()
    small_project(root / "build" / "copy", python)
    small_project(root / "examples" / "old", python)
    settings = {"exclude": ["examples/**"]}
    async with editor(scratch, root, settings=settings) as opened:

        def latest() -> dict[str, str]:
            return {s["folder"]: s["phase"] for s in opened.statuses}

        def measuring() -> list[str]:
            return [folder for folder, phase in latest().items() if phase == "measuring"]

        await opened.until(lambda: len(latest()) == 12 and len(measuring()) == 2)
        assert set(latest()) == {str(small.folder) for small in projects}
        # Of those that wait, the one that is looked at comes next.
        looked_at = projects[11]
        assert str(looked_at.folder) not in measuring()
        opened.client.protocol.notify(
            "dagsterSnapsize/visible", {"uri": looked_at.definitions.as_uri()}
        )
        assert await opened.lenses(looked_at.definitions) == []
        gate.write_text("")
        await opened.until(lambda: all(opened.rests(small.folder) for small in projects))
        begun = dict.fromkeys(s["folder"] for s in opened.statuses if s["phase"] == "measuring")
        assert list(begun).index(str(looked_at.folder)) == 2
        phases: dict[str, str] = {}
        for status in opened.statuses:
            phases[status["folder"]] = status["phase"]
            assert list(phases.values()).count("measuring") <= 2
        # Each file is shown its own project, and those that appear and go are noticed.
        for small in (projects[0], projects[7]):
            opened.open(small.definitions)
            await opened.until(lambda s=small: opened.shown(s.definitions) == found(s))
            lines = [line for line, _ in await opened.lenses(small.definitions)]
            assert lines.count(found(small)[0][1]) == 1
        new = add("teams/new/deep", 12)
        await opened.until(lambda: opened.rests(new.folder))
        await opened.until(lambda: opened.diagnostics(new.definitions))
        shutil.rmtree(root / "teams")
        await known_are(opened, *(small for n, small in enumerate(projects) if n % 3 != 2))
        await opened.until(lambda: not opened.diagnostics(new.definitions))


async def test_an_environment_that_is_made_later_is_used(
    tmp_path: Path, scratch: Path, python: Path
) -> None:
    small = small_project(tmp_path / "small", python)
    environment = (small.folder / ".venv").resolve()
    (small.folder / ".venv").unlink()
    async with editor(scratch, small.folder) as opened:
        await opened.until(lambda: opened.rests(small.folder))
        assert opened.statuses[-1]["phase"] == "no-interpreter"
        (small.folder / ".venv").symlink_to(environment)
        await opened.until(lambda: opened.shown(small.definitions) == found(small))


async def test_a_file_of_two_locations(tmp_path: Path, scratch: Path, python: Path) -> None:
    small = small_project(
        tmp_path / "small", python, "", CONFIG.replace('python-file = "definitions.py"', "")
    )
    small.definitions.unlink()
    shared = small.folder / "shared.py"
    shared.write_text(SHARED)
    files = {name: small.folder / f"{name}.py" for name in ("one", "two")}
    for name, path in files.items():
        path.write_text(with_log(ONE, small).replace("NAME", name))
    (small.folder / "workspace.yaml").write_text(
        "load_from:\n"
        + "".join(
            f"  - python_file:\n      relative_path: {n}.py\n      location_name: loc_{n}\n"
            for n in files
        )
    )
    line = line_of(shared, "def shared") - 1
    async with editor(scratch, small.folder) as opened:
        opened.open(shared)
        await opened.ended(1)
        assert opened.statuses[-1]["locations"] == ["loc_one", "loc_two"]
        assert small.loads == ["one", "two"]
        await opened.until(lambda: opened.shown(shared) == [("asset-over-budget", line)] * 2)
        messages = [d.message for d in opened.diagnostics(shared)]
        for name in ("loc_one", "loc_two"):
            assert sum(name in message for message in messages) == 1
        titles = [title for n, title in await opened.lenses(shared) if n == line]
        assert len(titles) == 2
        assert {"loc_one" in title for title in titles} == {True, False}
        hover = await opened.hover(shared, line, 3)
        assert hover is not None
        assert "loc_one" in hover
        assert "loc_two" in hover
        # Only the location that reads a file is measured for it, and both for what both read.
        write_at_once(files["two"], files["two"].read_text().replace("2000", "4000"))
        await opened.until(lambda: opened.shown(files["two"]) == [("asset-over-budget", 7)])
        await opened.until(lambda: not opened.measuring)
        assert small.loads == ["one", "two", "two"]
        assert opened.shown(shared) == [("asset-over-budget", line)] * 2
        opened.save(shared, SHARED.replace("5000", "1000"))
        await opened.until(lambda: opened.shown(shared) == [])
        await opened.until(lambda: not opened.measuring)
        assert sorted(small.loads[3:]) == ["one", "two"]
        # One location is taken out of the workspace.
        workspace = small.folder / "workspace.yaml"
        workspace.write_text(
            workspace.read_text().partition("  - python_file:\n      relative_path: two")[0]
        )
        await opened.until(lambda: opened.statuses[-1]["locations"] == ["loc_one"])
        await opened.until(lambda: not opened.measuring)
        assert opened.all_shown() == []


@pytest.mark.skipif(sys.platform != "linux", reason="counts what Linux alone counts")
async def test_ten_thousand_files(tmp_path: Path, scratch: Path, python: Path) -> None:
    config = f'[tool.dagster-snapsize]\npython = "{python}"\n'
    config = CONFIG.replace("[tool.dagster-snapsize]\n", config)
    small = small_project(tmp_path / "small", python, config=config)
    # Environments in the project's folder, of a usual name and of another.
    environments = [small.folder / name for name in (".venv", "python")]
    environments[0].unlink()
    for environment in environments:
        environment.mkdir()
        (environment / "pyvenv.cfg").write_text("home = /usr/bin\n")
    packages, others = (e / "lib" / "python3.11" / "site-packages" for e in environments)
    git(small.folder, "init", "--quiet")
    for place, folders in {
        packages: 120,
        others: 30,
        small.folder / "node_modules": 150,
        small.folder / ".git" / "objects": 100,
        small.folder / ".mypy_cache": 50,
        small.folder / "data" / "raw": 50,
    }.items():
        for number in range(folders):
            folder = place / f"package{number}" / "deep"
            folder.mkdir(parents=True)
            for name in range(20):
                (folder / f"file{name}.py").touch()
    async with editor(scratch, small.folder) as opened:
        await opened.until(lambda: opened.shown(small.definitions) == found(small))
        await opened.until(lambda: opened.rests(small.folder))
        await opened.until(opened.watches)
        # What goes on there starts nothing.
        (packages / "package0" / "deep" / "file0.py").write_text("x = 1\n")
        (small.folder / "node_modules" / "package0" / "new.py").write_text("x = 1\n")
        git(small.folder, "add", "definitions.py")
        (small.folder / "data" / "raw" / "package0" / "deep" / "file0.py").write_text("x = 1\n")
        write_at_once(small.definitions, "\n" + small.definitions.read_text())
        await measured(opened, small, 2)
        assert opened.begun(small.folder) == 2
        assert 1 <= opened.watches() <= 10
