"""Digest what a measurement depends on besides its project: environment, tool, other inputs.

docs/cache.md describes it for users, with what no key contains.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from dagster_snapsize import PACKAGE
from dagster_snapsize.core.model import Measurement
from dagster_snapsize.measuring.cache.environment_key import is_left_out, relevant_environment
from dagster_snapsize.measuring.cache.file_states import (
    FileStates,
    digest,
    digest_of_json,
    folder_outline,
)
from dagster_snapsize.measuring.cache.project_files import ProjectFiles
from dagster_snapsize.measuring.environment import interpreter_environ
from dagster_snapsize.project.dbt import DbtProject
from dagster_snapsize.project.interpreters import Interpreter
from dagster_snapsize.project.layout import is_environment, repository_root, source_folders
from dagster_snapsize.project.locations import CodeLocation

_OWN_PACKAGES = ("core", "measuring", "probe", "project")
_POINTERS = (".pth", ".egg-link")
_DISTRIBUTION_ENDS = (".dist-info", ".egg-info", *_POINTERS)
_DISTRIBUTION_FILES = ("RECORD", "METADATA", "PKG-INFO", "entry_points.txt", "direct_url.json")
_PATIENCE = 10.0  # seconds for an interpreter to say which one it is
# The state of the running system, and not of anything that a project has.
_SYSTEM = ("/proc/", "/sys/", "/dev/")


def place_key(location: CodeLocation, interpreter: Interpreter) -> str:
    """A digest of project, location and interpreter: one folder of the cache."""
    what = [str(location.root), location.name, str(location.cwd), str(location.working_directory)]
    known = [what, sorted(location.target.items()), interpreter.path]
    return digest_of_json(known)


def identity(location: CodeLocation, interpreter: Interpreter, environ: Mapping[str, str]) -> str:
    """A digest of everything but the project's files and other files that definitions read.

    Budgets and the timeout are not part of it: findings are always computed again.
    """
    files = FileStates()
    config = location.config
    dotenv = location.dotenv
    read = [config.path, str(dotenv) if dotenv else None, "/etc/localtime", "/etc/timezone"]
    read += [str(Path(interpreter.path).parent.parent / "pyvenv.cfg")]
    known = {
        "tool": _own_sources(),
        "place": place_key(location, interpreter),
        "tree": str(repository_root(location.root) or location.root),
        "plus": location.dagster_plus,
        "storage": [config.storage, config.storage_limit],
        "env": sorted(config.env.items()),
        "environment": sorted(relevant_environment(interpreter.path, environ).items()),
        "files": [(path, files.state(path).digest.hex()) for path in read if path],
        "interpreter": _interpreter_stamp(interpreter.path, location.cwd, environ),
        "zone": [time.timezone, time.altzone, list(time.tzname)],
        "system": _system(),
        "folder": _folder_of_home(config.env, environ),
    }
    return digest_of_json(known)


def _own_sources(package: Path = PACKAGE) -> str:
    """A digest of the tool's own source: its version, in a development checkout too."""
    files = FileStates()
    parts = []
    for own in _OWN_PACKAGES:
        for path in sorted((package / own).rglob("*.py")):
            name = path.relative_to(package).as_posix()
            parts += [name.encode(), files.state(str(path)).digest]
    return digest(*parts)


def _interpreter_stamp(path: str, cwd: Path, environ: Mapping[str, str]) -> list[Any]:
    """Which file it is; a script, or a program such as that of mise, says which Python it runs."""
    real = os.path.realpath(path)
    try:
        status = os.stat(real)
        with open(real, "rb", buffering=0) as stream:
            is_script = stream.read(2) == b"#!"
    except OSError:
        return [real]
    stamp = [real, status.st_size, status.st_mtime_ns]
    return [*stamp, _says(path, cwd, environ)] if is_script or not _is_python(real) else stamp


def _is_python(path: str) -> bool:
    return "py" in os.path.basename(path).lower()


def _says(python: str, cwd: Path, environ: Mapping[str, str]) -> str:
    """What the interpreter says of itself, without running anything that is installed."""
    command = [python, "-I", "-S", "-c", "import sys; print(sys.executable, sys.version)"]
    variables = interpreter_environ(python, environ)
    # Supervised: a script may hang, and leave programs that hold its output open.
    from dagster_snapsize.measuring.process import ProbeProcess

    try:
        with ProbeProcess(command, cwd=cwd, env=variables, timeout=_PATIENCE) as process:
            status, printed = process.run_to_end()
    except OSError:
        return ""
    return printed if status == 0 else ""


def _system() -> list[str]:
    if sys.platform == "win32":
        return [sys.platform, os.environ.get("COMPUTERNAME", "")]
    name = os.uname()
    return [name.sysname, name.release, name.machine, name.nodename, str(os.getuid())]


