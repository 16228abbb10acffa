"""The settings of code servers and of the storage in ``$DAGSTER_HOME/dagster.yaml``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

from attrs import evolve

from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.limits import (
    InstanceSettings,
    InstanceStorage,
    InstanceValue,
    StorageName,
)
from dagster_snapsize.core.mapping_reader import Key, KeyProblem, boolean, read_mapping, shown
from dagster_snapsize.project.files.yaml_document import line_of, read_yaml


def _whole_seconds(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(f"{shown(value)} is not a whole number of seconds, like 180{_no_env(value)}")


def _true_or_false(value: object) -> bool:
    try:
        return boolean(value)
    except ValueError as error:
        raise ValueError(f"{error}{_no_env(value)}") from None


def _no_env(value: object) -> str:
    """Elsewhere in dagster.yaml variables can be used."""
    return "; Dagster takes no {env: NAME} here" if isinstance(value, dict) else ""


_KEYS = {
    "local_startup_timeout": Key(_whole_seconds),
    "reload_timeout": Key(_whole_seconds),
    "wait_for_local_processes_on_shutdown": Key(_true_or_false),
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
        missing = (
            None
            if path.parent.is_dir()
            else f"DAGSTER_HOME is {dagster_home}, which is not a folder"
        )
        return InstanceSettings(note=missing)
    if not isinstance(content, dict):
        return InstanceSettings(
            source=str(path), problem=f"{path}:1: dagster.yaml is not a mapping"
        )
    return evolve(_code_servers(content, path), storage=_storage(content, path))


def _storage(content: dict[str, object], path: Path) -> InstanceStorage | None:
    """Where runs are stored, by names alone: what the section says of it may be secret."""
    for key in ("storage", "run_storage"):
        section = content.get(key)
        if not isinstance(section, dict) or not section:
            continue
        custom = section.get("custom", section)
        pair = [custom.get("module"), custom.get("class")] if isinstance(custom, dict) else []
        named = ".".join(part for part in pair if isinstance(part, str)) or str(next(iter(section)))
        name: StorageName | None = next(
            (known for known in get_args(StorageName) if known in named.lower()), None
        )
        place = f"{path}:{line_of(content, key)}"
        return InstanceStorage(name, place if name else f"{place}: {named}")
    return None


def _code_servers(content: dict[str, object], path: Path) -> InstanceSettings:
    servers = content.get("code_servers")
    if servers is None:
        return InstanceSettings(source=str(path))
    if not isinstance(servers, dict):
        place = f"{path}:{line_of(content, 'code_servers')}"
        return InstanceSettings(
            source=str(path), problem=f"{place}: `code_servers` is not a mapping"
        )
    problems: dict[str, str] = {}

    def report(problem: KeyProblem) -> None:
        key = problem.keys[-1]
        problems[key] = f"{path}:{line_of(servers, key)}: {problem.message}"

    read = read_mapping(servers, _KEYS, report, ("code_servers",), "`code_servers`")
    unknown = next((problem for key, problem in problems.items() if key not in _KEYS), None)
    if unknown:
        return InstanceSettings(source=str(path), problem=unknown)
    values = {
        key: InstanceValue(read.get(key), f"{path}:{line_of(servers, key)}", problems.get(key))
        for key in servers
    }
    return InstanceSettings(
        local_startup_timeout=values.get("local_startup_timeout"),
        reload_timeout=values.get("reload_timeout"),
        wait_for_local_processes_on_shutdown=values.get("wait_for_local_processes_on_shutdown"),
        source=str(path),
    )


def instance_file(dagster_home: str) -> Path:
    """The file that ``read_instance`` reads."""
    return Path(os.path.expanduser(dagster_home)) / "dagster.yaml"  # noqa: PTH111
