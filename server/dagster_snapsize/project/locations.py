"""The code locations to measure, each with its project, its settings and a name of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from attrs import evolve, frozen

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.limits import InstanceStorage
from dagster_snapsize.project.config import Config, load_config
from dagster_snapsize.project.discovery import DEFINITIONS, Discovery, Flags, is_project
from dagster_snapsize.project.files.dagster_cloud import find_dagster_cloud
from dagster_snapsize.project.layout import (
    DAGSTER_CLOUD_FILES,
    WORKSPACE_FILES,
    is_environment,
    nearby_projects,
    project_root,
    repository_root,
)
from dagster_snapsize.project.servers import RunningServer, configured_server
from dagster_snapsize.project.targets import Target, absolute, default_name, server_target

_SHOWN = 5


@frozen
class CodeLocation:
    """One code location to measure.

    ``target`` holds exactly one of ``python_file`` (absolute), ``module_name``, ``package_name``
    and ``autoload_defs_module_name``, and perhaps ``attribute``. ``root`` is the folder of its
    project: its settings, its ``.env`` and its virtual environment are there. ``cwd`` is where
    Dagster would start its code server, and ``folder`` where the search began. ``source`` says what
    named it. ``dagster_cloud`` is the dagster_cloud.yaml that it is deployed with, if any.
    ``stable_name`` tells it from the others of its ``root`` in every checkout of the project.
    One that runs already has the ``server`` to ask, and is not loaded.
    """

    name: str
    target: Mapping[str, str]
    working_directory: Path
    root: Path
    executable_path: str | None
    source: str
    config: Config
    dagster_cloud: Path | None
    cwd: Path
    folder: Path
    stable_name: str
    server: RunningServer | None = None

    @property
    def dotenv(self) -> Path | None:
        """The ``.env`` whose variables the definitions get, if there is one."""
        places = (self.root, self.working_directory, self.cwd)
        return next((p / ".env" for p in places if (p / ".env").is_file()), None)

    @property
    def dagster_plus(self) -> str | None:
        """What says that the limit of Dagster+ applies; None where it does not."""
        if self.config.dagster_plus is None:
            return self.dagster_cloud.name if self.dagster_cloud else None
        return "[tool.dagster-snapsize] dagster-plus" if self.config.dagster_plus else None

    @property
    def storage(self) -> InstanceStorage | None:
        """The storage of the instance, where the configuration names it."""
        name = self.config.storage
        return InstanceStorage(name, "[tool.dagster-snapsize] storage") if name else None


@frozen
class Found:
    """The locations of a folder, and notes on what cannot be measured."""

    locations: tuple[CodeLocation, ...]
    notes: tuple[str, ...] = ()


def find_locations(folder: Path, flags: Flags, environ: Mapping[str, str] | None = None) -> Found:
    """The code locations that ``flags`` name, else those of the project in ``folder``.

    Looked for in this order: flags, ``[tool.dagster-snapsize]``, workspace.yaml, ``[tool.dg]`` or
    dg.toml, ``[tool.dagster]``, dagster_cloud.yaml, definitions.py. ``-d`` alone is the folder to
    look in. Raises UserError where there are none or where what names them is wrong.
    """
    environ = os.environ if environ is None else environ
    folder = absolute(str(folder), Path.cwd())
    given = flags.targets
    if not given and flags.attribute is not None:
        raise UserError(
            "-a names an attribute of a file, module or package: add -f, -m or --package-name"
        )
    if not given and flags.working_directory is not None:
        folder = absolute(flags.working_directory, folder)
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}")
    config = load_config(folder)
    discovery = Discovery(folder, environ, flags.live)
    found = discovery.by_flags(flags) if given else discovery.by_files(config)
    if flags.live and (server := configured_server(config.server, folder, environ)):
        source = f"[tool.dagster-snapsize.server] of {Path(config.path or '').name}"
        named = (*found.targets, server_target(server, folder, source))
        found = evolve(found, targets=named)
    if not found.targets:
        if found.notes:
            raise UserError(f"no code location in {folder} can be measured", "\n".join(found.notes))
        raise _nothing_found(folder, environ)
    locations = tuple(_location(target, folder, config) for target in found.targets)
    return Found(_with_unique_names(_with_stable_names(locations), folder), found.notes)


def _location(target: Target, folder: Path, config: Config) -> CodeLocation:
    file = target.target.get("python_file")
    root = target.root or project_root(
        Path(file).parent if file else target.working_directory, folder
    )
    # A project without settings of its own takes those of the folder that is measured.
    own = config if root == folder else load_config(root)
    last = repository_root(root) or (folder if root.is_relative_to(folder) else root)
    return CodeLocation(
        name=target.name,
        target=target.target,
        working_directory=target.working_directory,
        root=root,
        executable_path=target.executable_path,
        source=target.source,
        config=config if own.path is None else own,
        dagster_cloud=find_dagster_cloud(root, last),
        cwd=target.cwd,
        folder=folder,
        stable_name=default_name(target.target) if target.named_by_folder else target.name,
        server=target.server,
    )


def server_location(target: Target, folder: Path) -> CodeLocation:
    """The location that a server is, with the settings of the project in ``folder``."""
    return _location(target, folder, load_config(folder))


def _with_stable_names(locations: tuple[CodeLocation, ...]) -> tuple[CodeLocation, ...]:
    """Two files of one project may have one name: their paths in it tell them apart."""
    names = [(location.root, location.stable_name) for location in locations]
    return tuple(
        evolve(x, stable_name=_longer_name(x, x.root)) if names.count(name) > 1 else x
        for x, name in zip(locations, names, strict=True)
    )


def _with_unique_names(
    locations: tuple[CodeLocation, ...], folder: Path
) -> tuple[CodeLocation, ...]:
    """Two ``definitions.py`` have one name in Dagster: their paths tell them apart."""
    names = [location.name for location in locations]
    return tuple(
        location
        if names.count(location.name) == 1
        else evolve(location, name=_longer_name(location, folder))
        for location in locations
    )


def _longer_name(location: CodeLocation, folder: Path) -> str:
    path = Path(location.target.get("python_file", location.root))
    relative = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
    return relative if "python_file" in location.target else f"{relative}/{location.name}"


def _module(folder: Path) -> str:
    """A module that looks like the definitions of a package below, or an example of one."""
    for place in (folder, folder / "src"):
        for found in sorted(place.glob(f"*/{DEFINITIONS}")):
            package = found.parent
            names = [entry.name for entry in package.iterdir()]
            if package.name.isidentifier() and not is_environment(names):
                return f"{package.name}.definitions"
    return "my_project.definitions"


def _nothing_found(folder: Path, environ: Mapping[str, str]) -> UserError:
    tried = (
        ("the flags -m, -f, --package-name, -w", "none given"),
        ("[tool.dagster-snapsize] in pyproject.toml, snapsize.toml", "no target there"),
        (", ".join(WORKSPACE_FILES), "no such file"),
        ("dg.toml, [tool.dg] in pyproject.toml", "no project there"),
        ("[tool.dagster] in pyproject.toml", "no module there"),
        (", ".join(DAGSTER_CLOUD_FILES), "no such file"),
        ("definitions.py", "no such file"),
    )
    lines = ["Tried, in this order:", *(f"  {what}: {outcome}" for what, outcome in tried)]
    near = nearby_projects(folder, lambda place: is_project(place, environ))
    if near:
        one = "There is a project nearby; measure it with:"
        lines.append(one if len(near) == 1 else "There are projects nearby; measure one with:")
        lines += [f"  dagster-snapsize measure -d {place}" for place in near[:_SHOWN]]
        if len(near) > _SHOWN:
            lines.append(f"and {len(near) - _SHOWN} more")
    else:
        lines += [
            "Say what to load, for example:",
            f"  dagster-snapsize measure -m {_module(folder)}",
        ]
    return UserError(f"no code location found in {folder}", "\n".join(lines))
