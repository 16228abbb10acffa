"""One measurement, step by step, and the frames that it sends."""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import gc
import json
import os
import platform
import sys
import time
from typing import Any, Callable, Dict, List, Mapping, NoReturn, Optional, Sequence

from .asset_locations import Origins, locate_assets, locate_functions
from .audit import AuditLog, CallRecorder
from .compression import compressed_bytes
from .failures import describe
from .fastpath import install as install_shortcuts
from .fastpath import no_shortcuts, placeholder_ids
from .grpc_defaults import grpc_defaults
from .inputs import definition_files, describe_inputs, listed_folders
from .lazy_module import defer
from .load_profile import LoadProfile, name_components
from .loading import StateMissing, UsageProblem, load
from .protocol import ConnectionLost, FrameWriter
from .snapshots import (
    Adapter,
    Serialized,
    all_jobs,
    find_adapter,
    forget_snapshot,
    serialize_job,
    serialize_repository,
)
from .source_loader import SourceLoader
from .user_files import UserFiles
from .variables import VariableLog

_exit_now = os._exit


def main(argument: str, log: Optional[AuditLog] = None) -> NoReturn:
    """Measure what the JSON argument says, and end the process.

    ``log`` has what this process has read already, where a fork server started it.

    Keys: ``target``, ``location_name``, ``working_directory``, ``tree``, ``dotenv`` (path or null),
    ``env``, ``deadline`` (seconds since the epoch), ``limits_only``, ``verify``, ``plain`` (load as
    a code server does, with nothing that makes it faster).
    """
    request = json.loads(argument)
    if not request.get("plain", False):
        # Imports and snapshots make millions of objects that stay alive; to collect garbage among
        # them takes a quarter of the time. It is on while the user's definitions are loaded.
        gc.disable()
    writer = _take_over_streams()
    target = request["target"]
    own_package = target.get("module_name") or target.get("package_name")
    own_package = own_package or target.get("autoload_defs_module_name")
    own_package = own_package.split(".")[0] if own_package else None
    files = UserFiles(request["tree"], own_package)
    profile = LoadProfile(files)
    if log is None and not request["limits_only"]:  # a fork has imported much before
        profile.start()
    log = log or AuditLog()
    log.start()
    session = _Session(writer, files, log, profile)
    session.guard_exit()
    left = request["deadline"] - time.time() - 0.3
    faulthandler.enable(file=2)
    faulthandler.dump_traceback_later(max(left, 0.05), exit=False, file=2)
    try:
        session.run(request)
    except ConnectionLost:
        _exit_now(70)
    except (UsageProblem, StateMissing) as problem:
        session.fail(
            {"message": str(problem), "usage": isinstance(problem, UsageProblem)},
        )
    except BaseException as error:  # SystemExit and KeyboardInterrupt of user code included
        session.fail(describe(error, files, session.origins.last_definitions))
    session.finished = True
    profile.stop()
    faulthandler.cancel_dump_traceback_later()
    # os._exit does not wait for threads that never end; exit functions of user code still run.
    try:
        atexit._run_exitfuncs()
    finally:
        _exit_now(0)


def _collect_garbage() -> None:
    """Collect garbage from now on, without looking at the modules that Dagster has imported.

    User code may make much of it. The threshold is that of Python 3.13: that of older ones, 700,
    costs 5 % of the time with 2,000 assets, this one nothing.
    """
    gc.freeze()
    gc.set_threshold(2_000)
    gc.enable()


def _take_over_streams() -> FrameWriter:
    """Keep standard output for frames alone; what user code prints goes to standard error."""
    writer = FrameWriter(os.dup(1))
    os.dup2(2, 1)
    return writer


