"""The inputs of a real measurement, and the calls that keep it out of the cache."""

from __future__ import annotations

import os
import subprocess
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import dagster_snapsize
from dagster_snapsize.core.model import Inputs, Measurement
from dagster_snapsize.measuring.cache.environment_key import is_left_out
from dagster_snapsize.measuring.paths import relocated
from dagster_snapsize.measuring.probe_run import run_probe
from dagster_snapsize.project.discovery import Flags
from dagster_snapsize.project.interpreters import Interpreter
from dagster_snapsize.project.locations import find_locations
from support import PROJECTS, environments
from support.environments import NEWEST, OLDEST

DEFINITIONS = "\nimport dagster as dg\ndefs = dg.Definitions()\n"
_ASK_DAGSTER = """
import sys
started = []
sys.addaudithook(lambda event, args: event == "subprocess.Popen" and started.append(args[0]))
from dagster_snapsize.probe.audit import AuditLog, CallRecorder
from dagster_snapsize.probe.user_files import UserFiles
log = AuditLog()
calls = CallRecorder(UserFiles(sys.argv[1]), log)
log.start()
import dagster
import dagster._grpc.server
print(len(started), calls.report())
"""


def measured(
    folder: Path, python: Path, environ: Mapping[str, str] | None = None, **flags: tuple[str, ...]
) -> Measurement:
    """One location of ``folder``, measured as the command line does."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER_", "PYTHONPATH"))}
    (location,) = find_locations(folder, Flags(**flags)).locations
    interpreter = Interpreter(str(python), "the test")
    environ = {**clean, **(environ or {})}
    return relocated(run_probe(location, interpreter, environ=environ), folder)


def inputs_of(folder: Path, python: Path, **flags: tuple[str, ...]) -> Inputs:
    measurement = measured(folder, python, **flags)
    assert measurement.failure is None, measurement.failure
    assert measurement.inputs is not None
    return measurement.inputs


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
    return folder


def uncacheable(inputs: Inputs) -> set[tuple[str, str, int | None]]:
    return {(v.what, Path(v.path or "").name, v.line) for v in inputs.uncacheable}


def marked(folder: Path) -> set[tuple[str, str, int | None]]:
    """The lines of a project that end in ``# -> what they do``."""
    return {
        (line.rpartition("# -> ")[2], path.name, number)
        for path in folder.rglob("*.py")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if "# -> " in line
    }


@pytest.fixture(scope="module")
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that a test may put packages into; returns its interpreter."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    environments.uv("venv", "--quiet", str(folder), "--python", environments.base_python())
    python = folder / "bin" / "python"
    environments.uv("pip", "install", "-q", "--python", str(python), f"dagster=={NEWEST}")
    return python


