"""workspace.yaml: Dagster's list of code locations.

The schema is the one of ``dagster/_core/workspace/config_schema.py`` and the meaning of its paths
that of ``load.py`` beside it: paths of ``python_file`` entries start at the file, those of the
others where Dagster is started.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from attrs import frozen

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.mapping_reader import Key, KeyProblem, anything, read_mapping, shown
from dagster_snapsize.project.files.yaml_document import line_of, read_yaml
from dagster_snapsize.project.targets import Target, absolute, default_name, executable

_GRPC_SERVER = "grpc_server"
_COMMON = ("working_directory", "location_name", "executable_path")
# Entry of load_from -> (its required key, the target that it is, its other keys).
_KINDS = {
    "python_file": ("relative_path", "python_file", ("attribute", *_COMMON)),
    "python_module": ("module_name", "module_name", ("attribute", *_COMMON)),
    "python_package": ("package_name", "package_name", ("attribute", *_COMMON)),
    "autoload_defs_module": ("module_name", "autoload_defs_module_name", _COMMON),
    _GRPC_SERVER: ("", "", ()),
}
_EXAMPLE = "For example:\n  load_from:\n    - python_module: my_project.definitions"


@frozen
class Workspace:
    """What a workspace file holds that can be measured, and notes on what cannot."""

    targets: tuple[Target, ...]
    notes: tuple[str, ...]


def read_workspace(path: Path, cwd: Path, environ: Mapping[str, str]) -> Workspace:
    """The locations of one file. Raises UserError for a file that Dagster would refuse."""
    content = read_yaml(path)
    if content is None:
        what = "is empty" if path.exists() else "does not exist"
        raise UserError(f"{path.name} {what}", hint=_EXAMPLE, path=str(path))
    return _WorkspaceReader(path, cwd, environ).workspace(content)


class _WorkspaceReader:
    def __init__(self, path: Path, cwd: Path, environ: Mapping[str, str]):
        self._path = path
        self._cwd = cwd
        self._environ = environ

    def workspace(self, content: Any) -> Workspace:
        if not isinstance(content, dict):
            raise self._error(1, f"{self._path.name} is not a mapping with a `load_from`")
        top = {
            "load_from": Key(
                _code_locations,
                "load_from:\n  - python_module: my_project.definitions",
                required=True,
            )
        }
        entries = read_mapping(content, top, self._fail_in(content, 1)).get("load_from", [])
        targets: dict[str, Target] = {}
        notes: list[str] = []
        for index, entry in enumerate(entries):
            line = line_of(entries, index)
            if not isinstance(entry, dict) or len(entry) != 1:
                kinds = ", ".join(_KINDS)
                raise self._error(line, f"each entry of `load_from` is one of {kinds}")
            known = {kind: Key(anything) for kind in _KINDS}
            read_mapping(entry, known, self._fail_in(entry, line), name="`load_from`")
            kind, value = next(iter(entry.items()))
            if kind == _GRPC_SERVER:
                notes.append(self._skipped(value, line))
                continue
            target = self._target(kind, value, line)
            if target.name in targets:
                message = f'two locations have the name "{target.name}", which Dagster refuses'
                raise self._error(line, message, "Give one of them a `location_name`.")
            targets[target.name] = target
        return Workspace(tuple(targets.values()), tuple(notes))

    def _target(self, kind: str, value: Any, line: int) -> Target:
        required, target_kind, optional = _KINDS[kind]
        if isinstance(value, str):
            values = {required: value}
        elif isinstance(value, dict):
            keys = {key: Key(self._string, f"{key}: {{env: NAME}}") for key in optional}
            keys[required] = Key(self._string, f"{required}: my_project", required=True)
            values = read_mapping(value, keys, self._fail_in(value, line), name=f"`{kind}`")
        else:
            raise self._error(line, f"`{kind}` is neither a string nor a mapping")
        if not values[required]:
            raise self._error(line, f"`{kind}` has no `{required}`")
        folder = self._path.parent
        loaded, start = values[required], self._cwd
        if kind == "python_file":
            loaded = str(absolute(loaded, folder))
            if not Path(loaded).is_file():
                raise self._error(line, f"there is no file {loaded}", "")
            # Without a mapping Dagster sets no working directory: imports start where it runs.
            start = self._cwd if isinstance(value, str) else folder
        directory = values.get("working_directory")
        target = {target_kind: loaded}
        if values.get("attribute"):
            target["attribute"] = values["attribute"]
        return Target(
            name=values.get("location_name") or default_name(target),
            target=target,
            working_directory=absolute(directory, start) if directory else start,
            cwd=self._cwd,
            source=f"{self._path.name}:{line}",
            executable_path=executable(values.get("executable_path"), self._cwd),
        )

    def _string(self, value: object) -> str:
        """A string, or ``{env: NAME}``, as Dagster's StringSource."""
        if isinstance(value, str):
            return value
        if isinstance(value, dict) and list(value) == ["env"] and isinstance(value["env"], str):
            name = value["env"]
            if name not in self._environ:
                raise ValueError(
                    f"the environment variable {name} is not set; set it, or write it into the"
                    f" .env beside {self._path.name}"
                )
            return self._environ[name]
        raise ValueError(f"{shown(value)} is neither a string nor {{env: NAME}}")

    def _skipped(self, server: Any, line: int) -> str:
        name = server.get("location_name") if isinstance(server, dict) else None
        if not name and isinstance(server, dict):
            place = server.get("socket") or server.get("port")
            name = f"grpc:{server.get('host') or 'localhost'}:{place}"
        return (
            f"{self._path.name}:{line}: {name} is a running gRPC server and was skipped: measure"
            " its definitions where they are, with -m, -f or --package-name"
        )

    def _fail_in(self, mapping: Any, line: int) -> Callable[[KeyProblem], NoReturn]:
        """Raises for a problem at the line of its key, or else at the ``line`` of the mapping."""

        def fail(problem: KeyProblem) -> NoReturn:
            at = line_of(mapping, problem.keys[-1]) if problem.keys else line
            raise self._error(at, problem.message, problem.hint)

        return fail

    def _error(self, line: int, message: str, hint: str = _EXAMPLE) -> UserError:
        return UserError(message, hint, path=str(self._path), line=line)


def _code_locations(value: object) -> object:
    if isinstance(value, list):
        return value
    raise ValueError(f"{shown(value)} is not a list of code locations")
