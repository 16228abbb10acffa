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
from dagster_snapsize.core.mapping_reader import (
    Key,
    KeyProblem,
    anything,
    boolean,
    read_mapping,
    shown,
)
from dagster_snapsize.project.files.yaml_document import line_of, read_yaml
from dagster_snapsize.project.servers import SERVER, RunningServer, sendable
from dagster_snapsize.project.targets import (
    Target,
    absolute,
    default_name,
    executable,
    server_target,
)

_COMMON = ("working_directory", "location_name", "executable_path")
# Entry of load_from -> (its required key, the target that it is, its other keys).
_KINDS = {
    "python_file": ("relative_path", "python_file", ("attribute", *_COMMON)),
    "python_module": ("module_name", "module_name", ("attribute", *_COMMON)),
    "python_package": ("package_name", "package_name", ("attribute", *_COMMON)),
    "autoload_defs_module": ("module_name", "autoload_defs_module_name", _COMMON),
    SERVER: ("", "", ()),
}
_SERVER_EXAMPLE = "For example:\n  - grpc_server:\n      port: 4000"
_EXAMPLE = "For example:\n  load_from:\n    - python_module: my_project.definitions"


@frozen
class Workspace:
    """What a workspace file holds, and notes on what cannot be measured."""

    targets: tuple[Target, ...]
    notes: tuple[str, ...]


def read_workspace(
    path: Path, cwd: Path, environ: Mapping[str, str], live: bool = False
) -> Workspace:
    """The locations of one file. Raises UserError for a file that Dagster would refuse.

    Running servers have their addresses only if ``live``: variables in them may not be set here.
    """
    content = read_yaml(path)
    if content is None:
        what = "is empty" if path.exists() else "does not exist"
        raise UserError(f"{path.name} {what}", hint=_EXAMPLE, path=str(path))
    return _WorkspaceReader(path, cwd, environ, live).workspace(content)


class _WorkspaceReader:
    def __init__(self, path: Path, cwd: Path, environ: Mapping[str, str], live: bool):
        self._path = path
        self._cwd = cwd
        self._environ = environ
        self._live = live

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
        for index, entry in enumerate(entries):
            line = line_of(entries, index)
            if not isinstance(entry, dict) or len(entry) != 1:
                kinds = ", ".join(_KINDS)
                raise self._error(line, f"each entry of `load_from` is one of {kinds}")
            known = {kind: Key(anything) for kind in _KINDS}
            read_mapping(entry, known, self._fail_in(entry, line), name="`load_from`")
            kind, value = next(iter(entry.items()))
            target = (
                self._server(value, line) if kind == SERVER else self._target(kind, value, line)
            )
            if target.name in targets:
                message = f'two locations have the name "{target.name}", which Dagster refuses'
                raise self._error(line, message, "Give one of them a `location_name`.")
            targets[target.name] = target
        return Workspace(tuple(targets.values()), ())

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

    def _server(self, value: Any, line: int) -> Target:
        """An entry of kind ``grpc_server``, as ``dagster/_core/workspace/load.py`` reads it."""
        if not isinstance(value, dict):
            raise self._error(line, f"`{SERVER}` is not a mapping", _SERVER_EXAMPLE)
        source = f"{self._path.name}:{line}"
        if not self._live:
            place = value.get("socket") or value.get("port")
            name = value.get("location_name") or f"grpc:{value.get('host') or 'localhost'}:{place}"
            return server_target(RunningServer(""), self._cwd, source, str(name))
        text = Key(self._string)
        keys = {
            **dict.fromkeys(("host", "socket", "location_name"), text),
            "port": Key(self._port, "port: 4000"),
            "ssl": Key(boolean, "ssl: true"),
            "additional_metadata": Key(self._metadata, "additional_metadata: {name: {env: NAME}}"),
        }
        values = read_mapping(value, keys, self._fail_in(value, line), name=f"`{SERVER}`")
        host, socket, port = values.get("host"), values.get("socket"), values.get("port")
        if (socket is None) == (port is None):
            raise self._error(line, f"`{SERVER}` needs a port or a socket", _SERVER_EXAMPLE)
        host = host or "localhost"
        address = f"{host}:{port}" if socket is None else f"unix:{absolute(socket, self._cwd)}"
        server = RunningServer(
            address, values.get("ssl", False), values.get("additional_metadata", {})
        )
        name = values.get("location_name") or f"grpc:{host}:{port or socket}"
        return server_target(server, self._cwd, source, name)

    def _port(self, value: object) -> int:
        try:
            return int(value if isinstance(value, int) else self._string(value))
        except ValueError:
            raise ValueError(f"{shown(value)} is not a port") from None

    def _metadata(self, value: object) -> dict[str, str]:
        if not isinstance(value, dict):
            raise ValueError("it is not a mapping")
        return dict(sendable(str(name), self._string(text)) for name, text in value.items())

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
