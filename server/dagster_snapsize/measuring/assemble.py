"""Build a Measurement from the frames of one run of the probe."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from dagster_snapsize.core.advice.repeats import rank as repeat_rank
from dagster_snapsize.core.advice.savings import rank as saving_rank
from dagster_snapsize.core.advice.scan import Scan
from dagster_snapsize.core.dagster_fields import entry_label
from dagster_snapsize.core.errors import NoInterpreter, UserError
from dagster_snapsize.core.ledger import AssetIndex, attribute_job, attribute_repository
from dagster_snapsize.core.ledger.project_path import ProjectPath, project_path_bytes
from dagster_snapsize.core.ledger.totals import asset_costs
from dagster_snapsize.core.limits import (
    InstanceSettings,
    Layer,
    effective_environment,
    problems,
    server_environment,
)
from dagster_snapsize.core.model import (
    NO_LEDGER,
    AssetCost,
    Environment,
    Failure,
    Inputs,
    Ledger,
    LoadTime,
    Measurement,
    Owner,
    PlacedOwner,
    Seconds,
    ServerFacts,
    Snapshot,
    SourceLocation,
    UncacheableCall,
)
from dagster_snapsize.measuring.load_time import load_time
from dagster_snapsize.measuring.metadata_readers import integration_of, metadata_readers
from dagster_snapsize.measuring.paths import spelled_in
from dagster_snapsize.project.dbt import stale_inputs
from dagster_snapsize.project.files.dagster_yaml import instance_file, read_instance
from dagster_snapsize.project.git import untracked_files
from dagster_snapsize.project.ignore_comments import find_ignores
from dagster_snapsize.project.interpreters import Interpreter
from dagster_snapsize.project.locations import CodeLocation

_NOWHERE = Path(os.sep) / "nowhere"  # paths that are relative to it stay absolute
_log = logging.getLogger(__name__)


@frozen
class Progress:
    """How far a measurement has come: ``done`` of ``of`` snapshots, 0 of 0 while it loads."""

    location: str
    text: str
    done: int = 0
    of: int = 0


OnProgress = Callable[[Progress], None]


class LoadFailed(Exception):
    """The location could not be measured."""

    def __init__(self, failure: Failure):
        self.failure = failure


class MeasurementBuilder:
    """Collects the frames of one run of the probe.

    ``tree`` is the folder of the whole repository, in which the user's own files lie.
    """

    def __init__(
        self,
        location: CodeLocation,
        interpreter: Interpreter,
        tree: Path,
        on_progress: OnProgress,
        limits_only: bool,
        plain: bool = False,
    ):
        self.location = location
        self.interpreter = interpreter
        self.on_progress = on_progress
        self.limits_only = limits_only
        self.plain = plain
        self.tree = tree
        self.changed: list[str] = []
        self.has_begun = False
        self.seconds_ahead = 0.0  # of imports that were made before, and are part of loading
        self._hello: dict[str, Any] = {}
        self._environment = Environment((), (), ())
        self._load_seconds = 0.0
        self._definitions: SourceLocation | None = None
        self._snapshots: list[Snapshot] = []
        self._indexes: dict[str, AssetIndex] = {}
        self._scans: dict[str, Scan] = {}
        self._seconds: dict[str, float] = {}
        self._assets: list[AssetCost] = []
        self._placed: list[PlacedOwner] = []
        self._files: list[str] = []
        self._folders: list[str] = []
        self._inputs: Inputs | None = None
        self._load_time: LoadTime | None = None
        self._read_here: list[str] = []  # by us, not by the probe
        self._peak_rss_bytes = 0
        self._parts = bytearray()
        self._server: ServerFacts | None = None
        root = location.root
        self.spelled = spelled_in(tree)
        self._path = ProjectPath.of((str(root), os.path.realpath(root), root.as_posix()))
        self._started = time.monotonic()

    def handle(self, header: dict[str, Any], payload: bytes) -> bool:
        """Add one frame; True for the last one. Raises LoadFailed where the probe reports one."""
        self.has_begun = True
        kind = header["type"]
        if kind == "done":
            self._on_done(header)
            return True
        getattr(self, f"_on_{kind}")(header, payload)
        return False

    def _on_done(self, header: dict[str, Any]) -> None:
        self._peak_rss_bytes = header["peak_rss_bytes"]
        if header["unknown_steps"]:
            version, steps = self._hello["dagster_version"], ", ".join(header["unknown_steps"])
            why = "is not known, or the definitions replace parts of it"
            _log.info("Dagster %s %s: its own code is used for %s", version, why, steps)

    def _on_hello(self, header: dict[str, Any], payload: bytes) -> None:
        self._hello = header
        if self.location.server:
            return  # whose variables and limits nobody tells
        variables = header["environment"]
        layers = [
            Layer("the environment", variables["environment"]),
            Layer(".env", variables.get("dotenv", {})),
            Layer("[tool.dagster-snapsize.env]", variables["configuration"]),
        ]
        home = next(
            (m.variables["DAGSTER_HOME"] for m in layers[::-1] if "DAGSTER_HOME" in m.variables),
            None,
        )
        self._environment = effective_environment(
            header["defaults"],
            layers,
            self._instance(home),
            self.location.dagster_plus,
            header["dagster_version"],
            self.location.storage,
            self.location.config.storage_limit,
        )
        unusable = problems(self._environment)
        if unusable and not self.limits_only:
            raise UserError("; ".join(unusable), "`dagster-snapsize limits` shows where it is set.")

    def _instance(self, home: str | None) -> InstanceSettings:
        if home:
            self._read_here.append(str(instance_file(home).absolute()))
        return read_instance(home)

    def _on_phase(self, header: dict[str, Any], payload: bytes) -> None:
        text = {
            "starting": "starting",
            "loading": "loading definitions",
            "waiting": "waiting for the server",
            "repository": f"repository {header.get('repository')}",
            "job": f"job {header.get('job')}",
        }[header["name"]]
        done, of = header.get("done", 0), header.get("of", 0)
        self.on_progress(Progress(self.location.name, text, done, of))

    def _on_loaded(self, header: dict[str, Any], payload: bytes) -> None:
        self._load_seconds = self.seconds_ahead + header["seconds"]
        self._definitions = self.place(header["definitions"])

    def _on_part(self, header: dict[str, Any], payload: bytes) -> None:
        self._parts += payload

    def _on_snapshot(self, header: dict[str, Any], payload: bytes) -> None:
        payload = payload or bytes(self._parts)
        self._parts = bytearray()
        if header["stored_bytes"] is None:
            self._on_refusal(header)
            return
        repository, name = header["repository"], header["name"]
        path = f"{self.location.name}/{repository}"
        try:
            if header["kind"] == "repository":
                snapshot_id = f"{path}/repository"
                scan = self._scans[repository] = Scan(repository)
                see = partial(scan.scan_repository, snapshot_id)
                ledger, self._indexes[repository] = attribute_repository(payload, see)
                paths = self._paths(payload, ledger, lambda text: attribute_repository(text)[0])
            else:
                snapshot_id = f"{path}/job/{name}"
                look = partial(self._scans[repository].scan_job, snapshot_id)
                index = self._indexes[repository]
                ledger = attribute_job(payload, index, look)
                paths = self._paths(payload, ledger, lambda text: attribute_job(text, index))
        except ValueError as error:
            raise LoadFailed(Failure(f"the snapshot {snapshot_id} is not JSON: {error}")) from error
        self._seconds[snapshot_id] = header["seconds"]
        if header["kind"] == "job":
            # A code server composes its jobs when it is asked for their repository.
            self._seconds[snapshot_id] -= header["composed_seconds"]
            self._seconds[f"{path}/repository"] += header["composed_seconds"]
        self._snapshots.append(
            Snapshot(
                id=snapshot_id,
                kind=header["kind"],
                name=name,
                repository=repository,
                stored_bytes=header["stored_bytes"],
                wire_bytes=header["wire_bytes"],
                ledger=ledger,
                paths=paths,
                snapshot_id=_snapshot_id(payload) if header["kind"] == "job" else None,
                reply_seconds=header["seconds"] if self.location.server else None,
            )
        )

    def _on_refusal(self, header: dict[str, Any]) -> None:
        """A snapshot whose reply the server refused to send: there is no text."""
        repository, name, kind = header["repository"], header["name"], header["kind"]
        path = f"{self.location.name}/{repository}"
        snapshot_id = f"{path}/job/{name}" if kind == "job" else f"{path}/repository"
        if kind == "repository":
            self._scans[repository] = Scan(repository)
            self._indexes[repository] = AssetIndex.of((), ())
        self._seconds[snapshot_id] = header["seconds"]
        self._snapshots.append(
            Snapshot(
                id=snapshot_id,
                kind=kind,
                name=name,
                repository=repository,
                stored_bytes=0,
                wire_bytes=header["wire_bytes"],
                ledger=NO_LEDGER,
                measured_by="refusal",
                reply_seconds=header["seconds"],
            )
        )

    def _on_server(self, header: dict[str, Any], payload: bytes) -> None:
        assert self.location.server
        limit, source = header["send_limit_bytes"], header["send_limit_source"]
        self._server = ServerFacts(
            self.location.server.address,
            header["server_id"],
            limit,
            source,
            header["largest_reply_bytes"],
        )
        self._environment = server_environment(
            limit,
            source or "not known: a server says it only when it refuses a reply",
            self.location.dagster_plus,
            self._hello["dagster_version"],
            self.location.storage,
            self.location.config.storage_limit,
        )

    def _on_compressed(self, header: dict[str, Any], payload: bytes) -> None:
        size: int = header["bytes"]
        self._snapshots[-1] = evolve(self._snapshots[-1], compressed_bytes=size)

    def _paths(
        self, payload: bytes, ledger: Ledger, draw: Callable[[bytes], Ledger]
    ) -> Mapping[Owner, Mapping[str, int]]:
        """The bytes of the project's own path: those that a text without it has no more."""
        bare = self._path.removed_from(payload)
        return {} if len(bare) == len(payload) else project_path_bytes(ledger, draw(bare))

    def _on_sources(self, header: dict[str, Any], payload: bytes) -> None:
        places = {key: self.place(place) for key, place in header["assets"].items()}
        located = {key: place for key, place in places.items() if place is not None}
        mine = [s for s in self._snapshots if s.repository == header["repository"]]
        index = self._indexes[header["repository"]]
        groups = {asset.key: asset.group for asset in index.assets.values()}
        deps = {asset.key: tuple(sorted(set(asset.deps))) for asset in index.assets.values()}
        self._assets += asset_costs(header["repository"], mine, located, groups, deps)
        for kind, name, found in header["functions"]:
            if place := self.place(found):
                owner = Owner(kind, name)
                self._placed.append(PlacedOwner(header["repository"], owner, place))

    def _on_files(self, header: dict[str, Any], payload: bytes) -> None:
        self._files = sorted(set(map(self.spelled, header["definitions"])))
        self._folders = sorted(set(map(self.spelled, header["folders"])))
        self.changed = header["changed"]

    def _on_inputs(self, header: dict[str, Any], payload: bytes) -> None:
        self._inputs = Inputs(
            read=(*header["read"], *self._read_here),
            listed=tuple(header["listed"]),
            variables=tuple(header["variables"]),
            installed=tuple((path, size, mtime) for path, size, mtime in header["installed"]),
            distributions=tuple(header["distributions"]),
            modules=tuple(header["modules"]),
            uncacheable=tuple(
                UncacheableCall(v["what"], v["path"], v["line"]) for v in header["uncacheable"]
            ),
        )

    def _on_load_profile(self, header: dict[str, Any], payload: bytes) -> None:
        version = self._hello["python_version"]
        self._load_time = load_time(header, self.spelled, version, self.plain)

    def _on_failed(self, header: dict[str, Any], payload: bytes) -> None:
        if header["usage"]:
            # Before its hello it has found no Dagster, or one too old.
            wrong = UserError if self._hello else NoInterpreter
            raise wrong(
                header["message"],
                f"location {self.location.name}, from {self.location.source}, run by"
                f" {self.interpreter.path} ({self.interpreter.source})",
            )
        place = [header["path"], header["line"]] if header["path"] else None
        message, traceback = header["message"], header["traceback"]
        raise LoadFailed(
            Failure(message, self.place(place), traceback, unparsed=header["unparsed"])
        )

    def _integrations(self) -> list[str]:
        """The imported files of installed integrations, whose I/O managers read metadata."""
        installed = self._inputs.installed if self._inputs else ()
        paths = [Path(path).as_posix() for path, _, _ in installed]
        return [path for path in paths if integration_of(path)]

    def place(self, place: Any) -> SourceLocation | None:
        """The place that a path and a line are, with forward slashes."""
        return SourceLocation(Path(self.spelled(place[0])).as_posix(), place[1]) if place else None

    def failed(self, failure: Failure) -> Measurement:
        """What is known of a location that could not be measured: no half sizes."""
        self._snapshots, self._assets, self._placed, self._inputs = [], [], [], None
        self._scans = {}
        return self.result(failure)

    def result(self, failure: Failure | None = None) -> Measurement:
        """The measurement that they are together."""
        files = self._files
        ids = {
            kind: [s.id for s in self._snapshots if s.kind == kind]
            for kind in ("repository", "job")
        }
        repeats = [r for scan in self._scans.values() for r in scan.repeats()]
        savings = [s for scan in self._scans.values() for s in scan.savings()]
        fields = {*(repeat.field for repeat in repeats), *(saving.field for saving in savings)}
        return Measurement(
            name=self.location.name,
            target=self.location.target,
            python=self._hello.get("executable_path", "")
            if self.location.server
            else self.interpreter.path,
            python_version=self._hello.get("python_version", ""),
            dagster_version=self._hello.get("dagster_version", ""),
            seconds=Seconds(
                load=self._load_seconds,
                build=sum(self._seconds.values()),
                total=self.seconds_ahead + time.monotonic() - self._started,
                repositories={i: self._seconds[i] for i in ids["repository"]},
                jobs={i: self._seconds[i] for i in ids["job"]},
            ),
            peak_rss_bytes=self._peak_rss_bytes,
            snapshots=tuple(self._snapshots),
            assets=tuple(sorted(self._assets, key=lambda a: (-a.total_bytes, a.key, a.repository))),
            definition_files=tuple(Path(p).as_posix() for p in files),
            folders=tuple(Path(p).as_posix() for p in self._folders),
            environment=self._environment,
            definitions_location=self._definitions,
            untracked_files=tuple(Path(p).as_posix() for p in untracked_files(files, self.tree)),
            stale_inputs=stale_inputs(files, self.location.root, _NOWHERE),
            ignores=find_ignores(
                (a.location for a in self._assets if a.location),
                [Path(p).as_posix() for p in files],
                _NOWHERE,
            ),
            failure=failure,
            inputs=self._inputs,
            load_time=None if failure else self._load_time,
            stub_bytes=max((scan.stub_bytes for scan in self._scans.values()), default=0),
            repeats=tuple(sorted(repeats, key=repeat_rank)),
            savings=tuple(sorted(savings, key=saving_rank)),
            placed_owners=tuple(self._placed),
            metadata_readers=metadata_readers(
                [*files, *self._integrations()], set(map(entry_label, fields)) - {""}, _NOWHERE
            ),
            server=self._server,
        )


def _snapshot_id(payload: bytes) -> str:
    """As ``create_snapshot_id`` in Dagster."""
    return hashlib.sha1(payload, usedforsecurity=False).hexdigest()
