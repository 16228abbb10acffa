"""What ``$DAGSTER_HOME/dagster.yaml`` says of code servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.limits import InstanceSettings, InstanceValue
from dagster_snapsize.project.yaml_document import line_of, read_yaml

_KEYS: dict[str, tuple[type, str]] = {
    "local_startup_timeout": (int, "a whole number of seconds, like 180"),
    "reload_timeout": (int, "a whole number of seconds, like 180"),
    "wait_for_local_processes_on_shutdown": (bool, "true or false"),
}


def read_instance(dagster_home: str | None) -> InstanceSettings:
    """The settings of the instance; nothing where there is no DAGSTER_HOME or no dagster.yaml.

    What Dagster would refuse is a ``problem`` in the result, with file and line: limits are shown
    where a location cannot be loaded too. Dagster takes plain values here, no ``{env: NAME}``.
    """
    if not dagster_home:
        return InstanceSettings()
    path = instance_file(dagster_home)
    try:
        content = read_yaml(path)
    except UserError as error:
        return InstanceSettings(
            source=str(path), problem=f"{error.path}:{error.line}: {error.message}"
        )
    if content is None:
        missing = None if path.parent.is_dir() else f"DAGSTER_HOME is {dagster_home}, no folder"
        return InstanceSettings(note=missing)
    if not isinstance(content, dict):
        return InstanceSettings(source=str(path), problem=f"{path}:1: dagster.yaml is no mapping")
    servers = content.get("code_servers")
    if servers is None:
        return InstanceSettings(source=str(path))
    if not isinstance(servers, dict):
        place = f"{path}:{line_of(content, 'code_servers')}"
        return InstanceSettings(source=str(path), problem=f"{place}: `code_servers` is no mapping")
    unknown = [key for key in servers if key not in _KEYS]
    if unknown:
        place = f"{path}:{line_of(servers, unknown[0])}"
        problem = (
            f"{place}: unknown key `{unknown[0]}` in `code_servers`; Dagster knows"
            f" {', '.join(_KEYS)}"
        )
        return InstanceSettings(source=str(path), problem=problem)
    values = {key: _value(path, servers, key) for key in _KEYS if key in servers}
    return InstanceSettings(
        local_startup_timeout=values.get("local_startup_timeout"),
        reload_timeout=values.get("reload_timeout"),
        wait_for_local_processes_on_shutdown=values.get("wait_for_local_processes_on_shutdown"),
        source=str(path),
    )


def instance_file(dagster_home: str) -> Path:
    """The file that ``read_instance`` reads."""
    return Path(dagster_home).expanduser() / "dagster.yaml"


def _value(path: Path, servers: Any, key: str) -> InstanceValue:
    wanted, described = _KEYS[key]
    value, place = servers[key], f"{path}:{line_of(servers, key)}"
    if isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool)):
        return InstanceValue(wanted(value), place)
    if isinstance(value, dict) and "env" in value:
        problem = (
            f"{place}: `code_servers.{key}` is {{env: {value['env']}}}, which Dagster does not take"
            f" here; write {described}"
        )
    else:
        shown = "empty" if value is None else f'"{value}"' if isinstance(value, str) else value
        problem = f"{place}: `code_servers.{key}` is {shown}; Dagster takes {described}"
    return InstanceValue(None, place, problem)
