"""The language server as a process: which changes start a measurement, and what becomes of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from lsprotocol import types as t

from support.lsp_client import Editor, editor
from support.lsp_projects import CONFIG, git, line_of, small_project, with_log, write_at_once

pytestmark = pytest.mark.asyncio

# Hangs with a child of its own, unless its size is round. Notes who of those before is still there.
SIZED = """\
import os, subprocess, sys, time

import dagster as dg

SIZE = 5000
with open(LOG, "a+") as log:
    log.seek(0)
    before = [process for line in log for process in line.split()[2:]]
    living = [process for process in before if os.path.exists(f"/proc/{process}/exe")]
    sleep = [sys.executable, "-c", "import time; time.sleep(1000)"]
    child = subprocess.Popen(sleep, start_new_session=True)
    log.write(f"{SIZE} {len(living)} {os.getpid()} {child.pid}\\n")
if SIZE % 1000:
    time.sleep(1000)


@dg.asset(description="d" * SIZE)
def orders() -> None: ...


defs = dg.Definitions(assets=[orders])
"""
COMPONENT = """\
import os
from pathlib import Path

import dagster as dg

with open(LOG, "a") as log:
    log.write("loaded\\n")


class Described(dg.Component, dg.Model, dg.Resolvable):
    times: int

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        text = os.environ["WORD"] * self.times
        return dg.Definitions(assets=[dg.AssetSpec("described", description=text)])
"""
DEFINITIONS = """\
from pathlib import Path

import dagster as dg


