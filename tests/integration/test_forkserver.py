"""Forked measurements: the same numbers as others, of the code as it is now, and nothing left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dagster_snapsize.core.model import Measurement
from dagster_snapsize.measuring.compare import difference
from dagster_snapsize.measuring.forkserver import ForkedProcess
from dagster_snapsize.measuring.process import SupervisedProcess
from support.command import Result
from support.forkservers import (
    Kept,
    in_thread,
    kept,
    locations,
    own_environment,
    run,
    setup,
    site_packages,
)
from support.patience import patience, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")

CONFIG = '[tool.dagster-snapsize]\nmodule-name = "shop.definitions"\n'
DEFINITIONS = """
import dagster as dg
from shop import texts

@dg.asset(description=texts.TEXT)
def orders(): ...

defs = dg.Definitions(assets=[orders])
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A small project in a package."""
    folder = tmp_path / "project"
    (folder / "shop").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(CONFIG, encoding="utf-8")
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "definitions.py").write_text(DEFINITIONS, encoding="utf-8")
    (folder / "shop" / "texts.py").write_text("TEXT = 'x' * 100\n", encoding="utf-8")
    return folder


@pytest.fixture
def own_python(tmp_path: Path, dagster_python: Callable[..., Path]) -> Path:
    """An environment that the test may install into."""
    return own_environment(dagster_python(), tmp_path / "own")


@pytest.fixture
def warmed() -> Iterator[Callable[..., Kept]]:
    """A function that starts a process to fork from: all of them end with the test."""
    open_ones = []

    def start(folder: Path, python: Path, **options: object) -> Kept:
        (location,) = locations(folder)
        cold = run(location, python).measurement
        assert cold.inputs is not None, cold.failure
        context = kept(location, python, cold.inputs.modules, uuid.uuid4().hex, **options)  # type: ignore[arg-type]
        found = context.__enter__()
        open_ones.append(context)
        return found

    yield start
    for context in open_ones:
        context.__exit__(None, None, None)


def description_bytes(measurement: Measurement) -> int:
    """Bytes of the one asset's description, in all snapshots."""
    assert measurement.failure is None, measurement.failure
    (asset,) = measurement.assets
    return asset.fields["description"]


@pytest.mark.parametrize(
    "name",
    ["components", "dg_workspace", "everything", "lazy", "two_repositories", "workspace_yaml"],
)
def test_forked_and_not_forked_say_the_same(
    name: str, copy_project: Callable[[str], Path], dagster_python: Callable[..., Path]
) -> None:
    python = dagster_python()
    for location in locations(copy_project(name)):
        cold = run(location, python).measurement
        if cold.inputs is None:
            continue  # a project that does not load says so in both ways
        with kept(location, python, cold.inputs.modules, uuid.uuid4().hex) as found:
            for _ in range(2):
                measured = run(location, python, found.parent)
                assert measured.forked
                forked = measured.measurement
                assert difference(cold, forked) is None
                assert forked.definition_files == cold.definition_files
                assert forked.folders == cold.folders
                assert forked.environment == cold.environment
                assert forked.inputs is not None
                assert set(cold.inputs.read) == set(forked.inputs.read)
                assert set(cold.inputs.installed) <= set(forked.inputs.installed)
                # None of the user's own modules is in the process that is forked.
                assert not {f for f in forked.inputs.modules if f.startswith("everything")}


def test_edits_are_seen(
    shop: Path, warmed: Callable[..., Kept], dagster_python: Callable[..., Path]
) -> None:
    python = dagster_python()
    (location,) = locations(shop)
    parent = warmed(shop, python).parent
    texts = shop / "shop" / "texts.py"
    stamp = (1_700_000_000, 1_700_000_000)
    sizes = []
    # Of the same length, in the same second.
    for count in (300, 900, 400):
        texts.write_text(f"TEXT = 'x' * {count}\n", encoding="utf-8")
        os.utime(texts, stamp)
        measured = run(location, python, parent)
        assert measured.forked
        sizes.append(description_bytes(measured.measurement))
    assert sizes[1] - sizes[0] == 2 * 600
    assert sizes[0] - sizes[2] == -2 * 100
    # A new module, which then becomes a package, and is gone at last.
    texts.write_text("from shop.more import TEXT\n", encoding="utf-8")
    failed = run(location, python, parent).measurement.failure
    assert failed is not None and "shop.more" in failed.message
    more = shop / "shop" / "more.py"
    more.write_text("TEXT = 'x' * 500\n", encoding="utf-8")
    assert description_bytes(run(location, python, parent).measurement) == sizes[0] + 2 * 200
    more.unlink()
    (shop / "shop" / "more").mkdir()
    (shop / "shop" / "more" / "__init__.py").write_text("TEXT = 'x' * 600\n", encoding="utf-8")
    assert description_bytes(run(location, python, parent).measurement) == sizes[0] + 2 * 300
    shutil.rmtree(shop / "shop" / "more")
    assert run(location, python, parent).measurement.failure == failed


