"""Asset key -> file:line, best source first.

1. what Dagster's code references say (``dagster/code_references`` metadata: components set them);
2. the file of a dbt model, seed or snapshot, by dbt's manifest;
3. the decorated function's code object, through its wrappers;
4. the user's frame in which the AssetSpec, AssetsDefinition or SourceAsset was first made.

For the last, the classes' constructors are wrapped before user code is loaded. A copy that
Dagster makes of an object (``with_attributes``, ``replace_attributes``, ...) has the place of the
original.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
from types import CodeType, FrameType
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from .user_files import SourceLine, UserFiles

_USERS = "<user>"
_PATIENCE = 60  # frames of Dagster between a user's call and the object that it makes
# Methods that make a changed copy without calling the constructor (dagster_shared.record.replace).
_COPIERS = ("_replace", "replace_attributes", "merge_attributes", "with_io_manager_key")


class Origins:
    """Where the user's code made each definition."""

    def __init__(self, files: UserFiles):
        self._files = files
        self._places: Dict[int, SourceLine] = {}
        self._by_key: Dict[Tuple[str, ...], SourceLine] = {}
        self.last_definitions: Optional[SourceLine] = None
        self._alive: List[Any] = []  # an id is unique only while its object lives
        self._making_definitions = 0
        self._roles: Dict[CodeType, str] = {}
        self._homes: Set[str] = set()  # files of the classes whose methods make changed copies

    def install(self) -> None:
        """Wrap the constructors of this Dagster."""
        import dagster

        for name in ("AssetSpec", "AssetsDefinition", "SourceAsset", "Definitions"):
            cls = getattr(dagster, name, None)
            if cls is not None:
                self._wrap(cls)
        repository = dagster.RepositoryDefinition
        load_all: Any = repository.load_all_definitions

        @functools.wraps(load_all)
        def load_all_definitions(definition: Any) -> Any:
            with self._inside_definitions():
                return load_all(definition)

        repository.load_all_definitions = load_all_definitions

    def _wrap(self, cls: Any) -> None:
        self._homes.add(getattr(sys.modules[cls.__module__], "__file__", None) or "")
        for name in _COPIERS:
            if name in vars(cls):
                setattr(cls, name, self._inheriting(vars(cls)[name]))
        is_definitions = cls.__name__ == "Definitions"
        context = self._inside_definitions if is_definitions else contextlib.nullcontext
        if cls.__new__ is not object.__new__:
            new = cls.__new__

            def made(cls_: Any, *args: Any, **kwargs: Any) -> Any:
                with context():
                    thing = new(cls_, *args, **kwargs)
                self._note(thing)
                return thing

            cls.__new__ = staticmethod(functools.update_wrapper(made, new))
            return
        init = cls.__init__

        def initialized(thing: Any, *args: Any, **kwargs: Any) -> None:
            with context():
                init(thing, *args, **kwargs)
            self._note(thing)

        cls.__init__ = functools.update_wrapper(initialized, init)

    @contextlib.contextmanager
    def _inside_definitions(self) -> Iterator[None]:
        """What Dagster makes of definitions and jobs are copies of what it was given."""
        self._making_definitions += 1
        try:
            yield
        finally:
            self._making_definitions -= 1

    def _inheriting(self, copy: Any) -> Any:
        """A method that returns a changed copy, which then has the place of its original."""

        @functools.wraps(copy)
        def copied(original: Any, *args: Any, **kwargs: Any) -> Any:
            thing = copy(original, *args, **kwargs)
            place = self._places.get(id(original))
            if place is not None:
                self._remember(thing, place)
            return thing

        return copied

    def _note(self, thing: Any) -> None:
        try:
            if self._making_definitions and _path_of(thing) in self._by_key:
                return  # a copy: its key says where the first one was made
            place = self._inherited_or_users(sys._getframe(2))
            if place is None:
                return
            self._remember(thing, place)
            if type(thing).__name__ == "Definitions":
                self.last_definitions = place
            node = _attribute(thing, "node_def")
            if node is not None and id(node) not in self._places:
                self._remember(node, place)
            path = _path_of(thing)
            if path:
                self._by_key.setdefault(path, place)
        except Exception:  # a definition that is odd enough to fail here is located otherwise
            return

    def _remember(self, thing: Any, place: SourceLine) -> None:
        self._places[id(thing)] = place
        self._alive.append(thing)

    def _inherited_or_users(self, frame: Optional[FrameType]) -> Optional[SourceLine]:
        """The place of what a frame changes a copy of, or of the user's frame, the nearer one."""
        patience = _PATIENCE
        roles = self._roles
        while frame is not None and patience:
            code = frame.f_code
            role = roles.get(code)
            if role is None:
                role = roles[code] = self._role(code)
            if role == _USERS:
                return (os.path.abspath(code.co_filename), frame.f_lineno)
            if role:
                place = self._places.get(id(frame.f_locals.get(role)))
                if place is not None:
                    return place
            frame = frame.f_back
            patience -= 1
        return None

    def _role(self, code: CodeType) -> str:
        """The user's frame, or the variable whose copy it may be making, or nothing.

        Reading variables is slow, and the ``self`` of most of Dagster's methods is of no use here.
        """
        if self._files.is_users(code.co_filename):
            return _USERS
        first = code.co_varnames[:1]
        if first == ("spec",) or (first == ("self",) and code.co_filename in self._homes):
            return first[0]
        return ""

    def of(self, thing: Any) -> Optional[SourceLine]:
        """Where this object was made, if user code made it."""
        return self._places.get(id(thing)) if thing is not None else None

    def of_key(self, path: Sequence[str]) -> Optional[SourceLine]:
        """Where an asset of this key was first made."""
        return self._by_key.get(tuple(path))


