"""The limits and timeouts that decide whether a location loads, and where each came from.

The cascade is Dagster's own (``dagster/_grpc/utils.py``, unchanged from 1.5 to 1.13): a variable
counts when it is set and not empty, is read with ``int()``, and several defaults follow another
value. Numbers are never assumed: they come from the user's own Dagster.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import evolve, frozen

from dagster_snapsize.core.model import Environment, Limit, Setting, SnapshotKind
from dagster_snapsize.core.sizes import format_seconds, format_size

DAGSTER_DEFAULT = "Dagster's default"
RX, SEND = "DAGSTER_GRPC_MAX_RX_BYTES", "DAGSTER_GRPC_MAX_SEND_BYTES"
GRPC_TIMEOUT = "DAGSTER_GRPC_TIMEOUT_SECONDS"
REPOSITORY_TIMEOUT = "DAGSTER_REPOSITORY_GRPC_TIMEOUT_SECONDS"
SCHEDULE_TIMEOUT = "DAGSTER_SCHEDULE_GRPC_TIMEOUT_SECONDS"
SENSOR_TIMEOUT = "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS"
SHUTDOWN_GRACE = "DAGSTER_GRPC_SHUTDOWN_GRACE_PERIOD"
STARTUP_TIMEOUT = "code_servers.local_startup_timeout"
RELOAD_TIMEOUT = "code_servers.reload_timeout"
WAIT_ON_SHUTDOWN = "code_servers.wait_for_local_processes_on_shutdown"
STREAMING = "DAGSTER_CLOUD_USE_STREAMING_EXTERNAL_REPOSITORY"
AGENT_JOB_TIMEOUT = "DAGSTER_CLOUD_EXTERNAL_JOB_GRPC_TIMEOUT"
DAGSTER_PLUS = "Dagster+ snapshot limit"
IN_CHUNKS = "repositories in chunks"
STORAGE = "instance storage"

DAGSTER_PLUS_BYTES = 130_000_000
NEWEST_DEFAULT_BYTES = 100_000_000  # of RX and SEND, since 1.10.10
CHUNK_BYTES = 4_000_007  # on the wire
MYSQL_BLOB_BYTES = 65_535
PROTOBUF_MAX_BYTES = 2**31 - 1  # no gRPC message is larger, whatever the options say

StorageName = Literal["mysql", "postgres", "sqlite"]


@frozen
class Layer:
    """Variables from one place; a later layer wins over an earlier one."""

    label: str
    variables: Mapping[str, str]


@frozen
class InstanceValue:
    """One value of dagster.yaml; ``problem`` is a clear error where Dagster refuses it."""

    value: int | bool | None
    source: str
    problem: str | None = None


@frozen
class InstanceStorage:
    """The database that an instance stores its runs in; ``name`` is None for an unknown one."""

    name: StorageName | None
    source: str


@frozen
class InstanceSettings:
    """The settings of ``$DAGSTER_HOME/dagster.yaml`` that count here; None where it has none.

    ``problem`` is set where the whole file cannot be used, ``source`` names the file, and ``note``
    explains why there is none.
    """

    local_startup_timeout: InstanceValue | None = None
    reload_timeout: InstanceValue | None = None
    wait_for_local_processes_on_shutdown: InstanceValue | None = None
    storage: InstanceStorage | None = None
    source: str | None = None
    problem: str | None = None
    note: str | None = None


def effective_environment(
    defaults: Mapping[str, int | None],
    layers: Sequence[Layer],
    instance: InstanceSettings,
    dagster_plus: str | None,
    dagster_version: str = "",
    storage: InstanceStorage | None = None,
    storage_limit: int | None = None,
) -> Environment:
    """Every setting with its value and source, and the limits that follow from them.

    ``defaults`` are those of the user's Dagster with no DAGSTER_* variable set, by the name of the
    function (``max_rx_bytes``) or constant (``local_startup_timeout``); None where that version has
    none. ``layers`` come in increasing precedence. ``dagster_plus`` names the source of the fact
    that the limit of Dagster+ applies; None where it does not. ``storage`` is what the project's
    configuration says instead of the instance, ``storage_limit`` (bytes) what MySQL takes there.

    Dagster up to 1.11.14 asks for repositories in chunks (``StreamingExternalRepository``, called
    by ``sync_get_streaming_external_repositories_data_grpc``): no gRPC limit binds them there.
    """
    variables = _Variables(layers)
    sizes = [
        variables.size(RX, defaults.get("max_rx_bytes"), "the largest gRPC message received"),
        variables.size(SEND, defaults.get("max_send_bytes"), "the largest gRPC message sent"),
    ]
    streaming = variables.streaming()
    chunks = _asks_in_chunks(dagster_version)
    plus_source = dagster_plus or (STREAMING if streaming.value else None)
    in_storage = _storage_setting(storage or instance.storage, storage_limit)
    settings = [
        *sizes,
        *_grpc_timeouts(defaults, variables),
        *_code_server_settings(defaults.get("local_startup_timeout"), instance),
        Setting(
            DAGSTER_PLUS,
            DAGSTER_PLUS_BYTES if plus_source else None,
            "bytes",
            plus_source or "applies with a dagster_cloud.yaml or dagster-plus = true",
            "the largest snapshot that Dagster+ stores, uncompressed (read as 130 x 10^6 bytes)",
        ),
        in_storage,
        streaming,
        variables.agent_job_timeout(),
    ]
    if chunks:
        settings.append(
            Setting(
                IN_CHUNKS,
                True,
                "switch",
                f"Dagster {dagster_version}",
                "Dagster before 1.11.15 asks for repositories in chunks: no gRPC limit binds them",
            )
        )
    fallback = {RX: defaults.get("max_rx_bytes"), SEND: defaults.get("max_send_bytes")}
    wire = [_wire_limit(s, fallback[s.name]) for s in sizes]
    jobs = [limit for limit in wire if limit is not None]
    stored = _stored(plus_source)
    return Environment(
        settings=tuple(settings),
        repository_limits=tuple(stored if streaming.value or chunks else jobs + stored),
        job_limits=tuple(jobs + stored + _compressed(in_storage)),
    )


def after_upgrade(environment: Environment, kind: SnapshotKind) -> Limit | None:
    """The gRPC limit that binds a repository once Dagster asks for it in one message.

    None where it does so already, and where an agent of Dagster+ asks in chunks.
    """
    chunks, streaming = environment.setting(IN_CHUNKS), environment.setting(STREAMING)
    if kind != "repository" or chunks is None or (streaming and streaming.value):
        return None
    found = [
        evolve(limit, bytes=NEWEST_DEFAULT_BYTES) if is_default(limit) else limit
        for limit in environment.job_limits
        if limit.judges == "wire"
    ]
    return min(found, key=lambda limit: limit.bytes, default=None)


def server_environment(
    send_limit: int | None,
    source: str,
    dagster_plus: str | None,
    dagster_version: str,
    storage: InstanceStorage | None = None,
    storage_limit: int | None = None,
) -> Environment:
    """The limits that are known of a running server, whose variables nobody tells.

    ``send_limit`` is what it has refused something by, as ``source`` says. Chunks bind it too where
    it is below theirs. What stores its runs is known from the project's configuration alone.
    """
    in_storage = _storage_setting(storage, storage_limit)
    settings = [
        Setting(
            SEND, send_limit, "bytes", source, "the largest gRPC message that the server sends"
        ),
        in_storage,
    ]
    wire = [] if send_limit is None else [Limit(SEND, "wire", send_limit, source)]
    stored = _stored(dagster_plus)
    chunks = _asks_in_chunks(dagster_version) and (send_limit or CHUNK_BYTES) >= CHUNK_BYTES
    return Environment(
        settings=tuple(settings),
        repository_limits=tuple(stored if chunks else wire + stored),
        job_limits=tuple(wire + stored + _compressed(in_storage)),
    )


def _stored(dagster_plus: str | None) -> list[Limit]:
    return [Limit(DAGSTER_PLUS, "stored", DAGSTER_PLUS_BYTES, dagster_plus)] if dagster_plus else []


def _compressed(storage: Setting) -> list[Limit]:
    most = storage.value
    return [] if most is None else [Limit(storage.name, "compressed", int(most), storage.source)]


def _storage_setting(storage: InstanceStorage | None, limit: int | None) -> Setting:
    def setting(name: str, value: int | None, source: str, description: str) -> Setting:
        return Setting(name, value, "bytes", source, description)

    largest = "the largest job snapshot that can be stored when a run is created, compressed"
    if storage is None:
        applies = 'applies with MySQL in dagster.yaml or storage = "mysql"'
        return setting(STORAGE, None, applies, largest)
    if storage.name is None:
        return setting(STORAGE, None, storage.source, f"{largest}; not known for this storage")
    name = f"{STORAGE} ({storage.name})"
    if storage.name != "mysql":
        return setting(name, None, storage.source, f"{largest}; this storage takes any size")
    if limit is not None:
        return setting(name, limit, "[tool.dagster-snapsize] storage-limit", largest)
    return setting(name, MYSQL_BLOB_BYTES, storage.source, largest)


def _asks_in_chunks(dagster_version: str) -> bool:
    released = re.match(r"(\d+)\.(\d+)\.(\d+)", dagster_version)
    return released is not None and tuple(map(int, released.groups())) < (1, 11, 15)


@frozen
class ShownLimit:
    """One limit or timeout of a location, ready to be shown; ``problem`` is why it is unusable."""

    name: str
    value: str
    source: str
    description: str
    problem: str | None

    @classmethod
    def of(cls, setting: Setting) -> ShownLimit:
        """The setting with its value as text."""
        return cls(
            setting.name, shown_value(setting), setting.source, setting.description, setting.problem
        )


def shown_value(setting: Setting) -> str:
    """``100 MB``, ``60 s`` or ``off``; ``-`` where there is no such setting."""
    if setting.problem:
        return "unusable"
    if setting.value is None:
        return "-"
    if setting.unit == "switch":
        return "on" if setting.value else "off"
    if setting.unit == "bytes":
        return format_size(int(setting.value))
    return format_seconds(float(setting.value))


def is_default(setting: Setting | Limit) -> bool:
    """Whether it has Dagster's default."""
    return setting.source.startswith(DAGSTER_DEFAULT)


