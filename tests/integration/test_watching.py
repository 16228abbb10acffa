"""The file watcher on real folders: what it tells, what it costs, and what is left of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve
from lsprotocol.types import FileSystemWatcher, RelativePattern

from dagster_snapsize.core.model import Budgets
from dagster_snapsize.lsp.watching.changes import ChangedPaths, ChangeTracker
from dagster_snapsize.lsp.watching.client import client_roots, client_watchers
from dagster_snapsize.lsp.watching.dependencies import WatchList, dependencies_of
from dagster_snapsize.lsp.watching.disk import Disk
from dagster_snapsize.lsp.watching.plan import Root, is_remote
from dagster_snapsize.lsp.watching.watcher import FileWatcher
from dagster_snapsize.measuring.worker.results import BaselineUse, LocationResult
from support.patience import patience

linux = pytest.mark.skipif(sys.platform != "linux", reason="counts what Linux alone counts")
_PATIENCE = 15.0  # seconds of a quiet machine


class Seen:
    """What a watcher told, for tests that wait for it."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self.paths: set[str] = set()
        self.messages: list[str] = []

    def change(self, paths: frozenset[str]) -> None:
        with self._news:
            self.paths |= paths
            self._news.notify_all()

    def message(self, text: str) -> None:
        with self._news:
            self.messages.append(text)
            self._news.notify_all()

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + patience(_PATIENCE)
        with self._news:
            while not holds():
                assert time.monotonic() < end, sorted(self.paths)
                self._news.wait(0.1)

    def until_told(self, *paths: Path) -> None:
        """Until each of these paths was told of, or a folder above it; then they are forgotten."""
        self.until(lambda: all(self._told(path) for path in paths))
        with self._news:
            self.paths.clear()

    def _told(self, path: Path) -> bool:
        return any(str(place) in self.paths for place in (path, *path.parents))


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def watcher(seen: Seen) -> Iterator[FileWatcher]:
    threads = set(threading.enumerate())
    found = FileWatcher(seen.change, seen.message)
    yield found
    found.stop()
    assert set(threading.enumerate()) <= threads
    assert _inotify_watches() == 0


def _inotify_watches() -> int:
    """How many folders the system watches for this process."""
    count = 0
    for info in Path("/proc/self/fdinfo").glob("*"):
        try:
            count += info.read_text().count("inotify wd:")
        except OSError:
            continue
    return count