def test_variables_and_folders_ask_for_another_process(
    shop: Path, tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    python = dagster_python()

    def key(**changed: str) -> str:
        (location,) = locations(shop)
        return str(setup(location, python, {**os.environ, **changed})["key"])

    keys = [key(), key(), key(MY_FLAG="1")]
    (shop / ".env").write_text("MY_FLAG=2\n", encoding="utf-8")
    keys.append(key())
    (shop / ".env").write_text("MY_FLAG=3\n", encoding="utf-8")
    keys.append(key())
    with (shop / "pyproject.toml").open("a", encoding="utf-8") as config:
        config.write('[tool.dagster-snapsize.env]\nMY_FLAG = "4"\n')
    keys.append(key())
    shop = shop.rename(tmp_path / "elsewhere")
    keys.append(key())
    assert keys[0] == keys[1]
    assert len(set(keys)) == len(keys) - 1


def test_the_variables_of_env_files_are_those_of_a_fresh_interpreter(
    shop: Path, warmed: Callable[..., Kept], dagster_python: Callable[..., Path]
) -> None:
    (shop / ".env").write_text("SHOP_TEXT=from the file\nDAGSTER_SHOP=1\n", encoding="utf-8")
    (shop / "shop" / "texts.py").write_text(
        "import os, sys\n"
        "TEXT = repr((sorted(os.environ.items()), sys.argv, sys.path, os.getcwd()))\n",
        encoding="utf-8",
    )
    python = dagster_python()
    (location,) = locations(shop)
    mark = {"SNAPSIZE_TEST_MARK": uuid.uuid4().hex}
    with kept(location, python, ["dagster"], mark["SNAPSIZE_TEST_MARK"]) as found:
        environ = {**os.environ, **mark}
        cold = run(location, python, environ=environ).measurement
        forked = run(location, python, found.parent, environ=environ).measurement
    assert forked.failure is None
    assert difference(cold, forked) is None
    assert forked.environment == cold.environment


def test_a_change_of_what_is_installed_ends_the_process(
    shop: Path, own_python: Path, warmed: Callable[..., Kept]
) -> None:
    folder = site_packages(own_python)
    (folder / "wording.py").write_text("TEXT = 'x' * 100\n", encoding="utf-8")
    (shop / "shop" / "texts.py").write_text("from wording import TEXT\n", encoding="utf-8")
    (location,) = locations(shop)
    changes: list[Callable[[], object]] = [
        lambda: (folder / "wording.py").write_text("TEXT = 'x' * 200\n", encoding="utf-8"),
        lambda: (folder / "wording-2.0.dist-info").mkdir(),
        lambda: (folder / "zz.pth").write_text("# nothing\n", encoding="utf-8"),
    ]
    for change in changes:
        found = warmed(shop, own_python)
        assert run(location, own_python, found.parent).forked
        change()
        measured = run(location, own_python, found.parent)
        assert not measured.forked
        assert difference(measured.measurement, run(location, own_python).measurement) is None
        wait_for(lambda kept=found: kept.process.poll() is not None)
        assert found.process.returncode == 0


def test_a_module_that_starts_a_thread_is_left_out(
    shop: Path, own_python: Path, warmed: Callable[..., Kept]
) -> None:
    folder = site_packages(own_python)
    (folder / "telemetry.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n",
        encoding="utf-8",
    )
    (folder / "client_of_it.py").write_text("import telemetry\nTEXT = 'x' * 100\n")
    (folder / "harmless.py").touch()
    (shop / "shop" / "texts.py").write_text("import harmless\nfrom client_of_it import TEXT\n")
    found = warmed(shop, own_python)
    assert set(found.news["left_out"]) == {"telemetry", "client_of_it"}
    assert found.news["threads"] == 1
    (location,) = locations(shop)
    measured = run(location, own_python, found.parent)
    assert measured.forked
    assert difference(measured.measurement, run(location, own_python).measurement) is None


def test_a_plugin_that_imports_the_users_code_is_left_out(
    shop: Path, own_python: Path, warmed: Callable[..., Kept]
) -> None:
    folder = site_packages(own_python)
    (folder / "plugins.py").write_text(
        "from importlib.metadata import entry_points\n"
        "LOADED = [e.load() for e in entry_points(group='plugins')]\n"
    )
    about = folder / "of_the_shop-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: of-the-shop\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[plugins]\nshop = plugin_of_shop:TEXT\n")
    (shop / "plugin_of_shop.py").write_text("TEXT = 'x' * 100\n", encoding="utf-8")
    (folder / "shop.pth").write_text(f"{shop}\n", encoding="utf-8")  # as editable installs do
    (shop / "shop" / "texts.py").write_text("import plugins\nTEXT = plugins.LOADED[0]\n")
    found = warmed(shop, own_python)
    assert "plugins" in found.news["left_out"]
    (location,) = locations(shop)
    sizes = []
    for count in (300, 900):
        (shop / "plugin_of_shop.py").write_text(f"TEXT = 'x' * {count}\n", encoding="utf-8")
        measured = run(location, own_python, found.parent)
        assert measured.forked
        sizes.append(description_bytes(measured.measurement))
    assert sizes[1] - sizes[0] == 2 * 600


