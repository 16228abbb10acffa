"""What the editor extension carries: it measures on the oldest and on the newest Python."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dagster_snapsize import VERSION
from support import ROOT, lsp_client
from support.environments import find_python
from support.lsp_client import editor
from support.lsp_projects import small_project

EXTENSION = ROOT / "vscode-extension"
OLDEST, NEWEST = 10, 14  # Python 3
COMPILED = {".so", ".pyd", ".dylib", ".dll", ".exe", ".pyc"}
TERMINAL_ONLY = {"rich", "pygments", "markdown_it", "mdurl", "networkx"}

pytestmark = pytest.mark.xdist_group("bundle")  # one bundle serves them all


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``bundled`` of the extension, as its packaging makes it."""
    folder = tmp_path_factory.mktemp("extension") / "bundled"
    folder.mkdir()
    shutil.copy(EXTENSION / "bundled" / "launcher.py", folder)
    spec = importlib.util.spec_from_file_location("bundle", EXTENSION / "scripts" / "bundle.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.bundle(folder)
    # Now, before anything is imported from there.
    assert [path for path in folder.rglob("*") if path.suffix in COMPILED] == []
    return folder


def python_for(which: str) -> str:
    """The oldest Python that the tool runs on, or the newest that this machine has."""
    minors = [OLDEST] if which == "oldest" else range(NEWEST, OLDEST, -1)
    python = next(filter(None, (find_python(f"3.{minor}") for minor in minors)), None)
    if python is None:
        pytest.skip(f"this machine has no Python 3.{minors[0]}")
    return python


@pytest.mark.asyncio
@pytest.mark.parametrize("which", ["oldest", "newest"])
async def test_bundle_measures_on_every_python(
    which: str,
    bundled: Path,
    tmp_path: Path,
    dagster_python: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = (python_for(which), "-I", str(bundled / "launcher.py"), "lsp")
    monkeypatch.setattr(lsp_client, "SERVER", command)
    small = small_project(tmp_path / "small", dagster_python())
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    async with editor(scratch, small.folder, initialize=False) as opened:
        assert opened.parameters is not None
        info = (await opened.client.initialize_session(opened.parameters)).server_info
        assert info is not None
        assert (info.name, info.version) == ("dagster-snapsize", VERSION)
        opened.open(small.definitions)
        await opened.ended(1)
        assert opened.statuses[-1]["phase"] == "idle"
        assert opened.statuses[-1]["totalBytes"] > 0
        limits = await opened.run("dagsterSnapsize.showLimits")
        assert limits.startswith("### "), limits
        assert "- `DAGSTER_GRPC_MAX_RX_BYTES`: **100 MB** (Dagster's default)" in limits


def test_bundle_has_no_libraries_of_the_terminal(bundled: Path) -> None:
    assert TERMINAL_ONLY.isdisjoint(path.name for path in (bundled / "libs").iterdir())


def test_libraries_are_those_of_the_bundle(bundled: Path) -> None:
    # This interpreter has every library too, and must not lend them.
    show = (
        f"import sys; sys.argv = ['', '--version']; import runpy\n"
        f"try: runpy.run_path({str(bundled / 'launcher.py')!r})\n"
        f"except SystemExit: pass\n"
        "import dagster_snapsize.lsp.server, attrs, watchdog, pygls\n"
        "for m in (dagster_snapsize, attrs, watchdog, pygls): print(m.__file__)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", show], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    printed, *files = done.stdout.splitlines()
    assert printed.endswith(VERSION)
    assert len(files) == 4
    assert all(Path(file).is_relative_to(bundled) for file in files)


@pytest.mark.parametrize("minor", range(6, OLDEST))
def test_an_old_python_says_what_to_do(minor: int) -> None:
    python = find_python(f"3.{minor}")
    if python is None:
        pytest.skip(f"this machine has no Python 3.{minor}")
    done = subprocess.run(
        [python, "-I", str(EXTENSION / "bundled" / "launcher.py"), "lsp"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "needs Python 3.10 or newer" in done.stderr
    assert "dagsterSnapsize.serverPython" in done.stderr
    assert "Traceback" not in done.stderr
