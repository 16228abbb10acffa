"""A proposed split is true: made for real, each location has the bytes that were said."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from dagster_snapsize.core.advice.scan import Scan
from dagster_snapsize.core.advice.split import Split, propose
from dagster_snapsize.core.ledger import attribute_job, attribute_repository
from dagster_snapsize.core.ledger.totals import asset_costs
from dagster_snapsize.core.model import Environment, Measurement, Seconds, Snapshot
from support import ROOT
from support.versions import every_version

PROJECT = ROOT / "tests" / "support" / "split_project.py"
TOLERANCE = 0.03
VERSIONS = every_version()


def measured(folder: Path) -> Measurement:
    """What is known of the location whose texts are in that folder."""
    scan = Scan("r")
    texts = {path.stem: path.read_bytes() for path in folder.iterdir()}
    drawn, index = attribute_repository(
        texts.pop("repository"), partial(scan.scan_repository, "repository")
    )
    ledgers = {"repository": drawn}
    for name, text in sorted(texts.items()):
        ledgers[name] = attribute_job(text, index, partial(scan.scan_job, name))
    snapshots = tuple(
        Snapshot(
            id=name,
            kind="repository" if name == "repository" else "job",
            name=name.removeprefix("job-"),
            repository="r",
            stored_bytes=ledger.stored_bytes,
            wire_bytes=ledger.stored_bytes + 150,
            ledger=ledger,
        )
        for name, ledger in ledgers.items()
    )
    facts = index.assets.values()
    costs = asset_costs(
        "r", snapshots, {}, {a.key: a.group for a in facts}, {a.key: a.deps for a in facts}
    )
    return Measurement(
        name="shop",
        target={},
        python="",
        python_version="",
        dagster_version="",
        seconds=Seconds(),
        peak_rss_bytes=0,
        snapshots=snapshots,
        assets=costs,
        definition_files=(),
        environment=Environment((), (), ()),
        stub_bytes=scan.stub_bytes,
    )


def write(python: Path, folder: Path, parts: list[list[str]]) -> None:
    """Have the project's texts written."""
    keys = folder / "keys.json"
    keys.write_text(json.dumps(parts), encoding="utf-8")
    subprocess.run([str(python), str(PROJECT), str(folder), str(keys)], check=True, timeout=300)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_location_has_the_bytes_that_were_said(
    dagster_python: Callable[[str], Path], tmp_path: Path, version: str
) -> None:
    python = dagster_python(version)
    write(python, tmp_path, [])
    whole = measured(tmp_path / "whole")
    found: Split = propose(whole, 3, lambda snapshot: (1_000_000, False), 0.2)
    assert sorted(key for part in found.parts for key in part.assets) == sorted(
        asset.key for asset in whole.assets
    )
    # Two assets of one op are not torn apart.
    (together,) = [part for part in found.parts if "layer_3/one" in part.assets]
    assert "layer_0/two" in together.assets
    assert 0 < found.crossing_count < found.edges / 2
    write(python, tmp_path, [list(part.assets) for part in found.parts])
    for number, part in enumerate(found.parts):
        real = {s.name: s.stored_bytes for s in measured(tmp_path / str(number)).snapshots}
        said = {snapshot.name: snapshot.stored_bytes for snapshot in part.snapshots}
        assert said.keys() == real.keys()
        for name, size in said.items():
            assert abs(size - real[name]) <= TOLERANCE * real[name], (number, name, size, real)
