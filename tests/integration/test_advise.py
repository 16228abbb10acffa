"""What the advice says is true: do it to a real project, and the snapshots shrink by that much.

And what the command prints, in every form.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dagster_snapsize.core.advice.scan import Scan
from dagster_snapsize.core.ledger import attribute_job, attribute_repository
from dagster_snapsize.core.model import Repeat, Saving
from support import ROOT
from support.command import lines, measure_json, snapsize
from support.json_keys import check_documented, documented, keys_of
from support.savings_kinds import KINDS
from support.versions import every_version

PROJECT = ROOT / "tests" / "support" / "savings_project.py"
VERSIONS = every_version("savings")


def texts(folder: Path) -> dict[str, bytes]:
    """The serialized snapshots in a folder, by name."""
    return {path.stem: path.read_bytes() for path in folder.iterdir()}


def possible_savings(whole: Mapping[str, bytes]) -> list[Repeat | Saving]:
    """What is seen in these snapshots."""
    scan = Scan("r")
    _, index = attribute_repository(
        whole["repository"], partial(scan.scan_repository, "repository")
    )
    for name, text in whole.items():
        if name != "repository":
            attribute_job(text, index, partial(scan.scan_job, name))
    return [*scan.repeats(), *scan.savings()]


@pytest.fixture(scope="session")
def written(
    dagster_python: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """A function: Dagster version -> the folder of the project's texts in every variant."""
    known: dict[str, Path] = {}

    def write(version: str) -> Path:
        if version not in known:
            known[version] = tmp_path_factory.mktemp(f"savings-{version}")
            subprocess.run(
                [str(dagster_python(version)), str(PROJECT), str(known[version])],
                capture_output=True,
                timeout=300,
                check=True,
            )
        return known[version]

    return write


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_done_saves_what_was_said_to_the_byte(
    written: Callable[[str], Path], version: str, kind: str
) -> None:
    folder = written(version)
    whole, after = texts(folder / "whole"), texts(folder / kind.replace("/", "."))
    shrunk = {name: len(text) - len(after.get(name, b"")) for name, text in whole.items()}
    (said,) = [
        found
        for found in possible_savings(whole)
        if (isinstance(found, Repeat) and found.field == kind)
        or (
            isinstance(found, Saving)
            and kind in (found.kind, f"{found.kind} {found.field}")
            and (kind != "job" or found.field == "to_go")
        )
    ]
    assert dict(said.by_snapshot) == {name: size for name, size in shrunk.items() if size}
    assert said.saved_bytes > 1000


def stored(location: Any) -> dict[str, int]:
    """Stored bytes by snapshot, in the JSON of a measurement."""
    return {snapshot["id"]: snapshot["stored_bytes"] for snapshot in location["snapshots"]}


def shrunk(folder: Path, *arguments: str | Path, change: Callable[[], None]) -> dict[str, int]:
    """How many bytes go from each snapshot with that change of the project."""
    (before,) = measure_json(*arguments, cwd=folder)["locations"]
    change()
    (after,) = measure_json(*arguments, cwd=folder)["locations"]
    left = stored(after)
    found = {name: size - left.get(name, 0) for name, size in stored(before).items()}
    return {name: size for name, size in found.items() if size}


def test_the_sql_of_dbt_models_and_their_code_references(
    dbt_project: Path, environment: Callable[[str], Path]
) -> None:
    python = ("--python", environment("dbt"))
    definitions = dbt_project / "definitions.py"
    source = definitions.read_text(encoding="utf-8")
    source = source.replace('bool(os.environ.get("CODE_REFERENCES"))', "True")
    definitions.write_text(source, encoding="utf-8")
    manifest = dbt_project / "jaffle" / "target" / "manifest.json"
    parsed = json.loads(manifest.read_text(encoding="utf-8"))
    for node in parsed["nodes"].values():
        node["raw_code"] = node.get("raw_code", "") + "\n-- real models are longer" * 20
    manifest.write_text(json.dumps(parsed), encoding="utf-8")
    asked = snapsize("advise", "--format", "json", *python, cwd=dbt_project)
    assert asked.status == 0, asked.stderr
    (location,) = asked.json["locations"]
    said = {advice["kind"]: advice["by_snapshot"] for advice in location["advice"]}
    how = {advice["kind"]: advice["how"] for advice in location["advice"]}

    def without_sql() -> None:
        # Its name is as long as that of the class before it, which every asset's metadata holds.
        override = """
class PlainDescriptionsDbt(DagsterDbtTranslator):
    def get_description(self, dbt_resource_props):
        return dbt_resource_props.get("description", "")


translator = PlainDescriptionsDbt("""
        changed = source.replace("translator = DagsterDbtTranslator(", override.strip())
        assert changed != source
        definitions.write_text(changed, encoding="utf-8")

    def without_references() -> None:
        definitions.write_text(source.replace("references = True", "references = False"))

    assert 'dbt_resource_props.get("description", "")' in how["raw-sql"]
    went = shrunk(dbt_project, *python, change=without_sql)
    # A model without a description of its own has that of the function then.
    assert went == pytest.approx(said["raw-sql"], rel=0.01)
    definitions.write_text(source, encoding="utf-8")
    assert said["code-references"] == shrunk(dbt_project, *python, change=without_references)


