"""The text of a baseline, which git can merge.

Two lines for each owner of bytes in one repository, sorted: its name, and its bytes by field; and a
line for each snapshot with what gRPC adds to it. There are no sums in it: they are of the lines, so
that two branches which change different assets merge to what both together weigh. For git, changes
of neighbouring lines are a conflict, and so is what is added beside a line that was changed: the
name is the line between, and an empty one where there is no name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, get_args

from attrs import asdict, define, field

from dagster_snapsize.core.baseline import (
    RENEW,
    Baseline,
    Fields,
    KnownSeconds,
    KnownSnapshot,
    split_id,
)
from dagster_snapsize.core.mapping_reader import Key, KeyProblem, any_text, read_mapping, shown
from dagster_snapsize.core.model import Owner, OwnerKind, SourceLocation

VERSION = 1
_KINDS: dict[str, OwnerKind] = {kind: kind for kind in get_args(OwnerKind)}
_END = {"end": "of the baseline"}  # what is added last has a line after it too
_ORDER = {kind: number for number, kind in enumerate(_KINDS)}


# -- writing -------------------------------------------------------------------------------------


def to_text(baselines: Mapping[str, Baseline]) -> str:
    """All locations of a project, by name, as the content of one file."""
    lines = [to_json({"snapsize-baseline": VERSION})]
    for name, baseline in sorted(baselines.items()):
        head: dict[str, Any] = {"location": name, "dagster": baseline.dagster_version}
        head["python"] = baseline.python_version
        if baseline.seconds:
            head["seconds"] = asdict(baseline.seconds)
        lines.append(to_json(head))
        by_repository: dict[str, dict[str | None, KnownSnapshot]] = {}
        for short, known in baseline.snapshots.items():
            repository, job = split_id(short)
            by_repository.setdefault(repository, {})[job] = known
        for repository, known_jobs in sorted(by_repository.items()):
            lines += _repository_lines(repository, known_jobs)
    lines.append(to_json(_END))
    return "\n\n".join(lines) + "\n"


def _repository_lines(
    repository: str, snapshots: Mapping[str | None, KnownSnapshot]
) -> Iterator[str]:
    whole = snapshots.get(None)
    head: dict[str, Any] = {"repository": repository}
    yield to_json({**head, "wrapper": whole.wrapper_bytes} if whole else head)
    jobs = sorted((job, known) for job, known in snapshots.items() if job is not None)
    for job, known in jobs:
        yield to_json({"snapshot": job, "wrapper": known.wrapper_bytes})
    owners = {owner for known in snapshots.values() for owner in known.owners}
    for owner in sorted(owners, key=lambda o: (_ORDER[o.kind], o.name)):
        row: dict[str, Any] = {}
        if whole and owner in whole.owners:
            row["fields"] = _sorted(whole.owners[owner])
        groups: dict[tuple[tuple[str, int], ...], list[str]] = {}
        for job, known in jobs:
            if owner in known.owners:
                groups.setdefault(tuple(sorted(known.owners[owner].items())), []).append(job)
        if groups:
            row["jobs"] = [[names, dict(fields)] for fields, names in groups.items()]
        yield f"{to_json({owner.kind: owner.name})}\n{to_json(row)}"


def _sorted(fields: Fields) -> dict[str, int]:
    return dict(sorted(fields.items()))


def to_json(value: Any) -> str:
    """The value as compact JSON, in ASCII."""
    return json.dumps(value, separators=(",", ":"))


# -- reading -------------------------------------------------------------------------------------

_MOST = 10**12  # bytes; far more than any snapshot has
_CONFLICT = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
_NOT_A_LINE = "this is not a line of a baseline"


class UnreadableBaseline(Exception):
    """A baseline that cannot be used: what is wrong in which line, and what to do about it.

    ``is_damaged`` says that nothing of use is lost when the file is written again.
    """

    def __init__(self, message: str, line: int, hint: str = "", is_damaged: bool = True):
        super().__init__(message)
        self.line = line
        self.hint = hint or f"`{RENEW}` writes the file again."
        self.is_damaged = is_damaged


def from_text(content: str) -> dict[str, Baseline]:
    """The locations of a project, by name, from the content of a file.

    Lines of one repository may be in any order, as a merge leaves them. Raises UnreadableBaseline.
    """
    reader = _BaselineReader()
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            reader.read(number, line.rstrip("\r"))
    return reader.end()


def _bytes(value: object) -> int:
    if type(value) is int and 0 <= value <= _MOST:
        return value
    raise ValueError(f"{shown(value)} is not a number of bytes")


def _seconds(value: object) -> KnownSeconds:
    parts = value if isinstance(value, dict) else {}
    if parts.keys() == {"load", "build"} and all(map(_is_time, parts.values())):
        return KnownSeconds(**parts)
    raise ValueError(f"{shown(value)} is not the seconds of load and build")


def _is_time(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 0 <= value <= _MOST  # NaN is not


_LOCATION = {
    **{name: Key(any_text, required=True) for name in ("location", "dagster", "python")},
    "seconds": Key(_seconds),
}
_REPOSITORY = {"repository": Key(any_text), "wrapper": Key(_bytes)}
_SNAPSHOT = {"snapshot": Key(any_text), "wrapper": Key(_bytes, required=True)}
_OWNERS = {kind: {kind: Key(any_text)} for kind in _KINDS}


@define
class _Repository:
    """What was read of one repository; None is the snapshot of the repository itself."""

    name: str
    wrappers: dict[str | None, int] = field(factory=dict)
    owners: dict[str | None, dict[Owner, Fields]] = field(factory=dict)
    first_lines: dict[str | None, int] = field(factory=dict)
    """The line that names a job first: that of its snapshot may come later, after a merge."""
    seen: set[Owner] = field(factory=set)


class _BaselineReader:
    """Takes one line after the other."""

    def __init__(self) -> None:
        self._line = 0
        self._begun = False
        self._baselines: dict[str, Baseline] = {}
        self._snapshots: dict[str, KnownSnapshot] = {}
        self._repositories: set[str] = set()
        self._repository: _Repository | None = None
        self._owner: Owner | None = None  # whose bytes the next line has
        self._last: Owner | None = None  # whose bytes the last line had

    def read(self, number: int, line: str) -> None:
        self._line = number
        row = self._parsed(line)
        if "fields" in row or "jobs" in row:
            self._bytes_row(row)
            return
        self._last = None
        if row == _END and self._begun and self._owner is None:
            pass
        elif self._owner is not None:
            self._fail(f"the bytes of {_named(self._owner)} are missing before it")
        elif not self._begun:
            self._version_row(row)
        elif "location" in row:
            self._location_row(row)
        elif not self._baselines:
            self._fail("there is no location above it")
        elif "repository" in row:
            self._repository_row(row)
        elif self._repository is None:
            self._fail("there is no repository above it")
        elif "snapshot" in row:
            values = self._values(row, _SNAPSHOT)
            self._snapshot(self._repository, values["snapshot"], values["wrapper"])
        else:
            self._owner_row(self._repository, row)

    def end(self) -> dict[str, Baseline]:
        if not self._begun:
            self._fail("it is empty")
        if self._owner is not None:
            self._fail(f"the bytes of {_named(self._owner)} are missing")
        self._end_repository()
        return self._baselines

    def _parsed(self, line: str) -> dict[str, Any]:
        if line.startswith(_CONFLICT):
            hint = f"Take either side, or none: `{RENEW}` writes the file again from what is there."
            self._fail("there is a merge conflict in the baseline", hint)
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict) or not row:
            self._fail(_NOT_A_LINE)
        return row

    def _values(self, row: dict[str, Any], spec: Mapping[str, Key]) -> dict[str, Any]:
        def fail(problem: KeyProblem) -> NoReturn:
            self._fail(problem.message)

        return read_mapping(row, spec, fail)

    def _version_row(self, row: dict[str, Any]) -> None:
        version = row.get("snapsize-baseline")
        if version is None:
            self._fail('the first line of a baseline is {"snapsize-baseline":1}')
        if version != VERSION or isinstance(version, bool):
            raise UnreadableBaseline(
                f"the baseline is of format {to_json(version)}, and this version of"
                f" dagster-snapsize knows format {VERSION}",
                self._line,
                "Use the version of dagster-snapsize that wrote it, or remove the file and write a"
                f" new one with `{RENEW}`.",
                is_damaged=False,
            )
        self._begun = True

    def _location_row(self, row: dict[str, Any]) -> None:
        self._end_repository()
        values = self._values(row, _LOCATION)
        name = values["location"]
        if name in self._baselines:
            self._fail(f"location {name} appears twice in the baseline")
        self._snapshots, self._repositories = {}, set()
        place = SourceLocation("", self._line)
        self._baselines[name] = Baseline(
            *(values["dagster"], values["python"], self._snapshots, place),
            seconds=values.get("seconds"),
        )

    def _repository_row(self, row: dict[str, Any]) -> None:
        self._end_repository()
        values = self._values(row, _REPOSITORY)
        name = values["repository"]
        if name in self._repositories or "/" in name:
            self._fail(f"repository {name} appears twice in its location")
        self._repositories.add(name)
        self._repository = _Repository(name)
        if "wrapper" in values:
            self._snapshot(self._repository, None, values["wrapper"])

    def _snapshot(self, repository: _Repository, job: str | None, wrapper: int) -> None:
        if job in repository.wrappers:
            self._twice(f"job {job}")
        repository.wrappers[job] = wrapper
        self._owners_of(repository, job)

    def _owner_row(self, repository: _Repository, row: dict[str, Any]) -> None:
        kind = next(iter(row))
        if kind not in _KINDS:
            self._fail(_NOT_A_LINE)
        owner = Owner(_KINDS[kind], self._values(row, _OWNERS[kind])[kind])
        if owner in repository.seen:
            self._twice(_named(owner))
        repository.seen.add(owner)
        self._owner = owner

    def _bytes_row(self, row: dict[str, Any]) -> None:
        owner, self._owner = self._owner, None
        if owner is None and self._last is not None:
            self._twice(_named(self._last))
        if owner is None or self._repository is None:
            self._fail("the line before it does not say whose bytes these are")
        self._last = owner
        if "fields" in row:
            owners = self._owners_of(self._repository, None)
            owners[owner] = self._fields(row["fields"])
        groups = row.get("jobs", [])
        if not isinstance(groups, list):
            self._fail("the jobs of an owner are a list")
        for group in groups:
            if not isinstance(group, list) or len(group) != 2 or not isinstance(group[0], list):
                self._fail("each of the jobs of an owner is a list of names, and bytes by field")
            fields = self._fields(group[1])
            for job in group[0]:
                if not isinstance(job, str):
                    self._fail("the name of a job is a string")
                owners = self._owners_of(self._repository, job)
                if owner in owners:
                    self._twice(_named(owner))
                owners[owner] = fields

    def _owners_of(self, repository: _Repository, job: str | None) -> dict[Owner, Fields]:
        if job not in repository.owners:
            repository.owners[job] = {}
            repository.first_lines[job] = self._line
        return repository.owners[job]

    def _end_repository(self) -> None:
        repository, self._repository = self._repository, None
        if repository is None:
            return
        for job, owners in repository.owners.items():
            if job not in repository.wrappers:
                self._line = repository.first_lines[job]
                what = "the repository has" if job is None else f"job {job} has"
                self._fail(f"{what} no line of its own in the baseline")
            short = f"{repository.name}/{'repository' if job is None else f'job/{job}'}"
            self._snapshots[short] = KnownSnapshot(repository.wrappers[job], owners)

    def _fields(self, value: Any) -> Fields:
        if not isinstance(value, dict):
            self._fail("the bytes of an owner are by field")
        for size in value.values():
            # Not by _bytes: a call for each takes longer than all the rest.
            if type(size) is not int or not 0 <= size <= _MOST:
                self._fail(f"{shown(size)} is not a number of bytes")
        return value

    def _twice(self, what: str) -> NoReturn:
        self._fail(
            f"{what} appears twice in the baseline, as after a merge that took the lines of both"
            " sides"
        )

    def _fail(self, message: str, hint: str = "") -> NoReturn:
        raise UnreadableBaseline(message, max(1, self._line), hint)


def _named(owner: Owner) -> str:
    return f"{owner.kind} {owner.name}"
