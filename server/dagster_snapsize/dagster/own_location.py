"""Measure the code location that a run belongs to, in the run's own process.

The definitions are there already: nothing is loaded a second time, and no server is asked.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import dagster

from dagster_snapsize.core.model import Measurement
from dagster_snapsize.measuring.assemble import MeasurementBuilder
from dagster_snapsize.probe.asset_locations import Origins, locate_assets
from dagster_snapsize.probe.compression import compressed_bytes
from dagster_snapsize.probe.grpc_defaults import grpc_defaults
from dagster_snapsize.probe.snapshots import (
    all_jobs,
    find_adapter,
    forget_snapshot,
    serialize_job,
    serialize_repository,
)
from dagster_snapsize.probe.user_files import UserFiles
from dagster_snapsize.project.config import Config
from dagster_snapsize.project.interpreters import Interpreter
from dagster_snapsize.project.locations import CodeLocation

_DAGSTER_PLUS = "DAGSTER_CLOUD_DEPLOYMENT_NAME"  # Dagster+ sets it for runs and code servers
_SOURCE = "the run"
_fingerprints: list[tuple[Any, str]] = []


def code_location(name: str, root: Path, config: Config) -> CodeLocation:
    """The location as the tool knows it, with what decides which limits apply."""
    cloud = root / "dagster_cloud.yaml"
    if _DAGSTER_PLUS in os.environ and not cloud.exists():
        cloud = Path(_DAGSTER_PLUS)  # its name says in messages why the limit of Dagster+ applies
        is_plus = True
    else:
        is_plus = cloud.exists()
    return CodeLocation(
        name=name,
        target={},
        working_directory=root,
        root=root,
        executable_path=None,
        source=_SOURCE,
        config=config,
        dagster_cloud=cloud if is_plus else None,
        cwd=root,
        folder=root,
        stable_name=name,
    )


def own_interpreter() -> Interpreter:
    """The Python that the run uses."""
    return Interpreter(sys.executable, _SOURCE)


def measure_repository(repository: Any, location: CodeLocation) -> Measurement:
    """Measure a RepositoryDefinition of this process: with the same sizes as the probe's.

    Raises UserError for a limit of the environment that Dagster itself refuses.
    """
    root = location.root
    version = dagster.__version__
    adapter = find_adapter(version)
    builder = MeasurementBuilder(location, own_interpreter(), root, lambda _: None, False)
    variables = {name: v for name, v in os.environ.items() if name.startswith("DAGSTER_")}
    hello = {
        "python_version": platform.python_version(),
        "dagster_version": version,
        "defaults": grpc_defaults(),
        "environment": {"environment": variables, "configuration": {}},
    }
    builder.handle({"type": "hello", **hello}, b"")
    for definition in (repository, *all_jobs(repository)):
        is_repository = definition is repository
        started = time.perf_counter()
        serialize = serialize_repository if is_repository else serialize_job
        snapshot = serialize(adapter, definition)
        header = {
            "kind": "repository" if is_repository else "job",
            "repository": repository.name,
            "name": definition.name,
            "stored_bytes": len(snapshot.payload),
            "wire_bytes": snapshot.wire_bytes,
            "seconds": time.perf_counter() - started,
            "composed_seconds": snapshot.composed_seconds,
        }
        builder.handle({"type": "snapshot", **header}, bytes(snapshot.payload))
        if not is_repository:
            size = compressed_bytes(snapshot.payload)
            builder.handle({"type": "compressed", "bytes": size}, b"")
            forget_snapshot(definition)
    files = UserFiles(str(root))
    places = locate_assets(repository, Origins(files), files, ())
    # The report shows the places of assets, and none of ops.
    sources = {"repository": repository.name, "assets": places, "functions": []}
    builder.handle({"type": "sources", **sources}, b"")
    return builder.result()


def fingerprint(repository: Any) -> str:
    """The same for the same definitions in every process, and made once in each.

    Of how often each byte is in the repository snapshot, which has the ids of the job snapshots:
    Dagster writes sets in another order in another process, so that a hash of the text would not
    do. Sizes cannot differ where these counts do not.
    """
    for known, found in _fingerprints:
        if known is repository:
            return found
    payload = bytes(serialize_repository(find_adapter(dagster.__version__), repository).payload)
    counts = [payload.count(byte) for byte in range(128)]
    found = hashlib.sha256(repr(counts).encode("ascii")).hexdigest()
    _fingerprints[:] = [(repository, found)]
    return found