def packages_of(python: Path) -> Path:
    return next((python.parent.parent / "lib").glob("python*/site-packages"))


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_importing_dagster_counts_for_nothing(
    version: str, tmp_path: Path, dagster_python: Callable[..., Path]
) -> None:
    server = Path(dagster_snapsize.__file__).parent.parent
    done = subprocess.run(
        [dagster_python(version), "-c", _ASK_DAGSTER, tmp_path],
        env={**os.environ, "PYTHONPATH": str(server)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    started, _, found = done.stdout.strip().partition(" ")
    assert found == "[]"
    if version == NEWEST:
        assert int(started) > 0  # `file -b`, through platform.architecture()


@pytest.mark.parametrize("name", ["py39", NEWEST])
def test_what_the_projects_own_code_asks_of_the_outside_is_named(
    name: str, tmp_path: Path, environment: Callable[[str], Path]
) -> None:
    write(
        tmp_path,
        {
            "definitions.py": """
                import datetime
                import os
                import random
                import subprocess
                import threading
                import urllib.request
                from pathlib import Path

                import dagster as dg
                import helpers

                # No event tells of these.
                @dg.asset(metadata={"made": str(datetime.datetime.now()), "n": random.random()})
                def orders():
                    return subprocess.run(["true"])

                subprocess.run(["true"])  # -> started a process
                os.system("true")  # -> started a process
                if hasattr(os, "fork"):
                    child = os.fork()  # -> started a process
                    if not child:
                        os._exit(0)
                    os.waitpid(child, 0)

                def in_a_thread():
                    subprocess.run(["true"])  # -> started a process

                thread = threading.Thread(target=in_a_thread)
                thread.start()
                thread.join()
                try:
                    urllib.request.urlopen("http://127.0.0.1:9/")  # -> opened a socket
                except OSError:
                    pass
                exec("helpers.call()")
                helpers.unused
                defs = dg.Definitions(assets=[orders])
            """,
            "helpers.py": """
                import os
                import subprocess
                from pathlib import Path

                def call():
                    subprocess.run(["true"])  # -> started a process

                def unused():
                    subprocess.run(["true"])

                if Path("/dev/urandom").exists():
                    open("/dev/urandom", "rb").close()  # -> read random bytes
                if Path("/proc/cpuinfo").exists():
                    Path("/proc/cpuinfo").read_text()  # -> read the system's state
            """,
        },
    )
    inputs = inputs_of(tmp_path, environment(name), python_file=("definitions.py",))
    assert uncacheable(inputs) == marked(tmp_path)


def test_a_process_that_a_thread_starts_counts_without_a_line_of_the_user(
    tmp_path: Path, own_environment: Path
) -> None:
    library = packages_of(own_environment) / "background" / "__init__.py"
    write(
        library.parent,
        {"__init__.py": "import subprocess\ndef call():\n    subprocess.run(['true'])\n"},
    )
    folder = write(
        tmp_path,
        {
            "definitions.py": """
                import subprocess
                import threading
                import background
                import dagster as dg
                for target, given in ((background.call, ()), (subprocess.run, (["true"],))):
                    thread = threading.Thread(target=target, args=given)
                    thread.start()
                    thread.join()
                defs = dg.Definitions()
            """
        },
    )
    found = inputs_of(folder, own_environment, python_file=("definitions.py",)).uncacheable
    assert [(v.what, v.path, v.line) for v in found] == [
        ("started a process", str(library), 3),
        ("started a process", None, None),
    ]


def test_modules_that_are_none_and_a_broken_os_do_no_harm(tmp_path: Path, python: Path) -> None:
    folder = write(
        tmp_path,
        {
            "definitions.py": """
                import os, sys, types
                from pathlib import Path
                import dagster as dg

                class Odd(types.ModuleType):
                    @property
                    def __file__(self):
                        raise RuntimeError("not a file")

                odd = types.ModuleType("odd_too")
                odd.__file__, odd.__path__, odd.__spec__ = 3, 4, 5
                sys.modules.update(odd=Odd("odd"), odd_too=odd, odd_none=None, odd_more=object())
                sys.path += [Path("here"), None]

                @dg.asset
                def orders(): ...

                defs = dg.Definitions([orders])
                os.listdir = None
            """
        },
    )
    measurement = measured(folder, python, python_file=("definitions.py",))
    assert measurement.failure is None, measurement.failure
    assert measurement.definition_files == ("definitions.py",)
    assert measurement.inputs is None


def test_what_an_installed_package_does_at_its_own_import_does_not_count(
    tmp_path: Path, own_environment: Path
) -> None:
    write(
        packages_of(own_environment),
        {
            "noisy/__init__.py": """
                import subprocess
                subprocess.run(["true"])
                def call():
                    subprocess.run(["true"])
                def import_more():
                    import noisy.more
            """,
            "noisy/more.py": "import subprocess\nsubprocess.run(['true'])\n",
        },
    )
    folder = write(
        tmp_path / "project",
        {
            "definitions.py": """
                import noisy
                import dagster as dg
                noisy.import_more()
                noisy.call()  # -> started a process
                defs = dg.Definitions()
            """
        },
    )
    inputs = inputs_of(folder, own_environment, python_file=("definitions.py",))
    assert uncacheable(inputs) == marked(folder)
    assert {"noisy", "noisy.more", "dagster"} <= set(inputs.modules)
    sources = {path: (size, mtime) for path, size, mtime in inputs.installed}
    noisy = packages_of(own_environment) / "noisy" / "more.py"
    assert sources[str(noisy)] == (noisy.stat().st_size, noisy.stat().st_mtime_ns)


def test_editable_packages_and_those_of_pth_files_are_the_users(
    tmp_path: Path, own_environment: Path
) -> None:
    packages = packages_of(own_environment)
    write(
        tmp_path,
        {
            "by_path/sibling/__init__.py": "import os\nos.system('true')  # -> started a process\n",
            "by_finder/tables/__init__.py": "NAMES = ['a']\n",
            "by_finder/tables/deep/rows.py": "ROWS = 1\n",
            "project/definitions.py": "import sibling, tables, tables.deep.rows" + DEFINITIONS,
        },
    )
    (packages / "sibling.pth").write_text(f"{tmp_path / 'by_path'}\n")
    # As setuptools installs an editable package.
    (packages / "__editable___tables_finder.py").write_text(
        textwrap.dedent(
            f"""
            import sys
            from importlib.util import spec_from_file_location
            class Finder:
                @classmethod
                def find_spec(cls, name, path=None, target=None):
                    if name == "tables":
                        place = {str(tmp_path / "by_finder" / "tables")!r}
                        return spec_from_file_location(
                            name, place + "/__init__.py", submodule_search_locations=[place]
                        )
            def install():
                sys.meta_path.append(Finder)
            """
        )
    )
    (packages / "__editable__.tables.pth").write_text(
        "import __editable___tables_finder; __editable___tables_finder.install()\n"
    )
    try:
        folder = tmp_path / "project"
        inputs = inputs_of(folder, own_environment, python_file=("definitions.py",))
    finally:
        for path in packages.glob("*editable*"):
            path.unlink()
        (packages / "sibling.pth").unlink()
    mine = {str(p) for p in tmp_path.rglob("*.py")}
    assert set(inputs.read) == mine
    assert set(map(str, (tmp_path / "by_path", tmp_path / "by_finder" / "tables"))) < set(
        inputs.listed
    )
    assert str(tmp_path / "by_finder" / "tables" / "deep") in inputs.listed
    assert uncacheable(inputs) == marked(tmp_path)
    names = {name.partition(".")[0] for name in inputs.modules}
    assert not names & {"tables", "sibling", "definitions", "__editable___tables_finder"}
    assert inputs.distributions == (str(packages),)


@pytest.mark.parametrize("name", ["py39", NEWEST])
def test_every_way_to_read_a_file_is_seen(
    name: str, tmp_path: Path, environment: Callable[[str], Path]
) -> None:
    outside, project = tmp_path / "outside", tmp_path / "project"
    names = ["plain", "bytes", "path", "update", "low", "hidden/HEAD"]
    write(outside, {f"{n}.txt": n for n in [*names, "beside", "deep/er"]})
    write(
        project,
        {
            "definitions.py": f"""
                import os, shutil, sqlite3, tempfile
                from pathlib import Path
                import dagster as dg
                OUTSIDE = {str(outside)!r}
                open(OUTSIDE + "/plain.txt").close()
                open(os.fsencode(OUTSIDE + "/bytes.txt")).close()
                (Path(OUTSIDE) / "path.txt").read_text()
                open(OUTSIDE + "/update.txt", "r+").close()
                os.close(os.open(Path(OUTSIDE, "low.txt"), os.O_RDONLY))
                here = os.open(OUTSIDE, os.O_RDONLY)
                os.close(os.open("beside.txt", os.O_RDONLY, dir_fd=here))
                with open(OUTSIDE + "/written.txt", "w") as stream:
                    stream.write("nothing of it is read")
                try:
                    open(OUTSIDE + "/missing.yaml")
                except FileNotFoundError:
                    pass
                sqlite3.connect(OUTSIDE + "/rows.db").close()
                sqlite3.connect("file:" + OUTSIDE + "/more%20rows.db?mode=rwc", uri=True).close()
                sqlite3.connect(":memory:").close()
                os.mkdir(OUTSIDE + "/folder")
                os.chdir(OUTSIDE + "/folder")
                open("../hidden/HEAD.txt").close()
                os.listdir()
                os.listdir(b"../deep")
                list(Path("../hidden").iterdir())
                [entry for entry in os.scandir(OUTSIDE)]
                os.chdir("/")
                with tempfile.TemporaryDirectory() as scratch:
                    note = Path(scratch, "note.txt")
                    note.write_text("one")
                    assert note.read_text() == "one"
                    shutil.copytree(scratch, scratch + "/copy")
                open("/dev/null").close()
                defs = dg.Definitions()
            """
        },
    )
    inputs = inputs_of(project, environment(name), python_file=("definitions.py",))
    read, listed = set(inputs.read), set(inputs.listed)
    expected = {f"{n}.txt" for n in names} | {"missing.yaml", "rows.db", "more rows.db"}
    expected |= {"rows.db-wal", "more rows.db-wal"}
    assert {p for p in read if p.startswith(str(outside))} == {str(outside / n) for n in expected}
    assert str(project / "definitions.py") in read
    assert any(p.endswith("note.txt") for p in read)
    assert not any(p.startswith("/dev/") for p in read)
    folders = (project, outside, outside / "folder", outside / "deep", outside / "hidden")
    assert set(map(str, folders)) <= listed
    assert not uncacheable(inputs)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_nothing_installed_is_called_the_users(
    version: str, dagster_python: Callable[..., Path]
) -> None:
    folder, python = PROJECTS / "everything", dagster_python(version)
    inputs = inputs_of(folder, python)
    sources = {str(p) for p in (folder / "everything").rglob("*.py")}
    assert sources <= set(inputs.read)
    # What the system knows of time zones is nobody's, and may be read.
    others = {p for p in {*inputs.read, *inputs.listed} if not Path(p).is_relative_to(folder)}
    assert all("zoneinfo" in p for p in others)
    assert {str(folder), str(folder / "everything" / "lake")} <= set(inputs.listed)
    assert not inputs.uncacheable
    assert not [name for name in inputs.variables if is_left_out(name)]
    installed = {path for path, _, _ in inputs.installed}
    assert len(installed) > 700
    assert not installed & set(inputs.read)
    assert not any("dagster_snapsize" in path for path in installed)
    assert "dagster" in inputs.modules and "everything" not in inputs.modules
    assert "__main__" not in inputs.modules
    assert inputs.distributions == (str(packages_of(python)),)


def test_components_in_yaml_are_read_and_no_code_of_the_user(
    python: Path, copy_project: Callable[[str], Path]
) -> None:
    folder = copy_project("components")
    inputs = inputs_of(folder, python)
    defs = folder / "parts" / "defs"
    assert {str(p) for p in defs.rglob("*.yaml")} <= set(inputs.read)
    assert {str(defs), str(folder / "parts" / "lib")} <= set(inputs.listed)
    assert not inputs.uncacheable


def test_a_dbt_project_names_its_manifest(
    dbt_project: Path, environment: Callable[[str], Path]
) -> None:
    inputs = inputs_of(dbt_project, environment("dbt"))
    assert str(dbt_project / "jaffle" / "target" / "manifest.json") in inputs.read
    assert not inputs.uncacheable


def test_the_settings_of_dotenv_are_an_input_but_no_definitions(
    tmp_path: Path, python: Path
) -> None:
    write(tmp_path, {"definitions.py": DEFINITIONS, ".env": "A=1\n"})
    measurement = measured(tmp_path, python, python_file=("definitions.py",))
    assert measurement.inputs is not None
    assert str(tmp_path / ".env") in measurement.inputs.read
    assert measurement.definition_files == ("definitions.py",)


def test_a_location_that_cannot_be_loaded_has_no_inputs(tmp_path: Path, python: Path) -> None:
    write(tmp_path, {"definitions.py": "raise ValueError\n"})
    measurement = measured(tmp_path, python, python_file=("definitions.py",))
    assert measurement.failure is not None
    assert measurement.inputs is None
