"""Sizes are exact on every supported Dagster: difference 0 to the documented snippet.

Both run as whole processes on the same folder with the same interpreter. The default run covers the
newest Dagster and the oldest; ``-m matrix`` the versions between.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from dagster_snapsize.core.dagster_fields import FIELDS
from support import PROJECTS, ROOT
from support.command import measure_json
from support.environments import NEWEST, OLDER, OLDEST, SUPPORTED

SNIPPET = ROOT / "tests" / "support" / "official_snippet.py"


@frozen
class Case:
    """One location of a test project, and the first Dagster that can load it."""

    id: str
    project: str
    target: tuple[str, ...]
    since: str = OLDEST


CASES = (
    Case("everything", "everything", ("-m", "everything.definitions")),
    Case("two-repositories", "two_repositories", ("-f", "repositories.py"), since=OLDER[0]),
    Case("one-of-two", "two_repositories", ("-f", "repositories.py", "-a", "right")),
    Case("only-assets", "single_files", ("-f", "only_assets.py")),
    Case("only-job", "single_files", ("-f", "only_job.py"), since=OLDER[0]),
    Case("package", "package_target", ("--package-name", "shop"), since=OLDER[0]),
    Case("attribute", "attribute_target", ("-f", "pipeline.py", "-a", "production")),
    Case("function", "attribute_target", ("-f", "pipeline.py", "-a", "make_staging")),
    Case("working-directory", "workspace_yaml/more", ("-m", "second", "-a", "chosen")),
    Case("lazy", "lazy", ("-m", "lazy_project.definitions"), since="1.10.21"),
    Case("components", "components", ("-m", "parts.definitions"), since="1.11.16"),
)


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _versions_and_cases() -> list[Any]:
    return [
        pytest.param(
            version,
            case,
            id=f"{version}-{case.id}",
            marks=[] if version in (NEWEST, OLDEST) else [pytest.mark.matrix],
        )
        for version in (*OLDER, *SUPPORTED)
        for case in CASES
        if _order(version) >= _order(case.since)
    ]


def official(
    python: Path, folder: Path, *target: str, **variables: str
) -> dict[tuple[str, str], int]:
    """What the snippet prints, by kind of snapshot and name."""
    done = subprocess.run(
        [python, "-W", "ignore", SNIPPET, *target],
        cwd=folder,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("DAGSTER_")},
            "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
            **variables,
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    sizes: dict[tuple[str, str], int] = {}
    for repository, found in json.loads(done.stdout.splitlines()[-1]).items():
        sizes[repository, "repository"] = found["stored_bytes"]
        for job, size in found["jobs"].items():
            sizes[repository, f"job {job}"] = size
    return sizes


def measured(location: Any) -> dict[tuple[str, str], int]:
    """The same of our report."""
    sizes = {
        (
            snapshot["repository"],
            "repository" if snapshot["kind"] == "repository" else f"job {snapshot['name']}",
        ): snapshot["stored_bytes"]
        for snapshot in location["snapshots"]
    }
    assert len(sizes) == len(location["snapshots"]), "two snapshots have one name"
    return sizes


@pytest.mark.parametrize(("version", "case"), _versions_and_cases())
def test_stored_bytes_are_those_of_the_documented_snippet(
    dagster_python: Callable[..., Path], version: str, case: Case
) -> None:
    python = dagster_python(version)
    folder = PROJECTS / case.project

    whole = measure_json(*case.target, "--python", python, cwd=folder)

    (location,) = whole["locations"]
    assert location["error"] is None, location["error"]
    assert location["dagster_version"] == version
    assert measured(location) == official(python, folder, *case.target)


@pytest.mark.matrix
@pytest.mark.parametrize(("version", "case"), _versions_and_cases())
def test_verified_texts_are_those_of_dagster_itself(
    dagster_python: Callable[..., Path], version: str, case: Case
) -> None:
    whole = measure_json(
        *case.target,
        *("--verify", "--python", dagster_python(version)),
        cwd=PROJECTS / case.project,
    )
    (location,) = whole["locations"]
    assert location["error"] is None, location["error"]


def fields_of(snapshot: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The fields of a serialized snapshot that ledgers label, each with the object it is in."""
    yield from (("snapshot", name) for name in snapshot)
    lists = {n: value for n, value in snapshot.items() if isinstance(value, list)}
    lists.pop("metadata", None)  # a value: its entries are not objects of their own
    definitions = snapshot.get("solid_definitions_snapshot", {})
    for structure in (snapshot, *definitions.get("composite_solid_def_snaps", ())):
        nodes = structure.get("dep_structure_snapshot", {}).get("solid_invocation_snaps", [])
        lists.setdefault("solid_invocation_snaps", []).extend(nodes)
    for kind in ("solid_def_snaps", "composite_solid_def_snaps"):
        lists[kind] = definitions.get(kind, [])
    for kind, members in lists.items():
        for member in members:
            yield from ((kind, name) for name in member if isinstance(member, dict))


@pytest.mark.parametrize(
    "version",
    [
        pytest.param(version, marks=[] if version in (NEWEST, OLDEST) else [pytest.mark.matrix])
        for version in SUPPORTED
    ],
)
def test_every_field_of_every_dagster_has_a_row(
    dagster_python: Callable[..., Path], tmp_path: Path, version: str
) -> None:
    texts = tmp_path / "texts.json"
    everything = CASES[0]
    folder = PROJECTS / everything.project
    official(dagster_python(version), folder, *everything.target, "--texts", str(texts))
    snapshots = [json.loads(text) for text in json.loads(texts.read_text())]
    assert len(snapshots) > 2
    found = {field for snapshot in snapshots for field in fields_of(snapshot)}
    missing = sorted(f"{name} of {kind}" for kind, name in found if name not in FIELDS)
    assert not missing, f"add rows to core/dagster_fields.py for {', '.join(missing)}"


@pytest.mark.parametrize(
    "version",
    [
        pytest.param(version, marks=[] if version == NEWEST else [pytest.mark.matrix])
        for version in SUPPORTED
        if _order(version) >= _order("1.11.16")
    ],
)
def test_a_state_backed_component_is_measured_with_its_state_and_fails_without(
    dagster_python: Callable[..., Path],
    copy_project: Callable[[str], Path],
    version: str,
) -> None:
    python = dagster_python(version)
    folder = copy_project("stateful")
    before = sorted(folder.rglob("*"))

    without = measure_json("--python", python, cwd=folder)

    assert without["exit_status"] == 3
    (finding,) = without["findings"]
    assert finding["rule"] == "measurement-failed"
    assert "RemoteCatalog[shop]" in finding["message"]
    assert sorted(folder.rglob("*")) == before, "measuring left something in the project"

    refreshed = subprocess.run(
        [python, "-W", "ignore", "refresh.py"],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert refreshed.returncode == 0, refreshed.stderr
    (location,) = measure_json("--python", python, cwd=folder)["locations"]

    assert location["error"] is None, location["error"]
    assert {asset["key"] for asset in location["assets"]} == {
        "beside",
        "shop/customers",
        "shop/orders",
        "shop/products",
    }
    target = ("--autoload-defs-module-name", "remote_tables.defs", "--location-name", "stateful")
    assert measured(location) == official(python, folder, *target)