def _write(path: Path, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def _folders(*paths: Path) -> WatchList:
    return WatchList(folders=frozenset(map(str, paths)))


def _growing(*paths: Path) -> WatchList:
    return WatchList(growing=frozenset(map(str, paths)))


def _trees(*paths: Path) -> WatchList:
    return WatchList(trees=frozenset(map(str, paths)))


def test_writes_atomic_saves_and_deletions_are_told(
    tmp_path: Path, watcher: FileWatcher, seen: Seen
) -> None:
    file = _write(tmp_path / "shop/assets.py")
    watcher.watch(_folders(file.parent))
    seen.until_told(file.parent)
    _write(file, "y")
    seen.until_told(file)
    _write(tmp_path / "shop/.assets.py.swp", "z").replace(file)
    seen.until_told(file)
    file.unlink()
    seen.until_told(file)
    _write(file)
    seen.until_told(file)


def test_folders_that_are_deleted_moved_and_made_again(
    tmp_path: Path, watcher: FileWatcher, seen: Seen
) -> None:
    file = _write(tmp_path / "proj/shop/deep/assets.py")
    watcher.watch(_folders(tmp_path / "proj", file.parent))
    seen.until_told(file.parent)
    for _ in range(3):
        shutil.rmtree(tmp_path / "proj/shop")
        seen.until_told(file)
        _write(file)
        seen.until_told(file)
        _write(file, "again")
        seen.until_told(file)
    (tmp_path / "proj").rename(tmp_path / "aside")
    seen.until_told(file)
    (tmp_path / "aside").rename(tmp_path / "proj")
    seen.until_told(file)
    _write(file, "once more")
    seen.until_told(file)


def test_a_folder_that_is_not_there_yet(tmp_path: Path, watcher: FileWatcher, seen: Seen) -> None:
    file = tmp_path / "some/where/deep/x.json"
    watcher.watch(_folders(file.parent))
    seen.until_told(tmp_path)
    _write(file)
    seen.until_told(file)
    _write(file, "y")
    seen.until_told(file)


def test_new_folders_in_listed_ones(tmp_path: Path, watcher: FileWatcher, seen: Seen) -> None:
    (tmp_path / "defs/.venv/lib").mkdir(parents=True)
    watcher.watch(_growing(tmp_path / "defs"))
    seen.until_told(tmp_path / "defs")
    new = _write(tmp_path / "defs/new/deeper/assets.yaml")
    seen.until_told(new)
    _write(new, "y")
    seen.until_told(new)


def test_linked_folders_and_links_that_change(
    tmp_path: Path, watcher: FileWatcher, seen: Seen
) -> None:
    one, two = _write(tmp_path / "one/x.py"), _write(tmp_path / "two/x.py")
    (tmp_path / "proj").mkdir()
    link = tmp_path / "proj/shared"
    link.symlink_to("../one")
    watcher.watch(_folders(tmp_path / "proj", link))
    seen.until_told(one)
    _write(one, "y")
    seen.until_told(one)
    link.unlink()
    link.symlink_to("../two")
    seen.until(lambda: {str(link), str(two.parent)} <= seen.paths)
    seen.paths.clear()
    _write(two, "y")
    seen.until_told(two)


def _big_project(root: Path) -> WatchList:
    """10,000 files in 800 folders, of which a location is read from 12."""
    for place in (".venv/lib/python3.11/site-packages", "node_modules", ".git/objects", "data"):
        for number in range(190):
            for file in range(12):
                _write(root / place / f"d{number}" / f"f{file}", "")
    read = [_write(root / f"shop/part{n}/assets.py") for n in range(6)]
    _write(root / "dbt/dbt_project.yml")
    _write(root / "dbt/target/manifest.json")
    for number in range(20):
        _write(root / f"dbt/target/compiled/d{number}/x.sql")
        _write(root / f"dbt/dbt_packages/d{number}/x.sql")
    _write(root / "dbt/models/staging/a.sql")
    folders = {root, root / "dbt", root / "dbt/target", *(file.parent for file in read)}
    return _folders(*folders) | _trees(root / "dbt/models", root / "dbt/macros")


@linux
def test_environments_repositories_and_outputs_are_never_watched(
    tmp_path: Path, watcher: FileWatcher, seen: Seen
) -> None:
    wanted = _big_project(tmp_path)
    threads = threading.active_count()
    watcher.watch(wanted)
    for place in ("shop/part5/assets.py", "dbt/models/staging/a.sql", "dbt/target/manifest.json"):
        _write(tmp_path / place, "changed")
    seen.until_told(tmp_path / "shop/part5/assets.py", tmp_path / "dbt/models/staging/a.sql")
    # The root, shop with its 6 folders, dbt, its target, and models with one folder.
    seen.until(lambda: _inotify_watches() == 1 + 7 + 1 + 1 + 2)
    # One for each of 5 roots, watchdog's reader and dispatcher, and the watcher's own.
    seen.until(lambda: threading.active_count() - threads == 5 + 3)


@linux
def test_an_environment_made_in_a_watched_folder_is_left_alone(
    tmp_path: Path, watcher: FileWatcher, seen: Seen
) -> None:
    file = _write(tmp_path / "shop/assets.py")
    watcher.watch(_growing(tmp_path, file.parent))
    seen.until_told(tmp_path)
    for number in range(100):
        _write(tmp_path / f".venv/lib/d{number}/x.py")
    seen.until(lambda: _inotify_watches() == 2)
    seen.paths.clear()
    _write(file, "y")
    seen.until_told(file)


@linux
def test_what_is_wanted_changes_and_the_rest_is_let_go(
    tmp_path: Path, watcher: FileWatcher, seen: Seen
) -> None:
    one, two = _write(tmp_path / "one/x.py"), _write(tmp_path / "two/x.py")
    watcher.watch(_folders(one.parent))
    seen.until_told(one)
    watcher.watch(_folders(two.parent))
    seen.until_told(two)
    seen.until(lambda: _inotify_watches() == 1)
    _write(two, "y")
    seen.until_told(two)
    watcher.watch(WatchList())
    seen.until(lambda: _inotify_watches() == 0)


def test_stopping_at_any_moment_leaves_nothing(tmp_path: Path) -> None:
    threads = set(threading.enumerate())
    for number in range(20):
        seen = Seen()
        watcher = FileWatcher(seen.change)
        if number % 4:
            watcher.watch(_folders(_write(tmp_path / f"d{number}/x.py").parent))
        if number % 4 == 2:
            seen.until_told(tmp_path / f"d{number}")
        watcher.stop()
        watcher.stop()
        watcher.watch(_folders(tmp_path))
    assert set(threading.enumerate()) <= threads
    assert _inotify_watches() == 0


def test_an_error_in_the_listener_ends_nothing(tmp_path: Path, seen: Seen) -> None:
    calls = []

    def fail_once(paths: frozenset[str]) -> None:
        calls.append(paths)
        if len(calls) == 1:
            raise ValueError("not ready")
        seen.change(paths)

    watcher = FileWatcher(fail_once)
    watcher.watch(_folders(tmp_path))
    while not calls:
        threading.Event().wait(0.01)
    file = _write(tmp_path / "x.py")
    seen.until_told(file)
    watcher.stop()


_LIMITED = """
import sys, threading
from pathlib import Path
from dagster_snapsize.lsp.watching.dependencies import WatchList
from dagster_snapsize.lsp.watching.watcher import FileWatcher

root, limit, value, seconds = Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4])
Path("/proc/sys/user", limit).write_text(value)
told, messages = set(), []
news = threading.Condition()
def change(paths):
    with news:
        told.update(paths)
        news.notify()
def wait(path):
    places = {str(path), *map(str, path.parents)}
    with news:
        assert news.wait_for(lambda: places & told, seconds), told
        told.clear()
watcher = FileWatcher(change, messages.append, poll_seconds=0.2)
watcher.watch(WatchList(trees=frozenset({str(root / "shop")})))
wait(root / "shop")
file = root / "shop/d7/assets.py"
file.write_text("changed")
wait(file)
new = root / "shop/new/deep/assets.py"
new.parent.mkdir(parents=True)
new.write_text("x")
wait(new)
(root / "shop/.venv").mkdir()
(root / "shop/.venv/x.py").write_text("x")
new.write_text("changed again")
wait(new)
assert not any(".venv/" in path for path in told), told
watcher.stop()
assert threading.active_count() == 1, threading.enumerate()
print(*messages, sep="\\n")
"""


@linux
@pytest.mark.parametrize(
    ("limit", "value"), [("max_inotify_watches", "4"), ("max_inotify_instances", "0")]
)
def test_at_the_limit_of_the_system_files_are_polled(
    tmp_path: Path, limit: str, value: str
) -> None:
    """The limits are those of a user namespace, so that nothing else on the machine is limited."""
    unshare = ["unshare", "--user", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], check=False).returncode:
        pytest.skip("no user namespaces here")
    for number in range(10):
        _write(tmp_path / f"shop/d{number}/assets.py")
    seconds = patience(_PATIENCE)
    done = subprocess.run(
        [*unshare, sys.executable, "-c", _LIMITED, str(tmp_path), limit, value, f"{seconds}"],
        capture_output=True,
        text=True,
        timeout=6 * seconds,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "the system's limit of watched folders is reached: files are looked at every 0.2 s"
        " instead; fs.inotify.max_user_watches and max_user_instances raise the limit\n"
    )