@dg.definitions
def defs():
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
"""


async def test_ten_saves_end_in_one_result(
    tmp_path: Path, scratch: Path, dagster_python: Callable[..., Path]
) -> None:
    small = small_project(tmp_path / "small", dagster_python(), SIZED)
    text = small.definitions.read_text()
    async with editor(scratch, small.folder) as opened:
        opened.open(small.definitions)
        await opened.ended(1)
        # The first hangs in the user's code, those up to the sixth end while they are starting, and
        # the rest comes faster than anything can start.
        sizes = [*range(5001, 5010), 7000]
        for count, size in enumerate(sizes, 1):
            opened.save(small.definitions, text.replace("SIZE = 5000", f"SIZE = {size}"))
            if count == 1:
                await opened.until(lambda: len(small.loads) == 2)
            elif count <= 6:
                before = opened.begun(small.folder)
                await opened.until(lambda b=before: opened.begun(small.folder) > b)
                # What is saved sooner would be what it measures.
                await opened.until(lambda: "definitions.py" in (opened.statuses[-1]["text"] or ""))
        await opened.until(lambda: small.loads[-1].startswith("7000 "))
        await opened.until(lambda: not opened.measuring)
        lenses = [title for _, title in await opened.lenses(small.definitions)]
        (lens,) = [title for title in lenses if "of location" in title]
        assert re.match(r"1[56]\.\d kB", lens), lens  # twice 7,000 bytes and some more
        assert "stale" not in lens
        assert [d for d in opened.all_shown() if re.search(r" [78]\.\d kB in ", d.message)]
        loads = [line.split() for line in small.loads]
        # One at a time: nobody of those before was there any more, nor a child of theirs.
        assert {living for _, living, *_ in loads} == {"0"}
        assert [size for size, *_ in loads].count("7000") == 1
        assert len(loads) <= 8
        assert opened.workers() == []
        assert opened.temporary() == []


async def test_what_changes_nothing_starts_nothing(
    tmp_path: Path, scratch: Path, dagster_python: Callable[..., Path]
) -> None:
    small = small_project(tmp_path / "small", dagster_python())
    other = small_project(tmp_path / "other", dagster_python())
    unread = small.folder / "unread.py"
    unread.write_text("x = 1\n")
    text = small.definitions.read_text()
    settings = {"debounceMilliseconds": 0}
    async with editor(scratch, small.folder, other.folder, settings=settings) as opened:
        await opened.until(lambda: opened.rests(small.folder) and opened.rests(other.folder))
        opened.open(small.definitions)
        opened.open(unread)
        opened.save(small.definitions)
        opened.type(small.definitions, text + "# typed\n")
        opened.save(small.definitions, text)
        os.utime(small.definitions, (1_000_000_000, 1_000_000_000))
        small.definitions.with_suffix(".new").write_text(text)
        small.definitions.with_suffix(".new").replace(small.definitions)
        opened.save(unread, "x = 2\n")
        unread.write_text("x = 3\n")
        (small.folder / "notes.rst").write_text("new\n")
        # What is told of the other project comes after all that; and it alone is measured again.
        write_at_once(other.definitions, "# changed\n" + other.definitions.read_text())
        await opened.until(lambda: opened.begun(other.folder) == 2 and opened.rests(other.folder))
        assert opened.begun(small.folder) == 1
        assert len(small.loads) == 1
        assert len(other.loads) == 2
        (*_, last) = [s for s in opened.statuses if s["folder"] == str(small.folder)]
        assert not last["stale"]


async def test_a_tree_that_comes_back_is_not_measured(
    tmp_path: Path, scratch: Path, dagster_python: Callable[..., Path]
) -> None:
    small = small_project(tmp_path / "small", dagster_python())
    text = small.definitions.read_text()
    git(small.folder, "init", "--quiet", "--initial-branch", "main")
    (small.folder / ".gitignore").write_text(".venv\n__pycache__\n")
    git(small.folder, "add", ".")
    git(small.folder, "commit", "--quiet", "--message", "one")
    git(small.folder, "checkout", "--quiet", "-b", "larger")
    small.definitions.write_text(text.replace("3000", "9000"))
    git(small.folder, "commit", "--quiet", "--all", "--message", "two")
    git(small.folder, "checkout", "--quiet", "main")
    small.definitions.write_text(text.replace("3000", "4000"))  # not committed
    async with editor(scratch, small.folder) as opened:
        await opened.ended(1)
        opened.set(debounceMilliseconds=60_000)
        # As pre-commit does it twice for every commit.
        for _ in range(2):
            git(small.folder, "stash")
            await opened.until(lambda: opened.statuses[-1]["stale"])
            git(small.folder, "stash", "pop")
            await opened.until(lambda: not opened.statuses[-1]["stale"])
        # Longer than git may take between two files.
        opened.set(debounceMilliseconds=500)
        git(small.folder, "stash")
        git(small.folder, "checkout", "--quiet", "larger")
        await opened.until(lambda: "9.9 kB" in str([d.message for d in opened.all_shown()]))
        await opened.until(lambda: not opened.measuring)
        assert not opened.statuses[-1]["stale"]
        # One for each state of the tree, or two where the stash alone was seen on the way.
        assert len(small.loads) <= 3
        assert opened.begun(small.folder) <= 3


async def test_changes_from_outside(
    tmp_path: Path, scratch: Path, dagster_python: Callable[..., Path]
) -> None:
    config = (
        '[tool.dg]\ndirectory_type = "project"\n\n[tool.dg.project]\nroot_module = "parts"\n'
        'registry_modules = ["parts.lib"]\n\n[tool.dagster-snapsize.budget]\nasset = "3 kB"\n'
    )
    small = small_project(tmp_path / "small", dagster_python(), "", config)
    parts, home, dotenv = small.folder / "parts", tmp_path / "home", small.folder / ".env"
    component = parts / "defs" / "described" / "defs.yaml"
    files = {
        parts / "__init__.py": "",
        parts / "definitions.py": DEFINITIONS,
        parts / "lib" / "__init__.py": with_log(COMPONENT, small),
        parts / "defs" / "__init__.py": "",
        component: "type: parts.lib.Described\nattributes:\n  times: 1000\n",
        home / "dagster.yaml": "telemetry:\n  enabled: false\n",
        dotenv: "WORD=five5\n",
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    small.definitions.unlink()
    env = {"DAGSTER_HOME": str(home)}
    async with editor(scratch, small.folder, env=env) as opened:
        count = 0

        async def measured(budget: str, size: int) -> None:
            """One more measurement, and what the finding says of budget and size then."""
            nonlocal count
            count += 1
            await opened.until(lambda: len(small.loads) == count)
            await opened.until(
                lambda: [d for d in opened.diagnostics(component) if budget in d.message]
            )
            await opened.until(lambda: not opened.measuring)
            (found,) = opened.diagnostics(component)
            assert budget in found.message
            said = re.search(r" (\d+)(\.\d)? kB in ", found.message)
            assert said and int(said[1]) == size, found.message
            assert opened.begun(small.folder) == count

        await measured("of 3 kB", 6)
        write_at_once(component, component.read_text().replace("1000", "2000"))
        await measured("of 3 kB", 11)
        write_at_once(dotenv, "WORD=four\n")
        await measured("of 3 kB", 9)
        write_at_once(small.config, config.replace("3 kB", "4 kB"))
        await measured("of 4 kB", 9)
        write_at_once(home / "dagster.yaml", "telemetry:\n  enabled: true\n")
        await measured("of 4 kB", 9)


async def test_typed_deleted_broken_and_mended(
    tmp_path: Path, scratch: Path, dagster_python: Callable[..., Path]
) -> None:
    small = small_project(
        tmp_path / "small", dagster_python(), config=CONFIG.replace("3.5 kB", "1.5 kB")
    )
    path, helper = small.definitions, small.folder / "helper.py"
    helper.write_text("def size(name):\n    sizes = {'orders': 3000}\n    return sizes[name]\n")
    text = path.read_text().replace("import dagster", "import helper\nimport dagster")
    text = text.replace('"d" * 3000', '"d" * helper.size("orders")')
    path.write_text(text)
    line, second = line_of(path, "def orders") - 1, line_of(path, "def customers") - 1

    def shown(opened: Editor) -> list[tuple[str, int, bool]]:
        """Rule, line, and whether it is called stale."""
        return [
            (str(d.code), d.range.start.line + 1, "before the last edit" in d.message)
            for d in opened.diagnostics(path)
        ]

    both = [("asset-over-budget", line, False), ("asset-over-budget", second, False)]
    async with editor(scratch, small.folder) as opened:
        opened.open(path)
        await opened.ended(1)
        await opened.until(lambda: shown(opened) == both)
        fresh = await opened.lenses(path)
        # Typed and undone.
        opened.type(path, text.replace("@dg.asset", "\n\n@dg.asset", 1))
        await opened.until(lambda: shown(opened) == [(r, n + 2, True) for r, n, _ in both])
        await opened.until(lambda: opened.statuses[-1]["stale"])
        opened.type(path, text)
        await opened.until(lambda: shown(opened) == both)
        await opened.until(lambda: not opened.statuses[-1]["stale"])
        assert await opened.lenses(path) == fresh
        # Broken in another file, which Dagster reads after ours has called it.
        good = helper.read_text()
        write_at_once(helper, good.replace("'orders'", "'order'"))
        await opened.until(lambda: opened.diagnostics(helper))
        (error,) = opened.diagnostics(helper)
        assert error.severity == t.DiagnosticSeverity.Error
        assert error.range.start.line == 2
        assert "KeyError" in error.message
        assert [d for d in opened.all_shown() if d.severity == t.DiagnosticSeverity.Error] == [
            error
        ]
        await opened.until(lambda: shown(opened) == [(r, n, True) for r, n, _ in both])
        stale = await opened.lenses(path)
        assert [n for n, _ in stale] == [n for n, _ in fresh]
        assert all("stale" in title for _, title in stale)
        assert opened.statuses[-1]["totalBytes"] > 5000
        write_at_once(helper, good)
        await opened.until(lambda: not opened.diagnostics(helper))
        await opened.until(lambda: shown(opened) == both)
        assert await opened.lenses(path) == fresh
        # Deleted, in the buffer and then on disk.
        head, _, rest = text.partition('@dg.asset(description="d" * 2000)')
        gone = head + rest.partition("...\n")[2].replace(", customers", "")
        opened.type(path, gone)
        await opened.until(lambda: shown(opened) == [("asset-over-budget", line, True)])
        opened.save(path, gone)
        await opened.until(lambda: shown(opened) == [("asset-over-budget", line, False)])
        assert len(await opened.lenses(path)) == len(fresh) - 1
        assert len(small.loads) == opened.begun(small.folder)
