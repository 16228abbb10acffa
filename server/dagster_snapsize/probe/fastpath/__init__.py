"""Steps of Dagster's that the probe takes in a faster way with the same outcome.

- Serializing: serializer.py instead of ``serialize_value``.
- Job ids: a repository snapshot names each job snapshot by the SHA-1 of its text, for which Dagster
  serializes every job twice. A placeholder of the same 40 characters gives the same size, so the
  repository can be sent before its jobs are composed, and each job be dropped once it was sent.
- Requirements: a job lists the resources that it requires twice, when it is made and when it is
  validated.

Each of them is used only where the functions that it replaces have a fingerprint in known.py, and
where the code that was loaded has replaced nothing in their modules.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import json.encoder
import sys
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from .fingerprints import Bindings, Fingerprints
from .known import JOB_IDS, PACKING, REQUIREMENTS
from .serializer import Packer, Serdes

PLACEHOLDER = "0" * 40


class Shortcuts(NamedTuple):
    """What was installed.

    ``packer`` is None where Dagster serializes by itself; ``leaves_ids_out`` says that the ids of
    job snapshots are not needed. ``unknown`` names the steps for which this Dagster has functions
    that are not known. With ``verify``, ``differences`` says where the outcome differed.
    """

    packer: Optional[Packer]
    leaves_ids_out: bool
    unknown: Tuple[str, ...]
    differences: List[str]

    bindings: Optional[Bindings]

    def after_loading(self) -> Shortcuts:
        """These, or none where user code has replaced something that serializes."""
        if self.bindings is None or self.bindings.are_unchanged():
            return self
        return self._replace(packer=None, leaves_ids_out=False, unknown=("every step",))


class Sources(NamedTuple):
    """Dagster's functions by step."""

    packing: List[Any]
    job_ids: List[Any]
    requirements: List[Any]


def sources() -> Sources:
    """The functions of this Dagster, 1.8 or later.

    Raises ImportError or AttributeError where they are elsewhere.
    """
    serdes, utils = _serdes_modules()
    record = importlib.import_module(serdes.as_dict_for_new.__module__)
    metadata = importlib.import_module("dagster._core.definitions.metadata")
    snapshot = importlib.import_module("dagster._core.snap.job_snapshot")
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


def no_shortcuts(*unknown: str) -> Shortcuts:
    """Nothing is replaced."""
    return Shortcuts(None, False, unknown, [], None)


def install(verify: bool = False) -> Shortcuts:
    """Replace every step whose functions are known in this Dagster.

    ``verify``: take Dagster's own steps too, use their outcome, and note every difference.
    """
    differences: List[str] = []
    try:
        found = sources()
    except (ImportError, AttributeError):
        return no_shortcuts("every step")
    known = {step: _known_as(functions) for step, functions in found._asdict().items()}
    check = _Check(differences) if verify else None
    packer = None
    if known["packing"] in PACKING and _is_plain_json():
        metadata = importlib.import_module("dagster._core.definitions.metadata")
        skips_packed = PACKING[known["packing"]]
        serdes = Serdes(_serdes_modules()[0], metadata.MetadataFieldSerializer, skips_packed)
        packer = _VerifyingPacker(serdes, check) if check else Packer(serdes)
    if known["requirements"] in REQUIREMENTS:
        job: Any = importlib.import_module("dagster._core.definitions.job_definition").JobDefinition
        job._get_resource_requirements = _answer_twice(found.requirements[0], check)
    tables: Dict[str, Mapping[str, Any]] = {
        "packing": PACKING,
        "job_ids": JOB_IDS,
        "requirements": REQUIREMENTS,
    }
    unknown = tuple(step for step, table in tables.items() if known[step] not in table)
    names = sorted({function.__module__ for step in found for function in step})
    modules = [
        json,
        json.encoder,
        _serdes_modules()[0].seven.json,
        *(sys.modules[n] for n in names),
    ]
    ids = known["job_ids"] in JOB_IDS
    return Shortcuts(packer, ids, unknown, differences, Bindings(modules))


def _known_as(functions: List[Any]) -> str:
    try:
        return Fingerprints().of(functions)
    except (OSError, ValueError):
        return ""


class _Check:
    """Compares the outcome of a replaced step with that of Dagster's own."""

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
    encoder = json.JSONEncoder
    # A tracing tool may have replaced these when the interpreter started.
    own = (encoder.__init__, encoder.encode, encoder.iterencode, encoder.default)
    return (
        getattr(dumps, "func", None) is json.dumps
        and dumps.keywords == {"sort_keys": True}
        and json.dumps.__code__.co_filename == json.__file__
        and all(function.__code__.co_filename == json.encoder.__file__ for function in own)
    )


@contextlib.contextmanager
def placeholder_ids() -> Iterator[None]:
    """Give every job snapshot the same id, for which it need not be serialized."""
    snapshot: Any = importlib.import_module("dagster._core.snap.job_snapshot")
    job: Any = importlib.import_module("dagster._core.definitions.job_definition").JobDefinition
    of_job, of_snapshot = job.get_job_snapshot_id, snapshot.create_snapshot_id
    job.get_job_snapshot_id = snapshot.create_snapshot_id = lambda thing: PLACEHOLDER
    try:
        yield
    finally:
        job.get_job_snapshot_id, snapshot.create_snapshot_id = of_job, of_snapshot


def _answer_twice(original: Callable[[Any], Any], check: Optional[_Check]) -> Callable[[Any], Any]:
    """A job lists its requirements when it is made, and right after that when it is validated."""
    name = "_snapsize_requirements"

    def _get_resource_requirements(job: Any) -> Any:
        found = job.__dict__.pop(name, None)
        if found is None:
            found = job.__dict__[name] = original(job)
        elif check:
            check.compare("requirements", list(found), list(original(job)))
        return found

    return _get_resource_requirements