class _Session:
    def __init__(self, writer: FrameWriter, files: UserFiles, log: AuditLog, profile: LoadProfile):
        self._writer = writer
        self._files = files
        self._log = log
        self._profile = profile
        self._source_loader = SourceLoader(files)
        self._pid = os.getpid()
        self._started = time.perf_counter()
        self.origins = Origins(files)
        self.finished = False
        self._repository_bytes: Dict[str, int] = {}

    def guard_exit(self) -> None:
        """Report the line that calls os._exit, which leaves no other trace."""

        def leave(status: int) -> NoReturn:
            if os.getpid() == self._pid and not self.finished:
                frame = self._files.calling_frame()
                place = (frame.f_code.co_filename, frame.f_lineno) if frame else (None, None)
                self.fail(
                    {
                        "message": f"the code called os._exit({status!r}) while it was loaded",
                        "path": place[0] and os.path.abspath(place[0]),
                        "line": place[1],
                    }
                )
            _exit_now(status)

        os._exit = leave

    def fail(self, header: Dict[str, Any]) -> None:
        whole: Dict[str, Any] = {"path": None, "line": None, "traceback": ""}
        whole.update(usage=False, unparsed=False)
        try:
            self._send_files()
            self._send("failed", **{**whole, **header, "type": "failed"})
        except (OSError, ConnectionLost):
            _exit_now(70)

    def _send(self, frame_type: str, payload: Any = b"", **header: Any) -> None:
        if os.getpid() != self._pid:
            _exit_now(0)  # a process that user code forked, and that returned to here
        with self._profile.paused():
            self._writer.send({**header, "type": frame_type}, payload)

    def run(self, request: Mapping[str, Any]) -> None:
        self._send("phase", name="starting")
        self._profile.enter("import")
        sys.argv = ["dagster", "api", "grpc"]
        # Dagster's loaders take sys.path[0] away; `python -m dagster` has its own folder there.
        sys.path.insert(0, os.getcwd())
        layers, problem = _load_environment(request["dotenv"], request["env"])
        dagster = _import_dagster()
        self._send(
            "hello",
            python_version=platform.python_version(),
            dagster_version=dagster.__version__,
            defaults=grpc_defaults(),
            environment=layers,
            environment_problem=problem,
        )
        if problem:
            raise UsageProblem(problem)
        if request["limits_only"]:
            self._done()
            return
        self._measure(request, str(dagster.__version__))

    def _measure(self, request: Mapping[str, Any], version: str) -> None:
        find_adapter(version)  # raises for a Dagster that is too old, before it loads anything
        verify, plain = request.get("verify", False), request.get("plain", False)
        with self._profile.paused():
            shortcuts = no_shortcuts() if plain else install_shortcuts(verify=verify)
            if plain:
                self._profile.name_jobs()
            elif not verify:
                defer()
            name_components()
            self.origins.install()
            self._log.mark()
            calls = CallRecorder(self._files, self._log)
            variables = VariableLog(self._files)
            self._source_loader.install()
        self._send("phase", name="loading")
        self._profile.enter("definitions")
        if not plain:
            _collect_garbage()
        loaded = load(
            request["target"],
            request["working_directory"],
            request["location_name"],
            self._files,
            self.origins,
        )
        jobs = {name: all_jobs(repo) for name, repo in loaded.repositories.items()}
        if not plain:
            gc.disable()
            shortcuts = shortcuts.after_loading()
        adapter = find_adapter(version)
        if shortcuts.packer:
            adapter = adapter._replace(serialize=shortcuts.packer.serialize)
        self._send(
            "loaded",
            repositories=sorted(loaded.repositories),
            definitions=loaded.definitions,
            seconds=time.perf_counter() - self._started,
        )
        self._snapshots(adapter, loaded.repositories, jobs, shortcuts.leaves_ids_out)
        if verify:
            self._compare_with_ids(adapter, loaded.repositories, shortcuts.differences)
        if shortcuts.differences:
            raise UsageProblem(
                "some snapshots differ from what Dagster itself makes: "
                + "; ".join(shortcuts.differences)
            )
        self._profile.stop()
        self._send_profile()
        self._send_files()
        self._send_inputs(calls, variables)
        self._done(unknown_steps=shortcuts.unknown)

    def _compare_with_ids(
        self, adapter: Adapter, repositories: Mapping[str, Any], differences: List[str]
    ) -> None:
        """Compare the sizes of repository snapshots with those that have real job ids."""
        for name, repository in repositories.items():
            whole = len(serialize_repository(adapter, repository).payload)
            if whole != self._repository_bytes[name]:
                sent = self._repository_bytes[name]
                differences.append(f"repository {name}: {sent} instead of {whole} bytes")

    def _snapshots(
        self,
        adapter: Adapter,
        repositories: Mapping[str, Any],
        jobs: Mapping[str, List[Any]],
        leaves_ids_out: bool,
    ) -> None:
        done, of = 0, len(jobs) + sum(map(len, jobs.values()))
        for name in sorted(repositories):
            repository = repositories[name]
            self._send("phase", name="repository", repository=name, done=done, of=of)
            self._profile.enter("repository", name)
            # Not for jobs: one with a selection names its parent, and random ids compress badly.
            with placeholder_ids() if leaves_ids_out else contextlib.nullcontext():
                self._snapshot("repository", name, name, serialize_repository, adapter, repository)
            done += 1
            for job in jobs[name]:
                self._send("phase", name="job", repository=name, job=job.name, done=done, of=of)
                self._profile.enter("job", job.name)
                self._snapshot("job", name, job.name, serialize_job, adapter, job)
                forget_snapshot(job)
                done += 1
            with self._profile.paused():
                assets = locate_assets(repository, self.origins, self._files, self._log.files())
                functions = locate_functions(repository, self._files)
            self._send("sources", repository=name, assets=assets, functions=functions)

    def _send_profile(self) -> None:
        report = self._profile.report()
        if report:
            self._send("load_profile", **report)

    def _send_inputs(self, calls: CallRecorder, variables: VariableLog) -> None:
        try:
            names = variables.names()
            inputs = describe_inputs(self._files, self._log, calls.report(), names)
        except Exception:  # user code has replaced os.stat, say: the inputs are not known
            return
        self._send("inputs", **inputs)

    def _send_files(self) -> None:
        self._send(
            "files",
            definitions=definition_files(self._files, self._log),
            folders=listed_folders(self._files, self._log),
            changed=self._source_loader.changed_files(),
        )

    def _snapshot(
        self,
        kind: str,
        repository: str,
        name: str,
        serialize: Callable[[Adapter, Any], Serialized],
        adapter: Adapter,
        definition: Any,
    ) -> None:
        started = time.perf_counter()
        snapshot = serialize(adapter, definition)
        if kind == "repository":
            self._repository_bytes[name] = len(snapshot.payload)
        self._send(
            "snapshot",
            snapshot.payload,
            kind=kind,
            repository=repository,
            name=name,
            stored_bytes=len(snapshot.payload),
            wire_bytes=snapshot.wire_bytes,
            seconds=time.perf_counter() - started,
            composed_seconds=snapshot.composed_seconds,
        )
        if kind == "job":
            # While the tool attributes its bytes, so that it costs no time of its own.
            with self._profile.paused():
                size = compressed_bytes(snapshot.payload)
            self._send("compressed", bytes=size)

    def _done(self, unknown_steps: Sequence[str] = ()) -> None:
        self._send("done", peak_rss_bytes=_peak_rss_bytes(), unknown_steps=list(unknown_steps))