def test_a_module_of_the_user_that_hides_an_installed_one_is_never_forked_past(
    shop: Path, own_python: Path, warmed: Callable[..., Kept]
) -> None:
    (site_packages(own_python) / "wording.py").write_text("TEXT = 'x' * 100\n", encoding="utf-8")
    (shop / "shop" / "texts.py").write_text("from wording import TEXT\n", encoding="utf-8")
    found = warmed(shop, own_python)
    (location,) = locations(shop)
    before = run(location, own_python, found.parent)
    (shop / "wording.py").write_text("TEXT = 'x' * 700\n", encoding="utf-8")
    after = run(location, own_python, found.parent)
    assert [before.forked, after.forked] == [True, False]
    sizes = [description_bytes(m.measurement) for m in (before, after)]
    assert sizes[1] - sizes[0] == 2 * 600


def test_what_installed_modules_read_when_they_were_imported_counts(
    shop: Path, own_python: Path, warmed: Callable[..., Kept]
) -> None:
    (site_packages(own_python) / "wording.py").write_text(
        "import os, pathlib\nTEXT = pathlib.Path(os.environ['WORDING']).read_text()\n"
    )
    words = shop / "words.txt"
    words.write_text("x" * 300, encoding="utf-8")
    (shop / "pyproject.toml").write_text(
        f"{CONFIG}\n[tool.dagster-snapsize.env]\nWORDING = '{words}'\n", encoding="utf-8"
    )
    (shop / "shop" / "texts.py").write_text("from wording import TEXT\n", encoding="utf-8")
    found = warmed(shop, own_python)
    (location,) = locations(shop)
    cold = run(location, own_python).measurement
    forked = run(location, own_python, found.parent)
    assert forked.forked
    assert "words.txt" in cold.definition_files
    assert forked.measurement.definition_files == cold.definition_files
    assert forked.measurement.inputs is not None and cold.inputs is not None
    assert forked.measurement.inputs.read == cold.inputs.read
    words.write_text("x" * 900, encoding="utf-8")
    measured = run(location, own_python, found.parent)
    assert not measured.forked
    assert description_bytes(measured.measurement) - description_bytes(cold) == 2 * 600


def test_random_numbers_are_others_every_time(
    shop: Path, warmed: Callable[..., Kept], dagster_python: Callable[..., Path]
) -> None:
    (shop / "shop" / "texts.py").write_text(
        "import pathlib, random, uuid\n"
        "log = pathlib.Path(__file__).with_name('log')\n"
        "with log.open('a') as file:\n"
        "    print(random.random(), uuid.uuid4(), file=file)\n"
        "TEXT = 'x'\n"
    )
    python = dagster_python()
    found = warmed(shop, python)
    (location,) = locations(shop)
    for _ in range(3):
        assert run(location, python, found.parent).forked
    seen = (shop / "shop" / "log").read_text().split()
    assert len(seen) == 8 and len(set(seen)) == 8


