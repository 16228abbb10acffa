"""The steps that the probe takes in its own way have the outcome of Dagster's own."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from support import ROOT, known_dagster
from support.command import snapsize
from support.environments import NEWEST, dagster_python
from support.versions import every_version

RANDOM = ROOT / "tests" / "support" / "random_objects.py"
VERSIONS = every_version()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_step_of_a_supported_dagster_is_known_and_comes_to_the_same(version: str) -> None:
    last = known_dagster.measure_both_ways(version)
    assert last["type"] == "done", last
    assert last["unknown_steps"] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_random_objects_are_serialized_to_the_byte(version: str) -> None:
    command = [dagster_python(version), RANDOM, known_dagster.PROBE, "7", "20"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["compared"] > 10 * found["classes"]
    # What Dagster serializes in ways of its own is left to it: a handful of classes.
    assert found["packed"] >= found["classes"] - 5


def _sizes(probe: Path, python: Path) -> tuple[dict[str, tuple[int, int]], list[str]]:
    """Stored and wire bytes by snapshot, and the steps that are unknown, of this probe."""
    frames = known_dagster.frames(python, probe=probe, verify=False)
    sizes = {
        f"{header['kind']} {header['name']}": (header["stored_bytes"], header["wire_bytes"])
        for header in frames
        if header["type"] == "snapshot"
    }
    return sizes, frames[-1]["unknown_steps"]


def test_a_dagster_that_is_not_known_takes_its_own_way_to_the_same_sizes(tmp_path: Path) -> None:
    probe = tmp_path / "probe"
    shutil.copytree(known_dagster.PROBE, probe, ignore=shutil.ignore_patterns("__pycache__"))
    names = ("PACKING", "JOB_IDS", "REQUIREMENTS")
    (probe / "fastpath" / "known.py").write_text("".join(f"{name} = {{}}\n" for name in names))
    python = dagster_python(NEWEST)
    known, nothing = _sizes(known_dagster.PROBE, python)
    own, unknown = _sizes(probe, python)
    assert own == known
    assert nothing == []
    assert unknown == ["packing", "job_ids", "requirements"]


def test_a_function_that_somebody_replaced_is_not_gone_around(tmp_path: Path) -> None:
    """As tracing tools do: their wrapper must be called, so nothing is known of it."""
    package = tmp_path / "traced"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import dagster\n"
        "from dagster_shared.serdes import serdes\n"
        "original = serdes.ObjectSerializer.pack_items\n"
        "serdes.ObjectSerializer.pack_items = lambda *a, **k: original(*a, **k)\n"
    )
    environment = tmp_path / "environment"
    program = [dagster_python(NEWEST), "-m", "venv", "--system-site-packages", environment]
    subprocess.run(program, check=True)
    site = next((environment / "lib").glob("python3*")) / "site-packages"
    parent = next((dagster_python(NEWEST).parent.parent / "lib").glob("python3*")) / "site-packages"
    # A .pth file is read when the interpreter starts: before the probe.
    (site / "traced.pth").write_text(f"{parent}\n{tmp_path}\nimport traced\n")
    sizes, unknown = _sizes(known_dagster.PROBE, environment / "bin" / "python")
    assert unknown == ["packing"]
    assert sizes == _sizes(known_dagster.PROBE, dagster_python(NEWEST))[0]


@pytest.mark.parametrize(
    "replacement",
    [
        "from dagster._core.snap import job_snapshot as m\n"
        "m.create_snapshot_id = lambda thing: 'f' * 130\n",
        "from dagster._core.definitions.metadata import MetadataFieldSerializer as m\n"
        "own = m.pack\n"
        "m.pack = lambda *a, **k: own(*a, **k) * 2\n",
        "from dagster_shared.serdes import serdes as m\n"
        "own = m.seven.json.dumps\n"
        "m.seven.json.dumps = lambda thing, **k: own(thing, **k).replace(' ', '  ')\n",
        "from json import JSONEncoder as m\n"
        "own = m.iterencode\n"
        "m.iterencode = lambda *a, **k: [x.replace(' ', '  ') for x in own(*a, **k)]\n",
        "from dagster_shared.serdes.serdes import ObjectSerializer as m\n"
        "m.pack_items.__code__ = (lambda self, *a: iter([('__class__', 'X')])).__code__\n",
    ],
    ids=["create_snapshot_id", "pack", "dumps", "iterencode", "code"],
)
def test_functions_that_definitions_replace_while_they_load_are_called(
    replacement: str, tmp_path: Path
) -> None:
    python = dagster_python(NEWEST)
    definitions = (
        "import dagster as dg\n"
        "@dg.asset(metadata={'a': 1, 'b': 'text'})\n"
        "def one(): ...\n"
        "defs = dg.Definitions([one], jobs=[dg.define_asset_job('job', [one])])\n"
    )
    (tmp_path / "plain.py").write_text(definitions)
    (tmp_path / "replacing.py").write_text(definitions + replacement)
    probe = tmp_path / "probe"
    shutil.copytree(known_dagster.PROBE, probe, ignore=shutil.ignore_patterns("__pycache__"))
    names = ("PACKING", "JOB_IDS", "REQUIREMENTS")
    (probe / "fastpath" / "known.py").write_text("".join(f"{name} = {{}}\n" for name in names))

    def sizes(module: str, probe: Path) -> list[int]:
        frames = known_dagster.frames_of(module, tmp_path, python, probe=probe)
        assert frames[-1]["type"] == "done", frames[-1]
        return [f["stored_bytes"] for f in frames if f["type"] == "snapshot"]

    dagsters_own = sizes("replacing", probe)
    assert dagsters_own != sizes("plain", probe)
    assert sizes("replacing", known_dagster.PROBE) == dagsters_own


def test_measure_verify_says_that_every_text_is_dagsters_own() -> None:
    flags = ["--verify", "--python", str(dagster_python(NEWEST)), "-m", "everything.definitions"]
    done = snapsize("measure", *flags, cwd=known_dagster.EVERYTHING)
    assert done.status == 0, done.stderr
    said = f"snapshots are byte for byte what Dagster {NEWEST} serializes"
    assert said in done.stdout + done.stderr


def test_a_text_that_is_not_dagsters_own_is_no_measurement(tmp_path: Path) -> None:
    probe = tmp_path / "probe"
    shutil.copytree(known_dagster.PROBE, probe, ignore=shutil.ignore_patterns("__pycache__"))
    packing = probe / "fastpath" / "serializer.py"
    packing.write_text(packing.read_text().replace('"true" if value', '"True" if value'))
    last = known_dagster.frames(dagster_python(NEWEST), probe=probe, verify=True)[-1]
    assert last["type"] == "failed"
    assert last["message"].startswith("some snapshots differ from what Dagster itself makes: ")


@pytest.mark.parametrize("version", VERSIONS)
def test_databases_that_no_definition_uses_are_not_imported(version: str, tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("import dagster\ndefs = dagster.Definitions()\n")
    (tmp_path / "using.py").write_text(
        "import dagster\n"
        "@dagster.repository\n"
        "def defs():\n"
        "    from dagster._utils.test import wrap_op_in_graph\n"
        "    return [wrap_op_in_graph] * 0\n"
    )

    def modules(target: str) -> set[str]:
        frames = known_dagster.frames_of(target, tmp_path, dagster_python(version))
        assert frames[-1]["type"] == "done", frames[-1]
        return set(next(f for f in frames if f["type"] == "inputs")["modules"])

    plain, using = modules("plain"), modules("using")
    assert not {"sqlalchemy", "dagster._utils.test"} & plain
    # Who asks for something that is in there gets it.
    assert {"sqlalchemy", "dagster._utils.test"} <= using