def _folder_of_home(configured: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """Where we are, if that decides which dagster.yaml is read."""
    homes = [configured.get("DAGSTER_HOME", ""), environ.get("DAGSTER_HOME", "")]
    return "" if all(h.startswith(("/", "~")) or not h for h in homes) else os.getcwd()


@frozen
class ExternalInputs:
    """What a measurement read besides the files of its project.

    ``sources`` are the dbt projects of the manifests that it read: by manifest the folder of the
    project and the folders that its sources are in. ``variables`` are names that it asked for, of
    those that the key of the environment leaves out.
    """

    read: tuple[str, ...]
    listed: tuple[str, ...]
    installed: tuple[tuple[str, int, int], ...]
    distributions: tuple[str, ...]
    sources: Mapping[str, tuple[str, ...]]
    variables: tuple[str, ...]

    @classmethod
    def of(cls, measurement: Measurement, project: ProjectFiles) -> ExternalInputs:
        """The inputs of a measurement without those that the key of its ``project`` covers."""
        inputs = measurement.inputs
        assert inputs is not None
        # Comments that silence findings are looked for where an asset says that it is defined.
        places = {a.location.path for a in measurement.assets if a.location}
        paths = {os.path.normpath(p) for p in (*inputs.read, *places)}
        read = [p for p in paths if not project.has(p) and not _is_systems(p)]
        manifests = [p for p in inputs.read if os.path.basename(p) == "manifest.json"]
        return cls(
            read=tuple(sorted(read)),
            listed=tuple(sorted(p for p in inputs.listed if not project.has(p))),
            installed=tuple((p, size, mtime) for p, size, mtime in inputs.installed),
            distributions=tuple(inputs.distributions),
            sources={p: _dbt_folders(p) for p in manifests},
            variables=tuple(filter(is_left_out, inputs.variables)),
        )


def _is_systems(path: str) -> bool:
    return path.startswith(_SYSTEM) and not path.startswith("/dev/shm/")


def external_digest(
    external: ExternalInputs, project: ProjectFiles, environ: Mapping[str, str], files: FileStates
) -> str | None:
    """A digest of them as they are now; None where an installed module is not what it was."""
    if not _installed_are(external.installed):
        return None
    parts = [f"{name}={environ.get(name)}".encode() for name in external.variables]
    for path in external.read:
        parts += [os.fsencode(path), files.state(path).digest, *_beside(path, files)]
    for folder in external.listed:
        parts += [os.fsencode(folder), folder_outline(folder)[0]]
    for folder in external.distributions:
        parts += [os.fsencode(folder), *_distributions(folder)]
    for manifest, folders in external.sources.items():
        parts += [os.fsencode(manifest), *_dated_sources(manifest, folders, project, files)]
    return digest(*parts)


def _installed_are(installed: Sequence[tuple[str, int, int]]) -> bool:
    look = os.stat
    try:
        for path, size, mtime in installed:
            status = look(path)
            if status.st_size != size or status.st_mtime_ns != mtime:
                return False
    except OSError:
        return False
    return True


def _beside(path: str, files: FileStates) -> list[bytes]:
    """What has not been written into a database yet (sqlite.org/wal.html, tempfiles.html)."""
    if not files.is_database(path):
        return []
    return [files.state(path + end).digest for end in ("-wal", "-journal")]


def _distributions(folder: str) -> Iterator[bytes]:
    """What is installed there: names, what .pth files say, and the stamps of what installers write.

    Installers write RECORD, and METADATA says the version. Times are those of writing: installers
    that make links to files of a store change the other files for everybody.
    """
    files = FileStates()
    for path, status in _distribution_files(folder):
        yield os.fsencode(path)
        if path.endswith(_POINTERS):
            yield files.state(path).digest
        elif status is not None:
            yield b"%d %d" % (status.st_size, status.st_mtime_ns)


def last_installed(folder: str) -> int:
    """When something was last installed there, in nanoseconds since the epoch."""
    found = [status.st_mtime_ns for _, status in _distribution_files(folder) if status is not None]
    return max(found, default=0)


def _distribution_files(folder: str) -> Iterator[tuple[str, os.stat_result | None]]:
    try:
        names = sorted(n for n in os.listdir(folder) if n.endswith(_DISTRIBUTION_ENDS))
    except OSError:
        return
    for name in names:
        path = f"{folder}{os.sep}{name}"
        if name.endswith(_POINTERS):
            yield path, _status(path)
            continue
        yield path, None
        for inside in _DISTRIBUTION_FILES:
            status = _status(f"{path}{os.sep}{inside}")
            if status is not None:
                yield f"{path}{os.sep}{inside}", status


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _dbt_folders(manifest: str) -> tuple[str, ...]:
    """The folder of the manifest's dbt project and those of its sources; none without one."""
    project = DbtProject.of_manifest(Path(manifest))
    return (str(project.folder), *project.source_folders()) if project else ()


def _dated_sources(
    manifest: str, folders: Sequence[str], project: ProjectFiles, files: FileStates
) -> list[bytes]:
    """What `stale_inputs` looks at: the sources, and which of them are newer than the manifest."""
    # What is beside a manifest was generated with it.
    left_out = os.path.dirname(manifest)
    try:
        made_at = os.stat(manifest).st_mtime
    except OSError:
        return [b"gone"]
    parts = []
    for folder in folders:
        for place, below, names in os.walk(folder):
            entries = [*below, *names]
            kept = (n for n in source_folders(below, entries) if f"{place}{os.sep}{n}" != left_out)
            below[:] = sorted(kept)
            for name in [] if is_environment(entries) else sorted(names):
                path = f"{place}{os.sep}{name}"
                content = b"" if project.has(path) else files.state(path).digest
                parts += [os.fsencode(path), content, b"%d" % _is_newer(path, made_at)]
    return parts


def _is_newer(path: str, than: float) -> bool:
    try:
        return os.stat(path).st_mtime > than
    except OSError:
        return False