def problems(environment: Environment) -> tuple[str, ...]:
    """What Dagster itself refuses, one sentence each."""
    return tuple(s.problem for s in environment.settings if s.problem)


def _wire_limit(setting: Setting, default: int | None) -> Limit | None:
    if setting.value is None:
        # Unreadable, which is reported on its own: judge by the default.
        return Limit(setting.name, "wire", default, DAGSTER_DEFAULT) if default else None
    value = int(setting.value)
    if value < 0:
        source = f"{setting.source} ({value}: no limit but protobuf's own)"
        return Limit(setting.name, "wire", PROTOBUF_MAX_BYTES, source)
    return Limit(setting.name, "wire", value, setting.source)


class _Variables:
    """DAGSTER_* variables, looked up in their layers."""

    def __init__(self, layers: Sequence[Layer]):
        self._layers = layers

    def _find(self, name: str) -> tuple[str, str] | None:
        """The text and the label of its layer; None where it is not set."""
        for layer in reversed(self._layers):
            if name in layer.variables:
                return layer.variables[name], layer.label
        return None

    def number(
        self,
        name: str,
        default: int | None,
        default_source: str,
        unit: Literal["bytes", "seconds"],
        description: str,
        empty_counts: bool = False,
    ) -> Setting:
        """``empty_counts``: Dagster calls ``int()`` on an empty value too."""

        def setting(value: int | None, source: str, problem: str | None = None) -> Setting:
            return Setting(name, value, unit, source, description, problem)

        found = self._find(name)
        if found is None:
            return setting(default, default_source)
        text, label = found
        if not text and not empty_counts:
            return setting(default, f"{default_source} (empty in {label})")
        try:
            return setting(int(text), label)
        except ValueError:
            return setting(
                None,
                label,
                f'{name} is "{text}" in {label}, which is not a whole number of {unit}: Dagster'
                f" stops at it; write digits only, like {name}={default or 60}",
            )

    def size(self, name: str, default: int | None, description: str) -> Setting:
        found = self.number(
            name, default, DAGSTER_DEFAULT, "bytes", f"{description}; both ends enforce their own"
        )
        if found.value is not None and found.value > PROTOBUF_MAX_BYTES:
            return Setting(
                name,
                None,
                "bytes",
                found.source,
                found.description,
                problem=f"{name} is {found.value:,} in {found.source}, more than gRPC takes:"
                f" {PROTOBUF_MAX_BYTES:,} at most, or -1 for no limit",
            )
        return found

    def streaming(self) -> Setting:
        found = self._find(STREAMING)
        return Setting(
            STREAMING,
            bool(found and found[0]),
            "switch",
            found[1] if found else "not set",
            'the Dagster+ agent asks for repositories in chunks (any value turns it on, "false"'
            " included): then no gRPC limit binds a repository snapshot; jobs stay unary",
        )

    def agent_job_timeout(self) -> Setting:
        return self.number(
            AGENT_JOB_TIMEOUT,
            180,
            "the Dagster+ agent's default",
            "seconds",
            "how long the Dagster+ agent waits for one job snapshot",
            empty_counts=True,
        )


