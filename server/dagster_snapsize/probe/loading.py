"""Loads the repositories of a code location with the class that Dagster's code server uses."""

from __future__ import annotations

import contextlib
import difflib
import inspect
import os
import re
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional

from .asset_locations import Origins
from .user_files import SourceLine, UserFiles

TARGET_KEYS = ("python_file", "module_name", "package_name", "autoload_defs_module_name")


class UsageProblem(Exception):
    """The target cannot be loaded: no such module or attribute, or a Dagster that is too old."""


class StateMissing(Exception):
    """A state-backed component has no state to build its definitions from."""


class Loaded:
    """The repositories of one code location, by name, and the line where its definitions start."""

    def __init__(self, repositories: Mapping[str, Any], definitions: Optional[SourceLine]):
        self.repositories = repositories
        self.definitions = definitions


def load(
    target: Mapping[str, str],
    working_directory: str,
    location_name: str,
    files: UserFiles,
    origins: Origins,
) -> Loaded:
    """Load a target as ``dagster api grpc`` does (``dagster._grpc.server.LoadedRepositories``).

    Raises UsageProblem, StateMissing, and what user code raises.
    """
    try:
        loaded = _load_with_state(target, working_directory, location_name)
    except Exception as error:
        problem = _usage_problem(error, target, working_directory)
        if problem:
            raise UsageProblem(problem) from error
        raise
    place = _definitions_place(loaded, target, files, origins)
    return Loaded(dict(loaded.definitions_by_name), place)


def _load_with_state(target: Mapping[str, str], working_directory: str, name: str) -> Any:
    """Load; where a component needs state that is only in the instance, load again with it.

    Opening an instance creates files in DAGSTER_HOME and connects to its database, so it is done
    for the locations that need it only.
    """
    missing: List[str] = []
    try:
        loaded = _load_once(target, working_directory, name)
        missing = _missing_state(loaded)
        if not missing:
            return loaded
    except Exception as error:
        if "without a StateStorage in context" not in str(_innermost_message(error)):
            raise
    if os.environ.get("DAGSTER_HOME"):
        with _instance_state():
            loaded = _load_once(target, working_directory, name)
            missing = _missing_state(loaded)
        if not missing:
            return loaded
    keys = ", ".join(missing) or "a state-backed component"
    home = os.environ.get("DAGSTER_HOME")
    where = f" or in the instance at DAGSTER_HOME ({home})" if home else ""
    unset = "" if home else ", and DAGSTER_HOME is not set"
    raise StateMissing(
        f"no state for {keys} was found in the project{where}{unset}; create it first, for example"
        " with `dg utils refresh-defs-state`"
    )


def _load_once(target: Mapping[str, str], working_directory: str, name: str) -> Any:
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
    from dagster._grpc.server import LoadedRepositories

    values = {key: target.get(key) for key in TARGET_KEYS}
    autoload = "autoload_defs_module_name"
    # Its constructor does not say so: Dagster's records check their arguments only later.
    if autoload not in LoadableTargetOrigin._fields and values.pop(autoload):
        raise UsageProblem(
            f"Dagster {_dagster_version()} cannot load definitions from a defs folder;"
            " use Dagster 1.10.8 or later"
        )
    origin = LoadableTargetOrigin(
        executable_path=sys.executable,
        attribute=target.get("attribute"),
        working_directory=working_directory,
        **values,
    )
    offered: Dict[str, Any] = {
        "container_image": None,
        "entry_point": ["dagster"],
        "container_context": None,
        "code_location_name": name,
    }
    wanted = inspect.signature(LoadedRepositories.__init__).parameters
    with _state_only_read():
        return LoadedRepositories(origin, **{k: v for k, v in offered.items() if k in wanted})


