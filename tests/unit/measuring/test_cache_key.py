"""What a key holds of files, folders, the environment and what is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from shutil import copytree

import pytest

from dagster_snapsize import PACKAGE
from dagster_snapsize.measuring.cache import file_states, project_files
from dagster_snapsize.measuring.cache.environment_key import (
    LEFT_OUT,
    LEFT_OUT_PREFIXES,
    relevant_environment,
)
from dagster_snapsize.measuring.cache.file_states import FileStates, TooMuch
from dagster_snapsize.measuring.cache.key import (
    ExternalInputs,
    _own_sources,
    _says,
    external_digest,
)
from dagster_snapsize.measuring.cache.project_files import ProjectFiles, read_project
from support import ROOT
from support.lsp_projects import git


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def project(folder: Path) -> ProjectFiles:
    return read_project(folder, FileStates())


def names(folder: Path) -> list[str]:
    """The files of which the content counts."""
    return _relative(project(folder).known, folder)


def others(folder: Path) -> list[str]:
    """The files that are not read."""
    return _relative(project(folder).others, folder)


def _relative(paths: Iterable[str], folder: Path) -> list[str]:
    return [Path(path).relative_to(folder).as_posix() for path in paths]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with a commit."""
    folder = tmp_path / "project"
    write(folder / "a.py")
    write(folder / "sub" / "b.sql")
    write(folder / ".gitignore", "ignored/\n*.log\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "start")
    return folder


def test_a_project_is_what_git_does_not_ignore(repository: Path) -> None:
    write(repository / "ignored" / "c.py")
    write(repository / "x.log")
    write(repository / ".tox" / "y.py")
    write(repository / "new.py")
    (repository / "sub" / "b.sql").unlink()
    write(repository / "__pycache__" / "a.pyc")
    assert names(repository) == [".gitignore", "a.py", "new.py"]
    assert others(repository) == ["ignored/c.py"]


def test_it_is_the_same_in_a_folder_and_in_a_hook(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git sets its variables for a hook, and some of them would name another work tree."""
    below = repository / "sub"
    before = names(below)
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repository / "nowhere"))
    assert names(below) == before == ["b.sql"]


def test_nested_repositories_and_submodules_belong_to_it(repository: Path, tmp_path: Path) -> None:
    for name in ("nested", "library"):
        folder = (repository if name == "nested" else tmp_path) / name
        write(folder / "n.py")
        write(folder / ".gitignore", "*.tmp\n")
        write(folder / "x.tmp")
        git(folder, "init", "-q")
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", "start")
    allow = ("-c", "protocol.file.allow=always")
    git(repository, *allow, "submodule", "add", "-q", str(tmp_path / "library"), "library")
    found = names(repository)
    assert {"nested/n.py", "library/n.py", "nested/.gitignore"} <= set(found)
    assert not [name for name in found if name.endswith(".tmp")]
    assert others(repository) == ["nested/x.tmp"]


def test_outside_of_git_everything_counts_but_what_tools_leave(tmp_path: Path) -> None:
    for name in ("a.py", "data/x.bin", ".env", "env/lib/y.py", "env/pyvenv.cfg", "sub/.venv/z.py"):
        write(tmp_path / name)
    write(tmp_path / ".mypy_cache" / "c.json")
    assert names(tmp_path) == [".env", "a.py", "data/x.bin"]


def test_a_project_that_git_ignores_as_a_whole_is_looked_at_all_the_same(repository: Path) -> None:
    write(repository / "ignored" / "definitions.py")
    assert names(repository / "ignored") == ["definitions.py"]


def test_caches_and_what_a_dagster_instance_stores_are_none_of_it(repository: Path) -> None:
    for name in ("CACHEDIR.TAG", "deep/a.bin"):
        write(repository / "ignored" / "cache" / name)
    for name in ("history/runs.db", "schedules/s.db", "storage/x", "dagster.yaml"):
        write(repository / "ignored" / "home" / name)
    write(repository / "ignored" / "etl.log")
    write(repository / "ignored" / "storage" / "y")
    assert others(repository) == ["ignored/home/dagster.yaml", "ignored/storage/y"]


def test_an_environment_that_git_does_not_ignore_is_none_of_it(repository: Path) -> None:
    write(repository / "env" / "pyvenv.cfg")
    write(repository / "env" / "lib" / "six.py")
    assert "env/lib/six.py" not in [*names(repository), *others(repository)]


def test_every_kind_of_change_of_a_project_is_seen(repository: Path) -> None:
    link = repository / "link"
    link.symlink_to(repository / "a.py")
    seen = {project(repository).digest}

    def changed(act: Callable[[], object]) -> None:
        act()
        digest = project(repository).digest
        assert digest not in seen
        seen.add(digest)

    a = repository / "a.py"
    times = (a.stat().st_atime_ns, a.stat().st_mtime_ns)
    changed(lambda: a.write_text("y"))  # of the same length,
    os.utime(a, ns=times)  # and of the same time
    changed(lambda: a.rename(repository / "c.py"))
    changed(lambda: write(a, "z"))
    changed(lambda: a.chmod(0o755))
    changed(lambda: (link.unlink(), link.symlink_to("c.py")))
    changed(lambda: (link.unlink(), link.symlink_to("nowhere")))
    changed(lambda: (link.unlink(), link.symlink_to("./nowhere")))
    changed(lambda: write(repository / "empty", ""))
    changed(lambda: (repository / "empty").unlink() or write(repository / "empty2", ""))


def test_a_pipe_in_a_project_is_not_read(repository: Path) -> None:
    os.mkfifo(repository / "pipe")
    assert project(repository).digest


def test_a_project_that_is_too_large_is_not_read(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_states, "MOST_BYTES", 1000)
    with (repository / "sparse").open("wb") as stream:
        stream.truncate(2000)
    with pytest.raises(TooMuch, match="hold more than"):
        project(repository)


def test_a_project_of_too_many_files_is_not_looked_at(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_files, "MOST_FILES", 10)
    for number in range(10):
        write(repository / "ignored" / f"{number}.csv")
    with pytest.raises(TooMuch, match="more than 10 files"):
        project(repository)


# -- other inputs ----------------------------------------------------------------------------


NO_PROJECT = ProjectFiles("", {}, {}, frozenset())


def outside(**given: object) -> ExternalInputs:
    names = ("read", "listed", "installed", "distributions", "variables")
    empty = {"sources": {}, **dict.fromkeys(names, ())}
    return ExternalInputs(**{**empty, **given})  # type: ignore[arg-type]


def digest(inputs: ExternalInputs, environ: Mapping[str, str] = {}) -> str | None:
    return external_digest(inputs, NO_PROJECT, environ, FileStates())


def test_a_file_that_appears_changes_or_goes_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "read.json"
    inputs = outside(read=(str(path),))
    seen = [digest(inputs)]
    for text in ("one", "two"):
        write(path, text)
        seen.append(digest(inputs))
    path.unlink()
    assert digest(inputs) == seen[0]
    assert len(set(seen)) == 3


def test_a_folder_is_the_outline_of_its_entries_without_by_products(tmp_path: Path) -> None:
    folder = tmp_path / "listed"
    write(folder / "a.py")
    inputs = outside(listed=(str(folder),))
    before = digest(inputs)
    write(folder / "__pycache__" / "a.pyc")
    write(folder / "below" / "b.py")
    seen = {before, digest(inputs)}
    write(folder / "below" / "c.py")
    assert digest(inputs) in seen
    write(folder / "a.py", "other text")
    assert digest(inputs) not in seen


def test_what_is_in_the_log_of_a_database_counts(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "data.db"
    connection = sqlite3.connect(path)
    connection.execute("pragma journal_mode=wal")
    connection.execute("create table t (x)")
    connection.commit()
    inputs = outside(read=(str(path),))
    before, content = digest(inputs), path.read_bytes()
    connection.execute("insert into t values (1)")
    connection.commit()
    assert path.read_bytes() == content  # it is in the log beside it
    assert digest(inputs) != before
    connection.close()


def test_an_installed_module_that_was_edited_is_seen(tmp_path: Path) -> None:
    path = write(tmp_path / "lib.py")
    status = path.stat()
    inputs = outside(installed=((str(path), status.st_size, status.st_mtime_ns),))
    assert digest(inputs) is not None
    write(path, "longer")
    assert digest(inputs) is None
    path.unlink()
    assert digest(inputs) is None


def test_what_is_installed_and_where_it_points_is_seen(tmp_path: Path) -> None:
    inputs = outside(distributions=(str(tmp_path),))
    seen = [digest(inputs)]
    write(tmp_path / "six-1.0.dist-info" / "RECORD", "six.py,,")
    seen.append(digest(inputs))
    write(tmp_path / "six-1.0.dist-info" / "RECORD", "six.py,,\nmore.py,,")
    seen.append(digest(inputs))
    write(tmp_path / "own.pth", "/one")
    seen.append(digest(inputs))
    write(tmp_path / "own.pth", "/two")
    seen.append(digest(inputs))
    write(tmp_path / "no_distribution" / "x.py")
    assert digest(inputs) == seen[-1]
    assert len(set(seen)) == len(seen)


def test_sources_of_a_manifest_count_with_whether_they_are_newer(tmp_path: Path) -> None:
    manifest = write(tmp_path / "target" / "manifest.json", "{}")
    model = write(tmp_path / "models" / "docs.yml")
    inputs = outside(sources={str(manifest): (str(tmp_path),)})
    os.utime(model, (1000, 1000))
    before = digest(inputs)
    os.utime(model, (2000, 2000))
    assert digest(inputs) == before
    os.utime(model, (manifest.stat().st_mtime + 10,) * 2)
    newer = digest(inputs)
    assert newer != before
    write(model, "other")
    assert digest(inputs) not in (before, newer)


# -- the environment -------------------------------------------------------------------------


def test_a_hook_an_editor_and_a_terminal_have_the_same_environment(tmp_path: Path) -> None:
    python = str(tmp_path / "project" / ".venv" / "bin" / "python")
    plain = {"HOME": "/home/me", "PATH": "/usr/local/bin:/usr/bin", "LANG": "C.UTF-8", "TZ": "UTC"}
    hook = {
        **plain,
        "PATH": "/home/me/.cache/pre-commit/repoabcd1234/py_env-python3.11/bin:/usr/lib/git-core:"
        + plain["PATH"],
        "VIRTUAL_ENV": "/home/me/.cache/pre-commit/repoabcd1234/py_env-python3.11",
        "PRE_COMMIT": "1",
        "GIT_INDEX_FILE": ".git/index",
        "GIT_AUTHOR_DATE": "now",
    }
    activated = f"{tmp_path}/project/.venv/bin:{plain['PATH']}"
    terminal = {
        **plain,
        "PATH": activated,
        "VIRTUAL_ENV": f"{tmp_path}/project/.venv",
        "VIRTUAL_ENV_PROMPT": "(shop)",
        "SHLVL": "2",
        "PWD": "/somewhere",
        "TERM": "xterm",
        "TERM_PROGRAM": "vscode",
        "SSH_AUTH_SOCK": "/tmp/agent",
        "SNAPSIZE_CACHE_CHECK": "1",
    }
    editor = {
        **plain,
        "PATH": f"{plain['PATH']}:/home/me/.vscode-server/bin/abc/bin/remote-cli",
        "VSCODE_IPC_HOOK_CLI": "/run/x.sock",
        "ELECTRON_RUN_AS_NODE": "1",
    }
    wanted = relevant_environment(python, plain)
    for other in (hook, terminal, editor):
        assert relevant_environment(python, other) == wanted


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MY_FLAG", "1"),
        ("TZ", "Asia/Tokyo"),
        ("LANG", "de_DE.UTF-8"),
        ("PATH", "/opt/bin:/usr/bin"),
        ("PYTHONPATH", "/lib"),
        ("DAGSTER_HOME", "/home"),
        ("HOME", "/home/other"),
        ("DBT_TARGET", "prod"),
    ],
)
def test_what_definitions_may_ask_for_counts(name: str, value: str) -> None:
    plain = {"PATH": "/usr/bin", "HOME": "/home/me"}
    python = "/project/.venv/bin/python"
    assert relevant_environment(python, plain) != relevant_environment(
        python, {**plain, name: value}
    )


def test_the_docs_list_every_name_that_does_not_count() -> None:
    page = (ROOT / "docs" / "cache.md").read_text("utf-8")
    for name in (*LEFT_OUT - {"PATH"}, *(f"{prefix}*" for prefix in LEFT_OUT_PREFIXES)):
        assert f"`{name}`" in page, name


def test_git_is_the_only_program_that_a_key_needs(repository: Path) -> None:
    script = f"""
import subprocess, sys
sys.path.insert(0, {str(ROOT / "server")!r})
real, run = subprocess.Popen, []
class Popen(real):
    def __init__(self, command, **options):
        run.append(command[0])
        super().__init__(command, **options)
subprocess.Popen = Popen
from pathlib import Path
from dagster_snapsize.measuring.cache.project_files import read_project
from dagster_snapsize.measuring.cache.file_states import FileStates
read_project(Path({str(repository)!r}), FileStates())
print(run)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['git']"


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell is the interpreter")
def test_nothing_is_left_of_a_script_that_is_the_interpreter(tmp_path: Path) -> None:
    shim = write(
        tmp_path / "python", f'#!/bin/sh\nsleep 300 &\necho $!\nexec {sys.executable} "$@"\n'
    )
    shim.chmod(0o755)
    said = _says(str(shim), tmp_path, dict(os.environ))
    started, executable = said.split()[:2]
    assert executable == sys.executable
    with pytest.raises(ProcessLookupError):
        os.kill(int(started), 0)


@pytest.mark.parametrize("own", ["core", "measuring", "probe", "project"])
def test_a_change_of_the_tool_itself_changes_the_key_at_any_depth(tmp_path: Path, own: str) -> None:
    package = Path(copytree(PACKAGE, tmp_path / "tool"))
    deep = write(package / own / "inner" / "deeper" / "part.py", "a = 1\n")
    before = _own_sources(package)
    deep.write_text("a = 2\n", encoding="utf-8")
    assert _own_sources(package) != before
