"""Steps of Dagster's that are done in another way with the same outcome.

- Serializing: packing.py instead of ``serialize_value``.
- Job ids: a repository snapshot names each job snapshot by the SHA-1 of its text, for which Dagster
  serializes every job twice. A placeholder of the same 40 characters has the same size, so the
  repository can be told before its jobs are composed, and each job be dropped when it was told.
- ``get_function_params`` and ``get_type_hints`` are asked about 17 times of each asset's function.
- A job lists the resources that it requires twice, when it is made and when it is validated.
- ``resolve_dagster_type`` looks at a type that is resolved already from all sides.

Each of them is taken only where the functions that it stands for have a fingerprint in known.py.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import operator
import sys
from types import FunctionType
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from .fingerprints import Fingerprints
from .known import JOB_IDS, PACKING, REQUIREMENTS, SIGNATURES, TYPES
from .serializer import Packer, Serdes

PLACEHOLDER = "0" * 40
_LOOKED_AT = frozenset(("__wrapped__", "__signature__", "__text_signature__", "__type_params__"))


class Shortcuts(NamedTuple):
    """What was installed.

    ``packer`` is None where Dagster serializes by itself; ``leaves_ids_out`` says that the ids of
    job snapshots are not needed. ``unknown`` names the steps that this Dagster takes in a way which
    is not known here. Where all is done both ways, ``differences`` says what did not come to the
    same.
    """

    packer: Optional[Packer]
    leaves_ids_out: bool
    unknown: Tuple[str, ...]
    differences: List[str]


class Sources(NamedTuple):
    """Dagster's functions by the step that they are of."""

    packing: List[Any]
    job_ids: List[Any]
    signatures: List[Any]
    types: List[Any]
    requirements: List[Any]


def sources() -> Sources:
    """The functions of this Dagster, 1.8 or later.

    Raises ImportError or AttributeError where they are elsewhere.
    """
    serdes, utils = _serdes_modules()
    record = importlib.import_module(serdes.as_dict_for_new.__module__)
    metadata = importlib.import_module("dagster._core.definitions.metadata")
    snapshot = importlib.import_module("dagster._core.snap.job_snapshot")
    decorators = importlib.import_module("dagster._core.decorator_utils")
    types = importlib.import_module("dagster._core.types.dagster_type")
    jobs: Any = importlib.import_module("dagster._core.definitions.job_definition")
    data: Any = importlib.import_module("dagster._core.remote_representation.external_data")
    make_id = getattr(snapshot, "_create_job_snapshot_id", None)
    return Sources(
        packing=[
            serdes.serialize_value,
            serdes._transform_for_serialization,
            serdes._wrap_object,
            serdes._LazySerializationWrapper.items,
            serdes.ObjectSerializer.pack_items,
            serdes.ObjectSerializer.before_pack,
            serdes.ObjectSerializer.get_storage_name,
            serdes.NamedTupleSerializer.object_as_mapping,
            serdes.EnumSerializer.pack,
            serdes.EnumSerializer.get_storage_name,
            record.as_dict,
            record.as_dict_for_new,
            serdes.is_record,
            metadata.MetadataFieldSerializer.pack,
        ],
        job_ids=[
            make_id or snapshot.create_job_snapshot_id,
            utils.create_snapshot_id,
            utils.hash_str,
            jobs.JobDefinition.get_job_snapshot_id,
            data.JobRefSnap.from_job_def.__func__,
        ],
        signatures=[decorators.get_function_params, decorators.get_type_hints],
        types=[types.resolve_dagster_type, types.DagsterType.__eq__],
        requirements=[
            jobs.JobDefinition._get_resource_requirements,
            jobs.JobDefinition._get_required_resource_keys,
            jobs.JobDefinition.validate_resource_requirements_satisfied,
        ],
    )


def _serdes_modules() -> Tuple[Any, Any]:
    for package in ("dagster_shared.serdes", "dagster._serdes"):  # since 1.10, and before
        try:
            return tuple(importlib.import_module(f"{package}.{m}") for m in ("serdes", "utils"))  # type: ignore
        except ImportError:
            continue
    raise ImportError("no module for serialization")


def install(verify: bool = False) -> Shortcuts:
    """Take every shortcut that is known to come to the same as this Dagster.

    ``verify``: go Dagster's way as well, believe it, and note every difference.
    """
    differences: List[str] = []
    try:
        found = sources()
    except (ImportError, AttributeError):
        return Shortcuts(None, False, ("every step",), differences)
    known = {step: _known_as(functions) for step, functions in found._asdict().items()}
    check = _Check(differences) if verify else None
    packer = None
    if known["packing"] in PACKING and _is_plain_json():
        metadata = importlib.import_module("dagster._core.definitions.metadata")
        skips_packed = PACKING[known["packing"]]
        serdes = Serdes(_serdes_modules()[0], metadata.MetadataFieldSerializer, skips_packed)
        packer = _VerifyingPacker(serdes, check) if check else Packer(serdes)
    if known["signatures"] in SIGNATURES:
        for function, copy in ((found.signatures[0], list), (found.signatures[1], dict)):
            _replace_everywhere(function, _remembering(function, copy, check))
    if known["requirements"] in REQUIREMENTS:
        job: Any = importlib.import_module("dagster._core.definitions.job_definition").JobDefinition
        job._get_resource_requirements = _asked_twice(found.requirements[0], check)
    if known["types"] in TYPES:
        _replace_everywhere(found.types[0], _resolved_first(found.types[0], check))
    tables: Dict[str, Mapping[str, Any]] = {
        "packing": PACKING,
        "job_ids": JOB_IDS,
        "signatures": SIGNATURES,
        "types": TYPES,
        "requirements": REQUIREMENTS,
    }
    unknown = tuple(step for step, table in tables.items() if known[step] not in table)
    return Shortcuts(packer, known["job_ids"] in JOB_IDS, unknown, differences)


