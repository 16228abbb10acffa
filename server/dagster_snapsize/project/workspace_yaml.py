"""workspace.yaml: Dagster's list of code locations.

The schema is the one of ``dagster/_core/workspace/config_schema.py`` and the meaning of its paths
that of ``load.py`` beside it: paths of ``python_file`` entries start at the file, those of the
others where Dagster is started.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.project.targets import Target, absolute, default_name, executable
from dagster_snapsize.project.yaml_document import line_of, read_yaml

# Entry of load_from -> (its required key, the target that it is, its other keys).
_COMMON = ("working_directory", "location_name", "executable_path")
_KINDS = {
    "python_file": ("relative_path", "python_file", ("attribute", *_COMMON)),
    "python_module": ("module_name", "module_name", ("attribute", *_COMMON)),
    "python_package": ("package_name", "package_name", ("attribute", *_COMMON)),
    "autoload_defs_module": ("module_name", "autoload_defs_module_name", _COMMON),
}
_GRPC_SERVER = "grpc_server"
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
    return _Reader(path, cwd, environ).workspace(content)


class _Reader:
    def __init__(self, path: Path, cwd: Path, environ: Mapping[str, str]):
        self._path = path
        self._cwd = cwd
        self._environ = environ

    def workspace(self, content: Any) -> Workspace:
        if not isinstance(content, dict):
            raise self._error(1, f"{self._path.name} is no mapping with a `load_from`", _EXAMPLE)
        self._known(content, ("load_from",), "")
        entries = content.get("load_from")
        if not isinstance(entries, list):
            line = line_of(content, "load_from")
            raise self._error(line, "`load_from` is no list of code locations", _EXAMPLE)
        targets: dict[str, Target] = {}
        notes: list[str] = []
        for index, entry in enumerate(entries):
            line = line_of(entries, index)
            if not isinstance(entry, dict) or len(entry) != 1:
                wanted = ", ".join((*_KINDS, _GRPC_SERVER))
                raise self._error(line, f"each entry of `load_from` is one of {wanted}", _EXAMPLE)
            self._known(entry, (*_KINDS, _GRPC_SERVER), "`load_from`")
            kind, value = next(iter(entry.items()))
            if kind == _GRPC_SERVER:
                notes.append(self._skipped(value, line))
                continue
            target = self._target(kind, value, line)
            if target.name in targets:
                raise self._error(
                    line,
                    f'two locations have the name "{target.name}", which Dagster refuses',
                    "Give one of them a `location_name`.",
                )
            targets[target.name] = target
        return Workspace(tuple(targets.values()), tuple(notes))

    def _target(self, kind: str, value: Any, line: int) -> Target:
        required, target_kind, optional = _KINDS[kind]
        if isinstance(value, str):
            values = {required: value}
        elif isinstance(value, dict):
            self._known(value, (required, *optional), f"`{kind}`")
            values = {key: self._string(value, key) for key in value}
        else:
            raise self._error(line, f"`{kind}` is neither a text nor a mapping", _EXAMPLE)
        if not values.get(required):
            raise self._error(line, f"`{kind}` has no `{required}`", _EXAMPLE)
        folder = self._path.parent
        loaded, working_directory = values[required], values.get("working_directory")
        if kind == "python_file":
            loaded = str(absolute(loaded, folder))
            if not Path(loaded).is_file():
                raise self._error(line, f"there is no file {loaded}", "")
            # Without a mapping Dagster sets no working directory: imports start where it runs.
            start = self._cwd if isinstance(value, str) else folder
        else:
            start = self._cwd
        directory = (
            absolute(working_directory, folder if kind == "python_file" else self._cwd)
            if (working_directory)
            else start
        )
        target = {target_kind: loaded}
        if values.get("attribute"):
            target["attribute"] = values["attribute"]
        return Target(
            name=values.get("location_name") or default_name(target),
            target=target,
            working_directory=directory,
            cwd=self._cwd,
            source=f"{self._path.name}:{line}",
            executable_path=executable(values.get("executable_path"), self._cwd),
        )

    def _string(self, mapping: Mapping[str, Any], key: str) -> str:
        """A text, or ``{env: NAME}``, as Dagster's StringSource."""
        value, line = mapping[key], line_of(mapping, key)
        if isinstance(value, str):
            return value
        if isinstance(value, dict) and list(value) == ["env"] and isinstance(value["env"], str):
            name = value["env"]
            if name not in self._environ:
                raise self._error(
                    line,
                    f"`{key}` is taken from the environment variable {name}, which is not set",
                    f"Set it, or write it into the .env beside {self._path.name}.",
                )
            return self._environ[name]
        raise self._error(
            line,
            f"`{key}` is neither a text nor {{env: NAME}}",
            f"For example: {key}: {{env: NAME}}",
        )

    def _skipped(self, server: Any, line: int) -> str:
        name = server.get("location_name") if isinstance(server, dict) else None
        if not name and isinstance(server, dict):
            place = server.get("socket") or server.get("port")
            name = f"grpc:{server.get('host') or 'localhost'}:{place}"
        return (
            f"{self._path.name}:{line}: {name} is a running gRPC server and was skipped: measure"
            " its definitions where they are, with -m, -f or --package-name"
        )

    def _known(self, mapping: Mapping[str, Any], known: Iterable[str], where: str) -> None:
        for key in mapping:
            if key in known:
                continue
            near = difflib.get_close_matches(str(key), list(known), n=1, cutoff=0.5)
            guess = f"; did you mean `{near[0]}`?" if near else ""
            inside = f" in {where}" if where else ""
            hint = f"The keys there are: {', '.join(known)}."
            raise self._error(line_of(mapping, key), f"unknown key `{key}`{inside}{guess}", hint)

    def _error(self, line: int, message: str, hint: str) -> UserError:
        return UserError(message, hint, path=str(self._path), line=line)