def test_the_columns_of_dbt_models_and_what_reads_them(
    dbt_project: Path, environment: Callable[[str], Path]
) -> None:
    python = ("--python", environment("dbt"))
    definitions = dbt_project / "definitions.py"
    source = definitions.read_text(encoding="utf-8")
    manifest = dbt_project / "jaffle" / "target" / "manifest.json"
    parsed = json.loads(manifest.read_text(encoding="utf-8"))
    for model, node in enumerate(parsed["nodes"].values()):
        columns = {f"{model}_column_{n}": {"data_type": "varchar(255)"} for n in range(40)}
        node["columns"] = {name: {"name": name, **column} for name, column in columns.items()}
    manifest.write_text(json.dumps(parsed), encoding="utf-8")

    def without_columns() -> None:
        # Its name is as long as that of the class before it, which every asset's metadata holds.
        override = """
class NoColumnsInSnapshots(DagsterDbtTranslator):
    def get_metadata(self, dbt_resource_props):
        metadata = super().get_metadata(dbt_resource_props)
        return {k: v for k, v in metadata.items() if k != "dagster/column_schema"}


translator = NoColumnsInSnapshots("""
        changed = source.replace("translator = DagsterDbtTranslator(", override.strip())
        assert changed != source
        definitions.write_text(changed, encoding="utf-8")

    asked = snapsize("advise", "--format", "json", *python, cwd=dbt_project)
    (location,) = asked.json["locations"]
    (advice,) = [a for a in location["advice"] if a["field"] == "metadata: dagster/column_schema"]
    assert advice["kind"] == "field"
    assert "`get_metadata`" in advice["how"]
    assert "MaterializeResult" not in advice["how"]
    assert shrunk(dbt_project, *python, change=without_columns) == advice["by_snapshot"]
    # The tags of its kinds are dagster-dbt's own.
    assert not [a for a in location["advice"] if a["field"] == "tags"]

    reader = (
        "def of(context):\n    return context.definition_metadata.get('dagster/column_schema')\n"
    )
    (dbt_project / "reads.py").write_text(reader, encoding="utf-8")
    definitions.write_text(f"import reads\n{source}", encoding="utf-8")
    asked = snapsize("advise", "--format", "json", *python, cwd=dbt_project)
    (again,) = [
        a["how"] for a in asked.json["locations"][0]["advice"] if a["field"] == advice["field"]
    ]
    assert again.startswith("reads.py:2 reads it from the definition: change that first. ")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A location of 60 assets and two jobs, as the benchmarks generate it."""
    folder = tmp_path_factory.mktemp("warehouse")
    generate = ROOT / "benchmarks" / "generate.py"
    subprocess.run([sys.executable, generate, "60x2", folder], check=True)
    return folder


def test_the_command_in_every_form(warehouse: Path, python: Path) -> None:
    target = ("-m", "warehouse.definitions", "--python", python)
    text = snapsize("advise", *target, "--top", "2", "--split", "2", cwd=warehouse)
    assert (text.status, text.stderr) == (0, "")
    assert "Each saving is counted alone;" in text.stdout
    assert "the same automation condition on 12 assets" in text.stdout
    assert "as 2 locations, by " in text.stdout
    whole = snapsize("advise", *target, "--split", "2", "--format", "json", cwd=warehouse).json
    (location,) = whole["locations"]
    for advice in location["advice"]:
        assert advice["saved_bytes"] == sum(advice["by_snapshot"].values())
        assert advice["asset_count"] >= len(advice["assets"]) > 0
        assert all((warehouse / found["path"]).is_file() for found in advice["places"])
    sizes = [advice["saved_bytes"] for advice in location["advice"]]
    assert sizes == sorted(sizes, reverse=True)
    split = location["split"]
    assert sum(len(part["assets"]) for part in split["parts"]) == 60
    check_documented(
        {key for key in keys_of(whole) if not key.startswith("upgrade")}, documented("`advise`")
    )
    table = snapsize("advise", *target, "--format", "markdown", cwd=warehouse)
    assert [line for line in lines(table.stdout) if line.startswith("| saves |")]
    assert not table.leftovers()


def test_what_has_nothing_to_give_is_said_in_a_sentence(tmp_path: Path, python: Path) -> None:
    source = (
        "import dagster as dg\n@dg.asset\ndef one(): ...\ndefs = dg.Definitions(assets=[one])\n"
    )
    (tmp_path / "definitions.py").write_text(source)
    asked = snapsize("advise", "--python", python, "--split", "2", cwd=tmp_path)
    assert asked.status == 0, asked.stderr
    assert "Nothing to advise:" in asked.stdout
    assert "cannot be split: it has one asset" in asked.stdout
    wrong = snapsize("advise", "--python", python, "--split", "1", cwd=tmp_path)
    assert wrong.status == 2
    assert "--split" in wrong.stderr


def test_a_location_that_cannot_be_loaded(tmp_path: Path, python: Path) -> None:
    (tmp_path / "definitions.py").write_text("1 / 0\n")
    for form in ("text", "json", "markdown"):
        asked = snapsize(
            "advise", "--python", python, "--format", form, "--split", "2", cwd=tmp_path
        )
        assert asked.status == 3, asked.stderr
        assert "ZeroDivisionError" in asked.stdout
        assert "Traceback" not in asked.stderr
