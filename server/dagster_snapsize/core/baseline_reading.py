"""A baseline as it is read: every mistake in it with its line, as git and people leave one."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from dagster_snapsize.core.baseline import (
    END,
    KINDS,
    RENEW,
    VERSION,
    Baseline,
    Fields,
    KnownSnapshot,
    to_json,
)
from dagster_snapsize.core.model import Owner, SourceLocation

_MOST = 10**12  # bytes; far more than any snapshot has
_CONFLICT = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")


class Unreadable(Exception):
    """A baseline that cannot be used: what is wrong in which line, and what to do about it.

    ``is_damaged`` says that writing it anew loses nothing that could have been used.
    """

    def __init__(self, message: str, line: int, hint: str = "", is_damaged: bool = True):
        super().__init__(message)
        self.line = line
        self.hint = hint or f"`{RENEW}` writes the file anew."
        self.is_damaged = is_damaged


def from_text(text: str) -> dict[str, Baseline]:
    """The locations of a project, by name, from the content of a file. Raises Unreadable.

    Lines of one repository may be in any order, as a merge leaves them.
    """
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            reader.take(number, line.rstrip("\r"))
    return reader.ended()


class _Reader:
    """Takes one line after the other; what is known of the location that the last one was of."""

    def __init__(self) -> None:
        self._number = 0
        self._begun = False
        self._baselines: dict[str, Baseline] = {}
        self._snapshots: dict[str, KnownSnapshot] = {}
        self._repositories: set[str] = set()
        self._repository: str | None = None
        self._owners: dict[str | None, dict[Owner, Fields]] = {}
        self._wrappers: dict[str | None, int] = {}
        self._named_in: dict[str | None, int] = {}  # the line that a job stands in first
        self._seen: set[Owner] = set()
        self._owner: Owner | None = None  # whose bytes the next line has
        self._last: Owner | None = None  # whose bytes the last line had

    def take(self, number: int, line: str) -> None:
        self._number = number
        row = self._parsed(line)
        if "fields" in row or "jobs" in row:
            self._take_bytes(row)
            return
        self._last = None
        if row == END and self._begun and self._owner is None:
            pass
        elif self._owner is not None:
            self._wrong(f"the bytes of {_shown(self._owner)} are missing before it")
        elif not self._begun:
            self._take_version(row)
        elif "location" in row:
            self._end_repository()
            self._take_location(row)
        elif not self._baselines:
            self._wrong("no location stands above it")
        elif "repository" in row:
            self._end_repository()
            self._take_repository(row)
        elif self._repository is None:
            self._wrong("no repository stands above it")
        elif "snapshot" in row:
            self._take_snapshot(self._text(row, "snapshot"), self._size(row.get("wrapper")))
        else:
            self._take_owner(row)

    def ended(self) -> dict[str, Baseline]:
        if not self._begun:
            self._wrong("it is empty")
        if self._owner is not None:
            self._wrong(f"the bytes of {_shown(self._owner)} are missing")
        self._end_repository()
        return self._baselines

    def _parsed(self, line: str) -> dict[str, Any]:
        if line.startswith(_CONFLICT):
            self._wrong(
                "there is a merge conflict in the baseline",
                f"Take either side, or none: `{RENEW}` writes the file anew from what is there.",
            )
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict) or not row:
            self._wrong("no line of a baseline is like this")
        return row

    def _take_version(self, row: dict[str, Any]) -> None:
        version = row.get("snapsize-baseline")
        if version is None:
            self._wrong('the first line of a baseline is {"snapsize-baseline":1}')
        if version != VERSION or isinstance(version, bool):
            raise Unreadable(
                f"the baseline is of format {to_json(version)}, and this version of"
                f" dagster-snapsize knows format {VERSION}",
                self._number,
                "Use the version of dagster-snapsize that wrote it, or remove the file and write a"
                f" new one with `{RENEW}`.",
                is_damaged=False,
            )
        self._begun = True

    def _take_location(self, row: dict[str, Any]) -> None:
        name = self._text(row, "location")
        if name in self._baselines:
            self._wrong(f"location {name} stands in the baseline twice")
        versions = self._text(row, "dagster"), self._text(row, "python")
        self._snapshots = {}
        self._repositories = set()
        self._baselines[name] = Baseline(
            *versions, self._snapshots, SourceLocation("", self._number)
        )

    def _take_repository(self, row: dict[str, Any]) -> None:
        name = self._text(row, "repository")
        if name in self._repositories or "/" in name:
            self._wrong(f"repository {name} stands in its location twice")
        self._repositories.add(name)
        self._repository = name
        if "wrapper" in row:
            self._take_snapshot(None, self._size(row["wrapper"]))

    def _take_snapshot(self, job: str | None, wrapper: int) -> None:
        if job in self._wrappers:
            self._twice(f"job {job}")
        self._wrappers[job] = wrapper
        self._owners_of(job)

    def _take_owner(self, row: dict[str, Any]) -> None:
        kind = KINDS.get(next(iter(row)))
        if kind is None:
            self._wrong("no line of a baseline is like this")
        owner = Owner(kind, self._text(row, kind))
        if owner in self._seen:
            self._twice(_shown(owner))
        self._seen.add(owner)
        self._owner = owner

    def _take_bytes(self, row: dict[str, Any]) -> None:
        owner, self._owner = self._owner, None
        if owner is None and self._last is not None:
            self._twice(_shown(self._last))
        if owner is None:
            self._wrong("the line before it does not say whose bytes these are")
        self._last = owner
        if "fields" in row:
            self._own(None, owner, self._fields(row["fields"]))
        groups = row.get("jobs", [])
        if not isinstance(groups, list):
            self._wrong("the jobs of an owner are a list")
        for group in groups:
            if not isinstance(group, list) or len(group) != 2 or not isinstance(group[0], list):
                self._wrong("each of the jobs of an owner is a list of names, and bytes by field")
            fields = self._fields(group[1])
            for job in group[0]:
                if not isinstance(job, str):
                    self._wrong("a job's name is a text")
                self._own(job, owner, fields)

    def _own(self, job: str | None, owner: Owner, fields: Fields) -> None:
        owners = self._owners_of(job)
        if owner in owners:
            self._twice(_shown(owner))
        owners[owner] = fields

    def _owners_of(self, job: str | None) -> dict[Owner, Fields]:
        # The line of a snapshot may come after those of its owners, where a merge has put it there.
        owners = self._owners.get(job)
        if owners is None:
            owners = self._owners[job] = {}
            self._named_in[job] = self._number
        return owners

    def _end_repository(self) -> None:
        for job, owners in self._owners.items():
            if job not in self._wrappers:
                self._number = self._named_in[job]
                what = "the repository has" if job is None else f"job {job} has"
                self._wrong(f"{what} no line of its own in the baseline")
            short = f"{self._repository}/{'repository' if job is None else f'job/{job}'}"
            self._snapshots[short] = KnownSnapshot(self._wrappers[job], owners)
        self._owners, self._wrappers, self._named_in, self._seen = {}, {}, {}, set()
        self._repository = None

    def _fields(self, value: Any) -> Fields:
        if not isinstance(value, dict):
            self._wrong("the bytes of an owner are by field")
        for size in value.values():
            if type(size) is not int or not 0 <= size <= _MOST:
                self._size(size)  # which says so; a call for each takes longer than all the rest
        return value

    def _size(self, value: Any) -> int:
        if type(value) is not int or not 0 <= value <= _MOST:
            shown = to_json(value)
            self._wrong(f"{shown if len(shown) < 40 else f'{shown[:40]}...'} is no number of bytes")
        return value

    def _text(self, row: dict[str, Any], key: str) -> str:
        value = row.get(key)
        if not isinstance(value, str) or not value:
            self._wrong(f"`{key}` is a text")
        return value

    def _twice(self, what: str) -> NoReturn:
        self._wrong(
            f"{what} stands in the baseline twice, as after a merge that took the lines of both"
            " sides",
        )

    def _wrong(self, message: str, hint: str = "") -> NoReturn:
        raise Unreadable(message, max(1, self._number), hint)


def _shown(owner: Owner) -> str:
    return f"{owner.kind} {owner.name}"
