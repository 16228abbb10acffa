"""Share results between servers: two windows on one project measure it once.

Each location has a folder in the store, with the newest result and its file of rows, and a lock
that is held while it is measured. A result is taken over only if it was measured after the change
that asks for it was seen, and only while every file that it was made from is unchanged. Where the
store cannot be written, each server measures for itself.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from dagster_snapsize.measuring.cache.file_states import digest_of_file, digest_of_json
from dagster_snapsize.measuring.cache.folders import (
    lock_of,
    make_cache,
    make_private,
    remove_unused,
)
from dagster_snapsize.measuring.file_lock import held
from dagster_snapsize.measuring.worker.results import LocationResult, structure, unstructure

RESULTS = "results"  # in the cache folder
REPORTS = "reports"  # what was shown as documents, beside it
_KEPT_LOCATIONS = 50
_SHOWN_DAYS = 7.0  # for which an editor may show what it has not measured again
_KEPT_ROWS = 3  # a server may still read the rows of the result before the newest


class SharedResults:
    """The results of one location, locked while the ``with`` block runs.

    ``key`` says which location of which project, with which interpreter.
    """

    def __init__(self, store: Path, key: Sequence[Any]):
        self._folder = store / digest_of_json(key)
        self._newest = self._folder / "result.json"
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> SharedResults:
        with contextlib.suppress(OSError):
            make_cache(self._folder.parent)
            self._lock = held(lock_of(self._folder), wait=True)
            make_private(self._folder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._lock is not None:
            self._lock.close()  # and with it goes the lock

    def measured_since(self, asked: float) -> LocationResult | None:
        """What was measured since then (seconds since the epoch) of files that are still the same.

        A file that cannot be read is ignored.
        """
        try:
            kept = json.loads(self._newest.read_bytes())
            if kept["started"] < asked or kept["digest"] != _digest(kept["files"]):
                return None
            result: LocationResult = structure(kept["result"], LocationResult)
            return result if Path(result.rows).is_file() else None
        except Exception:  # a damaged file may contain anything
            return None

    def new_rows(self) -> Path:
        """A file of rows for a new result; old ones are removed."""
        with contextlib.suppress(OSError):
            rows = sorted(self._folder.glob("*.rows"), key=lambda p: p.stat().st_mtime)
            for old in rows[: 1 - _KEPT_ROWS]:
                old.unlink()
        return self._folder / f"{uuid.uuid4().hex}.rows"

    def keep(self, result: LocationResult, started: float) -> None:
        """Store a result for other servers; a failure is theirs to find out.

        ``started`` is when its measurement began (seconds since the epoch).
        """
        if result.failure or not result.rows:
            return
        files = [*result.definition_files, result.baseline.path]
        files += filter(None, [result.config_path])
        kept = {
            "started": started,
            "files": files,
            "digest": _digest(files),
            "result": unstructure(result),
        }
        scratch = self._newest.with_suffix(f".{uuid.uuid4().hex}")
        try:
            scratch.write_text(json.dumps(kept), encoding="utf-8")
            scratch.replace(self._newest)
        except OSError:  # then no other server takes it over
            with contextlib.suppress(OSError):
                scratch.unlink()
        remove_unused(self._folder.parent, _KEPT_LOCATIONS, _SHOWN_DAYS)


def _digest(files: Sequence[str]) -> str:
    contents = []
    for name in files:
        try:
            contents.append(digest_of_file(name))
        except OSError:
            contents.append("gone")
    return digest_of_json([files, contents])
