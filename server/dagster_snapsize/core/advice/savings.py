"""Bytes of certain kinds that could go from the snapshots of a repository.

Code references, the SQL that dagster-dbt writes into descriptions, letters that cost six bytes, and
jobs. Nothing here keeps a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from attrs import define, field

from dagster_snapsize.core.advice.repeats import REPORTABLE_BYTES
from dagster_snapsize.core.dagster_fields import CODE_REFERENCES, metadata_label, printable
from dagster_snapsize.core.model import Measurement, Repeat, Saving, SavingKind

# What dagster_dbt.asset_utils.default_description_fn writes below a model's own description.
_RAW_SQL = "#### Raw SQL:"
_STARTERS = 3
_LEAST = 16_000  # bytes
_LEAST_PART = 0.05  # of all stored bytes
# What snapshots hold of a resource without a schema, besides its name, which they hold twice: the
# same on all Dagsters to within 20 bytes.
_WITHOUT_SCHEMA = {"job": 492, "repository": 918}
SQL_ENDS = '\\n```"'
# Every escape, so that an escaped backslash is not taken for the beginning of another one.
_ESCAPES = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)")


@define
class _Job:
    assets: tuple[str, ...]
    started_by: Sequence[str]
    by_snapshot: dict[str, int]


@define
class _Sums:
    assets: dict[str, None] = field(factory=dict)
    by_snapshot: dict[str, int] = field(factory=dict)
    count: int = 0


class Savings:
    """What could go from one repository's snapshots, by kind and field."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[SavingKind, str], _Sums] = {}
        self._jobs: dict[str, _Job] = {}

    def field(self, name: str, assets: Iterable[str], removed_bytes: int, snapshot: str) -> None:
        """A value of that field, whatever it is: those of all assets could go."""
        self._enter("field", name, assets, removed_bytes, snapshot)

    def code_reference(self, assets: Iterable[str], removed_bytes: int, snapshot: str) -> None:
        """The metadata that says where these assets are defined."""
        self._enter(
            "code-references", metadata_label(CODE_REFERENCES), assets, removed_bytes, snapshot
        )

    def raw_sql(self, assets: Iterable[str], text: str, snapshot: str) -> None:
        """A description as it is serialized, quotes included, which may end in a model's SQL."""
        removed_bytes = raw_sql_bytes(text)
        if removed_bytes:
            self._enter("raw-sql", "description", assets, removed_bytes, snapshot)

    def non_ascii(self, name: str, assets: Iterable[str], text: str, snapshot: str) -> None:
        """A serialized value of that field, of which every character that is no ASCII costs more
        than a byte."""
        characters, removed_bytes = count_non_ascii(text)
        if characters:
            self._enter("non-latin", name, assets, removed_bytes, snapshot, characters)

    def job(
        self,
        name: str,
        assets: Iterable[str],
        removed_bytes: int,
        snapshot: str,
        started_by: Sequence[str],
    ) -> None:
        """A job that could go, with what the repository snapshot says of it."""
        self._jobs[name] = _Job(tuple(sorted(assets)), started_by, {snapshot: removed_bytes})

    def job_itself(self, name: str, snapshot: str, size: int) -> None:
        """The snapshot of a job, which goes with the job."""
        if name in self._jobs:
            self._jobs[name].by_snapshot[snapshot] = size

    def found(self, repository: str) -> tuple[Saving, ...]:
        """Those worth reporting, most bytes first; every job is."""
        reportable = [
            Saving(
                kind=kind,
                field=name,
                preview=f"{sums.count:,} characters" if sums.count else "",
                assets=tuple(sorted(sums.assets)),
                repository=repository,
                by_snapshot=sums.by_snapshot,
            )
            for (kind, name), sums in self._kinds.items()
            if sum(sums.by_snapshot.values()) >= REPORTABLE_BYTES
        ]
        jobs = [
            Saving(
                kind="job",
                field=printable(name),
                preview=printable(_started(job.started_by)),
                assets=job.assets,
                repository=repository,
                by_snapshot=job.by_snapshot,
            )
            for name, job in self._jobs.items()
        ]
        return tuple(sorted([*reportable, *jobs], key=rank))

    def _enter(
        self,
        kind: SavingKind,
        name: str,
        assets: Iterable[str],
        removed_bytes: int,
        snapshot: str,
        count: int = 0,
    ) -> None:
        sums = self._kinds.setdefault((kind, name), _Sums())
        sums.assets.update(dict.fromkeys(assets))
        sums.by_snapshot[snapshot] = sums.by_snapshot.get(snapshot, 0) + removed_bytes
        sums.count += count


