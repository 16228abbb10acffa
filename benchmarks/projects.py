"""The code locations that are measured, and the environments that they run in."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import generate  # noqa: E402
import generate_dbt  # noqa: E402
from support import environments  # noqa: E402

TARGET = ("-m", "warehouse.definitions")
SETTINGS = '[tool.dagster-snapsize]\nmodule-name = "warehouse.definitions"\n'
IGNORED = "__pycache__/\n.venv\ntarget/\n"
HEAVY_PACKAGES = ("pandas", "scikit-learn")
HEAVY_IMPORTS = ("pandas", "sklearn.ensemble", "dagster_dbt", "dbt.cli.main")


@frozen
class Project:
    """One code location.

    ``write`` is given its folder and whether a small one will do. ``pairs`` is how many runs of
    each way count; a big one has no run before them, as its own modules are compiled beforehand.
    """

    title: str
    write: Callable[[Path, bool], None]
    python: Callable[[], Path]
    pairs: int = 5
    runs_before: int = 1


def _assets(
    size: str, small: str, *, all_in_each: bool = False, imports: Sequence[str] = ()
) -> Callable[[Path, bool], None]:
    def write(folder: Path, quick: bool) -> None:
        count = generate.parse_size(small if quick else size)
        generate.write(*count, folder, all_in_each=all_in_each, imports=imports)

    return write


def _models(models: int, small: int) -> Callable[[Path, bool], None]:
    return lambda folder, quick: generate_dbt.write(small if quick else models, folder)


def dbt_python() -> Path:
    """The newest Dagster for which there is a dagster-dbt."""
    return environments.environment("dbt")


def heavy_python() -> Path:
    """The same with pandas and scikit-learn."""
    wanted = (*environments.requirements("dbt"), *HEAVY_PACKAGES)
    return environment("dbt-pandas", "\n".join(wanted), *wanted)


PROJECTS = {
    "tiny": Project("20 assets, 1 job", _assets("20x1", "20x1"), environments.dagster_python),
    "2000x10": Project(
        "2,000 assets, 10 jobs", _assets("2000x10", "60x2"), environments.dagster_python
    ),
    "10000x20": Project(
        "10,000 assets, 20 jobs",
        _assets("10000x20", "100x3"),
        environments.dagster_python,
        pairs=3,
        runs_before=0,
    ),
    "all-in-each": Project(
        "2,000 assets, 10 jobs that each select all",
        _assets("2000x10", "60x2", all_in_each=True),
        environments.dagster_python,
        pairs=3,
        runs_before=0,
    ),
    "dbt": Project("dbt manifest of 3,000 models", _models(3000, 60), dbt_python, pairs=3),
    "tiny-imports": Project(
        "20 assets, 1 job, with pandas, scikit-learn and dbt",
        _assets("20x1", "20x1", imports=HEAVY_IMPORTS),
        heavy_python,
    ),
}


def environment(name: str, identity: str, *packages: str) -> Path:
    """The interpreter of an environment of the benchmarks' own; built if it is not there yet.

    ``packages`` are what ``uv pip install`` takes; another ``identity`` makes another environment.
    """
    digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
    folder = environments.root() / f"benchmark-{name}-{digest}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        base = environments.base_python()
        environments.uv("venv", "--quiet", "--clear", "--no-project", str(folder), "--python", base)
        flags = ("--quiet", "--compile-bytecode", "--python", str(python))
        environments.uv("pip", "install", *flags, *packages, cwd=ROOT)
        (folder / "complete").touch()
    return python


@contextmanager
def written(project: Project, quick: bool) -> Iterator[Path]:
    """A repository with the project in it, its modules compiled, until the block is left."""
    with tempfile.TemporaryDirectory(prefix="benchmark") as temporary:
        folder = Path(temporary).resolve() / "project"
        project.write(folder, quick)
        python = project.python()
        (folder / "pyproject.toml").write_text(SETTINGS)
        (folder / ".gitignore").write_text(IGNORED)
        (folder / ".venv").symlink_to(python.parent.parent)
        # Python would write them in the first run: that of the snippet, or ours.
        compile_all = (str(python), "-m", "compileall", "-q", "warehouse")
        for command in (("git", "init", "--quiet"), ("git", "add", "--all"), compile_all):
            subprocess.run(command, cwd=folder, env=environ(python), check=True)
        yield folder


def environ(python: Path, **more: str) -> dict[str, str]:
    """What commands are started with: nothing that leads to another Dagster, limit or result."""
    dropped = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT")
    ours = {
        name: text
        for name, text in os.environ.items()
        if name not in dropped and not name.startswith(("DAGSTER_", "GIT_", "SNAPSIZE_"))
    }
    return {
        **ours,
        "PATH": f"{python.parent}{os.pathsep}{ours.get('PATH', '')}",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        **more,
    }
