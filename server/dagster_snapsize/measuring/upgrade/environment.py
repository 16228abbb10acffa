"""Build an environment with another Dagster, and otherwise the packages of the user's.

It is a virtual environment of the same base Python. A .pth file adds the site-packages of the
user's environment behind its own, so whatever is not installed in it is the user's, packages that
are edited in place included. pip then sees what is there, installs what changes, and removes
nothing outside of its own environment ("Not uninstalling ... outside environment", pip's
``UninstallPathSet.from_dist``).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.measuring.cache.file_states import digest_of_json
from dagster_snapsize.measuring.cache.folders import (
    cache_root,
    lock_of,
    make_cache,
    remove_folder,
    remove_unused,
)
from dagster_snapsize.measuring.environment import isolated_environ
from dagster_snapsize.measuring.file_lock import held
from dagster_snapsize.measuring.process import ProbeProcess, supervised
from dagster_snapsize.measuring.revision.worktree import no_interruption
from dagster_snapsize.measuring.upgrade.versions import (
    folded_name,
    latest_of_all,
    lockstep,
    numbers,
)
from dagster_snapsize.project.interpreters import Interpreter

FOLDER = "environments"  # in the cache folder
_KEPT = 6  # environments; one is some 150 MB
_PATIENCE = 5.0  # seconds for a supervisor to end what it started
_COMPLETE = "complete.json"
_VERSION = re.compile(r"\d+\.\d+[0-9a-z.+!-]*")
_CONFLICT = re.compile(r"(\S+) \S+ requires (.+), but you have (\S+ \S+) which is incompatible")
_PIP = (
    *("-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"),
    *("--no-warn-script-location", "--progress-bar", "off", "--retries", "2", "--timeout", "20"),
)
_UNREACHABLE = re.compile(
    r"Failed to establish a new connection|NewConnectionError|NameResolutionError|ConnectTimeout"
    r"|Read timed out|ReadTimeoutError|ProxyError|SSLError|Connection(?:Reset|Refused)?Error"
    r"|Max retries exceeded|Could not fetch URL|Temporary failure in name resolution"
)
_NO_VERSION = re.compile(
    r"Could not find a version that satisfies the requirement (\S+?)(?:\s.*?)?"
    r" \(from versions: (.*?)\)"
)
_OTHER_PYTHON = re.compile(r"Requires-Python|requires a different python version", re.I)
_SHOWN = 3
_ASK = """
import json, site, sys
from importlib import metadata
found = {}
for dist in metadata.distributions():
    name = dist.metadata["Name"]
    if name and name not in found:
        found[name] = dist.version
sites = list(site.getsitepackages())
if site.ENABLE_USER_SITE:
    sites.append(site.getusersitepackages())
print(json.dumps({
    "base": getattr(sys, "_base_executable", None) or sys.executable,
    "version": sys.version, "prefix": sys.prefix, "sites": sites, "distributions": found,
}))
"""
OnStep = Callable[[str], None]


@frozen
class UpgradedEnvironment:
    """An environment with another Dagster; ``interpreter`` runs in it, with ``environ``."""

    interpreter: Interpreter
    environ: Mapping[str, str]
    version: str


@frozen
class _Installation:
    """The user's environment, as its interpreter describes it."""

    python: str
    base: str
    version: str
    prefix: str
    sites: tuple[str, ...]
    distributions: Mapping[str, str]

    @property
    def dagster(self) -> str:
        return next((v for n, v in self.distributions.items() if n.lower() == "dagster"), "")


def upgraded(
    interpreter: Interpreter, version: str, environ: Mapping[str, str], on_step: OnStep
) -> tuple[UpgradedEnvironment | None, tuple[str, ...]]:
    """The environment with this version of Dagster, or the ``latest``; built if it is not there.

    None where the user has that version already. The second value are notes for the user.
    ``on_step`` is given a line for progress. Raises UserError where there is no such version, no
    index to get it from, or nothing to build with.
    """
    if version != "latest" and not _VERSION.fullmatch(version):
        raise UserError(
            f"{version!r} is not a version of Dagster",
            "For example: dagster-snapsize advise --dagster 1.13.28, or --dagster latest",
        )
    installed = _ask(interpreter, environ)
    if not installed.dagster:
        raise UserError(f"{interpreter.path} has no dagster that pip knows of")
    wanted, notes = version, list[str]()
    if version == "latest":
        wanted, notes = _latest(installed, environ, on_step)
    if wanted == installed.dagster:
        return None, tuple(notes)
    if numbers(wanted) < numbers(installed.dagster):
        # Packages that an older Dagster does not know would be there all the same.
        raise UserError(
            f"Dagster {wanted} is older than the project's {installed.dagster}",
            "Name a later one, or --dagster latest. To compare with an older environment:"
            " dagster-snapsize diff HEAD --old-python PATH",
        )
    requirements, stay = lockstep(installed.distributions, installed.dagster, wanted)
    folder, conflicts = _environment(installed, requirements, environ, on_step)
    notes += [f"{name} stays: its versions are not those of Dagster" for name in stay]
    notes += [f"{name} asks for {what}, and got {got}" for name, what, got in conflicts]
    made = Interpreter(str(_python_in(folder)), f"made beside {interpreter.path}")
    return UpgradedEnvironment(made, _with_users_programs(installed, environ), wanted), tuple(notes)