def _started(by: Sequence[str]) -> str:
    more = f" and {len(by) - _STARTERS:,} more" if len(by) > _STARTERS else ""
    return f"started by {', '.join(by[:_STARTERS])}{more}" if by else ""


def rank(saving: Saving) -> tuple[int, str, str]:
    """The order of savings: most bytes first, and the same in every run."""
    return (-saving.saved_bytes, saving.kind, saving.field)


def raw_sql_bytes(text: str) -> int:
    """How many bytes of a serialized description are its SQL and the blank line before it.

    0 where there is none, or where something follows that is not dagster-dbt's.
    """
    at = text.rfind(_RAW_SQL)
    if at < 0 or not text.endswith(SQL_ENDS):
        return 0
    if text.startswith("\\n\\n", at - 4):
        at -= 4
    return len(text) - 1 - at


def count_non_ascii(text: str) -> tuple[int, int]:
    """How many characters of a serialized value are no ASCII, and how many bytes they cost more
    than one for each.

    A character is six bytes; one beyond U+FFFF, such as an emoji, is a pair of escapes.
    """
    if "\\u" not in text:
        return 0, 0
    characters = size = 0
    for code in _ESCAPES.findall(text):
        number = int(code, 16) if code else 0
        if number > 0x7F:
            size += 6
            characters += not 0xDC00 <= number <= 0xDFFF
    return characters, size - characters


def large_savings(measurement: Measurement) -> Iterator[Saving]:
    """Values, fields, schemas and metadata that take a twentieth of all stored bytes, and 16 kB."""
    whole = sum(snapshot.stored_bytes for snapshot in measurement.snapshots)
    values = (saving for saving in measurement.savings if saving.kind == "one-value")
    found = (*values, *_fields(measurement), *_schemas(measurement), *_metadata(measurement))
    for saving in found:
        if saving.saved_bytes >= max(_LEAST, _LEAST_PART * whole):
            yield saving


def _fields(measurement: Measurement) -> Iterator[Saving]:
    """Fields of which no single value, nor one that assets repeat, is half or more."""
    heaviest: dict[tuple[str, str], int] = {}
    values = (saving for saving in measurement.savings if saving.kind == "one-value")
    found: list[Repeat | Saving] = [*measurement.repeats, *values]
    for value in found:
        field = (value.repository, value.field)
        heaviest[field] = max(heaviest.get(field, 0), value.saved_bytes)
    for saving in measurement.savings:
        field = (saving.repository, saving.field)
        if saving.kind == "field" and 2 * heaviest.get(field, 0) < saving.saved_bytes:
            yield saving


def _metadata(measurement: Measurement) -> Iterator[Saving]:
    """Each entry of the metadata of the definitions."""
    for snapshot in measurement.snapshots:
        for owner in snapshot.ledger.owners:
            if owner.kind == "definitions_metadata":
                size = {snapshot.id: snapshot.ledger.total(owner)}
                yield Saving("definitions-metadata", owner.name, "", (), snapshot.repository, size)


def _schemas(measurement: Measurement) -> Iterator[Saving]:
    found: dict[tuple[str, str], dict[str, int]] = {}
    for snapshot in measurement.snapshots:
        for owner in snapshot.ledger.owners:
            if owner.kind == "resource":
                left = _WITHOUT_SCHEMA[snapshot.kind] + 2 * len(owner.name)
                size = snapshot.ledger.total(owner) - left
                if size > 0:
                    found.setdefault((snapshot.repository, owner.name), {})[snapshot.id] = size
    for (repository, name), by_snapshot in found.items():
        yield Saving("resource", name, "", (), repository, by_snapshot)
