"""Measurements from the cache: the same as new ones, never of what has changed, and soon there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dagster_snapsize.measuring.cache.codec import from_bytes, to_bytes
from support import ROOT
from support.cached_project import CachedProject, cached_project, sizes, write_database
from support.command import clean_environment, snapsize
from support.lsp_projects import git

_HEAVY = ("rich", "pygls", "lsprotocol", "ruamel", "watchdog", "asyncio")


@pytest.fixture
def project(tmp_path: Path, python: Path) -> CachedProject:
    return cached_project(tmp_path, python)


@pytest.fixture(scope="module")
def measured_once(
    tmp_path_factory: pytest.TempPathFactory, dagster_python: Callable[..., Path]
) -> CachedProject:
    project = cached_project(tmp_path_factory.mktemp("measured"), dagster_python())
    project.measure()
    shutil.copytree(project.cache, project.cache.with_name("kept"))
    return project


@pytest.fixture
def measured(measured_once: CachedProject) -> CachedProject:
    """A measured project whose files stay as they are; its cache is as after the measurement."""
    shutil.rmtree(measured_once.cache)
    shutil.copytree(measured_once.cache.with_name("kept"), measured_once.cache)
    return measured_once


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_a_hit_says_the_same_as_a_new_measurement(project: CachedProject) -> None:
    first, second = project.measure(), project.measure()
    assert not first["cache"]["hit"] and first["cache"]["not_stored"] == []
    assert second["cache"]["hit"] and second["cache"]["measured_at"]
    assert sizes(second) == sizes(first)
    assert second["seconds"] == first["seconds"]
    fresh = project.measure("--no-cache")
    assert not fresh["cache"]["hit"] and fresh["cache"]["not_stored"]
    assert sizes(fresh) == sizes(first)


@pytest.mark.parametrize("budget", ["1 kB", "80 MB"])
def test_findings_and_status_are_the_same_byte_for_byte(
    project: CachedProject, budget: str
) -> None:
    append(project.folder / "pyproject.toml", f'[tool.dagster-snapsize.budget]\nasset = "{budget}"')
    append(project.folder / "pyproject.toml", f'\nrepository = "{budget}"\njobs = {{x = "1 MB"}}\n')
    (project.folder / "shop" / "new.py").touch()
    append(project.folder / "shop" / "definitions.py", "\nimport shop.new\n")
    fresh = project.run("check")
    hit = project.run("check")
    assert (fresh.stdout, fresh.status) == (hit.stdout, hit.status)
    assert "git does not track" in hit.stdout and "no job `x`" in hit.stdout
    assert ("[snapshot-over-budget]" in hit.stdout) == (budget == "1 kB")
    assert "cache" not in fresh.stderr
    (note,) = hit.stderr.splitlines()
    assert note.startswith("note: nothing has changed since") and "--no-cache" in note
    for arguments in (["check", "--format", "github"], ["explain", "orders"]):
        assert project.run(*arguments).stdout == project.run(*arguments, "--no-cache").stdout


def test_a_hit_from_another_folder_shows_paths_from_there(measured: CachedProject) -> None:
    there = snapsize(
        *("measure", "--format", "json", "-d", str(measured.folder)),
        cwd=measured.outside,
        env=measured.cache_on,
    ).json["locations"][0]
    assert there["cache"]["hit"]
    assert there["definitions_location"]["path"] == str(measured.folder / "shop/definitions.py")


def test_a_file_that_was_added_to_the_index_is_untracked_no_more(project: CachedProject) -> None:
    (project.folder / "shop" / "new.py").touch()
    append(project.folder / "shop" / "definitions.py", "\nimport shop.new\n")
    assert project.measure()["untracked_files"] == ["shop/new.py"]
    git(project.folder, "add", "shop/new.py")
    hit = project.measure()
    assert hit["cache"]["hit"] and hit["untracked_files"] == []


def _times_back(path: Path, write: Callable[[], object]) -> None:
    status = path.stat()
    write()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


CHANGES: dict[str, Callable[[CachedProject], object]] = {
    "a module": lambda p: append(p.folder / "shop" / "definitions.py", "\n"),
    "a module, with its length and time as before": lambda p: _times_back(
        p.folder / "shop" / "definitions.py",
        lambda: (p.folder / "shop" / "definitions.py").write_text(
            (p.folder / "shop" / "definitions.py").read_text().replace("none", "noé")
        ),
    ),
    "a new file in the project": lambda p: (p.folder / "README.md").touch(),
    "a renamed file": lambda p: (p.folder / "shop/tables/first.table").rename(
        p.folder / "shop/tables/second.table"
    ),
    "an ignored file that is read": lambda p: _times_back(
        p.folder / "generated" / "texts.json",
        lambda: (p.folder / "generated/texts.json").write_text('{"orders": "all orders <é>"}'),
    ),
    "an ignored file that is asked for": lambda p: (p.folder / "generated" / "flag").touch(),
    "a replaced database": lambda p: write_database(p, "another row"),
    "a file outside that was missing": lambda p: (p.outside / "extra.txt").write_text("now"),
    "a new file in a folder outside that was listed": lambda p: (p.outside / "x.table").touch(),
    ".env": lambda p: (p.folder / ".env").write_text("CUSTOMERS=very many"),
    "settings": lambda p: append(p.folder / "pyproject.toml", '[tool.dagster-snapsize.env]\nA="1"'),
}


def test_what_matters_is_measured_again(project: CachedProject) -> None:
    """One change after the other."""
    same = (
        "an ignored file that is asked for",
        "a module",
        "a new file in the project",
        "settings",
    )
    before = project.measure()
    for name, change in CHANGES.items():
        change(project)
        after = project.measure()
        assert not after["cache"]["hit"], name
        assert sizes(after) == sizes(project.measure("--no-cache")), name
        assert project.hits(), name
        assert (sizes(before) == sizes(after)) == (name in same), name
        before = after


def test_variables_that_matter_are_told_from_those_that_do_not(measured: CachedProject) -> None:
    project = measured
    assert project.hits({"TERM": "dumb", "GIT_INDEX_FILE": ".git/index", "PRE_COMMIT": "1"})
    assert not project.hits({"CUSTOMERS": "many"})
    assert project.hits({"CUSTOMERS": "many"})
    assert not project.hits({"TZ": "Asia/Tokyo"})
    assert project.hits()  # what was measured before is still there


def test_a_variable_that_does_not_count_does_once_the_code_asks_for_it(
    project: CachedProject,
) -> None:
    definitions = project.folder / "shop" / "definitions.py"
    append(definitions, "\ncopy = {**os.environ}; ASKED = os.getenv('SSH_HOST')\n")
    assert not project.hits({"SSH_HOST": "one"})
    assert project.hits({"SSH_HOST": "one", "TERM": "dumb"})
    assert not project.hits({"SSH_HOST": "two"})
    assert not project.hits()


def test_the_instances_settings_count(project: CachedProject, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    env = {"DAGSTER_HOME": str(home)}
    assert not project.hits(env)
    assert project.hits(env)
    (home / "dagster.yaml").write_text("code_servers:\n  local_startup_timeout: 7\n")
    assert not project.hits(env)
    assert project.hits(env)


def test_the_timeout_and_budgets_elsewhere_are_judged_anew(
    measured: CachedProject, tmp_path: Path
) -> None:
    assert measured.run("check", "--timeout", "200 s").stderr.startswith("note: nothing")


# -- what is not stored ----------------------------------------------------------------------


def test_code_that_asks_for_the_time_is_named_and_measured_each_time(
    project: CachedProject,
) -> None:
    definitions = project.folder / "shop" / "definitions.py"
    append(definitions, "\nimport subprocess\nsubprocess.run(['true'])\n")
    line = len(definitions.read_text().splitlines())
    result = project.run("check")
    (note,) = result.stderr.splitlines()
    assert f"shop/definitions.py:{line} started a process" in note
    assert 'cache = "files"' in note
    assert not project.entries()
    (reason,) = project.measure()["cache"]["not_stored"]
    assert reason.startswith(f"shop/definitions.py:{line} ")
    append(project.folder / "pyproject.toml", 'cache = "files"\n')
    assert not project.hits()
    assert project.hits()


def test_off_is_off(project: CachedProject) -> None:
    for how in ({"SNAPSIZE_NO_CACHE": "1"}, {"SNAPSIZE_NO_CACHE": "yes"}):
        assert project.measure(env=how)["cache"]["not_stored"]
    assert project.run("check", "--no-cache").stderr == ""
    append(project.folder / "pyproject.toml", 'cache = "off"\n')
    assert project.measure()["cache"]["not_stored"] == ['`cache = "off"` in the configuration']
    assert not project.entries()


def test_a_failure_is_not_stored(project: CachedProject) -> None:
    append(project.folder / "shop" / "definitions.py", "\nraise ValueError('no')\n")
    for _ in range(2):
        result = project.run("check")
        assert result.status == 3 and "ValueError: no" in result.stdout
    assert not project.entries()


def test_what_is_edited_while_it_is_measured_is_not_stored(project: CachedProject) -> None:
    """Files of the project and others, and those that come and go."""
    edits = {
        "notes.md": "(HERE / 'notes.md').write_text('more')",
        "texts.json": "(HERE / 'generated/texts.json').write_text('{\"orders\": \"b\"}')",
        "extra.txt": "(HERE.parent / 'outside/extra.txt').write_text('c'); extra()",
        "gone.txt": "p = HERE.parent / 'outside/gone.txt'; p.read_text(); p.unlink()",
    }
    (project.folder / "notes.md").touch()
    definitions = project.folder / "shop" / "definitions.py"
    whole = definitions.read_text()
    for name, edit in edits.items():
        (project.outside / "gone.txt").touch()
        definitions.write_text(f"{whole}\n{edit}\n")
        location = project.measure()
        (reason,) = location["cache"]["not_stored"]
        assert "was changed while it was measured" in reason, name
        assert not project.entries(), name


# -- prepare ---------------------------------------------------------------------------------


def test_prepare_runs_where_something_is_measured(project: CachedProject) -> None:
    script = project.folder / "prepare.py"
    script.write_text(
        "import json, pathlib\n"
        "pathlib.Path('generated/texts.json').write_text(\n"
        "    json.dumps({'orders': pathlib.Path('source.txt').read_text()}))\n"
        "with open('generated/runs', 'a') as runs:\n    runs.write('x')\n"
    )
    source = project.folder / "source.txt"
    source.write_text("from a source")
    append(project.folder / "pyproject.toml", 'prepare = [["python", "prepare.py"]]\n')
    runs = project.folder / "generated" / "runs"
    project.measure()
    assert runs.read_text() == "x"
    assert project.hits()
    assert runs.read_text() == "x"
    source.write_text("from another source")
    after = project.measure()
    assert not after["cache"]["hit"] and runs.read_text() == "xx"
    assert sizes(after) == sizes(project.measure("--no-cache"))


def test_what_locations_share_is_prepared_when_one_of_them_is_measured(
    project: CachedProject,
) -> None:
    """And once for both."""
    (project.folder / "workspace.yaml").write_text(
        "load_from:\n- python_module: shop.definitions\n- python_module: shop.second\n"
    )
    (project.folder / "shop" / "second.py").write_text(
        "import os, dagster as dg\nfrom pathlib import Path\n"
        "if os.environ.get('SECOND'): open(os.environ['SECOND']).read()\n"
        "defs = dg.Definitions()\n"
    )
    (project.folder / "pyproject.toml").write_text(
        '[tool.dagster-snapsize]\nworkspace = "workspace.yaml"\n'
        "prepare = [[\"python\", \"-c\", \"open('generated/runs', 'a').write('x')\"]]\n"
    )
    runs = project.folder / "generated" / "runs"

    def hits() -> list[bool]:
        whole = project.run("measure", "--format", "json").json
        return [location["cache"]["hit"] for location in whole["locations"]]

    assert hits() == [False, False] and runs.read_text() == "x"
    assert hits() == [True, True] and runs.read_text() == "x"
    # The other one is measured again, too, where it comes later: what is prepared is an input.
    project.entries()[0].unlink()
    assert False in hits()
    assert runs.read_text() == "xx"


# -- the cache itself ------------------------------------------------------------------------


def test_a_damaged_entry_is_a_miss(measured: CachedProject) -> None:
    (entry,) = measured.entries()
    whole = entry.read_bytes()
    other = whole.replace(b"measurement ", b"measurement 9", 1)  # another format
    for damaged in (b"", whole[:-1], whole[:40], other, b"{}" * 99):
        entry.write_bytes(damaged)
        result = measured.run("check")
        assert result.status == 0 and result.stderr == ""
        assert entry.read_bytes() != damaged
        assert measured.hits()


def test_a_measurement_of_yesterday_is_made_again(measured: CachedProject) -> None:
    (path,) = measured.entries()
    entry = from_bytes(path.read_bytes())
    about = entry.about()
    about["measured_at"] -= 24 * 3600
    path.write_bytes(to_bytes(entry.measurement(), about))
    assert [measured.hits(), measured.hits()] == [False, True]


def test_clear_forgets_everything(measured: CachedProject) -> None:
    (entry,) = measured.entries()
    cleared = measured.run("cache", "clear")
    assert cleared.status == 0
    assert cleared.stdout.startswith("removed 1 measurement, ") and " kB" in cleared.stdout
    assert not entry.exists()
    assert "removed 0 measurements" in measured.run("cache", "clear").stdout
    assert not measured.hits()


def test_many_at_once_take_nothing_from_each_other(project: CachedProject) -> None:
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: project.measure(), range(3)))
    assert all(sizes(location) == sizes(found[0]) for location in found)
    assert project.hits()
    assert not list(project.cache.rglob("*.scratch"))


def test_a_folder_that_cannot_be_used_is_no_cache(project: CachedProject) -> None:
    project.cache.write_text("a file")
    for _ in range(2):
        result = project.run("check")
        (note,) = result.stderr.splitlines()
        assert result.status == 0 and "measured again each time, since the cache cannot" in note
    (why,) = project.measure()["cache"]["not_stored"]
    assert why.startswith("the cache cannot be written: ") and str(project.cache) in why


def test_another_version_of_the_tool_does_not_use_it(
    measured: CachedProject, tmp_path: Path
) -> None:
    server = ROOT / "server"
    other = tmp_path / "server"
    shutil.copytree(server, other, ignore=shutil.ignore_patterns("__pycache__"))

    def hit() -> bool:
        code = f"import sys; sys.path.insert(0, {str(other)!r})\n"
        code += "from dagster_snapsize.cli.main import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, "measure", "--format", "json"],
            cwd=measured.folder,
            env={**clean_environment(), **measured.cache_on},
            capture_output=True,
            check=True,
        )
        return bool(json.loads(done.stdout)["locations"][0]["cache"]["hit"])

    assert hit()  # the same, installed elsewhere
    append(
        other / "dagster_snapsize" / "core" / "ledger" / "job.py", "\n# another way of counting\n"
    )
    assert not hit()


# -- how soon it is there --------------------------------------------------------------------


def _imported(project: CachedProject, *arguments: str) -> set[str]:
    code = (
        "import sys\nfrom dagster_snapsize.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('MODULES', *sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=project.folder,
        env={**clean_environment(), **project.cache_on},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = [x for x in done.stderr.splitlines() if x.startswith("MODULES ")]
    return {name.split(".")[0] for name in line.split()[1:]} | set(line.split()[1:])


def test_a_hit_imports_only_what_it_uses(project: CachedProject) -> None:
    append(project.folder / "pyproject.toml", '[tool.dagster-snapsize.budget]\nasset = "1 kB"\n')
    _ = project.run("check"), project.run("check")
    for arguments in (["check"], ["check", "--format", "github"], ["check", "--format", "json"]):
        imported = _imported(project, *arguments)
        assert not imported & {*_HEAVY, "dagster_snapsize.measuring.probe_run"}
