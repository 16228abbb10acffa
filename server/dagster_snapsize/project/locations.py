"""Find code locations: by flags, by settings, or as Dagster itself would."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from attrs import evolve, frozen

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.limits import InstanceStorage
from dagster_snapsize.project.config import Config, load_config
from dagster_snapsize.project.dotenv import read_dotenv
from dagster_snapsize.project.files.dagster_cloud import find_dagster_cloud, read_dagster_cloud
from dagster_snapsize.project.files.dagster_toml import dg_project, dg_project_folders, tool_dagster
from dagster_snapsize.project.files.workspace_yaml import Workspace, read_workspace
from dagster_snapsize.project.layout import (
    DAGSTER_CLOUD_FILES,
    LOCATION_FILES,
    WORKSPACE_FILES,
    is_environment,
    is_source_folder,
    nearby_projects,
    project_root,
    repository_root,
    source_folders,
    source_tree,
)
from dagster_snapsize.project.servers import RunningServer, configured_server
from dagster_snapsize.project.targets import Target, absolute, default_name, server_target

DEFINITIONS = "definitions.py"
# What is in those files that are Dagster's, of names that others use too.
_WORDS = {
    **dict.fromkeys(LOCATION_FILES, (b"",)),
    **dict.fromkeys(WORKSPACE_FILES, (b"load_from",)),
    "pyproject.toml": (b"dagster", b"tool.dg"),
    DEFINITIONS: (b"dagster", b"defs", b"Definitions"),
}
PROJECT_MARKS = frozenset(_WORDS)
"""Files of which one must be in the folder of a project."""
_SHOWN = 5
_TARGET_FLAGS = {
    "workspace": "-w",
    "python_file": "-f",
    "module_name": "-m",
    "package_name": "--package-name",
}


@frozen
class Flags:
    """The flags that Dagster's commands have too, as given; ``live`` measures servers as well."""

    workspace: tuple[str, ...] = ()
    python_file: tuple[str, ...] = ()
    module_name: tuple[str, ...] = ()
    package_name: tuple[str, ...] = ()
    attribute: str | None = None
    working_directory: str | None = None
    live: bool = False


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
    given = [name for name in _TARGET_FLAGS if getattr(flags, name)]
    if not given and flags.attribute is not None:
        raise UserError(
            "-a names an attribute of a file, module or package: add -f, -m or --package-name"
        )
    if not given and flags.working_directory is not None:
        folder = absolute(flags.working_directory, folder)
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}")
    config = load_config(folder)
    if given:
        found = _from_flags(folder, flags, given, environ)
    else:
        found = _discover(folder, config, environ, flags.live)
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


def _from_flags(
    folder: Path, flags: Flags, given: list[str], environ: Mapping[str, str]
) -> Workspace:
    if len(given) > 1:
        names = " and ".join(_TARGET_FLAGS[name] for name in given)
        raise UserError(f"{names} do not go together: each says what to measure", "Keep one.")
    kind = given[0]
    values: tuple[str, ...] = tuple(dict.fromkeys(getattr(flags, kind)))
    if "" in values:
        raise UserError(f"{_TARGET_FLAGS[kind]} is empty", "Say what to load, or leave it out.")
    if kind == "workspace":
        if flags.attribute is not None or flags.working_directory is not None:
            raise UserError(
                "-a and -d do not go with -w", "A workspace file says both for each location."
            )
        paths = [absolute(value, folder) for value in values]
        return _workspaces(paths, folder, environ, flags.live)
    if flags.attribute is not None and len(values) > 1:
        raise UserError(f"-a does not go with several {_TARGET_FLAGS[kind]}")
    directory = absolute(flags.working_directory or ".", folder)
    if not directory.is_dir():
        raise UserError(f"there is no folder {directory}, the working directory of -d")
    targets = [
        _target(kind, value, flags.attribute, folder, directory, folder, _TARGET_FLAGS[kind])
        for value in values
    ]
    return Workspace(tuple(targets), ())


