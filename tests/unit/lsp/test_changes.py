"""Which changes ask for a new measurement: on real files, told as editors and watchers tell."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagster_snapsize.core.model import Budgets, Failure, SourceLocation
from dagster_snapsize.lsp.watching.changes import ChangedPaths, ChangeImpact, ChangeTracker
from dagster_snapsize.lsp.watching.dependencies import (
    Dependencies,
    WatchedTree,
    dependencies_of,
    dependencies_of_folder,
    glob_pattern,
)
from dagster_snapsize.lsp.watching.disk import LARGE_FILE, Disk
from dagster_snapsize.measuring.worker.results import BaselineUse, LocationResult

_RESULT = LocationResult(
    name="shop",
    root="",
    config_path=None,
    python="python",
    python_source="",
    python_version="",
    dagster_version="",
    seconds=1.0,
    budgets=Budgets(),
    snapshots=(),
    assets=(),
    findings=(),
    unused_ignores=(),
    definitions_location=None,
    definition_files=(),
    folders=(),
    rows="",
    failure=None,
    baseline=BaselineUse(""),
)


class Project:
    """A folder, and the measurements of its only location: as the server takes them."""

    def __init__(self, root: Path):
        self.root = root
        self.tracker = ChangeTracker()
        self.result = evolve(_RESULT, root=str(root))
        self.globs: tuple[str, ...] = ()
        self.good: LocationResult | None = None

    def write(self, name: str, content: str | bytes = "") -> str:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def read(self, *names: str, folders: Iterable[str] = ()) -> None:
        """From now on the definitions read these files, and list these folders."""
        self.result = evolve(
            self.result,
            definition_files=tuple(str(self.root / name) for name in names),
            folders=tuple(str(self.root / name) for name in folders),
        )

    def start(self) -> None:
        _let_a_tick_pass(self.root)
        self.tracker.start("shop")

    def finish(self, result: LocationResult | None = None) -> ChangeImpact | None:
        dependencies = dependencies_of(
            result or self.result, folder=str(self.root), globs=self.globs, good=self.good
        )
        return self.tracker.finish("shop", dependencies)

    def measure(self) -> None:
        self.start()
        assert self.finish() is None

    def tell(self, *names: str, saved: bool = False) -> str | None:
        """The action after an event for each of the names."""
        impacts = self.tracker.changed(
            ChangedPaths.of(str(self.root / name) for name in names), saved=saved
        )
        assert len(impacts) <= 1
        return impacts[0].action if impacts else None


def _let_a_tick_pass(folder: Path) -> None:
    """Wait until the clock is past the times of all files, as it is after any debouncing."""
    disk = Disk()
    newest = max((disk.touched(str(p)) for p in folder.rglob("*")), default=0)
    while disk.now() <= newest + 20_000_000:
        pass


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path)
    found.write("shop/__init__.py")
    found.write("shop/assets.py", "a = 1")
    found.write("shop/unused.py", "u = 1")
    found.write("pyproject.toml", "[project]")
    found.read("shop/__init__.py", "shop/assets.py")
    return found


def test_a_changed_file_is_measured_once_however_often_it_is_told(project: Project) -> None:
    project.measure()
    project.write("shop/assets.py", "a = 2")
    assert project.tell("shop/assets.py", saved=True) == "measure"
    assert project.tell("shop/assets.py") is None
    project.start()
    assert project.tell("shop/assets.py") is None
    assert project.finish() is None
    assert project.tell("shop/assets.py", "shop") is None


def test_a_save_that_changes_nothing_starts_nothing(project: Project) -> None:
    project.measure()
    project.write("shop/assets.py", "a = 1")
    assert project.tell("shop/assets.py", saved=True) is None


def test_files_that_the_definitions_do_not_read_are_nothing(project: Project) -> None:
    project.measure()
    project.write("shop/unused.py", "u = 2")
    project.write("README.md", "new")
    project.write("shop/other.py", "new")
    names = ["shop/unused.py", "README.md", "shop/other.py", "shop", "", "shop/gone.py"]
    assert project.tell(*names) is None


@pytest.mark.parametrize(
    "name",
    ["pyproject.toml", "snapsize.toml", "workspace.yaml", "dg.toml", "dagster_cloud.yml", ".env"],
)
def test_project_files_matter_where_they_appear_and_where_they_go(
    project: Project, name: str
) -> None:
    project.measure()
    project.write(name, "x = 1")
    assert project.tell(name) == "measure"
    project.measure()
    (project.root / name).unlink()
    assert project.tell(name) == "measure"


def test_the_instance_file_matters(project: Project) -> None:
    home = project.root / "home"
    home.mkdir()
    project.start()
    dependencies = dependencies_of(project.result, folder=str(project.root), dagster_home=str(home))
    assert project.tracker.finish("shop", dependencies) is None
    project.write("home/dagster.yaml", "code_servers: {}")
    assert project.tell("home/dagster.yaml") == "measure"


def test_what_comes_back_before_it_was_measured_needs_nothing(project: Project) -> None:
    project.measure()
    project.write("shop/assets.py", "a = 2")
    assert project.tell("shop/assets.py") == "measure"
    project.write("shop/assets.py", "a = 1")
    assert project.tell("shop/assets.py") == "drop"
    assert project.tell("shop/assets.py") is None


def test_what_comes_back_while_it_is_measured_needs_no_measurement(project: Project) -> None:
    project.measure()
    project.write("shop/assets.py", "a = 2")
    assert project.tell("shop/assets.py") == "measure"
    project.start()
    project.write("shop/assets.py", "a = 1")
    assert project.tell("shop/assets.py") == "drop"
    project.tracker.abort("shop")
    assert project.tell("shop/assets.py") is None
    project.write("shop/assets.py", "a = 2")
    assert project.tell("shop/assets.py") == "measure"


def test_a_change_while_it_is_measured_asks_again_and_its_way_back_does_not(
    project: Project,
) -> None:
    project.measure()
    project.write("shop/assets.py", "a = 2")
    project.tell("shop/assets.py")
    project.start()
    project.write("shop/assets.py", "a = 3")
    assert project.tell("shop/assets.py") == "measure"
    project.write("shop/assets.py", "a = 2")
    assert project.tell("shop/assets.py") == "keep"
    assert project.finish() is None
    assert project.tell("shop/assets.py") is None


def test_two_files_must_both_come_back(project: Project) -> None:
    project.measure()
    project.write("shop/assets.py", "a = 2")
    project.write("pyproject.toml", "[other]")
    assert project.tell("shop/assets.py", "pyproject.toml") == "measure"
    project.write("shop/assets.py", "a = 1")
    assert project.tell("shop/assets.py") == "measure"
    project.write("pyproject.toml", "[project]")
    assert project.tell("pyproject.toml") == "drop"


def test_deleted_and_restored_by_folder(project: Project) -> None:
    project.measure()
    aside = project.root / "aside"
    (project.root / "shop").rename(aside)
    assert project.tell("shop") == "measure"
    aside.rename(project.root / "shop")
    assert project.tell("shop") == "drop"


def test_a_file_read_for_the_first_time_that_changed_meanwhile_is_measured_again(
    project: Project,
) -> None:
    project.start()
    project.write("shop/assets.py", "a = 2")
    impact = project.finish()
    assert impact == ChangeImpact("shop", "measure", (str(project.root / "shop/assets.py"),))
    project.measure()


def test_a_file_that_vanished_meanwhile_is_noticed(project: Project) -> None:
    project.measure()
    project.start()
    (project.root / "shop/assets.py").unlink()
    impact = project.finish()
    assert impact and impact.action == "measure"


def test_a_module_that_vanished_while_it_was_read_for_the_first_time_is_noticed(
    project: Project,
) -> None:
    project.start()
    (project.root / "shop/assets.py").unlink()
    impact = project.finish()
    assert impact == ChangeImpact("shop", "measure", (str(project.root / "shop/assets.py"),))
    project.read("shop/__init__.py")
    project.measure()


def test_what_comes_back_after_a_cancelled_measurement_is_no_longer_stale(
    project: Project,
) -> None:
    project.measure()
    project.write("shop/assets.py", "a = 2")
    assert project.tell("shop/assets.py") == "measure"
    project.start()
    project.tracker.abort("shop")
    project.write("shop/assets.py", "a = 1")
    assert project.tell("shop/assets.py") == "drop"


def test_the_first_measurement_starts_anew_for_any_source(project: Project) -> None:
    _let_a_tick_pass(project.root)
    project.tracker.start("shop", dependencies_of_folder(str(project.root), sources=True))
    assert project.tell("shop/assets.py") is None
    project.write("shop/assets.py", "a = 2")
    assert project.tell("shop/assets.py") == "measure"
    project.write("notes.txt")
    assert project.tell("notes.txt") is None


def test_a_folder_without_location_waits_for_what_makes_one(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.start()
    assert project.tracker.finish("shop", dependencies_of_folder(str(tmp_path))) is None
    project.write("other.py", "x")
    assert project.tell("other.py") is None
    project.write("definitions.py", "x")
    assert project.tell("definitions.py") == "measure"


def test_new_files_matter_in_folders_that_the_definitions_listed(project: Project) -> None:
    project.write("shop/defs/one.yaml", "x")
    project.write("shop/defs/kept/notes.yaml", "x")
    project.read("shop/__init__.py", "shop/defs/one.yaml", folders=["shop/defs"])
    project.measure()
    project.write("shop/defs/scratch.swp", "x")
    project.write("shop/defs/kept/more.yaml", "x")
    project.write("shop/defs/__pycache__/one.py", "x")
    project.write("shop/defs/.hidden/one.py", "x")
    names = ["scratch.swp", "kept/more.yaml", "kept", "__pycache__", ".hidden", ""]
    assert project.tell(*(f"shop/defs/{name}" for name in names)) is None
    project.write("shop/defs/two.yaml", "x")
    assert project.tell("shop/defs/two.yaml") == "measure"
    project.measure()
    project.write("shop/defs/new/deep/three.py", "x")
    assert project.tell("shop/defs/new") == "measure"


def test_an_entry_that_was_not_read_matters_by_its_presence(project: Project) -> None:
    project.write("shop/tables/orders.csv", "1")
    project.read("shop/__init__.py", folders=["shop/tables"])
    project.measure()
    project.write("shop/tables/orders.csv", "2")
    assert project.tell("shop/tables/orders.csv") is None
    (project.root / "shop/tables/orders.csv").unlink()
    assert project.tell("shop/tables/orders.csv") == "measure"
    project.write("shop/tables/orders.csv", "3")
    assert project.tell("shop/tables/orders.csv") == "drop"


def test_a_new_file_that_is_filled_while_it_is_measured_is_measured_filled(
    project: Project,
) -> None:
    project.read("shop/__init__.py", folders=["shop"])
    project.measure()
    project.write("shop/new.py", "")
    assert project.tell("shop/new.py") == "measure"
    project.start()
    project.write("shop/new.py", "a = 1")
    assert project.tell("shop/new.py") == "measure"


def test_a_dbt_manifest_brings_the_sources_it_is_made_from(project: Project) -> None:
    project.write("dbt/dbt_project.yml", "model-paths: [models, more]\n")
    project.write("dbt/target/manifest.json", "{}")
    for name in ("models/a.sql", "models/deep/a.yml", "more/b.sql", "seeds/c.csv"):
        project.write(f"dbt/{name}", "x")
    project.read("shop/__init__.py", "dbt/target/manifest.json")
    project.measure()
    for name in ("models/a.sql", "models/deep/a.yml", "more/b.sql", "seeds/c.csv", "macros/m.sql"):
        project.write(f"dbt/{name}", "changed")
        assert project.tell(f"dbt/{name}") == "measure", name
        project.measure()
    project.write("dbt/target/compiled/a.sql", "x")
    project.write("dbt/dbt_packages/p/models/a.sql", "x")
    project.write("dbt/models/picture.png", "x")
    assert project.tell("dbt", "dbt/target/compiled/a.sql", "dbt/models/picture.png") is None
    project.write("dbt/target/manifest.json", "{1}")
    assert project.tell("dbt/target/manifest.json") == "measure"


def test_a_manifest_that_each_measurement_writes_is_measured_twice_at_most(
    project: Project,
) -> None:
    manifest = "dbt/target/manifest.json"
    project.write("dbt/dbt_project.yml", "name: x")
    project.read("shop/__init__.py", manifest)
    measured = 0
    impact: ChangeImpact | None = ChangeImpact("shop", "measure")
    while impact is not None:
        project.start()
        project.write(manifest, str(measured))  # as `dbt parse` at import does
        assert project.tell(manifest) is None, "no measurement may be ended by its own writing"
        impact = project.finish()
        measured += 1
    assert measured == 2
    project.start()
    project.write(manifest, "again")
    assert project.tell(manifest) is None
    assert project.finish() is None
    project.write(manifest, "by hand")
    assert project.tell(manifest) == "measure"


def test_code_that_writes_code_is_measured_less_and_less_often(project: Project) -> None:
    waits = []
    for number in range(12):
        project.start()
        project.write("shop/assets.py", f"a = {number}")
        project.tell("shop/assets.py")
        impact = project.finish()
        assert impact is not None
        waits.append(impact.wait)
    assert waits[:3] == [0, 0, 0]
    assert waits[3:] == [10, 20, 40, 80, 160, 300, 300, 300, 300]


def test_what_the_editor_saves_never_counts_as_written_by_the_code(project: Project) -> None:
    project.measure()
    for number in range(6):
        project.start()
        project.write("shop/assets.py", f"a = {number + 2}")
        assert project.tell("shop/assets.py", saved=True) == "measure"


def test_after_a_failure_any_source_below_the_root_matters(project: Project) -> None:
    project.measure()
    project.good = project.result
    failed = evolve(
        project.result,
        definition_files=(),
        failure=Failure("x", SourceLocation(str(project.root / "shop/assets.py"), 1)),
    )
    project.write("shop/assets.py", "syntax error")
    assert project.tell("shop/assets.py") == "measure"
    project.start()
    assert project.finish(failed) is None
    project.write(".venv/lib/x.py", "x")
    project.write("env/pyvenv.cfg", "x")
    project.write("env/lib/x.py", "x")
    project.write("node_modules/x.py", "x")
    project.write("data.csv", "x")
    project.write("dbt/dbt_project.yml")
    project.tell("dbt/dbt_project.yml")
    project.start()
    assert project.finish(failed) is None
    project.write("dbt/target/x.yml", "x")
    names = [".venv/lib/x.py", "node_modules/x.py", "data.csv", "env", "env/lib/x.py"]
    assert project.tell(*names, "dbt/target/x.yml", "dbt", "") is None
    project.write("shop/missing.py", "x")
    assert project.tell("shop/missing.py") == "measure"


@pytest.mark.parametrize(
    ("message", "missing"),
    [
        ("FileNotFoundError: [Errno 2] No such file or directory: 'conf/x.json'", "conf/x.json"),
        ("DagsterDbtManifestNotFoundError: {root}/dbt/target/m.json does not exist.", ""),
        ('cannot read "{root}/with space.csv"', "with space.csv"),
        ("no {root}/conf/y.ini.", "conf/y.ini"),
    ],
)
def test_after_a_failure_the_files_that_it_names_matter(
    project: Project, message: str, missing: str
) -> None:
    missing = missing or "dbt/target/m.json"
    failed = evolve(project.result, failure=Failure(message.format(root=project.root)))
    project.start()
    assert project.finish(failed) is None
    project.write("conf/other.json")
    assert project.tell("conf/other.json") is None
    project.write(missing, "x")
    assert project.tell(missing) == "measure"


def test_a_dbt_manifest_that_is_missing_is_awaited(project: Project) -> None:
    project.write("dbt/dbt_project.yml", "target-path: out")
    project.read("dbt/dbt_project.yml")
    failed = evolve(project.result, failure=Failure("there is no manifest"))
    project.start()
    assert project.finish(failed) is None
    project.write("dbt/out/manifest.json", "{}")
    assert project.tell("dbt/out/manifest.json") == "measure"


def test_globs_of_the_settings(project: Project) -> None:
    project.globs = ("config/**/*.{json,ini}", "*.lock")
    project.measure()
    project.write("config/deep/er/x.json", "1")
    assert project.tell("config") == "measure"
    project.measure()
    project.write("config/x.txt", "1")
    project.write("deep/uv.lock", "1")
    assert project.tell("config/x.txt", "deep/uv.lock") is None
    project.write("uv.lock", "1")
    assert project.tell("uv.lock") == "measure"


@pytest.mark.parametrize(
    ("glob", "inside", "outside"),
    [
        ("**/*.json", ["a.json", "x/y/a.json"], ["a.jsonl", "x/a.txt"]),
        ("x/*.py", ["x/a.py"], ["x/y/a.py", "a.py"]),
        ("a?c.[0-9]", ["abc.1"], ["a/c.1", "abc.x"]),
        ("[!a].py", ["b.py"], ["a.py", "/.py"]),
        ("{a,b/**}", ["a", "b/c/d"], ["c", "{a"]),
        ("a+(b).py", ["a+(b).py"], ["aab.py"]),
        ("[z-a]", ["[z-a]"], ["z"]),
        ("x{", ["x{"], ["x"]),
    ],
)
def test_glob_patterns(glob: str, inside: list[str], outside: list[str]) -> None:
    tree = WatchedTree("/p", pattern=glob_pattern(glob))
    for name in inside:
        assert tree.holds(f"/p/{name}"), name
    for name in outside:
        assert not tree.holds(f"/p/{name}"), name


@given(st.text("ab/*?[]{}!^-,.\\()+|", max_size=12), st.text("ab/.", max_size=6))
def test_no_glob_is_too_odd(glob: str, name: str) -> None:
    WatchedTree("/p", pattern=glob_pattern(glob)).holds(f"/p/{name}")


def test_files_reached_through_links(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("real/common/tables.py", "1")
    project.write("real/other/tables.py", "2")
    (tmp_path / "real/proj").mkdir()
    (tmp_path / "real/proj/shared").symlink_to("../common")
    (tmp_path / "link").symlink_to("real/proj")
    project.result = evolve(project.result, root=str(tmp_path / "link"))
    project.read("link/shared/tables.py")
    project.measure()
    project.write("real/common/tables.py", "3")
    for spelling in ("real/common", "link/shared", "real/proj/shared"):
        told = project.tell(f"{spelling}/tables.py")
        assert told == "measure", spelling
        project.measure()
        project.write("real/common/tables.py", f"{spelling}")
    project.tell("real/common/tables.py")
    project.measure()
    (tmp_path / "real/proj/shared").unlink()
    (tmp_path / "real/proj/shared").symlink_to("../other")
    assert project.tell("link/shared") == "measure"


def test_odd_files_neither_block_nor_raise(project: Project) -> None:
    os.mkfifo(project.root / "shop/pipe.py")
    (project.root / "shop/broken.py").symlink_to("nowhere")
    (project.root / "shop/loop").symlink_to(".")
    project.write("shop/latin.py", b"\xff\xfe")
    project.read("shop/pipe.py", "shop/broken.py", "shop/latin.py", "shop", folders=["shop"])
    project.measure()
    assert project.tell("shop/pipe.py", "shop/broken.py", "shop/loop", "", "\0") is None


def test_a_large_file_is_told_by_size_and_time(project: Project) -> None:
    path = project.root / "shop/data.json"
    with path.open("wb") as stream:
        stream.truncate(LARGE_FILE + 1)
    project.read("shop/data.json")
    project.measure()
    assert project.tell("shop/data.json") is None
    os.utime(path, (1, 1))
    assert project.tell("shop/data.json") == "measure"


def test_what_must_be_watched(project: Project) -> None:
    project.read("shop/assets.py", "data/x.json", folders=["shop/defs"])
    project.globs = ("config/**/*.json",)
    dependencies = dependencies_of(project.result, folder=str(project.root), globs=project.globs)
    watched = dependencies.watch_list()
    root = str(project.root)
    assert {p.removeprefix(root) for p in watched.folders} == {"", "/shop", "/data"}
    assert watched.growing == {f"{root}/shop/defs"}
    assert watched.trees == {f"{root}/config"}


_NAMES = st.sampled_from(["shop/assets.py", "shop/new.py", "defs/a.yaml", "defs/b/c.py", ".env"])
_STEPS = st.lists(
    st.tuples(st.sampled_from(["write", "delete", "measure"]), _NAMES, st.sampled_from("12")),
    max_size=14,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=_STEPS)
def test_a_measurement_is_due_exactly_when_contents_differ(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str]]
) -> None:
    project = Project(tmp_path_factory.mktemp("p"))
    project.write("shop/assets.py", "1")
    project.write("defs/a.yaml", "1")
    dependencies = Dependencies(
        root=str(project.root),
        files=frozenset(str(project.root / n) for n in ("shop/assets.py", ".env")),
        listed=frozenset({str(project.root / "defs")}),
    )

    def tree() -> dict[str, str]:
        names = ["shop/assets.py", ".env", "defs/b/c.py"]
        found = {n: (project.root / n).read_text() for n in names if (project.root / n).exists()}
        # Nobody reads it: only whether it is there matters, once that is known.
        listed = ["defs/a.yaml"] if (project.root / "defs/a.yaml").exists() else []
        return found | dict.fromkeys(listed, "")

    def measure() -> None:
        project.start()
        assert project.tracker.finish("shop", dependencies) is None

    measure()
    measured, due = tree(), False
    for action, name, content in steps:
        path = project.root / name
        if action == "write":
            project.write(name, content)
        elif action == "delete" and path.exists():
            path.unlink()
        elif action == "measure":
            if not (project.root / "defs/b").exists():
                measure()
                measured, due = tree(), False
            continue
        told = project.tell(name)
        if told is not None:
            due = told == "measure"
        assert due == (tree() != measured), (action, name)