def _grpc_timeouts(defaults: Mapping[str, int | None], variables: _Variables) -> list[Setting]:
    """The timeouts of gRPC calls: each default follows the one before it."""
    grpc = variables.number(
        GRPC_TIMEOUT,
        defaults.get("default_grpc_timeout"),
        DAGSTER_DEFAULT,
        "seconds",
        "how long a gRPC call may take, one job snapshot among them",
    )
    usable = _number(grpc, defaults.get("default_grpc_timeout"))
    base = defaults.get("default_repository_grpc_timeout")
    repository = variables.number(
        REPOSITORY_TIMEOUT,
        None if base is None else max(base, usable or 0),
        f"{DAGSTER_DEFAULT}: max({base}, {GRPC_TIMEOUT})",
        "seconds",
        "how long the repository snapshot may take",
    )
    followers = [
        variables.number(
            name,
            None if defaults.get(key) is None else usable,
            f"{DAGSTER_DEFAULT}: {GRPC_TIMEOUT}",
            "seconds",
            f"how long one evaluation of a {what} may take",
        )
        for name, key, what in (
            (SCHEDULE_TIMEOUT, "default_schedule_grpc_timeout", "schedule"),
            (SENSOR_TIMEOUT, "default_sensor_grpc_timeout", "sensor"),
        )
    ]
    known = [n for n in (usable, *(_number(f, usable) for f in followers)) if n is not None]
    grace = variables.number(
        SHUTDOWN_GRACE,
        max(known)
        if known and defaults.get("default_grpc_server_shutdown_grace_period") is not None
        else None,
        f"{DAGSTER_DEFAULT}: max({GRPC_TIMEOUT}, {SCHEDULE_TIMEOUT}, {SENSOR_TIMEOUT})",
        "seconds",
        "how long a code server that is shut down waits for calls to end",
    )
    return [grpc, repository, *followers, grace]