@linux
def test_a_network_mount_is_polled(tmp_path: Path, seen: Seen) -> None:
    remote = _write(tmp_path / "remote/shop/assets.py")
    _write(tmp_path / "remote/.venv/x.py")
    local = _write(tmp_path / "local/assets.py")
    mounts = _write(
        tmp_path / "mounts", f"/dev/vda / ext4 rw 0 0\nhost:/x {tmp_path}/remote nfs4 rw 0 0\n"
    )
    threads = set(threading.enumerate())
    watcher = FileWatcher(seen.change, seen.message, poll_seconds=0.1, mounts=mounts)
    watcher.watch(_folders(tmp_path / "remote", remote.parent, local.parent))
    seen.until_told(remote, local)
    seen.until(lambda: _inotify_watches() == 1)
    for content in ("longer", "much longer"):
        _write(remote, content)
        _write(local, content)
        seen.until_told(remote, local)
    shutil.rmtree(remote.parent)
    seen.until_told(remote)
    _write(remote)
    seen.until_told(remote)
    watcher.stop()
    assert set(threading.enumerate()) <= threads
    assert seen.messages == []


@pytest.mark.parametrize(
    ("folder", "remote"),
    [
        ("/home/me/proj", False),
        ("/mnt/share/proj", True),
        ("/mnt/share", True),
        ("/mnt/shared", False),
        ("/mnt/with space/x", True),
        ("/mnt/share/local/x", False),
        ("/wsl/x", True),
        ("/ssh/x", True),
        ("/appimage/x", False),
    ],
)
def test_which_mounts_are_remote(folder: str, remote: bool) -> None:
    mounts = (
        "/dev/sda1 / ext4 rw 0 0\nhost:/a /mnt/share nfs4 rw 0 0\n//h/b /mnt/with\\040space cifs"
        " rw 0 0\n/dev/sdb /mnt/share/local xfs rw 0 0\nC: /wsl 9p rw 0 0\nme@h: /ssh fuse.sshfs"
        " rw 0 0\nx /appimage fuse.appimage ro 0 0\nbroken\n"
    )
    assert is_remote(folder, mounts) is remote


