"""Writes a dbt project of N models and the code location that loads its manifest.

    python benchmarks/generate_dbt.py 3000 FOLDER

makes the dbt project ``dbt`` and the package ``warehouse`` in FOLDER. Models have 4 to 16 columns
with descriptions, and three or four tests each, as many as the manifests of real projects have: a
unique key that is never null, accepted values, relationships to the models before. The manifest is
that of ``dbt parse``, which takes minutes for thousands of models: it is made once and kept in
``.cache/benchmark``.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support import environments  # noqa: E402

PER_FOLDER = 50
LAYERS = ("staging", "intermediate", "marts")
TYPES = ("bigint", "varchar", "timestamp", "numeric", "boolean")

PROJECT = """name: warehouse
version: "1.0.0"
config-version: 2
profile: warehouse
flags:
  send_anonymous_usage_stats: false
models:
  warehouse:
    staging:
      +materialized: view
    marts:
      +materialized: table
      +tags: [mart]
"""

PROFILE = """warehouse:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: target/warehouse.duckdb
"""

DEFINITIONS = '''"""The models of a dbt project as assets."""

from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

PROJECT = DbtProject(project_dir=Path(__file__).parents[1] / "dbt")


@dbt_assets(manifest=PROJECT.manifest_path, project=PROJECT)
def models(context: dg.AssetExecutionContext, dbt: DbtCliResource):
    yield from dbt.cli(["build"], context=context).stream()


defs = dg.Definitions(
    assets=[models],
    jobs=[
        dg.define_asset_job("everything"),
        dg.define_asset_job("marts", selection='tag:"mart"'),
    ],
    resources={"dbt": DbtCliResource(project_dir=PROJECT)},
)
'''


def write(models: int, folder: Path) -> None:
    """Write the project, its manifest and the package; takes minutes where that is not known yet.

    Raises CalledProcessError where dbt cannot parse what was written.
    """
    project = folder / "dbt"
    project.mkdir(parents=True, exist_ok=True)
    (project / "dbt_project.yml").write_text(PROJECT)
    (project / "profiles.yml").write_text(PROFILE)
    for first in range(0, models, PER_FOLDER):
        numbers = range(first, min(first + PER_FOLDER, models))
        inside = project / "models" / _layer(first, models) / f"area_{first // PER_FOLDER:03}"
        inside.mkdir(parents=True, exist_ok=True)
        for number in numbers:
            (inside / f"model_{number}.sql").write_text(_sql(number, models))
        (inside / "schema.yml").write_text(
            "version: 2\nmodels:\n" + "".join(_properties(n, models) for n in numbers)
        )
    (project / "models" / "sources.yml").write_text(_sources(models))
    (project / "target").mkdir(exist_ok=True)
    shutil.copyfile(_manifest(project, models), project / "target" / "manifest.json")
    package = folder / "warehouse"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "definitions.py").write_text(DEFINITIONS)


def _manifest(project: Path, models: int) -> Path:
    """The manifest of that project, from an earlier run where it has one."""
    digest = hashlib.sha256(" ".join(environments.requirements("dbt")).encode())
    for path in sorted(path for path in project.rglob("*") if path.is_file()):
        digest.update(path.read_bytes())
    kept = ROOT / ".cache" / "benchmark" / f"manifest-{models}-{digest.hexdigest()[:12]}.json"
    if not kept.exists():
        subprocess.run(
            [
                *(environments.environment("dbt").with_name("dbt"), "--no-version-check"),
                *("--quiet", "parse", "--profiles-dir", "."),
            ],
            cwd=project,
            env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
            stdout=sys.stderr,
            check=True,
        )
        kept.parent.mkdir(parents=True, exist_ok=True)
        whole = kept.with_suffix(f".{os.getpid()}")
        shutil.copyfile(project / "target" / "manifest.json", whole)
        whole.replace(kept)
    return kept


def _layer(number: int, models: int) -> str:
    """Whole folders of models to a layer, in three equal parts."""
    first = number // PER_FOLDER * PER_FOLDER
    return LAYERS[min(first * len(LAYERS) // max(models, 1), len(LAYERS) - 1)]


def _before(number: int, models: int) -> list[int]:
    """The models that one reads: up to three of earlier ones, none in the first layer."""
    if _layer(number, models) == LAYERS[0]:
        return []
    start = number // PER_FOLDER * PER_FOLDER
    return sorted({(number * step) % start for step in (1, 7, 31)})


def _columns(number: int) -> list[str]:
    return ["id", *(f"column_{n}" for n in range(1, 4 + number % 13))]


def _sql(number: int, models: int) -> str:
    before = _before(number, models)
    read = [f"{{{{ ref('model_{n}') }}}}" for n in before]
    read = read or [f"{{{{ source('raw', 'table_{number % _tables(models)}') }}}}"]
    listed = ",\n".join(
        f"        cast(column_{n} as {TYPES[(number + n) % len(TYPES)]}) as {name}"
        for n, name in enumerate(_columns(number))
    )
    parts = [
        f"part_{n} as (\n    select\n{listed}\n    from {text}\n)" for n, text in enumerate(read)
    ]
    union = "\nunion all\n".join(f"select * from part_{n}" for n in range(len(read)))
    return f"with {', '.join(parts)}\n\n{union}\n"


def _properties(number: int, models: int) -> str:
    columns = []
    for n, name in enumerate(_columns(number)):
        columns.append(f"      - name: {name}\n")
        columns.append(
            f"        description: What {name} of model {number} holds, and in which unit\n"
        )
        tests = ["unique", "not_null"] if not n else []
        if n == 1 and _before(number, models):
            target = f"to: ref('model_{_before(number, models)[0]}'), field: id"
            tests.append(f"relationships: {{arguments: {{{target}}}}}")
        if n == 2 and number % 2:
            tests.append("accepted_values: {arguments: {values: [new, open, closed]}}")
        if tests:
            columns.append("        data_tests:\n")
            columns += [f"          - {test}\n" for test in tests]
    described = f"Model {number}. " + "It is rebuilt from its sources. " * (1 + number % 6)
    return (
        f"  - name: model_{number}\n    description: {described.strip()}\n"
        f"    config:\n      meta: {{cost_center: {number % 40}}}\n"
        f"    columns:\n{''.join(columns)}"
    )


def _tables(models: int) -> int:
    return max(1, models // 10)


def _sources(models: int) -> str:
    tables = "".join(
        f"      - name: table_{n}\n        description: Loaded every hour\n"
        for n in range(_tables(models))
    )
    return f"version: 2\nsources:\n  - name: raw\n    schema: raw\n    tables:\n{tables}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=int)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    write(given.models, given.folder)