HANGS = """
import pathlib, subprocess, sys, time
sleep = [sys.executable, "-c", "import time; time.sleep(1000)"]
subprocess.Popen(sleep, start_new_session=True)
pathlib.Path(__file__).with_name("began").touch()
time.sleep(1000)
"""


def hanging(
    shop: Path, python: Path, found: Kept, **options: Any
) -> tuple[threading.Thread, list[SupervisedProcess]]:
    """A thread that measures definitions which hang by now, and the processes that it began."""
    (shop / "shop" / "texts.py").write_text(HANGS, encoding="utf-8")
    (location,) = locations(shop)
    began: list[SupervisedProcess] = []
    thread = in_thread(lambda: run(location, python, found.parent, began=began.append, **options))
    wait_for((shop / "shop" / "began").exists)
    return thread, began


def test_cancelling_leaves_the_process_and_nothing_else(
    shop: Path, warmed: Callable[..., Kept], dagster_python: Callable[..., Path]
) -> None:
    python = dagster_python()
    found = warmed(shop, python)
    texts = shop / "shop" / "texts.py"
    good = texts.read_text()
    thread, running = hanging(shop, python, found)
    assert len(found.others()) >= 3
    running[0].cancel()
    wait_for(lambda: not thread.is_alive())
    wait_for(lambda: found.others() == [])
    texts.write_text(good, encoding="utf-8")
    (location,) = locations(shop)
    assert run(location, python, found.parent).forked


def test_the_end_of_the_process_is_that_of_all_it_forked(
    shop: Path, warmed: Callable[..., Kept], dagster_python: Callable[..., Path]
) -> None:
    python = dagster_python()
    found = warmed(shop, python)
    hanging(shop, python, found, timeout=patience(60))
    assert found.process.stdin is not None
    found.process.stdin.close()
    wait_for(lambda: found.process.poll() is not None)
    forked = Result(0, "", "", found.mark)
    wait_for(lambda: forked.leftovers() == [])


def test_the_end_of_a_supervisor_is_that_of_all_it_started(
    shop: Path, warmed: Callable[..., Kept], dagster_python: Callable[..., Path]
) -> None:
    python = dagster_python()
    found = warmed(shop, python)
    _, started = hanging(shop, python, found, timeout=900)
    assert isinstance(started[0], ForkedProcess)
    os.kill(started[0]._supervisor, signal.SIGKILL)
    wait_for(lambda: found.process.poll() is not None)
    wait_for(lambda: len(started) == 2)  # it is measured again, with a new interpreter
    started[1].cancel()
    wait_for(lambda: Result(0, "", "", found.mark).leftovers() == [])


def test_the_end_of_the_one_who_measures_is_that_of_the_measurement(
    shop: Path, warmed: Callable[..., Kept], dagster_python: Callable[..., Path]
) -> None:
    python = dagster_python()
    found = warmed(shop, python)
    (shop / "shop" / "texts.py").write_text(HANGS, encoding="utf-8")
    code = f"""
import sys
sys.path[:] = {sys.path!r}
from pathlib import Path
from support.forkservers import ForkServer, locations, run
(location,) = locations(Path({str(shop)!r}))
parent = ForkServer({found.key!r}, {found.news["address"]!r}, 1.0)
run(location, Path({str(python)!r}), parent)
"""
    tool = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.DEVNULL)
    try:
        wait_for((shop / "shop" / "began").exists)
        assert len(found.others()) >= 3
        tool.send_signal(signal.SIGKILL)
        wait_for(lambda: found.others() == [])
    finally:
        tool.kill()
        tool.wait()


def test_what_does_not_answer_is_done_without(
    shop: Path, warmed: Callable[..., Kept], dagster_python: Callable[..., Path]
) -> None:
    python = dagster_python()
    found = warmed(shop, python)
    parent = found.parent
    assert found.process.stdin is not None
    found.process.stdin.close()
    wait_for(lambda: found.process.poll() is not None)
    (location,) = locations(shop)
    measured = run(location, python, parent)
    assert not measured.forked
    assert measured.measurement.failure is None