def _ask(interpreter: Interpreter, environ: Mapping[str, str]) -> _Installation:
    try:
        # Not with -I, which leaves out the user's site-packages. So Python looks for modules in the
        # working directory, which nobody else can write to.
        with (
            tempfile.TemporaryDirectory() as place,
            ProbeProcess(
                [interpreter.path, "-c", _ASK],
                cwd=Path(place),
                env=isolated_environ(interpreter.path, environ),
                timeout=60,
            ) as process,
        ):
            _, printed = process.run_to_end()
        # What starts with the interpreter may print too.
        answer = json.loads(next(x for x in printed.splitlines() if x.startswith('{"base": ')))
    except (OSError, ValueError, StopIteration):
        raise UserError(f"{interpreter.path} does not say what is installed") from None
    return _Installation(
        interpreter.path,
        answer["base"],
        answer["version"],
        answer["prefix"],
        tuple(path for path in answer["sites"] if os.path.isdir(path)),  # noqa: PTH112
        answer["distributions"],
    )


def _with_users_programs(installed: _Installation, environ: Mapping[str, str]) -> dict[str, str]:
    """Find programs such as dbt in the user's environment where the new one has none."""
    path = [str(Path(installed.python).parent), environ.get("PATH", "")]
    return {**environ, "PATH": os.pathsep.join(filter(None, path))}


def _latest(
    installed: _Installation, environ: Mapping[str, str], on_step: OnStep
) -> tuple[str, list[str]]:
    """The latest version that Dagster and all its integrations have, and what held it back."""
    folder, _ = _environment(installed, (), environ, on_step)
    on_step("asking for the latest Dagster")
    pins, _ = lockstep(installed.distributions, installed.dagster, installed.dagster)
    names = [pin.partition("==")[0] for pin in pins]
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "report.json"
        options = ("--dry-run", "--ignore-installed", "--no-deps", "--report", str(report))
        command = [str(_python_in(folder)), *_PIP, *options, *names]
        status, printed = _run(command, _pip_environ(folder, environ), lambda text: None)
        try:
            found = [one["metadata"] for one in json.loads(report.read_bytes())["install"]]
        except (OSError, ValueError, LookupError):
            if status == 0 or "no such option" in printed:
                raise UserError(
                    "the pip of the project's Python is too old to say which Dagster is the latest",
                    "Name a version: dagster-snapsize advise --dagster 1.13.28",
                ) from None
            raise pip_error(printed, "the latest dagster", environ) from None
    versions = {folded_name(one["name"]): str(one["version"]) for one in found}
    return latest_of_all(versions, installed.dagster)


def _environment(
    installed: _Installation,
    requirements: Sequence[str],
    environ: Mapping[str, str],
    on_step: OnStep,
) -> tuple[Path, list[tuple[str, str, str]]]:
    """An environment with these requirements, and which packages of the user's conflict."""
    known: list[object] = [installed.base, installed.version, installed.prefix, installed.sites]
    known += [sorted(installed.distributions.items()), list(requirements)]
    key = digest_of_json(known)
    root = cache_root(environ) / FOLDER
    folder = root / key
    try:
        make_cache(root)
    except OSError as error:
        raise UserError(f"no environment can be built in {root}: {error.strerror}") from None
    lock = held(lock_of(folder), wait=True)
    try:
        complete = folder / _COMPLETE
        try:
            conflicts = json.loads(complete.read_text("utf-8"))
            os.utime(folder)
        except (OSError, ValueError):
            with _whole_or_not_at_all(folder):
                conflicts = _build(folder, installed, requirements, environ, on_step)
                complete.write_text(json.dumps(conflicts), encoding="utf-8")
    finally:
        if lock is not None:
            lock.close()
    remove_unused(root, _KEPT)
    return folder, [(name, what, got) for name, what, got in conflicts]


@contextlib.contextmanager
def _whole_or_not_at_all(folder: Path) -> Iterator[None]:
    remove_folder(folder)
    try:
        yield
    except BaseException:
        with no_interruption():
            remove_folder(folder)
        raise


