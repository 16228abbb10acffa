"""What to load: by flags, by settings, or by the files that Dagster itself would read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from attrs import evolve, frozen

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.project.config import Config, load_config
from dagster_snapsize.project.dotenv import read_dotenv
from dagster_snapsize.project.files.dagster_cloud import find_dagster_cloud, read_dagster_cloud
from dagster_snapsize.project.files.dagster_toml import dg_project, dg_project_folders, tool_dagster
from dagster_snapsize.project.files.workspace_yaml import Workspace, read_workspace
from dagster_snapsize.project.layout import LOCATION_FILES, WORKSPACE_FILES
from dagster_snapsize.project.targets import Target, absolute, default_name

DEFINITIONS = "definitions.py"
_TARGET_FLAGS = {
    "workspace": "-w",
    "python_file": "-f",
    "module_name": "-m",
    "package_name": "--package-name",
}
_NOTHING = Workspace((), ())


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

    @property
    def targets(self) -> Mapping[str, tuple[str, ...]]:
        """Those that name what to load, without the ones that are not given."""
        return {name: given for name in _TARGET_FLAGS if (given := getattr(self, name))}


@frozen
class Discovery:
    """Looks for targets as if Dagster were started in ``folder``.

    With ``live`` running servers are targets as well; without, there is a note on each.
    """

    folder: Path
    environ: Mapping[str, str]
    live: bool = False

    def by_flags(self, flags: Flags) -> Workspace:
        """What ``flags`` name. Raises UserError for flags that do not go together."""
        targets = flags.targets
        if len(targets) > 1:
            names = " and ".join(_TARGET_FLAGS[name] for name in targets)
            raise UserError(f"{names} do not go together: each says what to measure", "Keep one.")
        [(kind, given)] = targets.items()
        values = tuple(dict.fromkeys(given))
        if "" in values:
            raise UserError(f"{_TARGET_FLAGS[kind]} is empty", "Say what to load, or leave it out.")
        if kind == "workspace":
            if flags.attribute is not None or flags.working_directory is not None:
                raise UserError(
                    "-a and -d do not go with -w", "A workspace file says both for each location."
                )
            return self._workspaces(absolute(value, self.folder) for value in values)
        if flags.attribute is not None and len(values) > 1:
            raise UserError(f"-a does not go with several {_TARGET_FLAGS[kind]}")
        directory = absolute(flags.working_directory or ".", self.folder)
        if not directory.is_dir():
            raise UserError(f"there is no folder {directory}, the working directory of -d")
        source = _TARGET_FLAGS[kind]
        named = (self._target(kind, value, flags.attribute, directory, source) for value in values)
        return Workspace(tuple(named), ())

    def by_files(self, config: Config) -> Workspace:
        """What the settings in ``config`` name, else the first of Dagster's own files that does."""
        if config.has_target:
            return self.by_settings(config)
        steps: tuple[Callable[[], Workspace], ...] = (
            self._by_workspace_file,
            self._by_dg,
            lambda: Workspace(tool_dagster(self.folder), ()),
            self._by_dagster_cloud,
            self._by_definitions_file,
        )
        # A workspace.yaml of gRPC servers alone, as for Docker, names nothing that can be measured.
        notes: tuple[str, ...] = ()
        for step in steps:
            found = step()
            notes += found.notes
            if found.targets:
                return Workspace(found.targets, notes)
        return Workspace((), notes)

    def by_settings(self, config: Config) -> Workspace:
        """What ``[tool.dagster-snapsize]`` names: nothing in most projects."""
        if not config.has_target or config.path is None:
            return _NOTHING
        base = Path(config.path).parent
        if config.workspace:
            return self._workspaces([absolute(config.workspace, base)])
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
        target = self._target(kind, value, config.attribute, directory, source, base)
        return Workspace((evolve(target, root=self.folder),), ())

    def _by_workspace_file(self) -> Workspace:
        paths = (self.folder / name for name in WORKSPACE_FILES)
        found = next(filter(Path.is_file, paths), None)
        return self._workspaces([found]) if found else _NOTHING

    def _by_dg(self) -> Workspace:
        projects = dg_project_folders(self.folder)
        if projects is None:
            project = dg_project(self.folder, self.environ)
            return Workspace((project,) if project else (), ())
        targets: list[Target] = []
        for path in projects:
            # The result is the same whether a project is measured alone or in its workspace.
            configured = Discovery(path, self.environ).by_settings(load_config(path)).targets
            project = None if configured else dg_project(path, self.environ)
            if not configured and project is None:
                raise UserError(
                    f"{path} is a project of the workspace in {self.folder}, but has no [tool.dg]"
                )
            targets += configured or ((project,) if project else ())
        if not targets:
            return Workspace((), (f"the dg workspace in {self.folder} has no projects yet",))
        return Workspace(tuple(targets), ())

    def _by_dagster_cloud(self) -> Workspace:
        path = find_dagster_cloud(self.folder, self.folder)
        return read_dagster_cloud(path) if path else _NOTHING

    def _by_definitions_file(self) -> Workspace:
        if not (self.folder / DEFINITIONS).is_file():
            return _NOTHING
        target = self._target("python_file", DEFINITIONS, None, self.folder, DEFINITIONS)
        return Workspace((target,), ())

    def _target(
        self,
        kind: str,
        value: str,
        attribute: str | None,
        directory: Path,
        source: str,
        base: Path | None = None,
    ) -> Target:
        """A target as flags and settings name it; files are relative to ``base``."""
        if kind == "python_file":
            value = str(absolute(value, base or self.folder))
            if not Path(value).is_file():
                what = "is a folder" if Path(value).is_dir() else "does not exist"
                raise UserError(f"the file {value} of {source} {what}")
        elif "/" in value or (value.endswith(".py") and (directory / value).is_file()):
            key = "`python-file`" if source.startswith("[") else "-f"
            raise UserError(f"{value} of {source} is not a module name", f"For a file use {key}.")
        target = {kind: value, **({"attribute": attribute} if attribute else {})}
        return Target(default_name(target), target, directory, self.folder, source)

    def _workspaces(self, paths: Iterable[Path]) -> Workspace:
        """Several workspace files: of locations with one name the last is used, as in Dagster."""
        variables = {**self.environ, **read_dotenv(self.folder / ".env", self.environ)}
        read = [read_workspace(path, self.folder, variables, self.live) for path in paths]
        by_name = {target.name: target for workspace in read for target in workspace.targets}
        skipped = [target for target in by_name.values() if target.server and not self.live]
        return Workspace(
            tuple(target for target in by_name.values() if target not in skipped),
            tuple(
                f"{target.source}: {target.name} is a running gRPC server and was skipped: measure"
                " it with --live, or its definitions where they are, with -m, -f or --package-name"
                for target in skipped
            ),
        )


def is_project(folder: Path, environ: Mapping[str, str]) -> bool:
    """Whether a folder has code locations, or settings that are wrong."""
    has_settings = any((folder / name).is_file() for name in LOCATION_FILES)
    if (folder / "__init__.py").is_file() and not has_settings:
        return False  # the definitions.py of a package is loaded from the project around it
    try:
        return bool(Discovery(folder, environ).by_files(load_config(folder)).targets)
    except UserError:
        return True  # a project with a mistake in its settings