def _import_dagster() -> Any:
    try:
        import dagster
        import dagster._grpc.server  # a code server imports it too
    except ModuleNotFoundError as error:
        if error.name == "dagster":
            raise UsageProblem(f"Dagster is not installed in {sys.executable}") from error
        raise
    return dagster


def _load_environment(
    dotenv: Optional[str], configured: Mapping[str, str]
) -> "tuple[Dict[str, Dict[str, str]], Optional[str]]":
    """Set the variables of .env and of the configuration; return the DAGSTER_* ones by layer.

    The others are not returned: they may be secrets.
    """
    layers = {"environment": _dagster_variables(os.environ)}
    problem = None
    if dotenv:
        try:
            # As dagster._core.secrets.env_file.get_env_var_dict, before dagster itself is imported.
            from dotenv import dotenv_values

            values = {k: v for k, v in dotenv_values(dotenv).items() if v is not None}
            os.environ.update(values)
            layers["dotenv"] = _dagster_variables(values)
        except (OSError, ValueError) as error:
            problem = f"{dotenv} cannot be read: {error}"
        except ImportError:
            problem = None
    os.environ.update(configured)
    layers["configuration"] = _dagster_variables(configured)
    return layers, problem


def _dagster_variables(mapping: Mapping[str, str]) -> Dict[str, str]:
    return {key: value for key, value in mapping.items() if key.startswith("DAGSTER_")}


def _peak_rss_bytes() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