def _known_as(functions: List[Any]) -> str:
    try:
        return Fingerprints().of(functions)
    except (OSError, ValueError):
        return ""


class _Check:
    """Compares what a shortcut came to with what Dagster does."""

    def __init__(self, differences: List[str]):
        self._differences = differences

    def compare(self, step: str, ours: Any, dagsters: Any) -> None:
        if ours != dagsters:
            self._differences.append(f"{step}: {ours!r:.200} instead of {dagsters!r:.200}")

    def compare_texts(self, value: Any, ours: str, dagsters: str) -> None:
        if ours != dagsters:
            shorter = min(len(ours), len(dagsters))
            at = next((n for n in range(shorter) if ours[n] != dagsters[n]), shorter)
            near = slice(max(0, at - 80), at + 80)
            self._differences.append(
                f"{type(value).__name__} at character {at}: {ours[near]!r}"
                f" instead of {dagsters[near]!r}"
            )


class _VerifyingPacker(Packer):
    def __init__(self, serdes: Serdes, check: _Check):
        super().__init__(serdes)
        self._check = check

    def serialize(self, value: Any) -> str:
        own = self.own(value)
        self._check.compare_texts(value, super().serialize(value), own)
        return own


def _is_plain_json() -> bool:
    dumps = _serdes_modules()[0].seven.json.dumps
    return getattr(dumps, "func", None) is json.dumps and dumps.keywords == {"sort_keys": True}


@contextlib.contextmanager
def placeholder_ids() -> Iterator[None]:
    """While this lasts no job snapshot is composed for its id."""
    snapshot: Any = importlib.import_module("dagster._core.snap.job_snapshot")
    job: Any = importlib.import_module("dagster._core.definitions.job_definition").JobDefinition
    of_job, of_snapshot = job.get_job_snapshot_id, snapshot.create_snapshot_id
    job.get_job_snapshot_id = snapshot.create_snapshot_id = lambda thing: PLACEHOLDER
    try:
        yield
    finally:
        job.get_job_snapshot_id, snapshot.create_snapshot_id = of_job, of_snapshot


def _replace_everywhere(original: Any, replacement: Any) -> None:
    """In every module that has imported it; those that come later find the replacement."""
    for module in list(sys.modules.values()):
        space = getattr(module, "__dict__", None)
        if space and space.get(original.__name__) is original:
            space[original.__name__] = replacement


class _Answer(NamedTuple):
    """What was answered of a function, and all of it that the answer depends on."""

    function: Any  # kept, so that its id stays its own
    code: Any
    defaults: Any
    names: List[str]
    annotations: List[Any]
    value: Any

    def still_holds(self, fn: Any) -> bool:
        """Whether nothing of it was replaced since."""
        annotations = fn.__annotations__
        return (
            fn.__code__ is self.code
            and fn.__defaults__ is self.defaults
            and not fn.__kwdefaults__
            and _LOOKED_AT.isdisjoint(fn.__dict__)
            and list(annotations) == self.names
            and all(map(operator.is_, annotations.values(), self.annotations))
        )


def _remembering(
    original: Callable[[Any], Any], copy: Callable[[Any], Any], check: Optional[_Check]
) -> Callable[[Any], Any]:
    """Answer again what was answered of a function that nothing was changed of since."""
    known: Dict[int, _Answer] = {}

    def answer(fn: Any) -> Any:
        before = known.get(id(fn))
        if before is not None and before.still_holds(fn):
            if check:
                check.compare(original.__name__, before.value, copy(original(fn)))
            return copy(before.value)
        found = original(fn)
        if type(fn) is FunctionType:
            names, annotations = list(fn.__annotations__), list(fn.__annotations__.values())
            kept = _Answer(fn, fn.__code__, fn.__defaults__, names, annotations, copy(found))
            if kept.still_holds(fn) and all(map(_is_resolved, annotations)):
                known[id(fn)] = kept
        return found

    answer.__name__ = original.__name__
    return answer


def _asked_twice(original: Callable[[Any], Any], check: Optional[_Check]) -> Callable[[Any], Any]:
    """A job lists its requirements when it is made, and again at once when it is validated."""
    name = "_snapsize_requirements"

    def _get_resource_requirements(job: Any) -> Any:
        found = job.__dict__.pop(name, None)
        if found is None:
            found = job.__dict__[name] = original(job)
        elif check:
            check.compare("requirements", list(found), list(original(job)))
        return found

    return _get_resource_requirements


def _is_resolved(annotation: Any) -> bool:
    """Whether an annotation has no name in it that is yet to be looked up."""
    arguments = getattr(annotation, "__args__", None)
    if isinstance(arguments, tuple):
        return all(map(_is_resolved, arguments))
    return annotation is None or annotation is Any or isinstance(annotation, type)


def _resolved_first(
    original: Callable[[Any], Any], check: Optional[_Check]
) -> Callable[[Any], Any]:
    """A type that is resolved is itself; Dagster comes to that after comparing it with many."""
    dagster_type = importlib.import_module("dagster._core.types.dagster_type").DagsterType
    equal = dagster_type.__eq__

    def resolve_dagster_type(value: Any) -> Any:
        if isinstance(value, dagster_type) and type(value).__eq__ is equal:
            if check:
                check.compare("resolve_dagster_type", True, original(value) is value)
            return value
        return original(value)

    return resolve_dagster_type