def _number(setting: Setting, otherwise: int | None) -> int | None:
    return otherwise if setting.value is None else int(setting.value)


def _code_server_settings(default: int | None, instance: InstanceSettings) -> list[Setting]:
    def setting(
        name: str,
        found: InstanceValue | None,
        default: int | bool | None,
        unit: Literal["seconds", "switch"],
        description: str,
    ) -> Setting:
        note = f" ({instance.note})" if instance.note else ""
        found = found or InstanceValue(default, f"{DAGSTER_DEFAULT}{note}")
        return Setting(name, found.value, unit, found.source, description, found.problem)

    startup = instance.local_startup_timeout
    if instance.problem:
        # Report the mistake once, at the value that decides whether a location loads.
        startup = InstanceValue(None, instance.source or "dagster.yaml", instance.problem)
    return [
        setting(
            STARTUP_TIMEOUT,
            startup,
            default,
            "seconds",
            "how long a code server may take to import and build the definitions",
        ),
        setting(
            RELOAD_TIMEOUT,
            instance.reload_timeout,
            default,
            "seconds",
            "how long a code server may take to reload",
        ),
        setting(
            WAIT_ON_SHUTDOWN,
            instance.wait_for_local_processes_on_shutdown,
            False,
            "switch",
            "whether Dagster waits for its code servers when it shuts down",
        ),
    ]
