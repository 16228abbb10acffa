"""The words of dagster-snapsize as frozen data: what a measurement is made of.

Sizes are exact byte counts (``int``), times are seconds (``float``), paths are strings with forward
slashes, relative to the folder that was measured where they lie below it and absolute elsewhere.
Nothing here reads a file, starts a process or knows Dagster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Literal

from attrs import field, frozen

from dagster_snapsize.core.sizes import Allowance

OwnerKind = Literal[
    "asset",
    "check",
    "op",
    "job",
    "schedule",
    "sensor",
    "resource",
    "partition_set",
    "component",
    "definitions_metadata",
    "structure",
]
SnapshotKind = Literal["repository", "job"]
Severity = Literal["error", "warning", "information"]
GrowthAgainst = Literal["baseline", "HEAD", "merge-base"]
JudgedSize = Literal["wire", "stored", "compressed"]
MeasuredBy = Literal["text", "refusal"]
SavingKind = Literal[
    "code-references",
    "raw-sql",
    "non-latin",
    "field",
    "one-value",
    "resource",
    "definitions-metadata",
    "job",
]
Rule = Literal[
    "snapshot-over-budget",
    "snapshot-near-budget",
    "snapshot-over-storage",
    "asset-over-budget",
    "owner-over-budget",
    "snapshot-grew",
    "asset-grew",
    "baseline-mismatch",
    "load-time-over-budget",
    "load-time-grew",
    "repeated-value",
    "stale-input",
    "grpc-limit-mismatch",
    "measurement-failed",
]


@frozen
class SourceLocation:
    """A place in a file; ``line`` counts from 1."""

    path: str
    line: int


@frozen
class IgnoreComment:
    """A ``# snapsize: ignore[...]`` comment; no ``rules`` silence every rule.

    ``assets`` are the lines, in the same file, of the assets that it stands on.
    """

    location: SourceLocation
    rules: tuple[str, ...]
    assets: tuple[int, ...]

    def silences(self, place: SourceLocation, rule: str) -> bool:
        """Whether it keeps this rule from being told of an asset defined there."""
        return (
            place.path == self.location.path
            and place.line in self.assets
            and (not self.rules or rule in self.rules)
        )


@frozen
class UnusedIgnore:
    """A comment, or those of its rules, that silence nothing; ``on_asset`` says it has an asset."""

    location: SourceLocation
    rules: tuple[str, ...]
    on_asset: bool


@frozen
class Owner:
    """Whom bytes belong to.

    ``name`` is an asset key in Dagster's escaped form (``wh/orders``; a slash inside a part is
    ``\\/``), ``<asset key>:<check name>`` for a check, the definition's own name for the rest, a
    bracketed name such as ``[structure]`` for kind ``structure``.
    """

    kind: OwnerKind
    name: str

    @property
    def kind_label(self) -> str:
        """``partition set``; nothing for an asset and for a row, whose names say what they are."""
        return "" if self.kind in ("asset", "structure") else self.kind.replace("_", " ")

    @property
    def label(self) -> str:
        """``partition set nightly``, ``wh/orders``."""
        return f"{self.kind_label} {self.name}" if self.kind_label else self.name

    def field_label(self, field: str) -> str:
        """What one of its fields is called where the owners are left out."""
        if self.kind == "structure":
            return self.name
        return f"{self.kind_label}: {field}" if self.kind_label else field


@frozen
class Share:
    """Bytes of one field of one owner in one snapshot.

    ``exclusive`` goes away with the owner; ``shared`` is the owner's equal part of what several
    owners hold together (a multi-asset's op, say).
    """

    exclusive: int = 0
    shared: int = 0

    @property
    def bytes(self) -> int:
        """Both parts together."""
        return self.exclusive + self.shared


@frozen
class SharedGroup:
    """Something that several assets hold together: an op, with the assets that it computes."""

    name: str
    asset_keys: tuple[str, ...]
    bytes: int


@frozen
class Ledger:
    """Who owns every byte of one snapshot.

    ``owners`` tiles the snapshot: all shares of all fields of all owners sum to ``stored_bytes``.
    ``dangling_bytes`` (bytes of others that name this asset: its dependents' edges) and
    ``check_bytes`` (bytes of the asset's checks) are by asset key, and counted in other owners'
    shares already: information, outside the sums.
    """

    stored_bytes: int
    owners: Mapping[Owner, Mapping[str, Share]]
    dangling_bytes: Mapping[str, int]
    check_bytes: Mapping[str, int]
    shared_groups: tuple[SharedGroup, ...] = ()

    def __attrs_post_init__(self) -> None:
        owned = sum(s.bytes for fields in self.owners.values() for s in fields.values())
        if owned != self.stored_bytes:
            raise AssertionError(
                f"the ledger owns {owned} bytes of a snapshot of {self.stored_bytes} bytes"
            )

    def total(self, owner: Owner) -> int:
        """All bytes of an owner, shared ones included; 0 where it owns nothing."""
        return sum([share.bytes for share in self.owners.get(owner, {}).values()])

    def by_field(self, owner: Owner) -> dict[str, int]:
        """The bytes of an owner by field; empty where it owns nothing."""
        return {name: share.bytes for name, share in self.owners.get(owner, {}).items()}

    def by_owner(self) -> dict[Owner, dict[str, int]]:
        """The bytes of every owner by field."""
        return {owner: self.by_field(owner) for owner in self.owners}


NO_LEDGER = Ledger(0, {}, {}, {})
"""That of a snapshot whose text is not known."""


def sum_fields(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Several tables of bytes by field as one."""
    sums: dict[str, int] = {}
    for part in parts:
        for name, size in part.items():
            sums[name] = sums.get(name, 0) + size
    return sums


@frozen
class Limit:
    """A limit that applies to a snapshot; ``source`` says where its value came from."""

    name: str
    judges: JudgedSize
    bytes: int
    source: str


@frozen
class Snapshot:
    """One serialized snapshot.

    ``stored_bytes`` is the UTF-8 size of the serialized snapshot; ``wire_bytes`` is the size of the
    gRPC reply that carries it. ``paths`` are the bytes of the project's own path in it, which
    another folder has more or less of: parts of what the ledger has, by owner and field.

    Of one that is ``measured_by`` the refusal of a running server, ``wire_bytes`` alone is known:
    ``stored_bytes`` is 0 and the ledger empty, so that sums are those of the texts that there are.
    ``reply_seconds`` is how long a running server took to answer.

    ``compressed_bytes`` and ``snapshot_id`` are of jobs only, since an instance stores no
    repositories: what the job takes in the column ``snapshots.snapshot_body``, and the id there.
    """

    id: str
    kind: SnapshotKind
    name: str
    repository: str
    stored_bytes: int
    wire_bytes: int
    _ledger: Ledger | Callable[[], Ledger] = field(eq=lambda ledger: _read(ledger), repr=False)
    paths: Mapping[Owner, Mapping[str, int]] = field(factory=dict, repr=False)
    compressed_bytes: int | None = None
    snapshot_id: str | None = None
    measured_by: MeasuredBy = "text"
    reply_seconds: float | None = None

    @property
    def is_refused(self) -> bool:
        """Whether there is no text, as the server refused to send it."""
        return self.measured_by == "refusal"

    @cached_property
    def ledger(self) -> Ledger:
        """Who owns its bytes; one that was given as a function is read when it is asked for."""
        return _read(self._ledger)


def _read(ledger: Ledger | Callable[[], Ledger]) -> Ledger:
    return ledger if isinstance(ledger, Ledger) else ledger()


@frozen
class AssetCost:
    """What one asset costs, over all snapshots of its repository.

    ``exclusive_bytes + shared_bytes == total_bytes``, and so do the values of ``by_snapshot`` (by
    snapshot id) and those of ``fields``. ``group`` is the asset's group name, ``deps`` are the keys
    that it depends on, sorted.
    """

    key: str
    repository: str
    total_bytes: int
    exclusive_bytes: int
    shared_bytes: int
    dangling_bytes: int
    check_bytes: int
    by_snapshot: Mapping[str, int]
    fields: Mapping[str, int]
    location: SourceLocation | None = None
    group: str | None = None
    deps: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        for what, total in (
            ("exclusive and shared bytes", self.exclusive_bytes + self.shared_bytes),
            ("snapshots", sum(self.by_snapshot.values())),
            ("fields", sum(self.fields.values())),
        ):
            if total != self.total_bytes:
                raise AssertionError(
                    f"the {what} of asset {self.key} sum to {total}, not {self.total_bytes} bytes"
                )


@frozen
class Seconds:
    """How long each phase took, in seconds.

    ``load`` is importing Dagster and the user's code and building the repositories, as a code
    server does before it answers; ``build`` is making and serializing all snapshots, of which
    ``repositories`` and ``jobs`` give each one's part by snapshot id; ``total`` is the whole
    measurement as its user waits for it.
    """

    load: float = 0.0
    build: float = 0.0
    total: float = 0.0
    repositories: Mapping[str, float] = field(factory=dict)
    jobs: Mapping[str, float] = field(factory=dict)


@frozen
class StackEntry:
    """A function on a stack, or a component that is loaded.

    ``distribution`` is that of code that is not the project's. Of a component ``name`` is its type
    and ``path`` its YAML file.
    """

    path: str
    name: str
    line: int
    distribution: str | None = None
    is_component: bool = False

    @property
    def location(self) -> SourceLocation:
        """The line that runs, or that the function of a distribution starts at."""
        return SourceLocation(self.path, self.line)

    @property
    def function(self) -> str:
        """``build_assets()``, ``top-level code``, or the type of a component."""
        if self.is_component:
            return self.name
        return "top-level code" if self.name == "<module>" else f"{self.name}()"


@frozen
class FoldedStack:
    """The time that passed in a phase while the stack was this one, the outermost entry first.

    ``grown_bytes`` is by how much the memory of the process grew in that time; less than 0 where
    it became less.
    """

    phase: str
    entries: tuple[StackEntry, ...]
    microseconds: int
    grown_bytes: int = 0

    @property
    def nearest(self) -> int | None:
        """Which entry is the innermost line or component of the project's; None without one."""
        for at in range(len(self.entries) - 1, -1, -1):
            if self.entries[at].distribution is None:
                return at
        return None


@frozen
class TimeOwner:
    """What a part of the load time is spent on: a line of the project's, or a phase of Dagster's.

    ``what`` is the statement on the line (``import polars``, ``@dbt_assets``), the type of a
    component, or the name of the phase in brackets. ``distribution`` is whom the line calls; where
    it calls several, the one that takes longest. ``running`` are the microseconds by the
    distribution whose code ran, called by whichever other. Memory grew by ``grown_bytes``
    meanwhile.
    """

    what: str
    location: SourceLocation | None
    distribution: str | None
    microseconds: int
    running: Mapping[str, int]
    grown_bytes: int = 0

    def __attrs_post_init__(self) -> None:
        if sum(self.running.values()) != self.microseconds:
            raise AssertionError(f"{self.running} do not sum to {self.microseconds} microseconds")

    @property
    def seconds(self) -> float:
        """The time in seconds."""
        return self.microseconds / 1_000_000

    @property
    def kind(self) -> Literal["line", "phase"]:
        """Whether it is a line of the project's."""
        return "line" if self.location else "phase"


@frozen
class DistributionTime:
    """The time in the code of one distribution itself, called by whichever line or distribution.

    ``through`` is the distribution that the project's code called, for most of the time.
    ``requires`` are those of the others that its metadata names, extras included. Memory grew by
    ``grown_bytes`` meanwhile.
    """

    name: str
    version: str | None
    through: str | None
    microseconds: int
    requires: tuple[str, ...] = ()
    grown_bytes: int = 0


@frozen
class PhaseMemory:
    """Bytes that the process held in memory when a phase began, when it ended, and at most."""

    name: str
    start_bytes: int
    end_bytes: int
    peak_bytes: int


@frozen
class TimeNode:
    """A part of the picture: a line, a distribution or a phase, with what it calls.

    Parts too small to be seen are left to what they are in.
    """

    name: str
    location: SourceLocation | None
    microseconds: int
    children: tuple[TimeNode, ...] = ()


@frozen
class LoadTime:
    """The load time of a location by owner, and the same by distribution, longest first.

    ``is_plain`` says that the location was loaded as a code server does it. ``tree`` is all of it
    as one calls the other, and ``stacks`` are those that were seen; they are not cached. ``phases``
    are in order, and empty where memory could not be read.
    """

    microseconds: int
    owners: tuple[TimeOwner, ...]
    distributions: tuple[DistributionTime, ...]
    is_plain: bool
    tree: TimeNode
    phases: tuple[PhaseMemory, ...] = ()
    stacks: tuple[FoldedStack, ...] = field(default=(), repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        for what, parts in (("owners", self.owners), ("distributions", self.distributions)):
            total = sum(part.microseconds for part in parts)
            if total != self.microseconds:
                raise AssertionError(f"the {what} took {total} of {self.microseconds} microseconds")
        grown = [sum(p.grown_bytes for p in parts) for parts in (self.owners, self.distributions)]
        if grown[0] != grown[1]:
            raise AssertionError(f"owners grew by {grown[0]} bytes, distributions by {grown[1]}")

    @property
    def grown_bytes(self) -> int:
        """By how much the memory of the process grew in all."""
        return sum(owner.grown_bytes for owner in self.owners)

    @property
    def lines(self) -> Iterator[TimeOwner]:
        """The owners that are lines."""
        return (owner for owner in self.owners if owner.location)


@frozen
class Failure:
    """Why a location could not be measured.

    ``output`` is the end of what the user's code printed, ``traceback`` the user's own.
    ``unparsed`` says that a file of the project does not parse.
    """

    message: str
    location: SourceLocation | None = None
    traceback: str = ""
    output: str = ""
    unparsed: bool = False


@frozen
class StaleInput:
    """A generated file that is older than ``sources``, the files it was made from."""

    path: str
    sources: tuple[str, ...]
    advice: str


@frozen
class Setting:
    """One value that decides whether a location loads.

    ``value`` is None where the user's Dagster has no such setting, or where it cannot be used:
    ``problem`` then says why.
    """

    name: str
    value: int | float | bool | None
    unit: Literal["bytes", "seconds", "switch"]
    source: str
    description: str
    problem: str | None = None


@frozen
class Environment:
    """The effective limits and timeouts of one location, each with where it came from."""

    settings: tuple[Setting, ...]
    repository_limits: tuple[Limit, ...]
    job_limits: tuple[Limit, ...]

    def setting(self, name: str) -> Setting | None:
        """The setting of that name, or None."""
        return next((s for s in self.settings if s.name == name), None)


@frozen
class UncacheableCall:
    """A call of the project's own code, made while it loaded, that no cache key can cover.

    ``path`` is absolute; ``path`` and ``line`` are None where no code can be named.
    """

    what: str
    path: str | None
    line: int | None


@frozen
class Inputs:
    """What a measurement had for input besides its environment; all paths are absolute.

    ``read`` are files that were opened or imported and that are no installed ones; some may not
    exist. ``listed`` are folders that were listed or that modules were looked for in, ``variables``
    those of the environment that the user's code asked for by name. ``installed`` are the source
    files of installed modules with size (bytes) and mtime (ns), ``distributions`` the folders that
    hold installed distributions, ``modules`` the installed modules by name.
    """

    read: tuple[str, ...]
    listed: tuple[str, ...]
    variables: tuple[str, ...]
    installed: tuple[tuple[str, int, int], ...]
    distributions: tuple[str, ...]
    modules: tuple[str, ...]
    uncacheable: tuple[UncacheableCall, ...]


class Saves:
    """Something that could go from snapshots: ``by_snapshot`` says how many bytes, by their ids."""

    by_snapshot: Mapping[str, int]

    @property
    def saved_bytes(self) -> int:
        """What would go from all snapshots together."""
        return sum(self.by_snapshot.values())


@frozen
class Repeat(Saves):
    """One value that several assets carry, to the byte the same, in all snapshots it stands in.

    ``field`` is the user's word for where it stands (``metadata: dagster/column_schema``),
    ``preview`` its beginning, ``value_bytes`` its size where it stands once. ``by_snapshot`` says
    by snapshot id what would go if none of ``assets`` carried it.
    """

    field: str
    preview: str
    value_bytes: int
    assets: tuple[str, ...]
    repository: str
    by_snapshot: Mapping[str, int]


@frozen
class Saving(Saves):
    """Bytes of one kind that could go, and from which snapshots, by snapshot id.

    ``field`` is the user's word for where they stand; a job's name where it is the job that could
    go, a resource's where it is its schema, the key where it is metadata of the definitions;
    ``assets`` are those that carry them, sorted.
    """

    kind: SavingKind
    field: str
    preview: str
    assets: tuple[str, ...]
    repository: str
    by_snapshot: Mapping[str, int]


@frozen
class MetadataReader:
    """Where code reads the metadata of that label from a definition.

    ``integration`` is the installed package that the code is of, None for the project's own.
    """

    label: str
    location: SourceLocation
    integration: str | None = None


@frozen
class PlacedOwner:
    """Where the function of an op, sensor or schedule is."""

    repository: str
    owner: Owner
    location: SourceLocation


@frozen
class ServerFacts:
    """What is known of the running code server that was measured.

    It says what it sends at most only when it refuses to send something, ``send_limit_source``:
    else its limit is not known, and is None. ``largest_reply_bytes`` is what it has sent.
    """

    address: str
    server_id: str
    send_limit_bytes: int | None
    send_limit_source: str | None
    largest_reply_bytes: int


@frozen
class Measurement:
    """Everything that is known of one code location after it was measured.

    ``folders`` are those that the definitions listed, such as the ``defs`` folder of a project that
    loads its definitions by themselves.

    With a ``failure`` there are no snapshots and no assets: a half result is never called whole.
    """

    name: str
    target: Mapping[str, str]
    python: str
    python_version: str
    dagster_version: str
    seconds: Seconds
    peak_rss_bytes: int
    snapshots: tuple[Snapshot, ...]
    assets: tuple[AssetCost, ...]
    definition_files: tuple[str, ...]
    environment: Environment
    definitions_location: SourceLocation | None = None
    folders: tuple[str, ...] = ()
    untracked_files: tuple[str, ...] = ()
    stale_inputs: tuple[StaleInput, ...] = ()
    ignores: tuple[IgnoreComment, ...] = ()
    failure: Failure | None = None
    inputs: Inputs | None = None
    repeats: tuple[Repeat, ...] = ()
    savings: tuple[Saving, ...] = ()
    metadata_readers: tuple[MetadataReader, ...] = ()
    placed_owners: tuple[PlacedOwner, ...] = ()
    stub_bytes: int = 0
    load_time: LoadTime | None = None
    server: ServerFacts | None = None


@frozen
class Budgets:
    """What the user allows; sizes in bytes, times in seconds; None where nothing was said.

    ``jobs`` are by name, ``assets`` by key or by a glob of keys, ``owners`` (all others) by name,
    by kind and name, or by a glob of either.
    """

    repository: int | None = None
    job: int | None = None
    jobs: Mapping[str, int] = field(factory=dict)
    asset: int = 64_000
    asset_max: int | None = None
    assets: Mapping[str, int] = field(factory=dict)
    owners: Mapping[str, int] = field(factory=dict)
    warn_at: float = 0.8
    load_time: float | None = None
    growth: Allowance | None = None
    asset_growth: Allowance | None = None
    load_time_growth: Allowance | None = None
    growth_against: GrowthAgainst = "baseline"


@frozen
class Finding:
    """One thing that a user should know, in every face the same.

    ``message`` is the fact with its number, short enough for a row of an editor's list. ``details``
    are the exact numbers and what else is heavy, ``advice`` is what to do about it at a command
    line: editors have hovers, links and actions instead. ``repository`` is that of the ``asset``:
    two may have one key.
    """

    rule: Rule
    severity: Severity
    message: str
    snapshot: str | None = None
    asset: str | None = None
    bytes: int | None = None
    budget_bytes: int | None = None
    location: SourceLocation | None = None
    details: str | None = None
    advice: str | None = None
    repository: str | None = None

    @property
    def text(self) -> str:
        """The message with the details and the advice behind it."""
        rest = [part for part in (self.details, self.advice) if part]
        return " ".join((f"{self.message}.", *rest)) if rest else self.message