def _git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *words],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def _result(root: Path, files: list[Path]) -> LocationResult:
    empty = dict.fromkeys(["python", "python_source", "python_version", "dagster_version"], "")
    return LocationResult(
        name="shop",
        root=str(root),
        config_path=None,
        seconds=1.0,
        budgets=Budgets(),
        snapshots=(),
        assets=(),
        findings=(),
        unused_ignores=(),
        definitions_location=None,
        definition_files=tuple(map(str, files)),
        folders=(str(files[0].parent),),
        rows="",
        failure=None,
        baseline=BaselineUse(""),
        **empty,
    )


def _let_a_tick_pass(folder: Path) -> None:
    """Wait until the clock is past the times of all files, as it is after any debouncing."""
    disk = Disk()
    newest = max(disk.touched(str(path)) for path in (folder, *folder.rglob("*")))
    while disk.now() <= newest + 20_000_000:
        pass


class Measured:
    """A watched location, with what its tracker says of each change."""

    def __init__(self, root: Path, files: list[Path]):
        self._news = threading.Condition()
        self._tracker = ChangeTracker()
        self._due = False
        self._told: set[str] = set()
        self._root = root
        # Each watched folder has a thread of its own: one fence for each.
        self._fences = [root / "fence.log", files[0].parent / "fence.log"]
        self._dependencies = dependencies_of(_result(root, files), folder=str(root))
        self.watcher = FileWatcher(self._change)

    def _change(self, paths: frozenset[str]) -> None:
        impacts = self._tracker.changed(ChangedPaths.of(paths))
        with self._news:
            for impact in impacts:
                self._due = impact.action == "measure"
            self._told |= paths
            self._news.notify_all()

    def measure(self) -> None:
        _let_a_tick_pass(self._root)
        self._tracker.start("shop")
        assert self._tracker.finish("shop", self._dependencies) is None
        self.watcher.watch(self._dependencies.watch_list())
        with self._news:
            self._due = False

    def comes_to_be_due(self, expected: bool) -> bool:
        """Once files that are written now are told of, what came before should be."""
        with self._news:
            self._told.clear()
            for fence in self._fences:
                _write(fence, str(time.monotonic()))
            for fence in self._fences:
                places = {str(fence), str(fence.parent)}
                assert self._news.wait_for(lambda p=places: p & self._told, patience(_PATIENCE))
            return self._news.wait_for(lambda: self._due is expected, patience(_PATIENCE))