def locate_assets(
    repository: Any, origins: Origins, files: UserFiles, opened: Iterable[str]
) -> Dict[str, SourceLine]:
    """Asset key in Dagster's escaped form -> its place; assets without one are left out.

    ``opened`` are files that the definitions were read from: a dbt_project.yml or a manifest among
    them tells where a dbt project is.
    """
    places: Dict[str, SourceLine] = {}
    by_key = _ByKey(_dbt_folders(opened))
    for key, definition in _definitions(repository):
        name = "/".join(part.replace("/", "\\/") for part in key.path)
        for find in (_by_code_reference, _by_dbt_model, _by_function, _by_origin):
            try:
                place = find(key, definition, origins, files, by_key)
            except Exception:
                place = None
            if place is not None:
                places[name] = place
                break
    return places


def locate_functions(repository: Any, files: UserFiles) -> List[Tuple[str, str, SourceLine]]:
    """Kind, name and place of ops that compute no asset, of sensors and of schedules."""
    of_assets = {id(_attribute(d, "node_def")) for _, d in _definitions(repository)}
    found: Dict[Tuple[str, str], Any] = {}
    for job in repository.get_all_jobs():
        for node in _attribute(job, "all_node_defs") or ():
            if id(node) not in of_assets:
                found.setdefault(("op", node.name), _attribute(node, "compute_fn"))
    for kind, attribute in (("sensor", "_raw_fn"), ("schedule", "_execution_fn")):
        for definition in _attribute(repository, f"{kind}_defs") or ():
            found.setdefault((kind, definition.name), _attribute(definition, attribute))
    places = []
    for (kind, name), function in found.items():
        with contextlib.suppress(Exception):  # wrappers that wrap each other, say
            place = _place_of_function(function, files)
            if place is not None:
                places.append((kind, name, place))
    return places


def _definitions(repository: Any) -> Iterator[Tuple[Any, Any]]:
    for attribute in ("assets_defs_by_key", "source_assets_by_key"):
        try:
            yield from dict(getattr(repository, attribute)).items()
        except Exception:
            continue