def _target(
    kind: str,
    value: str,
    attribute: str | None,
    base: Path,
    directory: Path,
    cwd: Path,
    source: str,
) -> Target:
    """A target as flags and settings name it; files are relative to ``base``."""
    if kind == "python_file":
        value = str(absolute(value, base))
        if not Path(value).is_file():
            what = "is a folder" if Path(value).is_dir() else "does not exist"
            raise UserError(f"the file {value} of {source} {what}")
    elif "/" in value or (value.endswith(".py") and (directory / value).is_file()):
        key = "`python-file`" if source.startswith("[") else "-f"
        raise UserError(f"{value} of {source} is not a module name", f"For a file use {key}.")
    target = {kind: value, **({"attribute": attribute} if attribute else {})}
    return Target(default_name(target), target, directory, cwd, source)


def _workspaces(
    paths: list[Path], cwd: Path, environ: Mapping[str, str], live: bool = False
) -> Workspace:
    """Several workspace files: of locations with one name the last is used, as in Dagster.

    Running servers are left out, with a note, unless they are to be measured too.
    """
    variables = {**environ, **read_dotenv(cwd / ".env", environ)}
    read = [read_workspace(path, cwd, variables, live) for path in paths]
    by_name = {target.name: target for workspace in read for target in workspace.targets}
    skipped = [target for target in by_name.values() if target.server and not live]
    return Workspace(
        tuple(target for target in by_name.values() if target not in skipped),
        tuple(
            f"{target.source}: {target.name} is a running gRPC server and was skipped: measure it"
            " with --live, or its definitions where they are, with -m, -f or --package-name"
            for target in skipped
        ),
    )


def _discover(
    folder: Path, config: Config, environ: Mapping[str, str], live: bool = False
) -> Workspace:
    if config.has_target:
        return _from_config(folder, config, environ, live)
    steps: tuple[Callable[[], Workspace], ...] = (
        lambda: _from_workspace_file(folder, environ, live),
        lambda: _from_dg(folder, environ),
        lambda: Workspace(tool_dagster(folder), ()),
        lambda: _from_dagster_cloud(folder),
        lambda: _from_definitions_file(folder),
    )
    # A workspace.yaml of gRPC servers alone, as for Docker, names nothing that can be measured.
    notes: tuple[str, ...] = ()
    for step in steps:
        found = step()
        notes += found.notes
        if found.targets:
            return Workspace(found.targets, notes)
    return Workspace((), notes)


def _from_config(
    folder: Path, config: Config, environ: Mapping[str, str], live: bool = False
) -> Workspace:
    if not config.has_target or config.path is None:
        return Workspace((), ())
    base = Path(config.path).parent
    if config.workspace:
        return _workspaces([absolute(config.workspace, base)], folder, environ, live)
    kinds = ("module_name", "python_file", "package_name")
    kind = next(kind for kind in kinds if getattr(config, kind))
    directory = absolute(config.working_directory or ".", base)
    if not directory.is_dir():
        raise UserError(
            f"there is no folder {directory}, the `working-directory` of the configuration",
            path=config.path,
        )
    source = f"[tool.dagster-snapsize] of {Path(config.path).name}"
    value = getattr(config, kind)
    target = _target(kind, value, config.attribute, base, directory, folder, source)
    return Workspace((evolve(target, root=folder),), ())


def _from_workspace_file(folder: Path, environ: Mapping[str, str], live: bool = False) -> Workspace:
    for name in WORKSPACE_FILES:
        if (folder / name).is_file():
            return _workspaces([folder / name], folder, environ, live)
    return Workspace((), ())


def _from_dg(folder: Path, environ: Mapping[str, str]) -> Workspace:
    projects = dg_project_folders(folder)
    if projects is None:
        project = dg_project(folder, environ)
        return Workspace((project,) if project else (), ())
    targets: list[Target] = []
    for path in projects:
        # The result is the same whether a project is measured alone or in its workspace.
        configured = _from_config(path, load_config(path), environ).targets
        project = None if configured else dg_project(path, environ)
        if not configured and project is None:
            raise UserError(
                f"{path} is a project of the workspace in {folder}, but has no [tool.dg]"
            )
        targets += configured or ((project,) if project else ())
    if not targets:
        return Workspace((), (f"the dg workspace in {folder} has no projects yet",))
    return Workspace(tuple(targets), ())


def _from_dagster_cloud(folder: Path) -> Workspace:
    path = find_dagster_cloud(folder, folder)
    return read_dagster_cloud(path) if path else Workspace((), ())