@contextlib.contextmanager
def _state_only_read() -> Iterator[None]:
    """Keep Dagster 1.11 and later from creating folders in the project when it looks for state.

    Only the look-up is replaced: state that user code itself refreshes is still written.
    """
    try:
        from dagster._core.definitions import definitions_load_context as context
        from dagster.components.utils import project_paths as paths

        original = context.get_local_state_path
    except (ImportError, AttributeError):
        yield
        return

    def look_up(key: str, project_root: Path) -> Path:
        folder = getattr(paths, "_LOCAL_DEFS_STATE_DIR", ".local_defs_state")
        name = re.sub(r"[^A-Za-z0-9._-]", "__", key)
        module = Path(paths.get_defs_module_path_for_project(project_root))
        return module / folder / name / "state"

    context.get_local_state_path = look_up
    try:
        yield
    finally:
        context.get_local_state_path = original


def _dagster_version() -> str:
    import dagster

    return str(dagster.__version__)


@contextlib.contextmanager
def _instance_state() -> Iterator[None]:
    from dagster import DagsterInstance
    from dagster._core.storage.defs_state.base import set_defs_state_storage

    with DagsterInstance.get() as instance, set_defs_state_storage(instance.defs_state_storage):
        yield


def _missing_state(loaded: Any) -> List[str]:
    """Keys of components whose state was not found (Dagster 1.11 and later)."""
    missing: List[str] = []
    for repository in loaded.definitions_by_name.values():
        info = getattr(getattr(repository, "repository_load_data", None), "defs_state_info", None)
        mapping = getattr(info, "info_mapping", None) or {}
        missing += [key for key, state in mapping.items() if state is None]
    return sorted(set(missing))


def _innermost_message(error: BaseException) -> str:
    inner = getattr(error, "user_exception", None)
    return _innermost_message(inner) if isinstance(inner, BaseException) else str(error)


def _usage_problem(
    error: BaseException, target: Mapping[str, str], working_directory: str
) -> Optional[str]:
    """A message where the target is wrong; None where the error is in user code."""
    cause: Optional[BaseException] = error
    while cause is not None:
        if isinstance(cause, UsageProblem):
            return str(cause)
        name = target.get("module_name") or target.get("package_name")
        name = name or target.get("autoload_defs_module_name")
        absent = cause.name if isinstance(cause, ModuleNotFoundError) else None
        if name and absent and (name == absent or name.startswith(absent + ".")):
            return f"no module `{name}` can be imported from {working_directory}"
        cause = getattr(cause, "user_exception", None) or cause.__cause__
    attribute = target.get("attribute")
    module = _target_module(target)
    if attribute and module is not None and not hasattr(module, attribute):
        near = difflib.get_close_matches(attribute, _loadable_names(module), n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        return f"`{attribute}` is not defined in {_file_of(module)}{hint}"
    if attribute and module is not None and "Loadable attributes must be" in str(error):
        kind = type(getattr(module, attribute)).__name__
        return (
            f"`{attribute}` in {_file_of(module)} has type {kind}; it must be a Definitions, a"
            " repository, a job or a graph, or a function that returns one"
        )
    return None


def _target_module(target: Mapping[str, str]) -> Any:
    if target.get("python_file"):
        stem = os.path.splitext(os.path.basename(target["python_file"]))[0]
        return sys.modules.get(stem)
    for key in TARGET_KEYS[1:]:
        if target.get(key):
            return sys.modules.get(target[key])
    return None


def _file_of(module: Any) -> str:
    return str(getattr(module, "__file__", module.__name__))


def _loadable_names(module: Any) -> List[str]:
    return [name for name in vars(module) if not name.startswith("_")]


def _definitions_place(
    loaded: Any, target: Mapping[str, str], files: UserFiles, origins: Origins
) -> Optional[SourceLine]:
    """The line of the call or function that makes the definitions, or else of their module."""
    module = _target_module(target)
    path = getattr(module, "__file__", None)
    symbols = loaded.loadable_repository_symbols
    thing = getattr(module, symbols[0].attribute, None) if symbols and module else None
    if origins.of(thing):
        return origins.of(thing)
    function = getattr(thing, "load_fn", thing)
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    if code is not None and files.is_users(code.co_filename):
        return (os.path.abspath(code.co_filename), code.co_firstlineno)
    return (os.path.abspath(path), 1) if isinstance(path, str) else None