def _build(
    folder: Path,
    installed: _Installation,
    requirements: Sequence[str],
    environ: Mapping[str, str],
    on_step: OnStep,
) -> list[tuple[str, str, str]]:
    on_step("making an environment")
    _make_venv(folder, installed, environ, on_step)
    # What asks which packages are installed ones asks for these, too (site.getsitepackages).
    lines = [f"import site; site.PREFIXES.append({installed.prefix!a})\n"]
    lines += [f"import site; site.addsitedir({path!a})\n" for path in installed.sites]
    (_site_packages(folder) / "zzz_of_the_project.pth").write_text("".join(lines), encoding="ascii")
    if not requirements:
        return []
    names = ", ".join(requirements)
    on_step(f"installing {names}")
    command = [str(_python_in(folder)), *_PIP, *requirements]
    status, printed = _run(command, _pip_environ(folder, environ), on_step)
    if status:
        raise pip_error(printed, names, environ)
    return [(found[1], found[2], found[3]) for found in _CONFLICT.finditer(printed)]


def _make_venv(
    folder: Path, installed: _Installation, environ: Mapping[str, str], on_step: OnStep
) -> None:
    plain = isolated_environ(installed.base, environ)
    command = [installed.base, "-I", "-m", "venv", str(folder)]
    status, printed = _run(command, plain, lambda text: None)
    if status == 0:
        return
    # Debian's Python, for one, has no ensurepip until python3-venv is installed.
    uv = shutil.which("uv", path=_with_users_programs(installed, environ)["PATH"])
    if uv is not None:
        remove_folder(folder)
        status, _ = _run(
            [uv, "venv", "--seed", "--python", installed.base, str(folder)], plain, on_step
        )
        if status == 0:
            return
    last = (printed.strip().splitlines() or [f"exit status {status}"])[-1]
    raise UserError(
        f"{installed.base} cannot make a virtual environment: {last}",
        "Install what `python -m venv` needs (python3-venv on Debian), or uv.",
    )


def _pip_environ(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Keep the user's settings of the index, without those that install elsewhere."""
    variables = isolated_environ(str(_python_in(folder)), environ)
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_NO_DEPS", "PIP_DRY_RUN"):
        variables.pop(name, None)
    return {**variables, "PIP_USER": "0"}


def _run(command: Sequence[str], environ: Mapping[str, str], on_step: OnStep) -> tuple[int, str]:
    """Run a command; its exit status and output. ``on_step`` is given each line.

    However this process ends, the command ends with it.
    """
    printed: list[str] = []
    with (
        tempfile.TemporaryDirectory() as place,
        subprocess.Popen(
            supervised(command),
            stdin=subprocess.PIPE,  # the lifeline
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=place,
            env=dict(environ),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        ) as process,
    ):
        assert process.stdin is not None and process.stdout is not None
        try:
            for line in process.stdout:
                text = line.decode("utf-8", "replace").strip()
                printed.append(text)
                if text:
                    on_step(text[:100])
        except BaseException:
            process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
            process.kill()
            raise
        status = process.wait()
    return status, "\n".join(printed)


def _python_in(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _site_packages(folder: Path) -> Path:
    if os.name == "nt":
        return folder / "Lib" / "site-packages"
    return next(folder.glob("lib/python*/site-packages"))


# -- errors of pip -------------------------------------------------------------------------------


def pip_error(printed: str, wanted: str, environ: Mapping[str, str]) -> UserError:
    """The error to raise where pip could not install ``wanted``."""
    index = environ.get("PIP_INDEX_URL")
    where = f" at {_without_password(index)}" if index else ""
    missing = _NO_VERSION.search(printed)
    versions = re.split(r",\s*", missing[2]) if missing and missing[2] != "none" else []
    if _UNREACHABLE.search(printed) and not versions:
        return UserError(
            f"{wanted} cannot be downloaded: the package index{where} cannot be reached",
            "Is there a network? pip's settings (PIP_INDEX_URL, pip.conf, HTTPS_PROXY) say where it"
            " looks.",
        )
    if missing:
        requirement = missing[1]
        known = f"; its newest are {', '.join(versions[-_SHOWN:])}" if versions else ""
        version = requirement.partition("==")[2]
        if version and _OTHER_PYTHON.search(printed) and version not in versions:
            known += ". Others are not for this Python"
        return UserError(
            f"the package index{where} has no {requirement}{known}",
            "`--dagster latest` takes the newest there is.",
        )
    if "ResolutionImpossible" in printed or "conflicting dependencies" in printed:
        lines = [x.strip() for x in printed.splitlines() if " depends on " in x]
        return UserError(
            f"{wanted} cannot be installed together",
            "\n".join(lines[: 2 * _SHOWN]) or "pip says that they conflict.",
        )
    errors = [line for line in printed.splitlines() if line.startswith("ERROR:")]
    last = errors[-1] if errors else (printed.strip().splitlines() or ["nothing"])[-1]
    return UserError(
        f"{wanted} cannot be installed: {last.removeprefix('ERROR: ')}",
    )


def _without_password(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)