class _ByKey:
    """Mappings by asset key of definitions, each kept, as Dagster makes a new one on every access.

    An asset of a dbt project is one of thousands in one definition. ``dbt_folders`` are those of
    dbt projects.
    """

    def __init__(self, dbt_folders: Sequence[str]) -> None:
        self.dbt_folders = dbt_folders
        self._known: Dict[Tuple[int, str], Tuple[Any, Any]] = {}

    def get(self, definition: Any, name: str) -> Any:
        """The mapping of that name, empty where there is none."""
        at = (id(definition), name)
        if at not in self._known:
            # With the definition, so that its id stays its own.
            self._known[at] = (definition, _attribute(definition, name) or {})
        return self._known[at][1]


def _by_code_reference(
    key: Any, definition: Any, origins: Origins, files: UserFiles, by_key: _ByKey
) -> Optional[SourceLine]:
    metadata = by_key.get(definition, "metadata_by_key").get(key) or {}
    references = getattr(metadata.get("dagster/code_references"), "code_references", [])
    for reference in references:
        path = getattr(reference, "file_path", None)
        # An installed factory's own function is named where the user did not write one.
        if isinstance(path, str) and files.is_users(path):
            return (os.path.abspath(path), getattr(reference, "line_number", None) or 1)
    return None


def _by_dbt_model(
    key: Any, definition: Any, origins: Origins, files: UserFiles, by_key: _ByKey
) -> Optional[SourceLine]:
    metadata = by_key.get(definition, "metadata_by_key").get(key) or {}
    manifest = getattr(metadata.get("dagster_dbt/manifest"), "manifest", None) or {}
    node = manifest.get("nodes", {}).get(metadata.get("dagster_dbt/unique_id"))
    if node is None:
        return None
    project = getattr(metadata.get("dagster_dbt/project"), "project_dir", None)
    folders = [*by_key.dbt_folders] if project is None else [os.fspath(project)]
    for folder in folders:
        for parts in ((), ("dbt_packages", node["package_name"])):
            path = os.path.abspath(os.path.join(folder, *parts, node["original_file_path"]))
            if os.path.isfile(path):
                return (path, 1)
    return None


def _dbt_folders(opened: Iterable[str]) -> List[str]:
    """The nearest folder with a dbt_project.yml above each of dbt's files."""
    folders: Dict[str, None] = {}
    for path in sorted(opened):
        if os.path.basename(path) not in ("dbt_project.yml", "manifest.json"):
            continue
        folder = os.path.dirname(path)
        while not os.path.isfile(os.path.join(folder, "dbt_project.yml")):
            parent = os.path.dirname(folder)
            if parent == folder:
                break
            folder = parent
        else:
            folders[folder] = None
    return list(folders)


def _by_function(
    key: Any, definition: Any, origins: Origins, files: UserFiles, by_key: _ByKey
) -> Optional[SourceLine]:
    node = _attribute(definition, "node_def")
    function = _attribute(node, "compute_fn") or _attribute(definition, "observe_fn")
    return _place_of_function(function, files)


def _place_of_function(function: Any, files: UserFiles) -> Optional[SourceLine]:
    """The user's function below the wrappers of Dagster and of decorators."""
    while function is not None:
        inner = getattr(function, "decorated_fn", None)
        if inner is None:
            break
        function = inner
    function = inspect.unwrap(function) if callable(function) else None
    code = getattr(_without_partials(function), "__code__", None)
    if code is not None and files.is_users(code.co_filename):
        return (os.path.abspath(code.co_filename), code.co_firstlineno)
    return None


def _without_partials(function: Any) -> Any:
    while hasattr(function, "func"):
        function = function.func
    return function


def _path_of(thing: Any) -> Tuple[str, ...]:
    """The key of what is one asset; empty for what is several."""
    return tuple(getattr(_attribute(thing, "key"), "path", ()))


def _attribute(thing: Any, name: str) -> Any:
    """A property that some kinds of definitions refuse with an error of Dagster's own."""
    try:
        return getattr(thing, name, None)
    except Exception:
        return None


def _by_origin(
    key: Any, definition: Any, origins: Origins, files: UserFiles, by_key: _ByKey
) -> Optional[SourceLine]:
    spec = by_key.get(definition, "specs_by_key").get(key)
    node = _attribute(definition, "node_def")
    return (
        origins.of(spec) or origins.of(node) or origins.of_key(key.path) or origins.of(definition)
    )