def _from_definitions_file(folder: Path) -> Workspace:
    path = folder / DEFINITIONS
    if not path.is_file():
        return Workspace((), ())
    target = _target("python_file", path.name, None, folder, folder, folder, path.name)
    return Workspace((target,), ())


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


def is_project(folder: Path, environ: Mapping[str, str]) -> bool:
    """Whether a folder has code locations, or settings that are wrong."""
    has_settings = any((folder / name).is_file() for name in LOCATION_FILES)
    if (folder / "__init__.py").is_file() and not has_settings:
        return False  # the definitions.py of a package is loaded from the project around it
    try:
        return bool(_discover(folder, load_config(folder), environ).targets)
    except UserError:
        return True  # a project with a mistake in its settings


@frozen
class ProjectTree:
    """The projects of a folder that an editor has open, and where others may appear.

    ``projects`` are folders, the outer ones first. ``folders`` are all that were looked through,
    the nearer ones first, each with those of its files that can make it a project.
    """

    projects: tuple[str, ...]
    folders: Mapping[str, frozenset[str]]

    def may_change(self, paths: Iterable[str]) -> bool:
        """Whether there may be other projects after changes of these files and folders.

        In a project the text of a definitions.py, which is saved all the time, makes no difference.
        """
        root = os.path.join(next(iter(self.folders), ""), "")  # noqa: PTH118
        return any(self._may_change(p) for p in paths if os.path.join(p, "").startswith(root))  # noqa: PTH118

    def _may_change(self, path: str) -> bool:
        folder, name = os.path.split(path)
        if name in PROJECT_MARKS:
            is_known = name in self.folders.get(folder, frozenset()) and any(
                Path(path).is_relative_to(project) for project in self.projects
            )
            return name != DEFINITIONS or not is_known or not os.path.exists(path)  # noqa: PTH110
        if path not in self.folders and not is_source_folder(name):
            return False
        try:
            with os.scandir(path) as found:
                entries = {e.name: e.is_dir(follow_symlinks=False) for e in found}
        except OSError:
            return path in self.folders
        inside = source_folders([name for name, is_folder in entries.items() if is_folder], entries)
        return self.folders.get(path) != PROJECT_MARKS.intersection(entries) or any(
            os.path.join(path, name) not in self.folders  # noqa: PTH118
            for name in inside
        )


def project_tree(
    folder: Path,
    environ: Mapping[str, str],
    is_excluded: Callable[[str], bool] = lambda path: False,
) -> ProjectTree:
    """The projects in ``folder`` and below, at any depth.

    A folder that a project around it measures, such as one of a workspace, is none of its own; nor
    is one inside a project that has only a definitions.py. ``is_excluded`` is asked for paths
    relative to ``folder``, with slashes.
    """
    projects: list[Path] = []
    folders: dict[str, frozenset[str]] = {}
    measured: set[Path] = set()
    for place, entries in source_tree(folder, is_excluded=is_excluded):
        named = PROJECT_MARKS.intersection(entries)
        folders[str(place)] = named
        if place in measured or (place != folder and not _may_be_project(place, named)):
            continue
        if named == {DEFINITIONS} and any(place.is_relative_to(p) for p in projects):
            continue
        if is_project(place, environ):
            projects.append(place)
            measured |= _measured_folders(place, environ)
    return ProjectTree(tuple(map(str, projects)), folders)


def _may_be_project(folder: Path, named: Collection[str]) -> bool:
    """Whether one of its files that can make it a project is about Dagster: most are not."""
    return any(_mentions(folder / name, _WORDS[name]) for name in named)


def _mentions(path: Path, words: Sequence[bytes]) -> bool:
    try:
        text = path.read_bytes()
    except OSError:
        return False
    return any(word in text for word in words)


def _measured_folders(project: Path, environ: Mapping[str, str]) -> set[Path]:
    """The folders of the code that is measured with a project, whatever is wrong in one of them."""
    found: set[Path] = set()
    with contextlib.suppress(UserError):
        found.update(dg_project_folders(project) or ())
    with contextlib.suppress(UserError):
        for target in _discover(project, load_config(project), environ).targets:
            file = target.target.get("python_file")
            start = Path(file).parent if file else target.working_directory
            found |= {start, target.working_directory, project_root(start, project)}
    return found


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
