"""Choose the Python that runs a code location, and never fall back to another one silently."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import platformdirs
from attrs import frozen

from dagster_snapsize.core.errors import NoInterpreter
from dagster_snapsize.project.config import line_of_setting
from dagster_snapsize.project.files.toml_document import read_file
from dagster_snapsize.project.layout import repository_root
from dagster_snapsize.project.locations import CodeLocation
from dagster_snapsize.project.targets import absolute

EnvironmentStamp: TypeAlias = tuple[tuple[str, int], ...]

_VENV_NAMES = (".venv", "venv")
_PACKAGES = ("Lib/site-packages", "lib/python*/site-packages")
# Folders that pre-commit makes for a hook, wherever its cache is: lang_base.environment_dir and
# the mkdtemp(prefix="repo") of its store.py.
_HOOK_FOLDER = re.compile(r"/py_env-[^/]+(/|$)|/repo[a-z0-9_]{8}/conda-[^/]+(/|$)|/\.pre-commit/")

# What is in a project of each tool, and the command that prints the environment's Python.
_TOOL_COMMANDS = (
    ("poetry.lock", "poetry env info --executable"),
    ("pixi.lock", "pixi run which python"),
    ("pdm.lock", "pdm info --python"),
    ("Pipfile", "pipenv --py"),
    ("hatch.toml", "hatch run which python"),
    (".python-version", "pyenv which python"),
    ("environment.yml", "conda run --name NAME which python"),
)


@frozen
class Interpreter:
    """A Python and what named it."""

    path: str
    source: str


@frozen
class ToolInterpreter:
    """The Python that this tool runs in."""

    executable: str
    prefix: str
    has_dagster: bool

    @classmethod
    def current(cls) -> ToolInterpreter:
        """That of this process; looks for dagster without importing it."""
        return cls(sys.executable, sys.prefix, importlib.util.find_spec("dagster") is not None)


def choose_interpreter(
    location: CodeLocation,
    flag: str | None,
    environ: Mapping[str, str],
    editor_choice: str | None = None,
    tool: ToolInterpreter | None = None,
    flag_source: str = "--python",
) -> Interpreter:
    """The interpreter of ``location``: the first of these that is there.

    ``flag`` (--python, or the editor's setting: ``flag_source`` says which), ``python`` of the
    configuration, ``executable_path`` of the workspace entry, ``editor_choice`` (what the editor's
    Python extension chose for the folder), UV_PROJECT_ENVIRONMENT, a ``.venv`` or ``venv`` beside
    the project and then up to the repository's root, one that Poetry, pixi, PDM, Pipenv, hatch or
    pyenv made for these folders, VIRTUAL_ENV unless it is this tool's or a
    commit hook's, CONDA_PREFIX, and this tool's where it has dagster and is not a hook's. Looks at
    files only, runs nothing. Raises NoInterpreter where an explicit choice is not an interpreter,
    and where there is none, with all that was tried.
    """
    tool = tool or ToolInterpreter.current()
    for value, source, base in _explicit(location, flag, flag_source, editor_choice):
        if value:
            return Interpreter(_explicit_path(value, source, base, environ, location), source)
    tried: list[str] = []
    for prefix, source in _environments(location, environ, tool, tried):
        found = _python_of(prefix)
        if found:
            return Interpreter(found, source)
        tried.append(
            f"{source}: {prefix} {'has no Python' if prefix.is_dir() else 'is not a folder'}"
        )
    if is_hook_environment(tool.executable, environ):
        tried.append(f"{tool.executable}: made for a commit hook, never the project's")
    elif tool.has_dagster:
        return Interpreter(tool.executable, "the interpreter of dagster-snapsize")
    else:
        tried.append(f"{tool.executable}, which runs dagster-snapsize: has no dagster")
    named = "--python, `python` in the configuration, executable_path: not given"
    lines = ["Tried, in this order:", *(f"  {line}" for line in (named, *tried))]
    asked = " or ".join(f"`{command}`" for command in _commands(_upwards(location)))
    lines += [
        f"Name the Python that {asked} prints, for example:"
        if asked
        else "Make a virtual environment beside the project, or name its Python, for example:",
        "  [tool.dagster-snapsize]",
        '  python = ".venv/bin/python"',
    ]
    raise NoInterpreter(f"no Python found for the code location {location.name}", "\n".join(lines))


def environment_stamp(roots: Iterable[str]) -> EnvironmentStamp:
    """What changes when the environment of a project below is made, or packages come and go in it.

    Of those named ``.venv`` or ``venv`` beside the ``roots`` and above, up to the repository's.
    """
    places = set()
    for root in map(Path, roots):
        last = repository_root(root) or root
        places |= {p for p in (root, *root.parents) if p.is_relative_to(last)}
    found: dict[str, int] = {}
    for made in (place / name for place in sorted(places) for name in _VENV_NAMES):
        for path in (made, made / _PACKAGES[0], *made.glob(_PACKAGES[1])):
            with contextlib.suppress(OSError):
                found[str(path)] = path.stat().st_mtime_ns
    return tuple(found.items())


def is_hook_environment(path: str, environ: Mapping[str, str]) -> bool:
    """Whether ``path`` is in an environment that pre-commit, or prek, made for a hook.

    Such an environment may have a dagster, but never the project's.
    """
    cache = environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    homes = [environ.get("PRE_COMMIT_HOME"), environ.get("PREK_HOME")]
    homes += [f"{cache}/pre-commit", f"{cache}/prek"]
    # The last step is not followed: bin/python of an environment is a link to some other Python.
    given = absolute(path, Path.cwd())
    for place in (given, given.parent.resolve() / given.name):
        for home in filter(None, homes):
            if place.is_relative_to(absolute(home, Path.cwd())) or place.is_relative_to(
                Path(home).resolve()
            ):
                return True
        if _HOOK_FOLDER.search(place.as_posix()):
            return True
    return False


def _explicit(
    location: CodeLocation, flag: str | None, flag_source: str, editor_choice: str | None
) -> Iterator[tuple[str | None, str, Path]]:
    """Value, source and the folder that a relative path starts at."""
    config = location.config
    base = Path(config.path).parent if config.path else location.root
    yield flag, flag_source, Path.cwd()
    yield config.python, f"python in {Path(config.path or '').name}", base
    yield location.executable_path, f"executable_path of {location.source}", location.cwd
    yield editor_choice, "the editor's Python extension", location.folder


def _explicit_path(
    value: str, source: str, base: Path, environ: Mapping[str, str], location: CodeLocation
) -> str:
    def error(reason: str) -> NoInterpreter:
        in_config = source.startswith("python in ")
        example = ".venv/bin/python"
        if in_config:
            example = f'python = "{example}"'
        elif source == "--python":
            example = f"--python {example}"
        return NoInterpreter(
            f"{source}: {value} {reason}",
            hint=f"Name a Python that has the project's dagster, for example:\n  {example}",
            path=location.config.path if in_config else None,
            line=line_of_setting(location.config, "python") if in_config else 1,
        )

    if Path(value).name == value and not absolute(value, base).exists():
        # pre-commit puts its own environment first on PATH.
        folders = environ.get("PATH", os.defpath).split(os.pathsep)
        others = [folder for folder in folders if not is_hook_environment(folder, environ)]
        on_path = shutil.which(value, path=os.pathsep.join(others))
        if on_path is None:
            raise error(f"is neither on PATH nor in {base}")
        return str(absolute(on_path, Path.cwd()))
    path = absolute(value, base)
    if path.is_dir():
        inside = _python_of(path)
        if inside is None:
            raise error("is a folder without a Python in it")
        return inside
    if not path.is_file():
        raise error("does not exist" if path == Path(value) else f"does not exist in {base}")
    if not os.access(path, os.X_OK):
        raise error("is not executable")
    return str(path)


def _environments(
    location: CodeLocation, environ: Mapping[str, str], tool: ToolInterpreter, tried: list[str]
) -> Iterator[tuple[Path, str]]:
    """Folders of environments that may be the project's; ``tried`` gets those that are not."""
    places = _upwards(location)
    if named := environ.get("UV_PROJECT_ENVIRONMENT"):
        # uv sees it from the workspace's root, which is one of the places.
        found = [absolute(named, place) for place in places]
        yield next((p for p in found if p.is_dir()), found[0]), "UV_PROJECT_ENVIRONMENT"
    nowhere = True
    for place in places:
        for name in _VENV_NAMES:
            if (place / name).is_dir():
                nowhere = False
                yield place / name, f"{name} in {place}"
    for place in places:
        for made, source in _tool_environments(place, environ):
            nowhere = False
            yield made, f"{source} for {place}"
    if nowhere:
        between = str(places[0]) if len(places) == 1 else f"{places[0]} up to {places[-1]}"
        tried.append(
            f"{' and '.join(_VENV_NAMES)} in {between}, or one of Poetry, pixi, PDM,"
            " Pipenv, hatch or pyenv: there is none"
        )
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = environ.get(variable)
        if not prefix:
            tried.append(f"{variable}: not set")
        elif is_hook_environment(prefix, environ):
            tried.append(f"{variable}: {prefix} was made for a commit hook")
        elif _same(prefix, tool.prefix):
            tried.append(f"{variable}: {prefix} is the environment of dagster-snapsize")
        else:
            yield Path(prefix), variable


def _upwards(location: CodeLocation) -> list[Path]:
    """From the project to the repository's root, or to the folder where the search began."""
    last = repository_root(location.root)
    if last is None:
        last = location.folder if location.root.is_relative_to(location.folder) else location.root
    chain = [location.root, *location.root.parents]
    return chain[: chain.index(last) + 1]


def _python_of(prefix: Path) -> str | None:
    """The Python of a virtual environment or of a conda one, on any system."""
    for name in ("bin/python", "Scripts/python.exe", "python.exe", "bin/python3"):
        path = prefix / name
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    return None


def _same(one: str, other: str) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:
        return False


def _tool_environments(place: Path, environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Folders of environments that tools made for the project in ``place``, and who made each.

    Poetry, Pipenv and hatch name the folder after a digest of the project's path.
    """
    pixi = place / ".pixi" / "envs" / "default"
    if pixi.is_dir():
        yield pixi, "pixi's default environment"
    if named := _first_line(place / ".pdm-python"):
        yield Path(named).parent.parent, ".pdm-python"
    if (place / "pyproject.toml").is_file():
        made = list(_poetry_folder(environ).glob(f"*-{_digest(place)}-py*"))
        # Of several Pythons, envs.toml has the one that was chosen with `poetry env use`.
        text = _text(_poetry_folder(environ) / "envs.toml")
        chosen = re.search(rf'-{_digest(place)}"?\]\s*minor = "([\d.]+)"', text)
        if chosen:
            made = [path for path in made if path.name.endswith(f"-py{chosen[1]}")]
        if len(made) == 1:
            yield made[0], "Poetry's environment"
        data = environ.get("HATCH_DATA_DIR") or platformdirs.user_data_dir("hatch", False)
        for found in Path(data, "env", "virtual").glob(f"*/{_digest(place)}/*"):
            if found.name == found.parent.parent.name:  # as the default environment is called
                yield found, "hatch's default environment"
    if (place / "Pipfile").is_file():
        homes = environ.get("WORKON_HOME") or _home(environ) / ".local" / "share" / "virtualenvs"
        for found in Path(homes).expanduser().glob(f"*-{_digest(place / 'Pipfile')}"):
            yield found, "Pipenv's environment"
    if version := _first_line(place / ".python-version"):
        versions = Path(environ.get("PYENV_ROOT") or _home(environ) / ".pyenv", "versions")
        # uv writes such a file too, and a bare Python is no environment of the project.
        if next((versions / version).glob("lib/python*/site-packages/dagster"), None):
            yield versions / version, f"pyenv's {version}"


def _commands(places: list[Path]) -> list[str]:
    """The commands that print the Python of a project in ``places``, by what its tools left."""
    return [
        command
        for mark, command in _TOOL_COMMANDS
        if any((place / mark).is_file() for place in places)
    ]


def _poetry_folder(environ: Mapping[str, str]) -> Path:
    cache = environ.get("POETRY_CACHE_DIR") or platformdirs.user_cache_dir("pypoetry", False)
    return Path(environ.get("POETRY_VIRTUALENVS_PATH") or Path(cache, "virtualenvs"))


def _digest(path: Path) -> str:
    real = os.path.normcase(os.path.realpath(path))
    return base64.urlsafe_b64encode(hashlib.sha256(real.encode()).digest()).decode()[:8]


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or Path.home())


def _text(path: Path) -> str:
    try:
        return read_file(path).decode("utf-8")
    except (OSError, ValueError):
        return ""


def _first_line(path: Path) -> str:
    return next(iter(_text(path).splitlines()), "").strip()