def test_git_checkout_and_stash_start_something_only_when_the_tree_stays_different(
    tmp_path: Path,
) -> None:
    assets = _write(tmp_path / "shop/assets.py", "one")
    tables = _write(tmp_path / "shop/tables.yaml", "one")
    _git(tmp_path, "init", "-q", "-b", "main")
    _write(tmp_path / ".gitignore", "fence.log\n")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-qm", "one")
    _git(tmp_path, "checkout", "-qb", "other")
    _write(assets, "two")
    _write(tmp_path / "shop/extra/new.py", "two")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-qm", "two")
    _git(tmp_path, "checkout", "-q", "main")
    measured = Measured(tmp_path, [assets, tables])
    try:
        measured.measure()
        assert measured.comes_to_be_due(False)
        _git(tmp_path, "checkout", "-q", "other")
        _git(tmp_path, "checkout", "-q", "main")
        assert measured.comes_to_be_due(False)
        _git(tmp_path, "checkout", "-q", "other")
        assert measured.comes_to_be_due(True)
        _git(tmp_path, "checkout", "-q", "main")
        assert measured.comes_to_be_due(False)

        _write(tables, "unstaged")
        assert measured.comes_to_be_due(True)
        measured.measure()
        for _ in range(2):
            _git(tmp_path, "stash", "-q")
            _git(tmp_path, "stash", "pop", "-q")
        assert measured.comes_to_be_due(False)
        _git(tmp_path, "stash", "-q")
        assert measured.comes_to_be_due(True)
        _git(tmp_path, "stash", "pop", "-q")
        assert measured.comes_to_be_due(False)
    finally:
        measured.watcher.stop()


def test_ten_thousand_files_are_cheap(tmp_path: Path) -> None:
    """The unread files of a listed project root are neither watched nor read."""
    _big_project(tmp_path)
    assets = _write(tmp_path / "assets.py")
    result = evolve(_result(tmp_path, [assets]), folders=(str(tmp_path),))
    _let_a_tick_pass(tmp_path)
    tracker = ChangeTracker()
    tracker.start("shop")
    tracker.finish("shop", dependencies_of(result, folder=str(tmp_path)))
    started = time.process_time()
    tracker.start("shop")
    tracker.finish("shop", dependencies_of(result, folder=str(tmp_path)))
    dependencies = tracker.dependencies()["shop"]
    roots = client_roots(dependencies.watch_list())
    assert time.process_time() - started < 0.5
    assert roots == (Root(str(tmp_path), recursive=False),)


def test_what_a_client_is_asked_to_watch(tmp_path: Path) -> None:
    root = tmp_path / "with [brackets] é"
    _write(root / ".venv/lib/x.py")
    _write(root / "shop/defs/assets.py")
    wanted = _folders(root, root / "shop/defs") | _growing(root / "shop")
    roots = client_roots(wanted)
    assert roots == (Root(str(root), False), Root(str(root / "shop"), True))
    assert client_watchers(roots, relative=True) == [
        FileSystemWatcher(RelativePattern(root.as_uri(), "*")),
        FileSystemWatcher(RelativePattern((root / "shop").as_uri(), "**/*")),
    ]
    plain = f"{tmp_path}/with [[]brackets[]] é"
    assert client_watchers(roots, relative=False) == [
        FileSystemWatcher(f"{plain}/*"),
        FileSystemWatcher(f"{plain}/shop/**/*"),
    ]
