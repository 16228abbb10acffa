"""Write the baseline of a project from known sizes, in a separate process.

Standard input is one JSON object with ``root``, the project's folder, and ``results``: the
LocationResult of each of its locations, without assets. Standard output is one with what was done,
``text``, or with an ``error``. Nothing is measured: the sizes that an editor shows are written. It
is a separate process so that the server need not read the rows of 10,000 assets.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import evolve

from dagster_snapsize.core.baseline import Baseline, Fields, KnownSnapshot, minor, short_id, summary
from dagster_snapsize.core.errors import UserError
from dagster_snapsize.core.model import Owner
from dagster_snapsize.measuring.worker.results import LocationResult, structure
from dagster_snapsize.project.baseline_file import (
    NAME,
    DamagedBaseline,
    read_baselines,
    write_baselines,
)

_GONE = "Measure again, and then update the baseline."


def main() -> None:
    """Serve one request."""
    request = json.loads(sys.stdin.buffer.read())
    results = [structure(result, LocationResult) for result in request["results"]]
    try:
        answer = {"text": write_baseline(Path(request["root"]), results)}
    except UserError as error:
        answer = {"error": f"{error.message}. {error.hint}".strip()}
    print(json.dumps(answer))


def write_baseline(root: Path, results: Sequence[LocationResult]) -> str:
    """Write the baseline of a project, of all of its locations, and say what was written.

    Raises UserError where sizes are no longer available, where the file cannot be written, or
    where it is one of a newer version.
    """
    new = {r.baseline.name or r.name: baseline_of_rows(r) for r in results}
    old: Mapping[str, Baseline] = {}
    with suppress(DamagedBaseline):  # it is replaced as a whole
        old = read_baselines(root)
    for name, baseline in new.items():
        if name in old and old[name].versions == baseline.versions:
            new[name] = evolve(baseline, seconds=old[name].seconds)
    if not write_baselines(root, new):
        return f"{NAME} is up to date"
    return f"wrote {NAME}: {summary(new.values())}. Commit it with what it was measured from."


def baseline_of_rows(result: LocationResult) -> Baseline:
    """The same as of the measurement that the rows were made of.

    Raises UserError where the rows are not those of the result.
    """
    found: dict[str, dict[Owner, dict[str, int]]] = {s.id: {} for s in result.snapshots}
    paths: list[Any] = []
    try:
        for snapshot, owner, fields in _owners(Path(result.rows), paths):
            found[snapshot].setdefault(owner, {}).update(fields)
        for row in result.snapshots:
            if _sum(found[row.id]) != row.stored_bytes:
                raise UserError(f"the sizes of {result.name} were replaced by newer ones", _GONE)
        for snapshot, kind, name, fields in paths:
            of_owner = found[snapshot][Owner(kind, name)]
            of_owner.update({field: of_owner[field] - size for field, size in fields.items()})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"the sizes of {result.name} are no longer available", _GONE) from error
    snapshots = {
        short_id(row.id, result.name): KnownSnapshot(
            row.wire_bytes - row.stored_bytes, found[row.id]
        )
        for row in result.snapshots
    }
    return Baseline(
        dagster_version=result.dagster_version,
        python_version=minor(result.python_version),
        snapshots=snapshots,
    )


def _sum(owners: Mapping[Owner, Fields]) -> int:
    return sum(sum(fields.values()) for fields in owners.values())


def _owners(rows: Path, paths: list[Any]) -> Iterator[tuple[str, Owner, Fields]]:
    """Parts of what owners have of snapshots, as the file of rows lists them.

    ``paths`` gets what of it is the project's own path: snapshot, kind and name, bytes by field.
    """
    with rows.open("rb") as stream:
        for line in stream:
            row: dict[str, Any] = json.loads(line)
            if "others" in row:
                for other in row["others"]:
                    yield other["snapshot"], Owner(other["kind"], other["name"]), other["fields"]
                paths += row["paths"]
                return
            owner = Owner("asset", row["key"])
            for cell in row["cells"]:
                size = cell["exclusive"] + cell["shared"]
                yield cell["snapshot"], owner, {cell["field"]: size}
    raise ValueError("the last line is missing")


if __name__ == "__main__":
    main()
